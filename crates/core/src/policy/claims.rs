//! Turns the claims of a verified token into facts, under the condition keys that trust policies use.

use serde_json::{Map, Value};

use super::arn::without_scheme;
use super::facts::{Fact, Facts};

impl Facts {
    /// Adds the claims of a token of the issuer with this URL.
    ///
    /// The key of a claim is `ISSUER:CLAIM`, where the issuer's URL has no scheme. A member of an object has a path,
    /// such as `kubernetes.io/serviceaccount/uid`. Numbers and booleans are added as their JSON text. For `aud`, only
    /// the token's audiences that are also in `audiences` count, and any of them may match. If there is none,
    /// `aud` is missing. A claim that is null is missing.
    pub fn add_claims(&mut self, issuer: &str, claims: &Map<String, Value>, audiences: &[String]) {
        let issuer = without_scheme(issuer);
        for (name, value) in claims {
            if name == "aud" {
                let configured = audiences_of(value).filter(|text| audiences.contains(text));
                let named: Vec<_> = configured.collect();
                if !named.is_empty() {
                    self.add(&format!("{issuer}:aud"), Fact::Alternatives(named));
                }
            } else {
                self.add_claim(&format!("{issuer}:{name}"), value);
            }
        }
    }

    fn add_claim(&mut self, key: &str, value: &Value) {
        let fact = match value {
            Value::Null => return,
            Value::Array(items) => match items.iter().map(text).collect() {
                Some(texts) => Fact::Many(texts),
                None => Fact::Opaque,
            },
            Value::Object(members) => {
                for (name, value) in members {
                    self.add_claim(&format!("{key}/{name}"), value);
                }
                Fact::Opaque
            }
            single => text(single).map_or(Fact::Opaque, Fact::One),
        };
        self.add(key, fact);
    }
}

fn audiences_of(value: &Value) -> impl Iterator<Item = String> + '_ {
    let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    list.iter().filter_map(Value::as_str).map(str::to_owned)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        // A number beyond 64 bits was rounded when it was read.
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(claims: Value, audiences: &[&str]) -> Facts {
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        let audiences: Vec<String> = audiences.iter().map(|text| (*text).to_owned()).collect();
        let mut facts = Facts::new();
        facts.add_claims("https://ci.example:8443/a", &claims, &audiences);
        facts
    }

    fn one(text: &str) -> Fact {
        Fact::One(text.to_owned())
    }

    #[test]
    fn claims_are_facts_under_their_issuer() {
        let facts = facts(
            json!({
                "sub": "repo:a/b", "n": 42, "big": 1e30, "yes": true, "none": null, "list": ["a", 1], "mixed": [["a"]],
                "kubernetes.io": {"namespace": "ns", "serviceaccount": {"name": "ci", "uid": "u-1"}},
            }),
            &[],
        );
        let get = |claim: &str| facts.get(&format!("ci.example:8443/a:{claim}")).cloned();
        assert_eq!(get("sub"), Some(one("repo:a/b")));
        assert_eq!(get("n"), Some(one("42")));
        assert_eq!(get("yes"), Some(one("true")));
        assert_eq!(get("none"), None);
        assert_eq!(get("list"), Some(Fact::Many(vec!["a".to_owned(), "1".to_owned()])));
        assert_eq!(get("kubernetes.io/serviceaccount/uid"), Some(one("u-1")));
        for opaque in ["big", "mixed", "kubernetes.io", "kubernetes.io/serviceaccount"] {
            assert_eq!(get(opaque), Some(Fact::Opaque), "{opaque}");
        }
    }

    #[test]
    fn of_the_audiences_those_count_that_are_configured() {
        let aud = |aud: Value, audiences: &[&str]| {
            facts(json!({ "aud": aud, "azp": "a" }), audiences).get("ci.example:8443/a:aud").cloned()
        };
        let some =
            |texts: &[&str]| Some(Fact::Alternatives(texts.iter().map(|text| (*text).to_owned()).collect()));
        assert_eq!(aud(json!("a"), &["a", "b"]), some(&["a"]));
        assert_eq!(aud(json!(["x", "b", "a"]), &["a", "b"]), some(&["b", "a"]));
        assert_eq!(aud(json!(["x"]), &["a"]), None);
        assert_eq!(aud(json!({"a": "a"}), &["a"]), None);
        assert_eq!(aud(json!("a"), &[]), None);
    }

    #[test]
    fn a_claim_of_the_same_name_in_another_case_spoils_both() {
        let facts = facts(json!({"sub": "a", "SUB": "b", "x": {"y": "1"}, "x/y": "2"}), &[]);
        assert_eq!(facts.get("ci.example:8443/a:sub"), Some(&Fact::Opaque));
        assert_eq!(facts.get("ci.example:8443/a:x/y"), Some(&Fact::Opaque));
    }
}
