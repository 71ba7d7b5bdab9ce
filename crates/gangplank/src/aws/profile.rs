//! Profiles in the AWS CLI's files. A change touches only the lines that it is about.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

pub(crate) use super::ini::Section;
use super::ini::{self, Line};
use crate::files::private_file::Holds;
use crate::files::{home_folders, private_file};

/// One of the AWS CLI's two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `config`. The section of a profile is called `profile NAME`; that of `default` may also be called `default`.
    Config,
    /// `credentials`. The section of a profile has the profile's name.
    Credentials,
}

impl Kind {
    /// The path of the file: the value of its variable, with `~` and variables expanded, else a file under `~/.aws`.
    ///
    /// # Errors
    /// If the home folder is needed and `HOME` is not set.
    pub(crate) fn path(self) -> Result<PathBuf> {
        let (variable, file) = match self {
            Self::Config => ("AWS_CONFIG_FILE", "config"),
            Self::Credentials => ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        };
        let home =
            || home_folders::home().with_context(|| format!("cannot find the AWS CLI's file {file:?}"));
        match std::env::var_os(variable).filter(|path| !path.is_empty()) {
            Some(path) => match path.to_str() {
                Some(path) => Ok(home_folders::expanded(path)?.into()),
                None => Ok(path.into()),
            },
            None => Ok(home()?.join(".aws").join(file)),
        }
    }

    /// Whether a section of the file belongs to a profile.
    pub(crate) fn is_of(self, section: &str, profile: &str) -> bool {
        match self {
            Self::Credentials => section.trim() == profile,
            Self::Config if profile == "default" && section.trim() == "default" => true,
            Self::Config => is_named(section, "profile", profile),
        }
    }

    /// The name of a new section for a profile.
    fn section_of(self, profile: &str) -> String {
        let is_plain = |letter: char| letter.is_alphanumeric() || "_@%+=:,./-".contains(letter);
        match self {
            Self::Config if profile != "default" && profile.chars().all(is_plain) => {
                format!("profile {profile}")
            }
            Self::Config if profile != "default" => format!("profile '{profile}'"),
            _ => profile.to_owned(),
        }
    }

    /// Whether the file holds secrets.
    fn holds(self) -> Holds {
        match self {
            Self::Config => Holds::Settings,
            Self::Credentials => Holds::Secrets,
        }
    }
}

/// Whether a section of `config` is called `WORD NAME`.
pub(crate) fn is_named(section: &str, word: &str, name: &str) -> bool {
    matches!(ini::name_words(section).as_slice(), [first, second] if first == word && second == name)
}

/// Reads the sections of a file. A missing file has none.
///
/// # Errors
/// If the file cannot be read, or if a line cannot be parsed.
pub(crate) fn sections(path: &Path) -> Result<Vec<(String, Section)>> {
    let text = private_file::read(path)?.unwrap_or_default();
    Ok(ini::sections(lines(path, &ini::split(&text))?))
}

fn lines(path: &Path, text: &[String]) -> Result<Vec<Line>> {
    ini::lines(text).with_context(|| format!("{} cannot be used", path.display()))
}

/// Sets keys in a profile's section and removes others. Adds the section if it is missing. Returns the keys that were
/// removed. The rest of the file stays as it is.
///
/// # Errors
/// If the file cannot be read or written, or if a value has more than one line.
pub(crate) fn set(
    path: &Path,
    kind: Kind,
    profile: &str,
    values: &[(&str, &str)],
    unwanted: impl Fn(&str) -> bool,
) -> Result<Vec<String>> {
    for (key, value) in values {
        ensure!(
            !value.chars().any(char::is_control),
            "the value of {key} cannot stand in {}",
            path.display()
        );
    }
    let text = private_file::read(path)?.unwrap_or_default();
    let split = ini::split(&text);
    let read = lines(path, &split)?.into_iter();
    let file = split.into_iter().zip(read).collect();
    let (mut changed, removed) = with(file, kind, profile, values, unwanted);
    if text.contains("\r\n") {
        changed = changed.replace('\n', "\r\n");
    }
    if text.starts_with(ini::MARK) {
        changed.insert(0, ini::MARK);
    }
    private_file::replace(path, &changed, kind.holds())?;
    Ok(removed)
}

fn with(
    mut file: Vec<(String, Line)>,
    kind: Kind,
    profile: &str,
    values: &[(&str, &str)],
    unwanted: impl Fn(&str) -> bool,
) -> (String, Vec<String>) {
    // If there are two sections of `default`, the last one counts.
    let is_wanted =
        |(_, line): &(String, Line)| matches!(line, Line::Section(name) if kind.is_of(name, profile));
    let start = file.iter().rposition(is_wanted).unwrap_or_else(|| {
        if file.last().is_some_and(|(last, _)| !last.trim().is_empty()) {
            file.push((String::new(), Line::Nothing));
        }
        let name = kind.section_of(profile);
        file.push((format!("[{name}]"), Line::Section(name)));
        file.len() - 1
    });
    let is_section = |(_, line): &(String, Line)| matches!(line, Line::Section(_));
    let end = file[start + 1..].iter().position(is_section).map_or(file.len(), |at| start + 1 + at);
    let rest = file.split_off(end);
    let (mut section, mut removed) = (file.split_off(start), Vec::new());
    for (key, value) in values {
        put(&mut section, key, value);
    }
    for key in keys(&section) {
        if unwanted(&key) && !values.iter().any(|(set, _)| *set == key) {
            section.drain(setting(&section, &key));
            removed.push(key);
        }
    }
    let lines = file.into_iter().chain(section).chain(rest).map(|(line, _)| line + "\n");
    (lines.collect(), removed)
}

fn keys(section: &[(String, Line)]) -> Vec<String> {
    let key = |(_, line): &(String, Line)| match line {
        Line::Setting { key, .. } => Some(key.clone()),
        _ => None,
    };
    section.iter().filter_map(key).collect()
}

/// The lines of a setting, with its continuation lines. An empty range if it is not there.
fn setting(section: &[(String, Line)], wanted: &str) -> std::ops::Range<usize> {
    let is_it = |(_, line): &(String, Line)| matches!(line, Line::Setting { key, .. } if key == wanted);
    let Some(start) = section.iter().position(is_it) else { return 0..0 };
    let is_other = |(_, line): &(String, Line)| matches!(line, Line::Setting { .. });
    let end = section[start + 1..].iter().position(is_other).map_or(section.len(), |at| start + 1 + at);
    let is_more = |(_, line): &(String, Line)| matches!(line, Line::More(_));
    let last = section[start..end].iter().rposition(is_more).unwrap_or(0);
    start..start + last + 1
}

fn put(section: &mut Vec<(String, Line)>, key: &str, value: &str) {
    let set = |indent: &str| {
        let line = Line::Setting { key: key.to_owned(), value: value.to_owned() };
        (format!("{indent}{key} = {value}"), line)
    };
    let indent = |line: &str| line.chars().take(ini::indent(line)).collect::<String>();
    let there = setting(section, key);
    if there.is_empty() {
        let filled = section.iter().rposition(|(line, _)| !line.trim().is_empty()).unwrap_or(0);
        // With any other indent, the line would be read as a part of the setting above it, or the next line would be
        // read as a part of this line.
        let above = section.iter().rev().find(|(_, line)| !matches!(line, Line::Nothing | Line::More(_)));
        let indent = above.map(|(line, _)| indent(line)).unwrap_or_default();
        section.insert(filled + 1, set(&indent));
        return;
    }
    let is_so = matches!(&section[there.start].1, Line::Setting { value: found, .. } if found == value);
    if !is_so || there.len() > 1 {
        let indent = indent(&section[there.start].0);
        section.splice(there, [set(&indent)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(text: &str, profile: &str, values: &[(&str, &str)]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, text).unwrap();
        set(&path, Kind::Config, profile, values, |_| false).unwrap();
        std::fs::read_to_string(path).unwrap()
    }

    const VALUES: [(&str, &str); 2] = [("region", "us-east-1"), ("endpoint_url", "http://here/")];

    #[test]
    fn a_section_is_a_profiles_by_its_name() {
        for (section, profile) in [
            ("default", "default"),
            ("profile default", "default"),
            ("profile  \"x\"", "x"),
            ("profile 'a b'", "a b"),
        ] {
            assert!(Kind::Config.is_of(section, profile), "{section}");
        }
        for (section, profile) in
            [("x", "x"), ("profile x y", "x y"), ("services x", "x"), ("profile X", "x")]
        {
            assert!(!Kind::Config.is_of(section, profile), "{section}");
        }
        assert!(Kind::Credentials.is_of("a b", "a b") && !Kind::Credentials.is_of("profile x", "x"));
        assert!(is_named("services mine", "services", "mine"));
    }

    #[test]
    fn a_section_is_set_and_the_rest_stays() {
        assert_eq!(
            changed("", "x", &VALUES),
            "[profile x]\nregion = us-east-1\nendpoint_url = http://here/\n"
        );
        let text = "# mine\n[profile \"x\"]\nREGION=old\n  older\ns3 =\n  region = inner\n\n[default]\nregion = there\n";
        let set = "# mine\n[profile \"x\"]\nregion = us-east-1\ns3 =\n  region = inner\nendpoint_url = http://here/\n\n\
                   [default]\nregion = there\n";
        assert_eq!(changed(text, "x", &VALUES), set);
        assert_eq!(changed(set, "x", &VALUES), set);
        let added = changed("[default]\nregion = there", "a b", &VALUES[..1]);
        assert_eq!(added, "[default]\nregion = there\n\n[profile 'a b']\nregion = us-east-1\n");
        let both = changed("[default]\nregion = a\n[profile default]\nregion = b\n", "default", &VALUES[..1]);
        assert_eq!(both, "[default]\nregion = a\n[profile default]\nregion = us-east-1\n");
    }

    #[test]
    fn what_is_written_is_indented_and_ended_as_the_file_is() {
        let text = "\u{feff}  [profile x]\r\n    region = old\r\n  [default]\r\n    region = there\r\n";
        let set = changed(text, "x", &VALUES);
        assert_eq!(
            set,
            "\u{feff}  [profile x]\r\n    region = us-east-1\r\n    endpoint_url = http://here/\r\n  [default]\r\n    region = there\r\n"
        );
        let found = ini::sections(ini::lines(&ini::split(&set)).unwrap());
        assert_eq!(found[0].1["endpoint_url"], "http://here/");
    }

    #[test]
    fn what_is_not_wanted_goes_with_the_lines_that_belong_to_it() {
        let text = "[profile x]\nstale = a\n  b\n# stays\nregion = us-east-1\n[default]\nstale = a\n";
        let split = ini::split(text);
        let read = ini::lines(&split).unwrap();
        let file = split.into_iter().zip(read).collect();
        let (set, removed) = with(file, Kind::Config, "x", &VALUES[..1], |key| key == "stale");
        assert_eq!(set, "[profile x]\n# stays\nregion = us-east-1\n[default]\nstale = a\n");
        assert_eq!(removed, ["stale"]);
    }
}
