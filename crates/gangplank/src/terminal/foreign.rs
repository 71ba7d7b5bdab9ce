//! Text from outside: from a server, an archive or another program. If it were printed unchanged, it could move
//! a terminal's cursor, reverse the text, or give commands to the CI job that shows it in its log.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The beginnings of commands in the logs of CI jobs: GitHub's, Azure's and `TeamCity`'s. The first two count
/// anywhere in a line.
const ORDERS: [&str; 3] = ["##[", "##vso[", "##teamcity["];

/// Whether a character is invisible and changes how other text looks.
pub(crate) fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text of several lines, partly from outside. Invisible characters are written as escapes.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    without_orders(written_out(text, |letter| is_hidden(letter) && !matches!(letter, '\n' | '\t')), "\\x23")
}

/// Text from outside for the middle of a line. It cannot end the line, and contains no commands to a CI job.
pub(crate) fn words(text: &str) -> String {
    let shown = written_out(text, |letter| is_hidden(letter) && letter != '\t');
    without_orders(shown, "\\x23").into_owned()
}

/// Text without commands to a CI job. In each command, the second `#` is replaced by `written`.
fn without_orders<'t>(text: Cow<'t, str>, written: &str) -> Cow<'t, str> {
    ORDERS.iter().filter(|order| text.contains(**order)).fold(text.clone(), |text, order| {
        text.replace(order, &order.replacen("##", &format!("#{written}"), 1)).into()
    })
}

/// Whether a CI job would take a line with this beginning for a command.
pub(crate) fn gives_orders(text: &str) -> bool {
    text.trim_start().starts_with("::") || ORDERS.iter().any(|order| text.contains(order))
}

/// A whole line from outside. It contains no commands to a CI job, not even at its beginning.
pub(crate) fn line(text: &str) -> String {
    let shown = words(text);
    let start = shown.len() - shown.trim_start().len();
    if shown[start..].starts_with("::") {
        return format!("{}\\x3a{}", &shown[..start], &shown[start + 1..]);
    }
    shown
}

/// An error, to be printed on its own line. Its further lines are indented. That sets them apart from the
/// command's own messages, and keeps them from being commands to a CI job. Doing this twice changes nothing
/// more.
pub(crate) fn message(text: &str) -> String {
    visible(text.trim_end()).replace("\n  | ", "\n").replace('\n', "\n  | ")
}

/// The JSON with invisible characters in strings escaped.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    let text = without_orders(Cow::Borrowed(text), "\\u0023");
    if !text.contains(|letter| is_hidden(letter) && letter != '\n') {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_hidden(letter) && letter != '\n' {
            // These characters all have a number of four hexadecimal digits.
            let _ = write!(shown, "\\u{:04x}", u32::from(letter));
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

fn written_out(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        let _ = match letter {
            letter if !hidden(letter) => shown.write_char(letter),
            ..='\u{ff}' => write!(shown, "\\x{:02x}", u32::from(letter)),
            _ => write!(shown, "\\u{{{:x}}}", u32::from(letter)),
        };
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_written_out() {
        let text = "a\u{1b}[2J\u{9b}1m\u{7f}\r\n\tb\u{202e}c\u{2066}é";
        assert_eq!(visible(text), "a\\x1b[2J\\x9b1m\\x7f\\x0d\n\tb\\u{202e}c\\u{2066}é");
        assert_eq!(words("one\ntwo\r"), "one\\x0atwo\\x0d");
        assert!(matches!(visible("plain é\n"), Cow::Borrowed(_)));
        assert_eq!(json("\"##[x\""), "\"#\\u0023[x\"");
        assert_eq!(json("\"\u{9b}\u{202e}\u{7f}\"\n"), "\"\\u009b\\u202e\\u007f\"\n");
    }

    #[test]
    fn a_job_is_given_no_orders() {
        assert_eq!(line("  ::add-mask::x"), "  \\x3a:add-mask::x");
        assert_eq!(line(":web.app.1"), ":web.app.1");
        assert_eq!(words("x ##[error] ##vso[task] # ##"), "x #\\x23[error] #\\x23vso[task] # ##");
        assert_eq!(message("one\n::two\n"), "one\n  | ::two");
        assert_eq!(message("one\n  | ::two\nthree"), "one\n  | ::two\n  | three");
    }
}
