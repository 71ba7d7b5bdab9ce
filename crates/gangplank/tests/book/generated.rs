//! The generated pages in the tree are up to date.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::PROGRAM;

pub(crate) fn check(top: &Path) -> Result<(), String> {
    let made = tempfile::tempdir().unwrap();
    let done = Command::new(PROGRAM).args(["generate", "book"]).arg(made.path()).output().unwrap();
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned());
    }
    let tree = top.join("docs/book/src/reference");
    let written = texts(made.path());
    let names: Vec<&str> = written.keys().map(String::as_str).collect();
    if names
        != ["commands.md", "errors.md", "files.md", "limits.md", "metrics.md", "operations.md", "settings.md"]
    {
        return Err(format!("it wrote {names:?}"));
    }
    let other: Vec<&String> = written
        .iter()
        .filter(|(name, text)| std::fs::read_to_string(tree.join(name)).ok().as_ref() != Some(text))
        .map(|(name, _)| name)
        .collect();
    if other.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{other:?} are not as the program writes them: gangplank generate book docs/book/src/reference"
    ))
}

fn texts(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}
