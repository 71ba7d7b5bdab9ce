//! The AWS CLI's files: sections of `key = value` lines.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// One section of a file; a setting that is not there is `None`. Indented lines under a key belong to it:
/// `endpoint_url` under `lightsail =` is `lightsail.endpoint_url`.
pub(crate) type Section = HashMap<String, String>;

/// Reads one section of a file, if it is there. A missing file has no sections.
pub(crate) fn section(path: &Path, name: &str) -> Result<Option<Section>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(parse(&text, name)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The name of a profile's section in `config`; in `credentials` it is the profile's own.
pub(crate) fn config_section(profile: &str) -> String {
    if profile == "default" { profile.to_owned() } else { format!("profile {profile}") }
}

/// A file of the AWS CLI's: where `variable` says, else under `~/.aws`.
pub(crate) fn path(variable: &str, file: &str) -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    match std::env::var_os(variable).map(PathBuf::from) {
        Some(path) => match path.strip_prefix("~") {
            Ok(rest) => home().join(rest),
            Err(_) => path,
        },
        None => home().join(".aws").join(file),
    }
}

fn parse(text: &str, wanted: &str) -> Option<Section> {
    let mut section: Option<Section> = None;
    let mut inside = false;
    let mut outer = String::new();
    for line in text.lines() {
        let bare = line.trim();
        if let Some(name) = bare.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            inside = unquoted(name).eq(wanted.split_whitespace());
            if inside {
                section.get_or_insert_default();
            }
        } else if inside
            && !bare.starts_with(['#', ';'])
            && let Some((key, value)) = bare.split_once('=')
        {
            let mut key = key.trim().to_ascii_lowercase();
            if line.starts_with([' ', '\t']) {
                key = format!("{outer}.{key}");
            } else {
                outer.clone_from(&key);
            }
            section.get_or_insert_default().insert(key, value.trim().to_owned());
        }
    }
    section
}

/// The words of a section's name; quotes around a word are dropped.
fn unquoted(name: &str) -> impl Iterator<Item = &str> {
    name.split_whitespace().map(|word| word.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_read_alone() {
        let text = "[default]\naws_access_key_id = A\n; a comment\n# another = one\n\
                    s3 =\n  nested = no\n[ profile  \"x\" ]\nregion=eu-west-1 \n[y]\nregion = no\n";
        let default = parse(text, "default").unwrap();
        assert_eq!(default["aws_access_key_id"], "A");
        assert_eq!(default["s3.nested"], "no");
        assert!(!default.contains_key("nested") && !default.contains_key("another"));
        assert_eq!(parse(text, "profile x").unwrap()["region"], "eu-west-1");
        assert!(parse(text, "nobody").is_none());
    }
}
