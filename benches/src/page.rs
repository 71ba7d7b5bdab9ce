//! A page of the manual whose results are replaced by each run.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Replaces the text between `<!-- begin: NAME -->` and `<!-- end: NAME -->`.
///
/// # Errors
///
/// If the page has no such section.
pub(crate) fn replace(page: &Path, section: &str, text: &str) -> Result<()> {
    let old = fs::read_to_string(page).with_context(|| format!("cannot read {}", page.display()))?;
    let new = replaced(&old, section, text)
        .with_context(|| format!("{} has no section {section}", page.display()))?;
    Ok(fs::write(page, new)?)
}

/// Copies a picture beside the page.
pub(crate) fn put_beside(page: &Path, picture: &Path) -> Result<()> {
    let name = picture.file_name().context("a picture without a name")?;
    fs::copy(picture, page.with_file_name(name))?;
    Ok(())
}

fn replaced(page: &str, section: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- begin: {section} -->\n"), format!("<!-- end: {section} -->"));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{}\n\n{end}{after}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn only_the_section_is_replaced() {
        let page = "a\n<!-- begin: x -->\nold\n<!-- end: x -->\n<!-- begin: y -->\nkept\n<!-- end: y -->\n";
        let new = replaced(page, "x", "new\n").unwrap();
        assert_eq!(
            new,
            "a\n<!-- begin: x -->\n\nnew\n\n<!-- end: x -->\n<!-- begin: y -->\nkept\n<!-- end: y -->\n"
        );
        assert_eq!(replaced(&new, "x", "new").unwrap(), new);
        assert_eq!(replaced(page, "z", "new"), None);
    }
}
