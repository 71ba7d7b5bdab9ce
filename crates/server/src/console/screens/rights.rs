//! Policies in words. The page also shows the policy itself, since only the policy decides.

use std::collections::BTreeSet;

use gangplank_core::policy::{Action, Preset};
use serde_json::Value;

/// How many actions are listed by name.
const NAMED: usize = 4;

/// The permissions that a permission policy gives, for people.
pub(super) fn of_policy(policy: &str) -> Vec<String> {
    let read: Value = serde_json::from_str(policy).unwrap_or_default();
    let (mut allowed, mut denied) = (BTreeSet::new(), BTreeSet::new());
    let (mut services, mut repositories, mut is_conditional) = (BTreeSet::new(), BTreeSet::new(), false);
    for statement in list(&read["Statement"]) {
        let is_denial = statement["Effect"] == "Deny";
        let set = if is_denial { &mut denied } else { &mut allowed };
        set.extend(texts(&statement["Action"]));
        for (_, key, values) in conditions(statement) {
            match key {
                "gangplank:ServiceName" if !is_denial => services.extend(values),
                "gangplank:Repository" if !is_denial => repositories.extend(values),
                _ => is_conditional = true,
            }
        }
    }
    let mut words = vec![actions(&allowed)];
    let named = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(", ");
    if !services.is_empty() {
        words.push(format!("services {}", named(services)));
    }
    if !repositories.is_empty() {
        words.push(format!("repositories {}", named(repositories)));
    }
    if !denied.is_empty() {
        words.push(format!("never {}", actions(&denied)));
    }
    if is_conditional {
        words.push("under conditions of the policy".to_owned());
    }
    words
}

/// Actions in words, or the name of a preset with the same actions.
fn actions(named: &BTreeSet<String>) -> String {
    if named.contains("*") {
        return "everything in its account".to_owned();
    }
    let of = |preset: Preset| -> BTreeSet<String> {
        let actions = Action::ALL.iter().filter(|it| preset.allows(**it) && !it.changes_principals());
        actions.map(|action| action.as_str().to_owned()).collect()
    };
    match Preset::ALL.into_iter().find(|preset| of(*preset) == *named) {
        Some(Preset::Push) => "push: log in, push and register images".to_owned(),
        Some(Preset::Deploy) => "deploy: log in, push, register and deploy images".to_owned(),
        Some(Preset::Read) => "read: look, and pull what is registered".to_owned(),
        Some(Preset::All) => "all but keys and roles".to_owned(),
        None => {
            let shown: Vec<&str> = named.iter().take(NAMED).map(String::as_str).collect();
            match named.len() - shown.len() {
                0 => shown.join(", "),
                more => format!("{} and {more} more actions", shown.join(", ")),
            }
        }
    }
}

/// The tokens that a trust policy accepts, for people.
pub(super) fn of_trust(policy: &str) -> Vec<String> {
    let read: Value = serde_json::from_str(policy).unwrap_or_default();
    list(&read["Statement"]).map(trusted).collect()
}

fn trusted(statement: &Value) -> String {
    let provider = texts(&statement["Principal"]["Federated"]).next().unwrap_or_default();
    let issuer = provider.split_once(":oidc-provider/").map_or(&*provider, |(_, issuer)| issuer);
    let mut parts = Vec::new();
    for (operator, key, values) in conditions(statement) {
        let claim = key.strip_prefix(issuer).and_then(|rest| rest.strip_prefix(':')).unwrap_or(key);
        let verb = match operator {
            "StringEquals" => "is",
            "StringLike" => "is like",
            "StringNotEquals" => "is not",
            "StringNotLike" => "is not like",
            other => other,
        };
        // All tokens have the same audience, so it comes last.
        let place = if claim == "aud" { parts.len() } else { 0 };
        parts.insert(place, format!("{claim} {verb} {}", values.collect::<Vec<_>>().join(" or ")));
    }
    let parts = parts.join(" and ");
    match (statement["Effect"] == "Deny", parts.is_empty()) {
        (false, false) => format!("tokens of {issuer} where {parts}"),
        (false, true) => format!("all tokens of {issuer}"),
        (true, false) => format!("but none where {parts}"),
        (true, true) => format!("but none of {issuer}"),
    }
}

/// The conditions of a statement: the operator, the key and its values.
fn conditions(statement: &Value) -> impl Iterator<Item = (&str, &str, impl Iterator<Item = String>)> {
    let operators = statement["Condition"].as_object().into_iter().flatten();
    operators.flat_map(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.map(move |(key, values)| (operator.as_str(), key.as_str(), texts(values)))
    })
}

/// The values of a member: policies write one value or a list.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    let (several, one) = match value {
        Value::Array(several) => (several.as_slice(), None),
        Value::Null => (&[][..], None),
        one => (&[][..], Some(one)),
    };
    several.iter().chain(one)
}

fn texts(value: &Value) -> impl Iterator<Item = String> {
    list(value).map(|text| text.as_str().map_or_else(|| text.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use gangplank_core::AccountId;
    use gangplank_core::policy::{Limits, Trusted};

    use super::*;

    #[test]
    fn presets_are_known_by_their_names() {
        let limits = Limits { services: vec!["web".to_owned()], repositories: vec!["team/*".to_owned()] };
        let said = |preset: Preset, limits: &Limits| of_policy(&preset.policy(limits).unwrap().to_json());
        assert_eq!(
            said(Preset::Push, &limits),
            ["push: log in, push and register images", "services web", "repositories team/*"]
        );
        assert_eq!(said(Preset::All, &Limits::default()), ["everything in its account"]);
        assert_eq!(said(Preset::All, &limits)[0], "all but keys and roles");
        assert_eq!(said(Preset::Read, &Limits::default()), ["read: look, and pull what is registered"]);
        assert_eq!(
            said(Preset::Deploy, &Limits::default()),
            ["deploy: log in, push, register and deploy images", "repositories sr"]
        );
    }

    #[test]
    fn other_policies_name_their_actions() {
        let policy = r#"{"Statement":[
            {"Effect":"Allow","Action":["a:1","a:2","a:3","a:4","a:5"],"Resource":"*"},
            {"Effect":"Deny","Action":"a:9","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#;
        let expected =
            ["a:1, a:2, a:3, a:4 and 1 more actions", "never a:9", "under conditions of the policy"];
        assert_eq!(of_policy(policy), expected);
        assert_eq!(of_policy("{"), [""], "what cannot be read says nothing");
    }

    #[test]
    fn trust_is_told_in_words() {
        let trusted = Trusted::github(Trusted::GITHUB, "acme/web").unwrap();
        let policy = trusted.policy(&AccountId::root(), "https://registry.example").unwrap().to_json();
        let said = of_trust(&policy);
        assert!(
            said[0].starts_with("tokens of token.actions.githubusercontent.com where ")
                && said[0].contains("repository is acme/web")
                && said[0].ends_with("aud is https://registry.example"),
            "{said:?}"
        );
        assert!(said[1].starts_with("but none where event_name is "), "{said:?}");
    }
}
