//! The AWS CLI's files: sections of `key = value` lines.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::{home_folders, private_file};

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

/// A file of the AWS CLI's: where `variable` says, in which `~` is the home folder, else under `~/.aws`.
///
/// # Errors
/// If the home folder is needed and `HOME` is not set.
pub(crate) fn path(variable: &str, file: &str) -> Result<PathBuf> {
    let home = || home_folders::home().with_context(|| format!("cannot find the AWS CLI's file {file:?}"));
    match std::env::var_os(variable).map(PathBuf::from) {
        Some(path) => match path.strip_prefix("~") {
            Ok(rest) => Ok(home()?.join(rest)),
            Err(_) => Ok(path),
        },
        None => Ok(home()?.join(".aws").join(file)),
    }
}

/// Sets keys of a section, which is added if it is not there. What else the file says stays as it is.
///
/// # Errors
/// If the file cannot be read or written, or a value has more than one line.
pub(crate) fn set(path: &Path, name: &str, values: &[(&str, &str)]) -> Result<()> {
    for (key, value) in values {
        ensure!(
            !value.chars().any(char::is_control),
            "the value of {key} cannot stand in {}",
            path.display()
        );
    }
    let text = private_file::read(path)?.unwrap_or_default();
    private_file::replace(path, &with(&text, name, values), private_file::Holds::Secrets)
}

fn with(text: &str, wanted: &str, values: &[(&str, &str)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let header =
        |line: &str| line.trim().strip_prefix('[').and_then(|rest| rest.split(']').next()).map(str::to_owned);
    let is_wanted =
        |line: &String| header(line).is_some_and(|name| unquoted(&name).eq(wanted.split_whitespace()));
    let start = match lines.iter().position(is_wanted) {
        Some(at) => at + 1,
        None => {
            if lines.last().is_some_and(|last| !last.trim().is_empty()) {
                lines.push(String::new());
            }
            lines.push(format!("[{wanted}]"));
            lines.len()
        }
    };
    for (key, value) in values {
        let end = lines[start..]
            .iter()
            .position(|line| header(line).is_some())
            .map_or(lines.len(), |at| start + at);
        // Indented lines belong to the key above them.
        let is_key = |line: &String| {
            !line.starts_with([' ', '\t'])
                && line.split_once('=').is_some_and(|(found, _)| found.trim().eq_ignore_ascii_case(key))
        };
        let line = format!("{key} = {value}");
        match lines[start..end].iter().position(is_key) {
            Some(at) => lines[start + at] = line,
            None => {
                let filled = lines[start..end].iter().rposition(|line| !line.trim().is_empty());
                lines.insert(filled.map_or(start, |at| start + at + 1), line);
            }
        }
    }
    lines.join("\n") + "\n"
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

    #[test]
    fn a_section_is_set_and_the_rest_stays() {
        let values = [("region", "us-east-1"), ("endpoint_url", "http://here/")];
        assert_eq!(
            with("", "profile x", &values),
            "[profile x]\nregion = us-east-1\nendpoint_url = http://here/\n"
        );
        let text =
            "# mine\n[profile \"x\"]\nREGION=old\ns3 =\n  region = inner\n\n[default]\nregion = there\n";
        let set = "# mine\n[profile \"x\"]\nregion = us-east-1\ns3 =\n  region = inner\nendpoint_url = http://here/\n\n\
                   [default]\nregion = there\n";
        assert_eq!(with(text, "profile x", &values), set);
        assert_eq!(with(set, "profile x", &values), set);
        let added = with("[default]\nregion = there", "profile y", &values[..1]);
        assert_eq!(added, "[default]\nregion = there\n\n[profile y]\nregion = us-east-1\n");
    }
}
