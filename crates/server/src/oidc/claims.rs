//! The claims of a token.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::refused::Refused;

/// The claims of a token, by name. A member of an object has its path as its name, such as
/// `kubernetes.io/serviceaccount/uid`. The audience is left out: [`Verified`](super::Verified) has the
/// audiences that count.
pub type Claims = BTreeMap<String, Claim>;

/// The value of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// A text.
    Text(String),
    /// A whole number, in digits.
    Number(String),
    /// A truth value.
    Bool(bool),
    /// A list, an object, a null or a fraction. No condition equals it.
    NotPlain,
}

impl Claim {
    /// The text that conditions compare: the text itself, or the JSON text of a number or truth value.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            Self::NotPlain => None,
        }
    }
}

/// The audiences that a token names.
///
/// # Errors
/// If `aud` is missing, or is neither a text nor a list of texts.
pub(super) fn audiences(claims: &Map<String, Value>) -> Result<Vec<&str>, Refused> {
    let named: Option<Vec<&str>> = match claims.get("aud") {
        Some(Value::String(one)) => Some(vec![one]),
        Some(Value::Array(all)) => all.iter().map(Value::as_str).collect(),
        _ => None,
    };
    named.ok_or_else(|| {
        Refused::invalid(
            "The identity token's audience (aud) is missing, or neither a text nor a list of texts.",
        )
    })
}

/// The subject that a token names.
///
/// # Errors
/// If `sub` is missing, empty or not a text.
pub(super) fn subject(claims: &Map<String, Value>) -> Result<String, Refused> {
    match claims.get("sub").and_then(Value::as_str) {
        Some(subject) if !subject.is_empty() => Ok(subject.to_owned()),
        _ => Err(Refused::invalid("The identity token's subject (sub) is missing, empty or not a text.")),
    }
}

/// Flattens all claims except the audience to one level.
///
/// # Errors
/// If two claims get the same name.
pub(super) fn flat(members: Map<String, Value>) -> Result<Claims, Refused> {
    let mut claims = Claims::new();
    for (name, value) in members {
        if name != "aud" {
            add(&mut claims, name, value)?;
        }
    }
    Ok(claims)
}

fn add(claims: &mut Claims, name: String, value: Value) -> Result<(), Refused> {
    let claim = match value {
        Value::String(text) => Claim::Text(text),
        Value::Bool(truth) => Claim::Bool(truth),
        Value::Number(number) if !number.is_f64() => Claim::Number(number.to_string()),
        Value::Object(members) => {
            for (member, value) in members {
                add(claims, format!("{name}/{member}"), value)?;
            }
            Claim::NotPlain
        }
        _ => Claim::NotPlain,
    };
    match claims.insert(name, claim) {
        None => Ok(()),
        // A claim `a/b`, and a claim `b` inside the object `a`. A reader could take one for the other.
        Some(_) => Err(Refused::invalid("The identity token gives a claim twice, by a path and by a name.")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Claims, Refused> {
        let Value::Object(members) = value else { panic!("no object") };
        flat(members)
    }

    #[test]
    fn plain_claims_are_compared_by_their_json_text() {
        let claims = read(json!({"a": "1", "b": 1, "c": true, "d": -7, "e": u64::MAX})).unwrap();
        let said: Vec<_> = claims.values().map(Claim::as_str).collect();
        assert_eq!(said, [Some("1"), Some("1"), Some("true"), Some("-7"), Some("18446744073709551615")]);
    }

    #[test]
    fn what_is_not_plain_equals_nothing() {
        let claims = read(json!({"a": ["x"], "b": null, "c": 1.5, "d": {}})).unwrap();
        assert!(claims.values().all(|claim| claim.as_str().is_none()), "{claims:?}");
    }

    #[test]
    fn members_of_objects_are_named_by_their_way() {
        let claims =
            read(json!({"kubernetes.io": {"namespace": "ci", "serviceaccount": {"uid": "u"}}})).unwrap();
        assert_eq!(claims["kubernetes.io/namespace"], Claim::Text("ci".to_owned()));
        assert_eq!(claims["kubernetes.io/serviceaccount/uid"], Claim::Text("u".to_owned()));
        assert_eq!(claims["kubernetes.io/serviceaccount"], Claim::NotPlain);
    }

    #[test]
    fn one_name_cannot_mean_two_claims() {
        for twice in [json!({"a": {"b": "x"}, "a/b": "y"}), json!({"a/b": "y", "a": {"b": "x"}})] {
            assert!(matches!(read(twice), Err(Refused::InvalidIdentityToken(_))));
        }
    }

    #[test]
    fn the_audience_is_no_claim_among_others() {
        assert!(read(json!({"aud": "x"})).unwrap().is_empty());
    }
}
