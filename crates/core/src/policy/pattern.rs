//! Texts with wildcards and variables, and how they are matched.
//!
//! The value of a variable is plain text: a `*` in it matches only a `*`. `${*}`, `${?}` and `${$}` are the
//! characters themselves. `${key, 'text'}` has a default for a missing key (IAM user guide, "Policy variables").

use super::facts::{Fact, Facts};
use super::truth::Truth;
use crate::json::Quoted;

/// The longest pattern, in characters.
pub(super) const LONGEST: usize = 1024;

/// The meaning of `*` and `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grammar {
    /// They match only themselves.
    Literal,
    /// Wildcards match any characters.
    Like,
    /// Wildcards match within a segment of a path. `**` matches across slashes.
    Path,
    /// Wildcards match within one of the six segments of an ARN.
    Arn,
    /// Wildcards match as in an ARN, but a `*` at the end of a segment also matches beyond its colon.
    Resource,
}

/// The characters that a wildcard matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Any,
    AllBut(char),
}

impl Class {
    fn holds(self, character: char) -> bool {
        self != Self::AllBut(character)
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    One(Class),
    Run(Class),
    Variable(Variable),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Variable {
    /// The key, in lower case.
    pub(super) key: String,
    default: Option<String>,
}

impl Variable {
    fn value<'v>(&'v self, facts: &'v Facts) -> Option<&'v str> {
        match facts.get_folded(&self.key) {
            Some(Fact::One(value)) => Some(value),
            Some(_) => None,
            None => self.default.as_deref(),
        }
    }
}

/// A text with wildcards and variables.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern(Vec<Piece>);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// If it is too long, or has a malformed variable. The error is the end of a sentence that begins with the
    /// place.
    pub(super) fn parse(text: &str, grammar: Grammar) -> Result<Self, String> {
        if text.chars().count() > LONGEST {
            return Err(format!("must have at most {LONGEST} characters"));
        }
        let mut reader = Reader { pieces: Vec::new(), grammar, segment: 0 };
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            if let Some(inner) = rest.strip_prefix("${") {
                rest = reader.variable(inner)?;
                continue;
            }
            let end = rest.len() - rest.trim_start_matches(character).len();
            let wild = grammar != Grammar::Literal && matches!(character, '*' | '?');
            let taken = if wild && character == '*' { end } else { character.len_utf8() };
            rest = &rest[taken..];
            match character {
                '*' if wild => reader.run(taken, rest),
                '?' if wild => reader.one(),
                _ => reader.text(character),
            }
        }
        Ok(Self(reader.pieces))
    }

    /// Whether `value` matches, with variables replaced by `facts`.
    pub(super) fn matches(&self, value: &str, facts: &Facts) -> Truth {
        match &self.0[..] {
            [] => Truth::from(value.is_empty()),
            [Piece::Text(text)] => Truth::from(text == value),
            _ => self.tokens(facts).map_or(Truth::Undecided, |tokens| run(&tokens, value).into()),
        }
    }

    /// Whether a pattern without variables matches the value.
    pub(super) fn matches_plain(&self, value: &str) -> bool {
        self.matches(value, &Facts::default()) == Truth::Yes
    }

    /// The text, if it has no wildcards, with variables replaced by `facts`.
    pub(super) fn text(&self, facts: &Facts) -> Option<String> {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => Some(text.as_str()),
                Piece::Variable(variable) => variable.value(facts),
                Piece::One(_) | Piece::Run(_) => None,
            })
            .collect()
    }

    /// The text before the first wildcard or variable, and whether that is the whole text.
    pub(super) fn fixed(&self) -> (&str, bool) {
        match &self.0[..] {
            [] => ("", true),
            [Piece::Text(text), rest @ ..] => (text, rest.is_empty()),
            _ => ("", false),
        }
    }

    /// The variables in it.
    pub(super) fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Variable(variable) => Some(variable),
            _ => None,
        })
    }

    fn tokens(&self, facts: &Facts) -> Option<Vec<Token>> {
        let mut tokens = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => tokens.extend(text.chars().map(Token::Character)),
                Piece::Variable(variable) => {
                    tokens.extend(variable.value(facts)?.chars().map(Token::Character));
                }
                Piece::One(class) => tokens.push(Token::One(*class)),
                Piece::Run(class) => tokens.push(Token::Run(*class)),
            }
        }
        Some(tokens)
    }
}

struct Reader {
    pieces: Vec<Piece>,
    grammar: Grammar,
    /// In an ARN: the number of colons so far.
    segment: usize,
}

impl Reader {
    fn text(&mut self, character: char) {
        if character == ':' {
            self.segment += 1;
        }
        if let Some(Piece::Text(text)) = self.pieces.last_mut() {
            text.push(character);
        } else {
            self.pieces.push(Piece::Text(character.to_string()));
        }
    }

    fn class(&self) -> Class {
        match self.grammar {
            Grammar::Path => Class::AllBut('/'),
            // The sixth segment may have colons itself.
            Grammar::Arn | Grammar::Resource if self.segment < 5 => Class::AllBut(':'),
            _ => Class::Any,
        }
    }

    fn one(&mut self) {
        self.pieces.push(Piece::One(self.class()));
    }

    fn run(&mut self, stars: usize, rest: &str) {
        let ends_segment = rest.is_empty() || rest.starts_with(':');
        let crosses = match self.grammar {
            Grammar::Path => stars > 1,
            Grammar::Resource => ends_segment,
            _ => false,
        };
        self.pieces.push(Piece::Run(if crosses { Class::Any } else { self.class() }));
    }

    /// Reads the text after `${`. Returns the text after the matching `}`.
    fn variable<'t>(&mut self, inner: &'t str) -> Result<&'t str, String> {
        for special in ['*', '?', '$'] {
            if let Some(rest) = inner.strip_prefix(special).and_then(|rest| rest.strip_prefix('}')) {
                self.text(special);
                return Ok(rest);
            }
        }
        let unclosed = || "has a ${ without its }. Write ${$} for the character $ before a {".to_owned();
        let end = inner.find(['}', ',']).ok_or_else(unclosed)?;
        let (key, mut rest) = inner.split_at(end);
        let mut default = None;
        if let Some(after) = rest.strip_prefix(',') {
            let quoted = after.trim_start_matches(' ').strip_prefix('\'').ok_or_else(unclosed)?;
            let (text, after) = quoted.split_once('\'').ok_or_else(unclosed)?;
            default = Some(text.to_owned());
            rest = after.trim_start_matches(' ');
        }
        let rest = rest.strip_prefix('}').ok_or_else(unclosed)?;
        let key = key.trim();
        if key.is_empty() || key.contains(['$', '{']) {
            return Err(format!("has a variable named {}, which is no condition key", Quoted(key)));
        }
        self.pieces.push(Piece::Variable(Variable { key: key.to_lowercase(), default }));
        Ok(rest)
    }
}

#[derive(Clone, Copy)]
enum Token {
    Character(char),
    One(Class),
    Run(Class),
}

/// Keeps track of all places in the pattern that the text so far may have reached. So the time is at most the
/// product of the two lengths, even with many wildcards.
fn run(tokens: &[Token], value: &str) -> bool {
    let mut here = vec![false; tokens.len() + 1];
    let mut next = here.clone();
    reach(tokens, &mut here, 0);
    for character in value.chars() {
        next.fill(false);
        let mut alive = false;
        for (place, token) in tokens.iter().enumerate().filter(|(place, _)| here[*place]) {
            let reached = match token {
                Token::Character(wanted) if *wanted == character => place + 1,
                Token::One(class) if class.holds(character) => place + 1,
                Token::Run(class) if class.holds(character) => place,
                _ => continue,
            };
            reach(tokens, &mut next, reached);
            alive = true;
        }
        if !alive {
            return false;
        }
        std::mem::swap(&mut here, &mut next);
    }
    here[tokens.len()]
}

/// Marks a place in the pattern, and all places that can be reached from it without any text.
fn reach(tokens: &[Token], places: &mut [bool], mut place: usize) {
    while !places[place] {
        places[place] = true;
        if !matches!(tokens.get(place), Some(Token::Run(_))) {
            return;
        }
        place += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    fn fits(pattern: &str, grammar: Grammar, value: &str) -> bool {
        Pattern::parse(pattern, grammar).unwrap().matches_plain(value)
    }

    #[test]
    fn wildcards_mean_what_their_grammar_says() {
        for (pattern, grammar, fitting, others) in [
            ("a*c", Grammar::Literal, vec!["a*c"], vec!["abc", "ac"]),
            ("a*c", Grammar::Like, vec!["ac", "abc", "a/:c", "acc"], vec!["ab", "bac", "acb", "AC"]),
            ("a?c", Grammar::Like, vec!["abc", "aüc", "a/c"], vec!["ac", "abbc"]),
            ("*", Grammar::Like, vec!["", "x/y:z"], vec![]),
            ("", Grammar::Like, vec![""], vec!["x"]),
            ("team/*", Grammar::Path, vec!["team/a", "team/"], vec!["team", "team/a/b", "steam/a"]),
            ("team/**", Grammar::Path, vec!["team/a", "team/a/b"], vec!["team", "teams/a"]),
            ("**/app", Grammar::Path, vec!["a/app", "a/b/app"], vec!["app", "a/app/c"]),
            ("**a/*b", Grammar::Path, vec!["a/b", "x/a/a/b", "a/xb"], vec!["a/x/b"]),
            ("*", Grammar::Path, vec!["sr", ""], vec!["a/b"]),
            ("***", Grammar::Path, vec!["a/b"], vec![]),
            ("s?", Grammar::Path, vec!["sr"], vec!["s/", "srx"]),
            ("arn:aws:*:x", Grammar::Arn, vec!["arn:aws:a:x"], vec!["arn:aws:a:b:x"]),
            ("arn:aws:*:x", Grammar::Resource, vec!["arn:aws:a:x", "arn:aws:a:b:x"], vec!["arn:aws:a:y"]),
            ("arn:a*s:b", Grammar::Resource, vec!["arn:aws:b"], vec!["arn:a:s:b"]),
            ("a:b:c:d:e:f*g", Grammar::Arn, vec!["a:b:c:d:e:f:g"], vec!["a:b:c:d:e:f:"]),
        ] {
            for value in fitting {
                assert!(fits(pattern, grammar, value), "{pattern} {grammar:?} {value}");
            }
            for value in others {
                assert!(!fits(pattern, grammar, value), "{pattern} {grammar:?} {value}");
            }
        }
    }

    #[test]
    fn a_variable_stands_for_text() {
        let facts = Facts::new().with("aws:userid", "a*").with_many("aws:TagKeys", ["x"]);
        let truth = |pattern: &str, value: &str| {
            Pattern::parse(pattern, Grammar::Like).unwrap().matches(value, &facts)
        };
        assert_eq!(truth("x-${AWS:UserId}-*", "x-a*-1"), Truth::Yes);
        assert_eq!(truth("x-${aws:userid}", "x-abc"), Truth::No);
        assert_eq!(truth("${aws:missing}", ""), Truth::Undecided);
        assert_eq!(truth("${aws:TagKeys}", "x"), Truth::Undecided);
        assert_eq!(truth("${aws:TagKeys, 'x'}", "x"), Truth::Undecided);
        assert_eq!(truth("${aws:missing, 'b*'}c", "b*c"), Truth::Yes);
        assert_eq!(truth("${aws:missing,''}", ""), Truth::Yes);
        assert_eq!(truth("${*}${?}${$}{$}", "*?${$}"), Truth::Yes);
        assert_eq!(truth("${*}", "x"), Truth::No);
        for bad in ["${", "${a", "${a,", "${a, 'x}", "${a, x}", "${}", "${ }", "${${a}}", "${,'x'}"] {
            assert!(Pattern::parse(bad, Grammar::Like).is_err(), "{bad}");
        }
    }

    #[test]
    fn many_wildcards_cost_no_time() {
        let begun = Instant::now();
        let many = "a*".repeat(LONGEST / 2 - 1);
        let value = "a".repeat(2_000) + "b";
        assert!(fits(&many, Grammar::Like, &value));
        assert!(!fits(&format!("{many}c"), Grammar::Like, &value));
        assert!(
            !Pattern::parse("*a*a*a*a*a*a*a*a*c", Grammar::Like).unwrap().matches_plain(&"a".repeat(20_000))
        );
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
        assert!(Pattern::parse(&"a".repeat(LONGEST + 1), Grammar::Like).is_err());
    }

    /// The rule in its simplest form, with backtracking.
    fn naive(pattern: &[char], value: &[char], path: bool) -> bool {
        match pattern {
            [] => value.is_empty(),
            ['*', '*', rest @ ..] if path => (0..=value.len()).any(|end| naive(rest, &value[end..], path)),
            ['*', rest @ ..] => {
                let end = value.iter().position(|c| path && *c == '/').unwrap_or(value.len());
                (0..=end).any(|end| naive(rest, &value[end..], path))
            }
            ['?', rest @ ..] => {
                value.split_first().is_some_and(|(c, tail)| !(path && *c == '/') && naive(rest, tail, path))
            }
            [wanted, rest @ ..] => {
                value.split_first().is_some_and(|(c, tail)| c == wanted && naive(rest, tail, path))
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn the_matcher_agrees_with_a_naive_one(pattern in "[ab/*?]{0,9}", value in "[ab/]{0,9}") {
            let (p, v): (Vec<char>, Vec<char>) = (pattern.chars().collect(), value.chars().collect());
            prop_assert_eq!(fits(&pattern, Grammar::Like, &value), naive(&p, &v, false));
            prop_assert_eq!(fits(&pattern, Grammar::Path, &value), naive(&p, &v, true));
        }

        #[test]
        fn any_pattern_is_read_or_refused(pattern in ".{0,40}", value in ".{0,40}") {
            for grammar in [Grammar::Literal, Grammar::Like, Grammar::Path, Grammar::Arn, Grammar::Resource] {
                if let Ok(pattern) = Pattern::parse(&pattern, grammar) {
                    let _ = pattern.matches(&value, &Facts::new());
                }
            }
        }
    }
}
