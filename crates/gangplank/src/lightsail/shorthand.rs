//! The shorthand syntax for lists and objects: `key=a,value=b`, `key=[a,b]`, `key={inner=a}`.
//!
//! The grammar is described in the AWS CLI's user guide under "Using shorthand syntax". The text is first parsed
//! without its shape. Then the shape turns words into numbers, and single values into lists.

use gangplank_api::{Kind, Shape};
use serde_json::{Map, Value};

use super::failure::Failure;
use super::{paramfile, unpack};

/// Reads one value.
pub(crate) fn parse(option: &str, shape: &Shape, text: &str) -> Result<Value, Failure> {
    let mut parser = Parser { text: text.chars().collect(), at: 0 };
    let value = parser.pairs().map_err(|why| Failure::parsing(option, why))?;
    fitted(shape, value)
}

struct Parser {
    text: Vec<char>,
    at: usize,
}

type Parsed<T> = Result<T, String>;

/// How a key is joined with its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Assigned {
    /// With `=`: the text is the value.
    Text,
    /// With `@=`: the text may name a file, which then holds the value.
    TextOrFile,
}

impl Parser {
    fn pairs(&mut self) -> Parsed<Value> {
        let mut pairs = Map::new();
        let (key, value) = self.pair()?;
        pairs.insert(key, value);
        let mut last = self.at;
        while self.current().is_some() {
            self.expect_spaced(",")?;
            let (key, value) = self.pair()?;
            if pairs.contains_key(&key) {
                self.at = last + 1;
                return Err(format!(
                    "Second instance of key \"{key}\" encountered for input:\n{}\nThis is often because there \
                     is a preceding \",\" instead of a space.",
                    self.location()
                ));
            }
            pairs.insert(key, value);
            last = self.at;
        }
        Ok(Value::Object(pairs))
    }

    fn pair(&mut self) -> Parsed<(String, Value)> {
        let key = self.key();
        let assigned = self.assignment()?;
        let value = match self.current() {
            None => Value::String(String::new()),
            Some('[') => self.list()?,
            Some('{') => self.hash()?,
            Some(_) => self.comma_separated()?,
        };
        Ok((key, Self::resolved(value, assigned)?))
    }

    /// Reads `=` or `@=`.
    fn assignment(&mut self) -> Parsed<Assigned> {
        self.skip_spaces();
        if self.current() == Some('@') {
            self.expect("@")?;
            self.expect_spaced("=")?;
            return Ok(Assigned::TextOrFile);
        }
        self.expect_spaced("=")?;
        Ok(Assigned::Text)
    }

    fn resolved(value: Value, assigned: Assigned) -> Parsed<Value> {
        match value.as_str().filter(|_| assigned == Assigned::TextOrFile).and_then(paramfile::load) {
            Some(text) => text.map(Value::from),
            None => Ok(value),
        }
    }

    fn key(&mut self) -> String {
        let start = self.at;
        while self.current().is_some_and(|c| c.is_ascii_alphanumeric() || "-_.#/:".contains(c)) {
            self.at += 1;
        }
        self.text[start..self.at].iter().collect()
    }

    fn comma_separated(&mut self) -> Parsed<Value> {
        let first = self.word(is_first_follow)?.unwrap_or_default();
        self.skip_spaces();
        if self.current() != Some(',') {
            return Ok(first.into());
        }
        self.expect_spaced(",")?;
        let mut values = vec![first.clone()];
        loop {
            match self.further() {
                Ok((value, is_last)) => {
                    values.push(value);
                    if is_last {
                        break;
                    }
                }
                Err(why) if self.current().is_none() => return Err(why),
                Err(_) => {
                    // The last word was the key of the next pair, so go back to the comma before it.
                    while self.text.get(self.at) != Some(&',') && self.at > 0 {
                        self.at -= 1;
                    }
                    break;
                }
            }
        }
        Ok(if values.len() == 1 { first.into() } else { values.into() })
    }

    fn further(&mut self) -> Parsed<(String, bool)> {
        let Some(value) = self.word(is_second_follow)? else {
            return Err(self.unexpected("<second>", "<none>"));
        };
        self.skip_spaces();
        if self.current().is_none() {
            return Ok((value, true));
        }
        self.expect_spaced(",")?;
        Ok((value, false))
    }

    fn list(&mut self) -> Parsed<Value> {
        self.expect_spaced("[")?;
        let mut values = Vec::new();
        while self.current() != Some(']') {
            values.push(self.inner()?);
            self.separator(']')?;
        }
        self.expect("]")?;
        Ok(values.into())
    }

    fn hash(&mut self) -> Parsed<Value> {
        self.expect_spaced("{")?;
        let mut pairs = Map::new();
        while self.current() != Some('}') {
            let key = self.key();
            let assigned = self.assignment()?;
            let value = self.inner()?;
            self.separator('}')?;
            pairs.insert(key, Self::resolved(value, assigned)?);
        }
        self.expect("}")?;
        Ok(Value::Object(pairs))
    }

    fn inner(&mut self) -> Parsed<Value> {
        match self.current() {
            Some('[') => self.list(),
            Some('{') => self.hash(),
            _ => Ok(self.word(is_first_follow)?.unwrap_or_default().into()),
        }
    }

    fn separator(&mut self, end: char) -> Parsed<()> {
        self.skip_spaces();
        if self.current() != Some(end) {
            self.expect(",")?;
            self.skip_spaces();
        }
        Ok(())
    }

    /// A word, with or without quotes. `None` if there is none.
    fn word(&mut self, follows: fn(char) -> bool) -> Parsed<Option<String>> {
        match self.current() {
            Some(quote @ ('\'' | '"')) => self.in_quotes(quote).map(Some),
            _ => Ok(self.bare_word(follows)),
        }
    }

    fn bare_word(&mut self, follows: fn(char) -> bool) -> Option<String> {
        let mut word = String::new();
        while let Some(c) = self.current() {
            if c == '\\' && self.text.get(self.at + 1) == Some(&',') {
                word.push(',');
                self.at += 2;
            } else if (word.is_empty() && is_start(c)) || (!word.is_empty() && follows(c)) {
                word.push(c);
                self.at += 1;
            } else {
                break;
            }
        }
        (!word.is_empty()).then(|| word.trim_end().to_owned())
    }

    fn in_quotes(&mut self, quote: char) -> Parsed<String> {
        let mut word = String::new();
        let mut at = self.at + 1;
        loop {
            match (self.text.get(at), self.text.get(at + 1)) {
                (Some('\\'), Some(next)) if *next == quote || *next == '\\' => {
                    word.push(*next);
                    at += 2;
                }
                (Some(c), _) if *c == quote => {
                    self.at = at + 1;
                    return Ok(word);
                }
                (Some(c), _) => {
                    word.push(*c);
                    at += 1;
                }
                (None, _) => {
                    let name = if quote == '"' { "<double quoted>" } else { "<singled quoted>" };
                    return Err(self.unexpected(name, "<none>"));
                }
            }
        }
    }

    /// Reads a character, with spaces around it allowed.
    fn expect_spaced(&mut self, wanted: &str) -> Parsed<()> {
        self.skip_spaces();
        self.expect(wanted)?;
        self.skip_spaces();
        Ok(())
    }

    fn expect(&mut self, wanted: &str) -> Parsed<()> {
        match self.current() {
            Some(c) if wanted.starts_with(c) => self.at += 1,
            Some(c) => return Err(self.unexpected(wanted, &c.to_string())),
            None => return Err(self.unexpected(wanted, "EOF")),
        }
        Ok(())
    }

    fn unexpected(&self, wanted: &str, found: &str) -> String {
        format!("Expected: '{wanted}', received: '{found}' for input:\n{}", self.location())
    }

    /// The line that is being read, with a mark under the current place.
    fn location(&self) -> String {
        let (before, after) = self.text.split_at(self.at.min(self.text.len()));
        let column = before.iter().rev().take_while(|c| **c != '\n').count();
        let rest_of_line = after.iter().take_while(|c| **c != '\n').count();
        let shown: String = before.iter().chain(&after[..rest_of_line]).collect();
        let rest: String = after[rest_of_line..].iter().collect();
        format!("{shown}\n{}^{rest}", " ".repeat(column))
    }

    fn current(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        while self.current().is_some_and(|c| c.is_ascii_whitespace() || c == '\u{b}') {
            self.at += 1;
        }
    }
}

/// The characters that a bare word may begin with.
fn is_start(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, '"' | '\'' | ',' | '=' | '[' | '{') && c > ' '
}

/// Whether this character may stand in the first word after a key, behind the word's first character.
fn is_first_follow(c: char) -> bool {
    !matches!(c, '"' | '\'' | ',' | ']' | '}') && (c >= ' ' || c.is_whitespace())
}

/// Whether this character may stand in a later word, behind the word's first character. `=` is left out: it
/// separates a key from a value.
fn is_second_follow(c: char) -> bool {
    !matches!(c, '"' | '\'' | ',' | '=') && (c >= ' ' || c.is_whitespace())
}

/// Converts a value to its shape: words become numbers and booleans, a single value becomes a list of one.
fn fitted(shape: &Shape, value: Value) -> Result<Value, Failure> {
    Ok(match (&shape.kind, value) {
        (Kind::Structure(structure), Value::Object(members)) => {
            let members = members.into_iter().map(|(name, value)| {
                let member = structure.member(&name);
                let value = member.map_or(Ok(value.clone()), |member| fitted(member.shape, value))?;
                Ok((name, value))
            });
            Value::Object(members.collect::<Result<_, Failure>>()?)
        }
        (Kind::Map { value: shape, .. }, Value::Object(entries)) => {
            let entries = entries.into_iter().map(|(key, value)| Ok((key, fitted(shape, value)?)));
            Value::Object(entries.collect::<Result<_, Failure>>()?)
        }
        (Kind::List(element), Value::Array(values)) => {
            values.into_iter().map(|value| fitted(element, value)).collect::<Result<_, _>>()?
        }
        // Like the AWS CLI, this does not convert such a value to the shape of the element.
        (Kind::List(_), value) => vec![value].into(),
        (Kind::Integer(_), Value::String(text)) => unpack::integer(&text)?,
        (Kind::Float | Kind::Double, Value::String(text)) => unpack::float(&text)?,
        (Kind::Boolean, Value::String(text)) => match text.to_lowercase().as_str() {
            "true" => true.into(),
            "false" => false.into(),
            _ => text.into(),
        },
        (_, value) => value,
    })
}

#[cfg(test)]
mod tests {
    use gangplank_api::lightsail::{CreateContainerServiceRequest, EndpointRequest, Tag};
    use gangplank_api::{Described as _, Field};
    use serde_json::json;

    use super::*;

    fn check(shape: &Shape, text: &str, wanted: Value) {
        assert_eq!(parse("--option", shape, text).unwrap(), wanted, "{text}");
    }

    #[test]
    fn pairs_lists_and_hashes_are_read() {
        check(Tag::SHAPE, "key=a,value=b", json!({ "key": "a", "value": "b" }));
        check(Tag::SHAPE, "key = a b , value='it, \\'s'", json!({ "key": "a b", "value": "it, 's" }));
        check(Tag::SHAPE, "key=", json!({ "key": "" }));
        check(Tag::SHAPE, "key=a\\,b", json!({ "key": "a,b" }));
        check(Tag::SHAPE, "key=a=b,value=c", json!({ "key": "a=b", "value": "c" }));
        let endpoint = "containerName=app,containerPort=80,healthCheck={path=/,timeoutSeconds=2}";
        let health = json!({ "path": "/", "timeoutSeconds": 2 });
        let wanted = json!({ "containerName": "app", "containerPort": 80, "healthCheck": health });
        check(EndpointRequest::SHAPE, endpoint, wanted);
        let domains = CreateContainerServiceRequest::STRUCTURE.member("publicDomainNames").unwrap().shape;
        check(domains, "a=b,c,d=e", json!({ "a": ["b", "c"], "d": ["e"] }));
        check(domains, "a=[b,c],d=[]", json!({ "a": ["b", "c"], "d": [] }));
    }

    #[test]
    fn what_cannot_be_read_is_pointed_at() {
        let check = |text: &str, wanted: &str| {
            let why = parse("--tags", Tag::SHAPE, text).unwrap_err().message();
            assert_eq!(why, format!("Error parsing parameter '--tags': {wanted}"), "{text}");
        };
        check("a", "Expected: '=', received: 'EOF' for input:\na\n ^");
        check("key=[a", "Expected: ',', received: 'EOF' for input:\nkey=[a\n      ^");
        check("key==\"x", "Expected: ',', received: '=' for input:\nkey==\"x\n    ^");
    }
}
