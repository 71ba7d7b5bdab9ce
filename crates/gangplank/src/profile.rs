//! The AWS CLI's files: sections of `key = value` lines.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// One section of a file; a setting that is not there is `None`.
pub(crate) type Section = HashMap<String, String>;

/// Reads one section of a file. A missing file or section has no settings.
pub(crate) fn section(path: &Path, name: &str) -> Result<Section> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(parse(&text, name)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Section::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The name of a profile's section in `config`; in `credentials` it is the profile's own.
pub(crate) fn config_section(profile: &str) -> String {
    if profile == "default" { profile.to_owned() } else { format!("profile {profile}") }
}

/// A file of the AWS CLI's: where `variable` says, else under `~/.aws`.
pub(crate) fn path(variable: &str, file: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(path) => path.into(),
        None => PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".aws").join(file),
    }
}

fn parse(text: &str, wanted: &str) -> Section {
    let mut section = Section::new();
    let mut inside = false;
    for line in text.lines() {
        let bare = line.trim();
        if let Some(name) = bare.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            inside = name.split_whitespace().eq(wanted.split_whitespace());
        } else if inside && !bare.starts_with(['#', ';']) && !line.starts_with([' ', '\t']) {
            // Indented lines belong to nested settings, which nothing here reads.
            if let Some((key, value)) = bare.split_once('=') {
                section.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
            }
        }
    }
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_read_alone() {
        let text = "[default]\naws_access_key_id = A\n; a comment\n# another = one\n\
                    s3 =\n  nested = no\n[ profile  x ]\nregion=eu-west-1 \n[y]\nregion = no\n";
        let default = parse(text, "default");
        assert_eq!(default["aws_access_key_id"], "A");
        assert!(!default.contains_key("nested") && !default.contains_key("another"));
        assert_eq!(parse(text, "profile x")["region"], "eu-west-1");
        assert!(parse(text, "nobody").is_empty());
    }
}
