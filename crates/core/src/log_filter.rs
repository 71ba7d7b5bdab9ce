//! Filters for lines of a log: the filter patterns of `CloudWatch` Logs for lines without a structure.

/// The longest pattern, in bytes.
pub const MAX_PATTERN: usize = 1_024;

/// A filter pattern.
///
/// Terms are separated by spaces, and case matters. A line matches if it has all plain terms, and no term after
/// a `-`. Terms after a `?` count only if there are no plain terms and none after a `-`. Then a line matches if
/// it has at least one of the terms. A term in double quotes is a phrase. In it `\"` is a quote and `\\` a
/// backslash. The empty pattern matches every line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    all: Vec<String>,
    none: Vec<String>,
    any: Vec<String>,
}

/// The reason for which a pattern is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLogFilter {
    /// It is longer than [`MAX_PATTERN`].
    #[error("is longer than {MAX_PATTERN} bytes")]
    TooLong,
    /// A phrase has no closing quote.
    #[error("has a double quote that no other closes")]
    Unclosed,
    /// A `-`, a `?` or a pair of quotes has no text.
    #[error(
        "has a -, a ? or a pair of double quotes with no text; to look for such a sign itself, put it in double quotes"
    )]
    EmptyTerm,
    /// It is a pattern for lines of JSON or of columns.
    #[error(
        "in braces or brackets is for lines with a structure, which are not told apart here; to look for the text itself, \
         put it in double quotes"
    )]
    Structured,
}

impl LogFilter {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`BadLogFilter`] if the pattern cannot be parsed.
    pub fn parse(pattern: &str) -> Result<Self, BadLogFilter> {
        if pattern.len() > MAX_PATTERN {
            return Err(BadLogFilter::TooLong);
        }
        let mut rest = pattern.trim();
        if [('{', '}'), ('[', ']')]
            .iter()
            .any(|(open, close)| rest.starts_with(*open) && rest.ends_with(*close))
        {
            return Err(BadLogFilter::Structured);
        }
        let mut filter = Self::default();
        while !rest.is_empty() {
            let (terms, signed) = match rest.strip_prefix(['-', '?']) {
                Some(signed) if rest.starts_with('-') => (&mut filter.none, signed),
                Some(signed) => (&mut filter.any, signed),
                None => (&mut filter.all, rest),
            };
            let (text, after) = match signed.strip_prefix('"') {
                Some(quoted) => phrase(quoted)?,
                None => word(signed),
            };
            if text.is_empty() {
                return Err(BadLogFilter::EmptyTerm);
            }
            terms.push(text);
            rest = after.trim_start();
        }
        Ok(filter)
    }

    /// Whether a line matches.
    pub fn matches(&self, line: &str) -> bool {
        let has = |term: &String| line.contains(term.as_str());
        if self.all.is_empty() && self.none.is_empty() {
            return self.any.is_empty() || self.any.iter().any(has);
        }
        self.all.iter().all(has) && !self.none.iter().any(has)
    }
}

/// The text up to the next space, and the rest.
fn word(text: &str) -> (String, &str) {
    let (word, rest) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
    (word.to_owned(), rest)
}

/// The text up to the next quote, and the rest.
fn phrase(quoted: &str) -> Result<(String, &str), BadLogFilter> {
    let mut phrase = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((phrase, &quoted[at + 1..])),
            '\\' if quoted[at + 1..].starts_with(['"', '\\']) => {
                phrase.extend(letters.next().map(|(_, escaped)| escaped));
            }
            _ => phrase.push(letter),
        }
    }
    Err(BadLogFilter::Unclosed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(pattern: &str, lines: &[(&str, bool)]) {
        let filter = LogFilter::parse(pattern).unwrap();
        for (line, is_meant) in lines {
            assert_eq!(filter.matches(line), *is_meant, "{pattern} {line}");
        }
    }

    #[test]
    fn patterns_mean_what_cloudwatch_says() {
        check("", &[("", true), ("anything", true)]);
        check("  ", &[("anything", true)]);
        check("ERROR", &[("an ERROR here", true), ("ERRORS", true), ("an error here", false)]);
        check("ERROR disk", &[("disk ERROR", true), ("ERROR", false), ("disk", false)]);
        check("?ERROR ?WARN", &[("ERROR", true), ("a WARNING", true), ("INFO", false)]);
        check("-DEBUG", &[("INFO", true), ("DEBUG", false), ("", true)]);
        check("ERROR -retry", &[("ERROR", true), ("ERROR, will retry", false), ("INFO", false)]);
        check("\"not found\"", &[("file not found", true), ("found not", false), ("not  found", false)]);
        check("-\"not found\" file", &[("file", true), ("file not found", false)]);
        check("?\"a b\" ?c", &[("a b", true), ("c", true), ("a", false)]);
        check("?WARN ERROR", &[("ERROR", true), ("WARN", false)]);
        check("?WARN -ERROR", &[("INFO", true), ("WARN ERROR", false)]);
        check(r#""say \"hi\" \\ \n""#, &[(r#"say "hi" \ \n"#, true)]);
        check("a\"b c", &[("c a\"b", true), ("ab c", false)]);
        check("[error] upstream", &[("[error] upstream timed out", true)]);
        check("\"[error]\"", &[("2026 [error] it", true), ("error", false)]);
        check("größe", &[("die größe", true), ("die Größe", false)]);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (pattern, error) in [
            ("\"never closed", BadLogFilter::Unclosed),
            ("a -\"b", BadLogFilter::Unclosed),
            (r#""ends in \""#, BadLogFilter::Unclosed),
            ("a -", BadLogFilter::EmptyTerm),
            ("?", BadLogFilter::EmptyTerm),
            ("\"\"", BadLogFilter::EmptyTerm),
            ("- a", BadLogFilter::EmptyTerm),
            ("{ $.level = \"error\" }", BadLogFilter::Structured),
            ("[ip, user, size > 1]", BadLogFilter::Structured),
        ] {
            assert_eq!(LogFilter::parse(pattern), Err(error), "{pattern}");
        }
        assert!(LogFilter::parse(&"a".repeat(MAX_PATTERN)).is_ok());
        assert_eq!(LogFilter::parse(&"a".repeat(MAX_PATTERN + 1)), Err(BadLogFilter::TooLong));
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Sign {
        Plain,
        Minus,
        Question,
    }

    /// The rule for a line and a pattern with these terms, written as simply as possible.
    fn naive(terms: &[(Sign, String)], line: &str) -> bool {
        let mut wants_any = false;
        let mut has_any = false;
        let mut is_meant = true;
        let mut has_others = false;
        for (sign, text) in terms {
            let found = line.split(text.as_str()).count() > 1;
            match sign {
                Sign::Plain => is_meant &= found,
                Sign::Minus => is_meant &= !found,
                Sign::Question => {
                    wants_any = true;
                    has_any |= found;
                }
            }
            has_others |= *sign != Sign::Question;
        }
        if has_others || !wants_any { is_meant } else { has_any }
    }

    fn written((sign, text): &(Sign, String)) -> String {
        let sign = match sign {
            Sign::Plain => "",
            Sign::Minus => "-",
            Sign::Question => "?",
        };
        let is_word = text.chars().all(|letter| letter.is_ascii_alphabetic());
        let quoted = || format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        format!("{sign}{}", if is_word { text.clone() } else { quoted() })
    }

    fn terms() -> impl Strategy<Value = Vec<(Sign, String)>> {
        let sign = prop_oneof![Just(Sign::Plain), Just(Sign::Minus), Just(Sign::Question)];
        prop::collection::vec((sign, "[ab\"\\\\ ?-]{1,3}"), 0..4)
    }

    proptest! {
        #[test]
        fn a_pattern_means_what_its_terms_say(terms in terms(), line in "[ab\"\\\\ ?-]{0,8}") {
            let pattern = terms.iter().map(written).collect::<Vec<_>>().join(" ");
            let filter = LogFilter::parse(&pattern).unwrap();
            prop_assert_eq!(filter.matches(&line), naive(&terms, &line), "{} {}", pattern, line);
        }

        #[test]
        fn any_text_is_read_or_refused(pattern in "\\PC{0,40}", line in "\\PC{0,40}") {
            if let Ok(filter) = LogFilter::parse(&pattern) {
                filter.matches(&line);
            }
        }
    }
}
