//! Parses a command line as the AWS CLI does, which uses Python's `argparse`: options anywhere, abbreviated if that
//! is unambiguous, `--option value` or `--option=value`. Unknown arguments are left over.

use super::failure::Failure;

/// The values that an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing.
    Nothing,
    /// One value.
    One,
    /// Any number of values.
    Many,
    /// One value or none. If no value is given, this value counts.
    Maybe(&'static str),
}

/// One option.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    /// Its name, with the dashes.
    pub(crate) name: String,
    /// The values that follow it.
    pub(crate) takes: Takes,
    /// The allowed values. If the list is empty, all are.
    pub(crate) choices: &'static [&'static str],
}

impl Spec {
    /// An option that takes one value.
    pub(crate) fn one(name: impl Into<String>) -> Self {
        Self { name: name.into(), takes: Takes::One, choices: &[] }
    }

    /// Changes the values that the option takes.
    pub(crate) fn taking(self, takes: Takes) -> Self {
        Self { takes, ..self }
    }

    /// Limits the values to these.
    pub(crate) fn among(self, choices: &'static [&'static str]) -> Self {
        Self { choices, ..self }
    }
}

/// A parsed command line.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// The options, by name, with their values, in the order given.
    pub(crate) options: Vec<(String, Vec<String>)>,
    /// The one positional argument.
    pub(crate) positional: Option<String>,
    /// Arguments that no option takes, in the order given.
    pub(crate) remaining: Vec<String>,
}

impl Parsed {
    /// The values of an option. If it was given several times, the last counts.
    pub(crate) fn values(&self, name: &str) -> Option<&[String]> {
        let found = self.options.iter().rev().find(|(given, _)| given == name);
        found.map(|(_, values)| values.as_slice())
    }

    /// The value of an option. If it was given several times, the last counts.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values(name).and_then(|values| values.first()).map(String::as_str)
    }

    /// Whether an option was given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values(name).is_some()
    }
}

enum Word<'a> {
    Argument,
    Known(&'a Spec, Option<&'a str>),
    Unknown,
}

/// Parses a command line. `specs` has the known options.
pub(crate) fn parse(specs: &[Spec], args: &[String]) -> Result<Parsed, Failure> {
    // `--` alone ends the options.
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let words = args
        .iter()
        .enumerate()
        .map(|(at, arg)| if at > end { Ok(Word::Argument) } else { classify(specs, arg) });
    let words: Vec<Word<'_>> = words.collect::<Result<_, _>>()?;
    let mut parsed = Parsed::default();
    let mut at = 0;
    while at < args.len() {
        match &words[at] {
            Word::Argument if parsed.positional.is_none() => parsed.positional = Some(args[at].clone()),
            Word::Argument | Word::Unknown => parsed.remaining.push(args[at].clone()),
            Word::Known(spec, explicit) => {
                let following = words[at + 1..].iter().take_while(|word| matches!(word, Word::Argument));
                let values = values(spec, *explicit, &args[at + 1..][..following.count()])?;
                if explicit.is_none() && !(matches!(spec.takes, Takes::Maybe(_)) && values.1) {
                    at += values.0.len();
                }
                for value in &values.0 {
                    check_choice(spec, value)?;
                }
                parsed.options.push((spec.name.clone(), values.0));
            }
        }
        at += 1;
    }
    Ok(parsed)
}

/// The values of an option, and whether they are the default.
fn values(spec: &Spec, explicit: Option<&str>, following: &[String]) -> Result<(Vec<String>, bool), Failure> {
    let refuse = |why: &str| Failure::Usage(format!("argument {}: {why}", spec.name));
    match (spec.takes, explicit) {
        (Takes::Nothing, Some(value)) => {
            Err(refuse(&format!("ignored explicit argument {}", super::python_repr::quoted(value))))
        }
        (Takes::Nothing, None) => Ok((Vec::new(), false)),
        (_, Some(value)) => Ok((vec![value.to_owned()], false)),
        (Takes::One, None) => match following.first() {
            Some(value) => Ok((vec![value.clone()], false)),
            None => Err(refuse("expected one argument")),
        },
        (Takes::Many, None) => Ok((following.to_vec(), false)),
        (Takes::Maybe(default), None) => Ok(match following.first() {
            Some(value) => (vec![value.clone()], false),
            None => (vec![default.to_owned()], true),
        }),
    }
}

fn check_choice(spec: &Spec, value: &str) -> Result<(), Failure> {
    if spec.choices.is_empty() || spec.choices.contains(&value) {
        return Ok(());
    }
    Err(invalid_choice(&spec.name, value, spec.choices))
}

/// The error for a value that is not allowed.
pub(crate) fn invalid_choice(name: &str, value: &str, choices: &[&str]) -> Failure {
    let mut message = format!("argument {name}: Found invalid choice '{value}'\n");
    let close: Vec<_> = choices.iter().filter(|choice| resembles(choice, value)).collect();
    if !close.is_empty() {
        message.push_str("\nMaybe you meant:\n\n");
        for choice in close {
            message.extend(["  * ", choice, "\n"]);
        }
    }
    Failure::Usage(message)
}

/// Whether two words differ in few letters: at most one in five.
fn resembles(one: &str, other: &str) -> bool {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], line + 1);
        for column in 0..other.len() {
            let swapped = before + usize::from(letter != other[column]);
            before = row[column + 1];
            row[column + 1] = swapped.min(before + 1).min(row[column] + 1);
        }
    }
    row[other.len()] * 5 <= other.len()
}

fn classify<'a>(specs: &'a [Spec], arg: &'a str) -> Result<Word<'a>, Failure> {
    if !arg.starts_with('-') || arg == "-" {
        return Ok(Word::Argument);
    }
    let (name, explicit) = match arg.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (arg, None),
    };
    if let Some(spec) = specs.iter().find(|spec| spec.name == name) {
        return Ok(Word::Known(spec, explicit));
    }
    let abbreviated: Vec<&Spec> =
        specs.iter().filter(|spec| name.len() > 2 && spec.name.starts_with(name)).collect();
    match abbreviated.as_slice() {
        [] if is_number(arg) || arg.contains(' ') => Ok(Word::Argument),
        [] => Ok(Word::Unknown),
        [spec] => Ok(Word::Known(spec, explicit)),
        several => {
            let names: Vec<_> = several.iter().map(|spec| spec.name.as_str()).collect();
            Err(Failure::Usage(format!("ambiguous option: {arg} could match {}", names.join(", "))))
        }
    }
}

/// Whether an argument is a negative number. Such an argument begins with a dash and is a value.
fn is_number(arg: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = arg.get(1..).unwrap_or_default();
    match unsigned.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction) && !fraction.is_empty(),
        None => digits(unsigned) && !unsigned.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs() -> Vec<Spec> {
        vec![
            Spec::one("--service-name"),
            Spec::one("--service-id"),
            Spec::one("--tags").taking(Takes::Many),
            Spec::one("--flag").taking(Takes::Nothing),
            Spec::one("--skeleton").taking(Takes::Maybe("input")).among(&["input", "output"]),
        ]
    }

    fn parsed(line: &str) -> Parsed {
        let args: Vec<_> = line.split('|').map(str::to_owned).collect();
        parse(&specs(), &args).unwrap()
    }

    fn refusal(line: &str) -> String {
        let args: Vec<_> = line.split('|').map(str::to_owned).collect();
        parse(&specs(), &args).unwrap_err().message()
    }

    #[test]
    fn values_follow_or_are_joined() {
        let read = parsed("--service-name|a|--service-n=b|word|--tags|x|-1|--flag|rest|--other|- y");
        assert_eq!(read.value("--service-name"), Some("b"));
        assert_eq!(read.values("--tags"), Some(&["x".to_owned(), "-1".to_owned()][..]));
        assert!(read.has("--flag"));
        assert_eq!(read.positional.as_deref(), Some("word"));
        assert_eq!(read.remaining, ["rest", "--other", "- y"]);
    }

    #[test]
    fn two_dashes_end_the_options() {
        let read = parsed("word|--service-name|a|--|--flag|b");
        assert!(!read.has("--flag"));
        assert_eq!(read.remaining, ["--", "--flag", "b"]);
    }

    #[test]
    fn a_value_may_be_left_out_where_there_is_a_default() {
        assert_eq!(parsed("--skeleton|--flag").value("--skeleton"), Some("input"));
        assert_eq!(parsed("--skeleton|output").value("--skeleton"), Some("output"));
        assert!(parsed("--skeleton|output").positional.is_none());
        assert_eq!(parsed("--tags").values("--tags"), Some(&[][..]));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert_eq!(refusal("--service-name"), "argument --service-name: expected one argument");
        assert_eq!(refusal("--flag=x"), "argument --flag: ignored explicit argument 'x'");
        assert_eq!(refusal("--serv|x"), "ambiguous option: --serv could match --service-name, --service-id");
        assert!(refusal("--skeleton|imput").contains("Maybe you meant:\n\n  * input"));
    }
}
