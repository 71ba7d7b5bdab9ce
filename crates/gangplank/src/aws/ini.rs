//! The AWS CLI's files, read as the AWS CLI reads them: by the rules of Python's `configparser`, as botocore
//! uses it (<https://docs.python.org/3/library/configparser.html#supported-ini-file-structure>). A line that
//! these rules do not allow makes the file unreadable. The error names the line's number.

use std::collections::{HashMap, HashSet};

use crate::cli::words;

/// One section: `key = value`, with keys in lower case. Indented lines under an empty key are separate
/// settings: `endpoint_url = ...` under `lightsail =` becomes `lightsail.endpoint_url`.
pub(crate) type Section = HashMap<String, String>;

/// A line that cannot be parsed: its number, and the reason. The text of the line is not part of it, because it
/// may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {number} {why}")]
pub(crate) struct BadLine {
    number: usize,
    why: &'static str,
}

/// The kinds of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// An empty line, or a comment.
    Nothing,
    /// The head of a section. Holds the name between the brackets.
    Section(String),
    /// The first line of a setting.
    Setting {
        /// Its key, in lower case.
        key: String,
        /// The text behind the key.
        value: String,
    },
    /// A line that continues the setting above it, because it is indented further.
    More(String),
}

/// The byte order mark, with which Windows programs may begin a text.
pub(crate) const MARK: char = '\u{feff}';

/// Splits a text into lines, with the line ends of any system removed.
pub(crate) fn split(text: &str) -> Vec<String> {
    let text = text.trim_start_matches(MARK).replace("\r\n", "\n").replace('\r', "\n");
    text.lines().map(str::to_owned).collect()
}

/// Parses the lines of a file.
///
/// # Errors
/// If a line cannot be parsed, or if a section or a key is there twice.
pub(crate) fn lines(text: &[String]) -> Result<Vec<Line>, BadLine> {
    let mut reader = Reader::default();
    let numbered = text.iter().enumerate();
    numbered.map(|(at, line)| reader.line(line).map_err(|why| BadLine { number: at + 1, why })).collect()
}

/// The indent of a line, in characters.
pub(crate) fn indent(line: &str) -> usize {
    line.chars().take_while(|letter| letter.is_whitespace()).count()
}

#[derive(Default)]
struct Reader {
    section: Option<String>,
    in_setting: bool,
    /// Whether the setting has no value yet, so that the lines below it are separate settings.
    is_nested: bool,
    indent: usize,
    sections: HashSet<String>,
    keys: HashSet<(String, String)>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<Line, &'static str> {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            return Ok(Line::Nothing);
        }
        let indent = indent(line);
        if self.in_setting && indent > self.indent {
            if self.is_nested && !bare.contains('=') {
                return Err("is no `key = value`, which an indented line under an empty setting has to be");
            }
            return Ok(Line::More(bare.to_owned()));
        }
        self.indent = indent;
        if let Some(name) = header(bare) {
            if !self.sections.insert(name.to_owned()) {
                return Err("begins a section that the file has already");
            }
            self.section = Some(name.to_owned());
            self.in_setting = false;
            return Ok(Line::Section(name.to_owned()));
        }
        let Some(section) = &self.section else { return Err("stands before the first [section]") };
        let (key, value) = bare.split_once(['=', ':']).ok_or("is neither a [section] nor `key = value`")?;
        let (key, value) = (key.trim_end().to_lowercase(), value.trim().to_owned());
        if key.is_empty() {
            return Err("has no key before its value");
        }
        if !self.keys.insert((section.clone(), key.clone())) {
            return Err("sets a key that its section has already");
        }
        (self.in_setting, self.is_nested) = (true, value.is_empty());
        Ok(Line::Setting { key, value })
    }
}

fn header(bare: &str) -> Option<&str> {
    let inside = bare.strip_prefix('[')?;
    let end = inside.rfind(']')?;
    (end > 0).then(|| &inside[..end])
}

/// The sections of a file, in its order.
pub(crate) fn sections(lines: Vec<Line>) -> Vec<(String, Section)> {
    let mut sections: Vec<(String, Section)> = Vec::new();
    let mut current = String::new();
    for line in lines {
        match (line, sections.last_mut()) {
            (Line::Section(name), _) => sections.push((name, Section::new())),
            (Line::Setting { key, value }, Some((_, section))) => {
                current.clone_from(&key);
                section.insert(key, value);
            }
            (Line::More(text), Some((_, section))) => go_on(section, &current, &text),
            _ => {}
        }
    }
    sections
}

/// Adds a line to a setting: to its value, or as a separate setting if it has no value.
fn go_on(section: &mut Section, key: &str, text: &str) {
    let value = section.get_mut(key);
    match (value, text.split_once('=')) {
        (Some(value), _) if !value.is_empty() => *value = format!("{value}\n{text}"),
        (_, Some((inner, value))) => {
            section.insert(format!("{key}.{}", inner.trim()), value.trim().to_owned());
        }
        _ => {}
    }
}

/// Splits a section's name into words: `profile "a b"` is two.
pub(crate) fn name_words(name: &str) -> Vec<String> {
    words::split(name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> HashMap<String, Section> {
        sections(lines(&split(text)).unwrap()).into_iter().collect()
    }

    fn refused(text: &str) -> String {
        lines(&split(text)).unwrap_err().to_string()
    }

    #[test]
    fn what_the_aws_cli_takes_is_taken() {
        for text in [
            "[default]\na = 1\nb = x=y\n",
            "[default]\r\nA=1\r\nb: x=y\r\n",
            "\u{feff}[default]\na=1\nb = x=y",
            "[default]\ra=1\rb = x=y\r",
            "    [default]\n    a = 1\n    b = x=y\n",
            "[default]\n    a = 1\n    b = x=y\n",
            "# c = d\n[default] ; behind\n; e\n\n  a = 1\n  # f\n\n  b = x=y\n",
            "[other]\n a = 2\n  more = of a\n[default]\na = 1\n\nb\t=\tx=y",
        ] {
            let found = &read(text)["default"];
            assert_eq!((found["a"].as_str(), found["b"].as_str(), found.len()), ("1", "x=y", 2), "{text:?}");
        }
    }

    #[test]
    fn an_indented_line_goes_on_with_the_setting_above_it() {
        let text =
            "[a]\ns3 =\n  nested = yes\n\n  # c\n  other=1 = 2\nlong = one\n  two\n  three = 3\nend =\n";
        let found = &read(text)["a"];
        assert_eq!((found["s3.nested"].as_str(), found["s3.other"].as_str()), ("yes", "1 = 2"));
        assert_eq!((found["long"].as_str(), found["end"].as_str()), ("one\ntwo\nthree = 3", ""));
        assert!(!found.contains_key("nested") && !found.contains_key("three"));
    }

    #[test]
    fn a_line_that_is_not_understood_is_named_and_not_shown() {
        for (text, expected) in [
            ("[a]\nx = 1\nhunter2\n", "line 3 is neither a [section] nor `key = value`"),
            ("[a]\n\n= hunter2", "line 3 has no key before its value"),
            ("x = hunter2\n[a]\n", "line 1 stands before the first [section]"),
            ("[a]\n[b]\n[a]\n", "line 3 begins a section that the file has already"),
            ("[a]\nx = 1\nX: 2\n", "line 3 sets a key that its section has already"),
            (
                "[a]\ns3 =\n  hunter2\n",
                "line 3 is no `key = value`, which an indented line under an empty setting has to be",
            ),
            ("[a]\n[]\n", "line 2 is neither a [section] nor `key = value`"),
        ] {
            assert_eq!(refused(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_name_has_words_as_a_shell_would_have_them() {
        assert_eq!(name_words(" profile  \"a b\""), ["profile", "a b"]);
        assert_eq!(name_words("profile 'x"), [""; 0]);
    }
}
