//! The condition operators (IAM user guide, "Condition operators"), with their prefixes and suffixes.

use std::cmp::Ordering;

use crate::json::Quoted;

/// How the values of a list are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    /// At least one has to match.
    ForAnyValue,
    /// Every one has to match. An empty list matches.
    ForAllValues,
}

/// The type of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// Compares texts exactly.
    Text,
    /// Compares texts without regard to case.
    TextInAnyCase,
    /// Compares texts with patterns.
    TextLike,
    /// Numbers: the found number has this relation to the wanted one.
    Number(Relation),
    /// Times: the found time has this relation to the wanted one.
    Date(Relation),
    /// Compares truth values.
    Bool,
    /// Whether the found address is in the wanted network.
    Address,
    /// Compares ARNs with patterns, segment by segment.
    Arn,
    /// Whether the key is missing.
    Null,
}

/// The relation of the found value to the wanted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    pub(super) fn holds(self, found_to_wanted: Ordering) -> bool {
        match self {
            Self::Equal => found_to_wanted.is_eq(),
            Self::Less => found_to_wanted.is_lt(),
            Self::LessOrEqual => found_to_wanted.is_le(),
            Self::Greater => found_to_wanted.is_gt(),
            Self::GreaterOrEqual => found_to_wanted.is_ge(),
        }
    }
}

/// Each name with its comparison, and whether it is negated. A negated operator holds if no wanted value matches, or
/// if the key is missing.
const NAMES: [(&str, Comparison, bool); 26] = {
    use Comparison::{Address, Arn, Bool, Date, Null, Number, Text, TextInAnyCase, TextLike};
    use Relation::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    [
        ("StringEquals", Text, false),
        ("StringNotEquals", Text, true),
        ("StringEqualsIgnoreCase", TextInAnyCase, false),
        ("StringNotEqualsIgnoreCase", TextInAnyCase, true),
        ("StringLike", TextLike, false),
        ("StringNotLike", TextLike, true),
        ("NumericEquals", Number(Equal), false),
        ("NumericNotEquals", Number(Equal), true),
        ("NumericLessThan", Number(Less), false),
        ("NumericLessThanEquals", Number(LessOrEqual), false),
        ("NumericGreaterThan", Number(Greater), false),
        ("NumericGreaterThanEquals", Number(GreaterOrEqual), false),
        ("DateEquals", Date(Equal), false),
        ("DateNotEquals", Date(Equal), true),
        ("DateLessThan", Date(Less), false),
        ("DateLessThanEquals", Date(LessOrEqual), false),
        ("DateGreaterThan", Date(Greater), false),
        ("DateGreaterThanEquals", Date(GreaterOrEqual), false),
        ("Bool", Bool, false),
        ("IpAddress", Address, false),
        ("NotIpAddress", Address, true),
        ("ArnEquals", Arn, false),
        ("ArnNotEquals", Arn, true),
        ("ArnLike", Arn, false),
        ("ArnNotLike", Arn, true),
        ("Null", Null, false),
    ]
};

/// A condition operator in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) text: String,
    pub(super) quantifier: Option<Quantifier>,
    pub(super) comparison: Comparison,
    pub(super) negated: bool,
    pub(super) if_exists: bool,
}

impl Operator {
    /// Reads an operator.
    ///
    /// # Errors
    /// If there is no operator with that name. The error is the end of a sentence that begins with the place.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (quantifier, rest) = match text.split_once(':') {
            Some(("ForAnyValue", rest)) => (Some(Quantifier::ForAnyValue), rest),
            Some(("ForAllValues", rest)) => (Some(Quantifier::ForAllValues), rest),
            _ => (None, text),
        };
        let (name, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |name| (name, true));
        let known = NAMES.iter().find(|(known, ..)| *known == name);
        let Some((_, comparison, negated)) = known.copied() else {
            let near = NAMES.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
            let hint = near.map(|(near, ..)| format!(" It is written {near}.")).unwrap_or_default();
            return Err(format!("has {}, which is no operator that this server knows.{hint}", Quoted(text)));
        };
        if comparison == Comparison::Null && (if_exists || quantifier.is_some()) {
            return Err(format!("has {}, but Null stands alone", Quoted(text)));
        }
        Ok(Self { text: text.to_owned(), quantifier, comparison, negated, if_exists })
    }

    /// Whether it can only hold if the key has a wanted value.
    pub(super) fn requires_a_value(&self) -> bool {
        !self.negated
            && !self.if_exists
            && self.quantifier != Some(Quantifier::ForAllValues)
            && self.comparison != Comparison::Null
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_with_what_may_stand_around_it() {
        for (name, comparison, negated) in NAMES {
            assert_eq!(negated, name.contains("Not"), "{name}");
            let plain = Operator::parse(name).unwrap();
            assert_eq!((plain.comparison, plain.negated, plain.if_exists), (comparison, negated, false));
            for around in ["ForAnyValue:NAME", "ForAllValues:NAMEIfExists", "NAMEIfExists"] {
                let operator = Operator::parse(&around.replace("NAME", name));
                assert_eq!(operator.is_ok(), name != "Null", "{around} {name}");
            }
        }
    }

    #[test]
    fn another_name_is_refused() {
        for name in [
            "",
            "IfExists",
            "ForAnyValue:",
            "StringEqual",
            "BinaryEquals",
            "ForSomeValue:StringEquals",
            "Not",
            "StringEqualsIfExistsIfExists",
            "ForAnyValue:ForAnyValue:Bool",
            "foranyvalue:StringEquals",
        ] {
            assert!(Operator::parse(name).is_err(), "{name}");
        }
        assert!(Operator::parse("stringEquals").unwrap_err().ends_with("It is written StringEquals."));
    }
}
