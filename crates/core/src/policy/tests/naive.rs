//! Compares the evaluator with another one that was written for this test. The other one is slow, works on the
//! JSON itself, and shares no code.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Whether a condition may be true, and whether it may be false, while some facts are unknown.
#[derive(Clone, Copy)]
struct May(bool, bool);

fn sure(holds: bool) -> May {
    May(holds, !holds)
}

fn naive_glob(pattern: &str, text: &str, path: bool) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    if first == '*' {
        let far = path && rest.starts_with('*');
        let rest = if far { rest.trim_start_matches('*') } else { rest };
        return text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .filter(|at| !path || far || !text[..*at].contains('/'))
            .any(|at| naive_glob(rest, &text[at..], path));
    }
    let Some(found) = text.chars().next() else { return false };
    (found == first || first == '?' && !(path && found == '/'))
        && naive_glob(rest, &text[found.len_utf8()..], path)
}

fn naive_value(operator: &str, key: &str, wanted: &str, found: &str) -> May {
    let numbers = || Some((found.parse::<i64>().ok()?, wanted.parse::<i64>().ok()?));
    match operator {
        "StringEquals" => sure(wanted == found),
        "StringEqualsIgnoreCase" => sure(wanted.eq_ignore_ascii_case(found)),
        "StringLike" => sure(naive_glob(wanted, found, key == "gangplank:Repository")),
        "NumericEquals" => numbers().map_or(May(true, true), |(found, wanted)| sure(found == wanted)),
        "NumericLessThan" => numbers().map_or(May(true, true), |(found, wanted)| sure(found < wanted)),
        "NumericGreaterThanEquals" => {
            numbers().map_or(May(true, true), |(found, wanted)| sure(found >= wanted))
        }
        "Bool" if ["true", "false"].contains(&found) => sure(found == wanted),
        "IpAddress" => {
            let number = |text: &str| -> Option<u32> {
                let bytes = text.split('.').map(str::parse).collect::<Result<Vec<u8>, _>>().ok()?;
                Some(u32::from_be_bytes(bytes.try_into().ok()?))
            };
            let (net, length) = wanted.split_once('/').unwrap_or((wanted, "32"));
            let shift = 32 - length.parse::<u32>().unwrap();
            let cut = |number: u32| u64::from(number) >> shift;
            match number(found) {
                Some(found) => sure(cut(found) == cut(number(net).unwrap())),
                None => May(true, true),
            }
        }
        _ => May(true, true),
    }
}

fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().unwrap().to_owned()).collect(),
        one => vec![one.as_str().unwrap().to_owned()],
    }
}

fn naive_condition(operator: &str, key: &str, wanted: &Value, facts: &BTreeMap<String, Value>) -> May {
    let (quantifier, name) = operator.split_once(':').unwrap_or(("", operator));
    let (name, if_exists) = match name.strip_suffix("IfExists") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let negated = name.contains("Not");
    let positive = name.replace("Not", "");
    let found = facts.get(&key.to_lowercase());
    let wanted = list(wanted);
    if name == "Null" {
        let missing = found.is_none_or(|found| found == &json!([]));
        return sure(wanted.contains(&missing.to_string()));
    }
    let one = |found: &str| {
        let each: Vec<May> = wanted.iter().map(|wanted| naive_value(&positive, key, wanted, found)).collect();
        let May(yes, no) = May(each.iter().any(|may| may.0), each.iter().all(|may| may.1));
        if negated { May(no, yes) } else { May(yes, no) }
    };
    match (quantifier, found) {
        ("", None) => sure(negated || if_exists),
        ("", Some(Value::String(found))) => one(found),
        ("", Some(_)) => May(true, true),
        (_, None) => sure(quantifier == "ForAllValues" || if_exists),
        (_, Some(found)) => {
            let each: Vec<May> = list(found).iter().map(|found| one(found)).collect();
            match (quantifier, each.is_empty()) {
                (_, true) => sure(quantifier == "ForAllValues" || if_exists),
                ("ForAnyValue", _) => May(each.iter().any(|may| may.0), each.iter().all(|may| may.1)),
                _ => May(each.iter().all(|may| may.0), each.iter().any(|may| may.1)),
            }
        }
    }
}

fn naive_decision(policy: &Value, action: &str, resource: &str, facts: &BTreeMap<String, Value>) -> bool {
    let mut allowed = false;
    for statement in policy["Statement"].as_array().unwrap() {
        let named = |member: &str, not: &str, fits: &dyn Fn(&str) -> bool| match statement.get(member) {
            Some(these) => list(these).iter().any(|one| fits(one)),
            None => !list(&statement[not]).iter().any(|one| fits(one)),
        };
        let by_action = |pattern: &str| naive_glob(&pattern.to_lowercase(), &action.to_lowercase(), false);
        let by_resource = |pattern: &str| naive_glob(pattern, resource, false);
        if !named("Action", "NotAction", &by_action) || !named("Resource", "NotResource", &by_resource) {
            continue;
        }
        let (mut yes, mut no) = (true, false);
        for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
            for (key, wanted) in keys.as_object().unwrap() {
                let may = naive_condition(operator, key, wanted, facts);
                (yes, no) = (yes && may.0, no || may.1);
            }
        }
        match statement["Effect"].as_str().unwrap() {
            "Deny" if yes => return false,
            "Allow" if !no => allowed = true,
            _ => {}
        }
    }
    allowed
}

fn texts(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop_oneof![select(words).prop_map(Value::from), vec(select(words), 1..4).prop_map(Value::from)]
}

const LABELS: &[&str] = &["a", "A", "ab", "a*", "*", "?b", "b", ""];
const REPOSITORIES: &[&str] = &["sr", "team/app", "team/*", "team/**", "*", "**", "s?", "team/app/x"];
const NETWORKS: &[&str] = &["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "0.0.0.0/0", "192.0.2.0/31"];
const NUMBERS: &[&str] = &["-1", "0", "5", "10", "1795747200"];

fn condition() -> impl Strategy<Value = (String, String, Value)> {
    let around = |quantifier: &'static str, name: &'static str, if_exists: bool| {
        format!("{quantifier}{name}{}", if if_exists && name != "Null" { "IfExists" } else { "" })
    };
    let strings: &[&str] = &[
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringNotLike",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
    ];
    let quantifiers: &[&str] = &["ForAnyValue:", "ForAllValues:"];
    let label = (select(strings), any::<bool>(), texts(LABELS))
        .prop_map(move |(name, if_exists, wanted)| (around("", name, if_exists), "gangplank:Label", wanted));
    let tags = (select(quantifiers), select(strings), any::<bool>(), texts(LABELS)).prop_map(
        move |(quantifier, name, if_exists, wanted)| {
            (around(quantifier, name, if_exists), "aws:TagKeys", wanted)
        },
    );
    let repository = (select(quantifiers), select(strings), any::<bool>(), texts(REPOSITORIES)).prop_map(
        move |(quantifier, name, if_exists, wanted)| {
            (around(quantifier, name, if_exists), "gangplank:Repository", wanted)
        },
    );
    let networks: &[&str] = &["IpAddress", "NotIpAddress"];
    let address = (select(networks), any::<bool>(), texts(NETWORKS))
        .prop_map(move |(name, if_exists, wanted)| (around("", name, if_exists), "aws:SourceIp", wanted));
    let numeric: &[&str] =
        &["NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEquals"];
    let number = (select(numeric), any::<bool>(), texts(NUMBERS))
        .prop_map(move |(name, if_exists, wanted)| (around("", name, if_exists), "AWS:epochTime", wanted));
    let truth: &[&str] = &["true", "false"];
    let secure = (any::<bool>(), texts(truth))
        .prop_map(move |(if_exists, wanted)| (around("", "Bool", if_exists), "aws:SecureTransport", wanted));
    let keys: &[&str] = &["aws:TagKeys", "gangplank:Label"];
    let null = (select(keys), texts(truth)).prop_map(|(key, wanted)| ("Null".to_owned(), key, wanted));
    prop_oneof![label, tags, repository, address, number, secure, null]
        .prop_map(|(operator, key, wanted)| (operator, key.to_owned(), wanted))
}

fn statement() -> impl Strategy<Value = Value> {
    let actions: &'static [&'static str] = &[
        "*",
        "lightsail:*",
        "lightsail:Get*",
        "LIGHTSAIL:register*",
        "gangplank:?istRoles",
        "lightsail:GetContainerLog",
    ];
    let resources: &'static [&'static str] =
        &["*", SERVICE, TENANT, "arn:aws:lightsail:*:*:ContainerService/*"];
    (
        select(&["Allow", "Allow", "Deny"][..]),
        any::<(bool, bool)>(),
        texts(actions),
        texts(resources),
        vec(condition(), 0..4),
    )
        .prop_map(|(effect, (not_action, not_resource), actions, resources, conditions)| {
            let mut statement = json!({ "Effect": effect });
            statement[if not_action { "NotAction" } else { "Action" }] = actions;
            statement[if not_resource { "NotResource" } else { "Resource" }] = resources;
            for (operator, key, wanted) in conditions {
                statement["Condition"][operator][key] = wanted;
            }
            statement
        })
}

fn known() -> impl Strategy<Value = BTreeMap<String, Value>> {
    let one = |words: &'static [&'static str]| select(words).prop_map(Value::from);
    let many = |words: &'static [&'static str]| vec(select(words), 0..4).prop_map(Value::from);
    let addresses: &[&str] = &["10.1.2.3", "10.9.9.9", "192.0.2.1", "192.0.2.2", "unknown"];
    let numbers: &[&str] = &["-1", "0", "7", "10", "1795747200", "ten"];
    let booleans: &[&str] = &["true", "false", "maybe"];
    (
        option::of(prop_oneof![3 => one(LABELS), 1 => many(LABELS)]),
        option::of(many(LABELS)),
        option::of(prop_oneof![many(REPOSITORIES), one(REPOSITORIES)]),
        option::of(one(addresses)),
        option::of(one(numbers)),
        option::of(one(booleans)),
        btree_map(Just("aws:userid".to_owned()), one(LABELS), 0..2),
    )
        .prop_map(|(label, tags, repository, address, number, secure, mut all)| {
            for (key, value) in [
                ("gangplank:label", label),
                ("aws:tagkeys", tags),
                ("gangplank:repository", repository),
                ("aws:sourceip", address),
                ("aws:epochtime", number),
                ("aws:securetransport", secure),
            ] {
                all.extend(value.map(|value| (key.to_owned(), value)));
            }
            all
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]
    #[test]
    fn both_evaluators_decide_alike(statements in vec(statement(), 1..4), known in known()) {
        let document = json!({ "Version": "2012-10-17", "Statement": statements });
        let policy = PermissionPolicy::parse(&document.to_string()).unwrap();
        let mut facts = Facts::new();
        for (key, value) in &known {
            facts = match value {
                Value::String(value) => facts.with(key, value),
                value => facts.with_many(key, list(value)),
            };
        }
        for (action, resource) in [
            (Action::RegisterContainerImage, SERVICE),
            (Action::GetContainerLog, TENANT),
            (Action::ListRoles, "arn:aws:gangplank:us-east-1:000000000000:*"),
        ] {
            let decided = decide(&policy, action, resource, &facts).is_ok();
            prop_assert_eq!(decided, naive_decision(&document, action.as_str(), resource, &known), "{}", action);
        }
    }
}
