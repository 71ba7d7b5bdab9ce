//! The right answers to questions.

/// The content that an answer must have.
pub(super) enum Wanted {
    /// A line with all of these texts.
    Line(Vec<String>),
    /// A number in this range, and nothing else.
    Number(f64, f64),
    /// This many numbers, all in this range.
    All(usize, f64, f64),
    /// A series with these labels, whose value is above zero.
    Series(&'static [&'static str]),
}

impl Wanted {
    /// Checks an answer of jq or promtool.
    pub(super) fn check(&self, answer: &str) -> Result<(), String> {
        let value = |line: &str| line.split(" => ").nth(1)?.split(' ').next()?.parse::<f64>().ok();
        let is_right = match self {
            Self::Line(texts) => answer.lines().any(|line| texts.iter().all(|text| line.contains(text))),
            Self::Number(least, most) => {
                let values: Vec<_> = answer.lines().map(value).collect();
                matches!(values[..], [Some(value)] if (*least..=*most).contains(&value))
            }
            Self::All(count, least, most) => {
                let values: Vec<_> = answer.lines().filter_map(value).collect();
                values.len() == *count && values.iter().all(|value| (*least..=*most).contains(value))
            }
            Self::Series(labels) => answer.lines().any(|line| {
                labels.iter().all(|label| line.contains(label))
                    && value(line).is_some_and(|value| value > 0.0)
            }),
        };
        if is_right { Ok(()) } else { Err(format!("answers {answer:?}")) }
    }
}
