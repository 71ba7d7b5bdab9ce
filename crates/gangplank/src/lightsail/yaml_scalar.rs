//! Text in YAML: which of three styles it needs, and where its lines are folded.

use std::fmt::Write as _;

use super::yaml_words::means_something_else;
use crate::terminal::foreign;

/// After this column a line is folded at the next space.
const WIDTH: usize = 80;
/// A longer key is on its own line.
const LONGEST_KEY: usize = 128;

/// The place of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// A key, before a colon. It is never folded.
    Key,
    /// A value, after a colon or a dash.
    Value,
}

/// A text, with the features that decide about its style.
pub(crate) struct Scalar<'a> {
    text: &'a str,
    plain: bool,
    single_quoted: bool,
    several_lines: bool,
}

impl<'a> Scalar<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let letters: Vec<char> = text.chars().collect();
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut special, mut several_lines, mut break_space, mut space_break) = (false, false, false, false);
        for (at, letter) in letters.iter().enumerate() {
            let before = at.checked_sub(1).map(|before| letters[before]);
            let after = letters.get(at + 1);
            let ends_word = after.is_none_or(|after| is_blank(*after) || is_break(*after));
            let starts_word = before.is_none_or(|before| is_blank(before) || is_break(before));
            indicators |= match letter {
                '#' => starts_word,
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => {
                    at == 0
                }
                '?' | '-' => at == 0 && ends_word,
                ':' => ends_word,
                _ => false,
            };
            special |= !is_printable(*letter) && !is_break(*letter);
            several_lines |= is_break(*letter);
            break_space |= *letter == ' ' && before.is_some_and(is_break);
            space_break |= is_break(*letter) && before == Some(' ');
        }
        // A text with a command to a CI job must not begin a line. It is safe only between quotes and on one line.
        special |= gives_orders(text);
        let outer = |letter: Option<&char>| letter.is_some_and(|letter| *letter == ' ' || is_break(*letter));
        let padded = outer(letters.first()) || outer(letters.last());
        let single_quoted = !special && !break_space && !space_break;
        Self {
            text,
            plain: !indicators && !padded && !several_lines && !special && !means_something_else(text),
            single_quoted,
            several_lines,
        }
    }

    /// Whether the text can be a key before a colon.
    pub(crate) fn fits_one_line(&self) -> bool {
        !self.several_lines && self.text.len() <= LONGEST_KEY
    }

    /// Writes the text from a column on. Folded lines begin behind `indent` spaces.
    pub(crate) fn written(&self, style: Style, column: usize, indent: usize) -> String {
        let fold = style == Style::Value && !gives_orders(self.text);
        let single_quoted = self.single_quoted && !(style == Style::Key && self.several_lines);
        let mut lines = Lines { out: String::new(), column, indent };
        if self.plain {
            self.write_plain(fold, &mut lines);
        } else if single_quoted {
            self.write_single_quoted(fold, &mut lines);
        } else {
            self.write_double_quoted(fold, &mut lines);
        }
        lines.out
    }

    fn write_plain(&self, fold: bool, lines: &mut Lines) {
        let mut after_space = false;
        let mut letters = self.text.chars().peekable();
        while let Some(letter) = letters.next() {
            if letter == ' ' && fold && !after_space && lines.column > WIDTH && letters.peek() != Some(&' ') {
                lines.next();
            } else {
                lines.push(letter);
            }
            after_space = letter == ' ';
        }
    }

    fn write_single_quoted(&self, fold: bool, lines: &mut Lines) {
        lines.push('\'');
        let letters: Vec<char> = self.text.chars().collect();
        let (mut after_space, mut after_break) = (false, false);
        for (at, letter) in letters.iter().enumerate() {
            let inside = at > 0 && at + 1 < letters.len();
            let foldable = fold && !after_space && lines.column > WIDTH && inside;
            if *letter == ' ' && foldable && letters[at + 1] != ' ' {
                lines.next();
            } else if is_break(*letter) {
                if !after_break && *letter == '\n' {
                    lines.end();
                }
                lines.end();
            } else {
                if after_break {
                    lines.indent();
                }
                if *letter == '\'' {
                    lines.push('\'');
                }
                lines.push(*letter);
            }
            after_space = *letter == ' ';
            after_break = is_break(*letter);
        }
        if after_break {
            lines.indent();
        }
        lines.push('\'');
    }

    fn write_double_quoted(&self, fold: bool, lines: &mut Lines) {
        lines.push('"');
        let letters: Vec<char> = self.text.chars().collect();
        let gives_orders = gives_orders(self.text);
        let mut after_space = false;
        for (at, letter) in letters.iter().enumerate() {
            let inside = at > 0 && at + 1 < letters.len();
            if *letter == ' ' && fold && !after_space && lines.column > WIDTH && inside {
                lines.next();
                if letters[at + 1] == ' ' {
                    lines.push('\\');
                }
            } else if gives_orders && *letter == '#' {
                "\\x23".chars().for_each(|letter| lines.push(letter));
            } else if !is_printable(*letter) || is_break(*letter) || matches!(letter, '"' | '\\') {
                escaped(*letter).chars().for_each(|letter| lines.push(letter));
            } else {
                lines.push(*letter);
            }
            after_space = *letter == ' ';
        }
        lines.push('"');
    }
}

/// Lines that are being written.
struct Lines {
    out: String,
    column: usize,
    indent: usize,
}

impl Lines {
    fn push(&mut self, letter: char) {
        self.out.push(letter);
        self.column += 1;
    }

    fn end(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    fn indent(&mut self) {
        self.out.push_str(&" ".repeat(self.indent));
        self.column = self.indent;
    }

    fn next(&mut self) {
        self.end();
        self.indent();
    }
}

fn escaped(letter: char) -> String {
    let short = match letter {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' | '\\' => letter,
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let mut code = String::new();
            let number = u32::from(letter);
            let _ = match number {
                ..=0xff => write!(code, "\\x{number:02X}"),
                0x100..=0xffff => write!(code, "\\u{number:04X}"),
                _ => write!(code, "\\U{number:08X}"),
            };
            return code;
        }
    };
    format!("\\{short}")
}

/// Whether a CI job would take a line for a command if the line began with a word of the text.
fn gives_orders(text: &str) -> bool {
    text.split(char::is_whitespace).any(foreign::gives_orders)
}

fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t')
}

fn is_break(letter: char) -> bool {
    matches!(letter, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether `libyaml` writes a character unescaped: only characters below U+10000.
fn is_printable(letter: char) -> bool {
    matches!(letter, '\n' | ' '..='~' | '\u{a0}'..='\u{fffd}')
        && letter != '\u{feff}'
        && (letter == '\n' || !foreign::is_hidden(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts that the AWS CLI 2.9 writes without quotes, and texts that it quotes.
    #[test]
    fn what_means_something_else_is_quoted() {
        let written = |text: &str| Scalar::new(text).written(Style::Value, 0, 2);
        for text in [
            "yes",
            "no",
            "on",
            "y",
            "12:30:45",
            "190:20:30",
            "-a",
            "?a",
            "a[",
            "it's",
            "a,b",
            ":a",
            "a:b",
            "nan",
            "inf",
            "1:30",
            "\u{200b}",
            "é",
            "sha256:0b",
            ":hello.www.73",
            "200-499",
            "/",
        ] {
            assert_eq!(written(text), text);
        }
        for text in [
            "true",
            "FALSE",
            "null",
            "~",
            "",
            "012",
            "0o12",
            "0x1f",
            "1e3",
            "1.5",
            "1_000",
            ".5",
            "1.",
            "+1",
            "-1",
            "-.inf",
            ".nan",
            "=",
            "<<",
            "2020-10-10",
            "2020-10-10T10:10:10Z",
            "a: b",
            "a:",
            "a #b",
            "#a",
            "- a",
            "-",
            "? a",
            "?",
            "[a",
            "{a",
            "*a",
            "&a",
            "!a",
            "|",
            "> x",
            "%a",
            "@a",
            "`a",
            "---",
            "--- a",
            "...",
            "0b11",
            "1__0",
            "0.1e+5",
            "1e+5",
            "0",
            "-0",
            "+.5",
            "a b ",
            " a",
            "80",
            "\"a\"",
            "2020-10-23T05:50:03+00:00",
        ] {
            assert_eq!(written(text), format!("'{text}'"));
        }
        assert_eq!(written("'a"), "'''a'");
        assert_eq!(written("a\tb"), "\"a\\tb\"");
        assert_eq!(written("😀"), "\"\\U0001F600\"");
        assert_eq!(written("multi\n\nline\n  x"), "\"multi\\n\\nline\\n  x\"");
    }
}
