//! Every operator by example, with its prefixes and suffixes.

use super::super::condition::Condition;
use super::super::key::{Key, Scope};
use super::super::operator::Operator;
use super::*;

/// Claims can be compared with every operator.
const SCOPE: Scope<'_> = Scope::Trust("ci.example");

fn test_in(scope: Scope<'_>, operator: &str, key: &str, wanted: &[&str], facts: &Facts) -> Truth {
    let (operator, key) = (Operator::parse(operator).unwrap(), Key::parse(key, scope).unwrap());
    key.check(&operator).unwrap();
    let wanted = wanted.iter().map(|text| (*text).to_owned()).collect();
    Condition::parse(operator, key, wanted, scope).unwrap().test(facts)
}

fn test(operator: &str, wanted: &[&str], found: &str) -> Truth {
    test_in(SCOPE, operator, "ci.example:x", wanted, &Facts::new().with("ci.example:x", found))
}

fn test_list(operator: &str, wanted: &[&str], found: &[&str]) -> Truth {
    let facts = Facts::new().with_many("ci.example:x", found.iter().copied());
    test_in(SCOPE, operator, "ci.example:x", wanted, &facts)
}

fn test_missing(operator: &str, wanted: &[&str]) -> Truth {
    test_in(SCOPE, operator, "ci.example:x", wanted, &Facts::new())
}

#[test]
fn each_operator_compares_as_its_name_says() {
    use Truth::{No, Undecided, Yes};
    for (operator, wanted, found, truth) in [
        ("StringEquals", "a*", "a*", Yes),
        ("StringEquals", "a*", "ab", No),
        ("StringEquals", "a", "A", No),
        ("StringEquals", "", "", Yes),
        ("StringNotEquals", "a", "b", Yes),
        ("StringNotEquals", "a", "a", No),
        ("StringEqualsIgnoreCase", "Main", "mAIN", Yes),
        ("StringEqualsIgnoreCase", "ÄB", "äb", Yes),
        ("StringEqualsIgnoreCase", "Main", "main2", No),
        ("StringNotEqualsIgnoreCase", "Main", "MAIN", No),
        ("StringNotEqualsIgnoreCase", "Main", "x", Yes),
        ("StringLike", "refs/heads/*", "refs/heads/a/b", Yes),
        ("StringLike", "refs/heads/*", "refs/tags/a", No),
        ("StringLike", "v?", "v1", Yes),
        ("StringLike", "v?", "v10", No),
        ("StringLike", "V?", "v1", No),
        ("StringLike", "a${*}", "ab", No),
        ("StringLike", "a${*}", "a*", Yes),
        ("StringNotLike", "refs/heads/*", "refs/tags/a", Yes),
        ("StringNotLike", "refs/heads/*", "refs/heads/a", No),
        ("NumericEquals", "10", "10.0", Yes),
        ("NumericEquals", "9007199254740993", "9007199254740992", No),
        ("NumericEquals", "10", "ten", Undecided),
        ("NumericNotEquals", "10", "11", Yes),
        ("NumericNotEquals", "10", "10", No),
        ("NumericNotEquals", "10", "ten", Undecided),
        ("NumericLessThan", "10", "9", Yes),
        ("NumericLessThan", "10", "10", No),
        ("NumericLessThanEquals", "10", "10", Yes),
        ("NumericLessThanEquals", "10", "10.01", No),
        ("NumericGreaterThan", "10", "11", Yes),
        ("NumericGreaterThan", "10", "10", No),
        ("NumericGreaterThanEquals", "10", "10", Yes),
        ("NumericGreaterThanEquals", "10", "-11", No),
        ("DateEquals", "2026-11-27", "2026-11-27T00:00:00Z", Yes),
        ("DateEquals", "2026-11-27", "2026-11-27T00:00:01Z", No),
        ("DateNotEquals", "2026-11-27", "2026-11-28", Yes),
        ("DateNotEquals", "2026-11-27", "2026-11-27", No),
        ("DateLessThan", "2026-11-27T02:40:00Z", "1795747199", Yes),
        ("DateLessThan", "1795747200", "2026-11-27T02:40:00Z", No),
        ("DateLessThanEquals", "1795747200", "2026-11-27T02:40:00Z", Yes),
        ("DateGreaterThan", "2026-11-27T02:40:00Z", "2026-11-27T03:00:00+00:15", Yes),
        ("DateGreaterThan", "2026-11-27T02:40:00Z", "2026-11-27T03:00:00+01:00", No),
        ("DateGreaterThanEquals", "2026-11-27", "2026-11-27", Yes),
        ("DateGreaterThanEquals", "2026-11-27", "soon", Undecided),
        ("Bool", "true", "true", Yes),
        ("Bool", "False", "false", Yes),
        ("Bool", "true", "false", No),
        ("Bool", "true", "yes", Undecided),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", Yes),
        ("IpAddress", "10.0.0.0/8", "::ffff:10.1.2.3", Yes),
        ("IpAddress", "10.0.0.0/8", "11.1.2.3", No),
        ("IpAddress", "192.0.2.1", "192.0.2.1", Yes),
        ("IpAddress", "2001:db8::/32", "2001:db8::1", Yes),
        ("IpAddress", "2001:db8::/32", "10.1.2.3", No),
        ("IpAddress", "10.0.0.0/8", "unknown", Undecided),
        ("NotIpAddress", "10.0.0.0/8", "11.1.2.3", Yes),
        ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", No),
        ("NotIpAddress", "10.0.0.0/8", "unknown", Undecided),
        ("ArnEquals", "arn:aws:iam::*:role/push-?", "arn:aws:iam::000000000000:role/push-1", Yes),
        ("ArnLike", "arn:aws:iam::*:role/*", "arn:aws:iam::1:2:role/x", No),
        ("ArnLike", "arn:aws:iam::*:role/*", "arn:aws:iam::1:role/a:b/c", Yes),
        ("ArnLike", "arn:aws:iam::*:role/*", "no arn", Undecided),
        ("ArnNotEquals", "arn:aws:iam::*:role/a", "arn:aws:iam::1:role/b", Yes),
        ("ArnNotLike", "arn:aws:iam::*:role/*", "arn:aws:iam::1:role/b", No),
        ("Null", "true", "x", No),
        ("Null", "false", "x", Yes),
    ] {
        assert_eq!(test(operator, &[wanted], found), truth, "{operator} {wanted} {found}");
        if operator != "Null" {
            let and_if_there = format!("{operator}IfExists");
            assert_eq!(test(&and_if_there, &[wanted], found), truth, "{and_if_there} {wanted} {found}");
            for quantifier in ["ForAnyValue", "ForAllValues"] {
                assert_eq!(test_list(&format!("{quantifier}:{operator}"), &[wanted], &[found]), truth);
            }
        }
    }
}

#[test]
fn of_several_values_one_has_to_match_and_of_negated_ones_none() {
    assert_eq!(test("StringEquals", &["a", "b"], "b"), Truth::Yes);
    assert_eq!(test("StringNotEquals", &["a", "b"], "a"), Truth::No);
    assert_eq!(test("StringNotEquals", &["a", "b"], "b"), Truth::No);
    assert_eq!(test("StringNotEquals", &["a", "b"], "c"), Truth::Yes);
    assert_eq!(test("NotIpAddress", &["10.0.0.0/8", "192.0.2.0/24"], "192.0.2.9"), Truth::No);
    assert_eq!(test("NumericLessThan", &["1", "5"], "3"), Truth::Yes);
}

#[test]
fn a_missing_key_fails_but_for_negated_operators() {
    for operator in ["StringEquals", "StringLike", "StringEqualsIgnoreCase"] {
        assert_eq!(test_missing(operator, &["*"]), Truth::No, "{operator}");
    }
    for (operator, wanted) in [
        ("NumericGreaterThan", "0"),
        ("DateLessThan", "2030-01-01"),
        ("Bool", "false"),
        ("IpAddress", "0.0.0.0/0"),
        ("ArnLike", "arn:*:*:*:*:*"),
    ] {
        assert_eq!(test_missing(operator, &[wanted]), Truth::No, "{operator}");
        assert_eq!(test_missing(&format!("{operator}IfExists"), &[wanted]), Truth::Yes, "{operator}");
        assert_eq!(test_missing(&format!("ForAnyValue:{operator}"), &[wanted]), Truth::No);
        assert_eq!(test_missing(&format!("ForAllValues:{operator}"), &[wanted]), Truth::Yes);
        assert_eq!(test_missing(&format!("ForAnyValue:{operator}IfExists"), &[wanted]), Truth::Yes);
    }
    for (operator, wanted) in [
        ("StringNotEquals", "a"),
        ("StringNotLike", "*"),
        ("StringNotEqualsIgnoreCase", "a"),
        ("NumericNotEquals", "1"),
        ("DateNotEquals", "2026-11-27"),
        ("NotIpAddress", "0.0.0.0/0"),
        ("ArnNotLike", "arn:*:*:*:*:*"),
        ("ArnNotEquals", "arn:*:*:*:*:*"),
    ] {
        assert_eq!(test_missing(operator, &[wanted]), Truth::Yes, "{operator}");
        assert_eq!(test_missing(&format!("ForAnyValue:{operator}"), &[wanted]), Truth::No, "{operator}");
    }
    assert_eq!(test_missing("Null", &["true"]), Truth::Yes);
    assert_eq!(test_missing("Null", &["false"]), Truth::No);
    assert_eq!(test_list("Null", &["true"], &[]), Truth::Yes);
}

#[test]
fn lists_are_asked_for_any_or_for_all_of_their_values() {
    for (operator, wanted, found, truth) in [
        ("ForAnyValue:StringEquals", &["a", "b"][..], &["x", "b"][..], Truth::Yes),
        ("ForAnyValue:StringEquals", &["a", "b"], &["x", "y"], Truth::No),
        ("ForAnyValue:StringEquals", &["a"], &[], Truth::No),
        ("ForAnyValue:StringNotEquals", &["a", "b"], &["a", "c"], Truth::Yes),
        ("ForAnyValue:StringNotEquals", &["a", "b"], &["a", "b"], Truth::No),
        ("ForAllValues:StringEquals", &["a", "b"], &["b", "a", "a"], Truth::Yes),
        ("ForAllValues:StringEquals", &["a", "b"], &["a", "c"], Truth::No),
        ("ForAllValues:StringEquals", &["a"], &[], Truth::Yes),
        ("ForAllValues:StringNotEquals", &["a"], &["b", "c"], Truth::Yes),
        ("ForAllValues:StringNotLike", &["a*"], &["b", "ac"], Truth::No),
        ("ForAnyValue:NumericLessThan", &["5"], &["x", "4"], Truth::Yes),
        ("ForAnyValue:NumericLessThan", &["5"], &["x", "6"], Truth::Undecided),
    ] {
        assert_eq!(test_list(operator, wanted, found), truth, "{operator} {wanted:?} {found:?}");
    }
}

#[test]
fn a_list_or_an_object_matches_no_plain_operator() {
    let mut object = Facts::new();
    object.add("ci.example:x", Fact::Opaque);
    for operator in ["StringEquals", "StringNotEquals", "StringLikeIfExists", "NumericEquals", "NotIpAddress"]
    {
        let wanted = match operator {
            "NumericEquals" => "1",
            "NotIpAddress" => "10.0.0.0/8",
            _ => "a",
        };
        for found in [&["a"][..], &["a", "b"], &[]] {
            assert_eq!(test_list(operator, &[wanted], found), Truth::Undecided, "{operator} {found:?}");
        }
        assert_eq!(test_in(SCOPE, operator, "ci.example:x", &[wanted], &object), Truth::Undecided);
    }
    assert_eq!(
        test_in(SCOPE, "ForAllValues:StringEquals", "ci.example:x", &["a"], &object),
        Truth::Undecided
    );
    assert_eq!(test_in(SCOPE, "Null", "ci.example:x", &["true"], &object), Truth::No);
}

#[test]
fn any_of_the_alternatives_stands_for_the_token() {
    let mut facts = Facts::new();
    facts.add("ci.example:aud", Fact::Alternatives(vec!["a".to_owned(), "b".to_owned()]));
    let test = |operator: &str, wanted: &[&str]| test_in(SCOPE, operator, "ci.example:aud", wanted, &facts);
    assert_eq!(test("StringEquals", &["b", "x"]), Truth::Yes);
    assert_eq!(test("StringEquals", &["x"]), Truth::No);
    assert_eq!(test("StringNotEquals", &["b"]), Truth::No);
    assert_eq!(test("StringNotEquals", &["x"]), Truth::Yes);
    assert_eq!(test("ForAllValues:StringEquals", &["b"]), Truth::No);
}

#[test]
fn names_of_repositories_are_paths() {
    let facts = Facts::new().with_many("gangplank:Repository", ["team/app", "team/app/debug"]);
    let test = |operator: &str, wanted: &str| {
        test_in(Scope::Permission, operator, "gangplank:Repository", &[wanted], &facts)
    };
    assert_eq!(test("ForAnyValue:StringLike", "team/*"), Truth::Yes);
    assert_eq!(test("ForAllValues:StringLike", "team/*"), Truth::No);
    assert_eq!(test("ForAllValues:StringLike", "team/**"), Truth::Yes);
    assert_eq!(test("ForAnyValue:StringLike", "*"), Truth::No);
    assert_eq!(test("ForAnyValue:StringEquals", "team/*"), Truth::No);
    assert_eq!(test("ForAnyValue:StringNotLike", "team/*"), Truth::Yes);
}

#[test]
fn a_condition_key_can_stand_for_what_is_wanted() {
    let facts = Facts::new()
        .with("ci.example:actor", "o*")
        .with("ci.example:owner", "o*")
        .with("ci.example:who", "olga");
    let test = |operator: &str, key: &str, wanted: &str| test_in(SCOPE, operator, key, &[wanted], &facts);
    assert_eq!(test("StringEquals", "ci.example:owner", "${ci.example:actor}"), Truth::Yes);
    assert_eq!(test("StringLike", "ci.example:who", "${ci.example:actor}"), Truth::No);
    assert_eq!(test("StringEqualsIgnoreCase", "ci.example:owner", "${CI.example:ACTOR}"), Truth::Yes);
    assert_eq!(test("StringNotEquals", "ci.example:owner", "${ci.example:none}"), Truth::Undecided);
    assert_eq!(test("StringEquals", "ci.example:who", "${ci.example:none, 'olga'}"), Truth::Yes);
}
