//! Reading and writing whole documents.

use proptest::prelude::*;

use super::*;

/// A refusal, as people read it.
fn refusal(text: &str) -> String {
    PermissionPolicy::parse(text).unwrap_err().to_string()
}

/// The refusal of a statement that is valid except for one member.
fn refusal_of(member: &str, value: Value) -> String {
    let mut statement = json!({ "Effect": "Allow", "Action": "lightsail:Get*", "Resource": "*" });
    statement[member] = value;
    permission(json!([statement])).unwrap_err().to_string()
}

#[test]
fn a_mistake_is_told_with_its_place() {
    for (text, said) in [
        ("", "$ must be JSON"),
        ("[]", "$ must be an object, but is a list"),
        (r#"{"Statement":[]}"#, "$ must have Version"),
        (r#"{"Version":"2008-10-17","Statement":[]}"#, "$.Version is `2008-10-17`, but must be 2012-10-17"),
        (r#"{"Version":"2012-10-17"}"#, "$ must have Statement"),
        (r#"{"Version":"2012-10-17","Statement":[]}"#, "$.Statement must not be an empty list"),
        (r#"{"Version":"2012-10-17","Statement":"x"}"#, "$.Statement must be an object, but is a text"),
        (r#"{"Version":"2012-10-17","Statement":[{}]}"#, "$.Statement[0] must have Effect"),
        (r#"{"Version":"2012-10-17","Statement":{},"Statment":{}}"#, "$ has `Statment`, but can only have"),
        (
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Effect":"Allow"}}"#,
            "$.Statement must not have the member `Effect` twice",
        ),
        (
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*"}}"#,
            "$.Statement must have Resource",
        ),
        (r#"{"Version":"2012-10-17","Id":1,"Statement":{}}"#, "$.Id must be a text, but is a number"),
    ] {
        let told = refusal(text);
        assert!(told.starts_with(said), "{told}");
    }
    for (member, value, said) in [
        ("Effect", json!("allow"), "$.Statement[0].Effect is `allow`, but must be Allow or Deny"),
        ("Sid", json!("a b"), "$.Statement[0].Sid must be letters and digits"),
        ("NotAction", json!("*"), "$.Statement[0] cannot have both Action and NotAction"),
        ("NotResource", json!("*"), "$.Statement[0] cannot have both Resource and NotResource"),
        ("Principal", json!("*"), "$.Statement[0] has `Principal`, but can only have"),
        ("Action", json!([]), "$.Statement[0].Action must not be an empty list"),
        (
            "Action",
            json!(["*", "lightsail:Gets*"]),
            "$.Statement[0].Action[1] is `lightsail:Gets*`, which is no",
        ),
        ("Action", json!(null), "$.Statement[0].Action must be a text, but is null"),
        ("Resource", json!(["*", "x"]), "$.Statement[0].Resource[1] is `x`, but must be * or an ARN"),
        ("Condition", json!({}), "$.Statement[0].Condition must not be empty"),
        ("Condition", json!([]), "$.Statement[0].Condition must be an object"),
        ("Condition", json!({"StringEquals": {}}), "$.Statement[0].Condition.StringEquals must not be empty"),
        (
            "Condition",
            json!({"StringMatch": {"a": "b"}}),
            "$.Statement[0].Condition has `StringMatch`, which is no",
        ),
        (
            "Condition",
            json!({"StringEquals": {"gangplank:Lable": "b"}}),
            "$.Statement[0].Condition.StringEquals has `gangplank:Lable`, which is no condition key",
        ),
        (
            "Condition",
            json!({"StringEquals": {"gangplank:Label": []}}),
            "$.Statement[0].Condition.StringEquals[`gangplank:Label`] must not be an empty list",
        ),
        (
            "Condition",
            json!({"StringEquals": {"gangplank:Label": "a", "GANGPLANK:label": "b"}}),
            "$.Statement[0].Condition.StringEquals must not have the key `GANGPLANK:label` twice",
        ),
        (
            "Condition",
            json!({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "10.0.0.0/99"]}}),
            "$.Statement[0].Condition.IpAddress[`aws:SourceIp`][1] is `10.0.0.0/99`, but must be an address",
        ),
        (
            "Condition",
            json!({"StringEquals": {"gangplank:Repository": "sr"}}),
            "$.Statement[0].Condition.StringEquals[`gangplank:Repository`] cannot be asked with StringEquals",
        ),
        (
            "Condition",
            json!({"NumericEquals": {"aws:EpochTime": 1.5}}),
            "$.Statement[0].Condition.NumericEquals[`aws:EpochTime`] must be in quotation marks",
        ),
        (
            "Condition",
            json!({"StringEquals": {"gangplank:Label": "${gangplank:Lable}"}}),
            "$.Statement[0].Condition.StringEquals[`gangplank:Label`] has `gangplank:lable`, which is no",
        ),
        (
            "Condition",
            json!({"StringLike": {"gangplank:Label": "${aws:TagKeys}"}}),
            "$.Statement[0].Condition.StringLike[`gangplank:Label`] has the variable `aws:tagkeys`",
        ),
        (
            "Condition",
            json!({"ArnLike": {"aws:PrincipalArn": "*"}}),
            "$.Statement[0].Condition.ArnLike[`aws:PrincipalArn`] is `*`, but must be an ARN of six parts",
        ),
    ] {
        let told = refusal_of(member, value);
        assert!(told.starts_with(said), "{told}");
    }
    let twice = json!([
        { "Sid": "a", "Effect": "Allow", "Action": "*", "Resource": "*" },
        { "Sid": "a", "Effect": "Allow", "Action": "*", "Resource": "*" },
    ]);
    assert_eq!(permission(twice).unwrap_err().to_string(), "$.Statement must not have the Sid `a` twice");
}

#[test]
fn a_policy_has_a_greatest_length() {
    let statement = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
    let many = |number: usize| permission(Value::Array(vec![statement.clone(); number]));
    assert!(many(50).is_ok());
    assert_eq!(many(51).unwrap_err().to_string(), "$.Statement must have at most 50 items");
    let values = |number: usize, length: usize| {
        permission(json!({ "Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": {"StringEquals": {"gangplank:Label": vec!["x".repeat(length); number]}} }))
    };
    assert!(values(200, 10).is_ok());
    assert!(values(201, 1).unwrap_err().to_string().ends_with("must have at most 200 items"));
    assert!(values(1, 1025).unwrap_err().to_string().ends_with("must have at most 1024 characters"));
    assert_eq!(values(7, 1000).unwrap_err().to_string(), "$ must have at most 6144 characters");
    // White space only counts towards the limit in a session's policy.
    let text = format!("{}{}", many(1).unwrap().to_json(), " ".repeat(7_000));
    assert!(PermissionPolicy::parse(&text).is_ok());
    assert!(PermissionPolicy::parse_session(text.trim_end()).is_ok());
    let error = PermissionPolicy::parse_session(&text).unwrap_err();
    assert_eq!(error.to_string(), "$ must have at most 2048 characters");
    let error = PermissionPolicy::parse(&format!("{text}{}", " ".repeat(70_000))).unwrap_err();
    assert_eq!(error.to_string(), "$ must have at most 6144 characters");
}

#[test]
fn a_policy_reads_back_as_it_was() {
    let text = json!({
        "Version": "2012-10-17",
        "Id": "mine",
        "Statement": [
            { "Sid": "One", "Effect": "Allow", "Action": ["lightsail:Get*", "gangplank:*"], "Resource": "*" },
            { "Effect": "Deny", "NotAction": "*", "NotResource": ["arn:aws:lightsail:*", "*"],
              "Condition": {
                "StringEquals": { "gangplank:Label": ["a", "${aws:userid, 'x'}"], "AWS:RequestedRegion": "eu" },
                "Bool": { "aws:SecureTransport": "false" },
              } },
        ],
    });
    let policy = PermissionPolicy::parse(&text.to_string()).unwrap();
    assert_eq!(policy.to_json(), text.to_string());
    // A single statement, and values without quotation marks, are written as texts in a list.
    let loose = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":["*"],"Condition":
        {"Bool":{"aws:SecureTransport":false},"NumericLessThan":{"aws:EpochTime":[-5]}}}}"#;
    let policy = PermissionPolicy::parse(loose).unwrap();
    assert_eq!(PermissionPolicy::parse(&policy.to_json()), Ok(policy.clone()));
    assert!(policy.to_json().contains(r#""aws:SecureTransport":"false""#));
}

/// JSON of any shape, often with words of policies.
fn any_json() -> impl Strategy<Value = Value> {
    let word = proptest::sample::select(vec![
        "Version",
        "2012-10-17",
        "Statement",
        "Effect",
        "Allow",
        "Deny",
        "Action",
        "*",
        "Resource",
        "Condition",
        "Principal",
        "Federated",
        "StringLike",
        "ForAnyValue:StringEquals",
        "aws:SourceIp",
        "gangplank:Label",
        "${",
        "${aws:userid}",
        "arn:aws:lightsail:*",
        "arn:aws:iam::000000000000:oidc-provider/x",
        "x:sub",
        "x:aud",
        "sts:AssumeRoleWithWebIdentity",
        "",
        "ü",
    ])
    .prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((word.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn any_json_is_read_or_refused(value in any_json(), member in "(Effect|Action|Resource|Condition|Principal)") {
        let mut near = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*",
            "Resource": "*" }] });
        near["Statement"][0][member] = value.clone();
        for text in [value.to_string(), near.to_string()] {
            if let Ok(policy) = PermissionPolicy::parse(&text) {
                prop_assert_eq!(PermissionPolicy::parse(&policy.to_json()), Ok(policy));
            }
            let _ = (PermissionPolicy::parse_session(&text), TrustPolicy::parse(&text));
        }
    }

}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        let _ = (PermissionPolicy::parse(&text), TrustPolicy::parse(&text));
    }

    #[test]
    fn any_condition_is_read_or_refused(
        operator in "(ForAnyValue:|ForAllValues:)?(String|Numeric|Date|Arn|Not)?(Not)?(Equals|Like|LessThan|IpAddress|Bool|Null)(IfExists)?",
        key in "(aws:(SourceIp|TagKeys|EpochTime|userid)|gangplank:(Label|Repository))",
        wanted in r"(\$\{|\}|[a-z0-9*?:./']|arn:|aws:userid|, '){0,12}",
    ) {
        let condition = json!({ operator: { key: wanted } });
        let policy = permission(json!({ "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition }));
        if let Ok(policy) = policy {
            let facts = Facts::new().with("aws:userid", "a:b").with_many("gangplank:Repository", ["a/b"]);
            let _ = decide(&policy, Action::ListRoles, TENANT, &facts);
            prop_assert_eq!(PermissionPolicy::parse(&policy.to_json()), Ok(policy));
        }
    }
}
