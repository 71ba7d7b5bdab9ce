//! Trust policies: the claims that they have to restrict, and the tokens that they accept.

use super::*;
use crate::AccountId;

const GITHUB: &str = "token.actions.githubusercontent.com";
const AUDIENCE: &str = "https://registry.example";

fn document(issuer: &str, condition: Value) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "",
            "Effect": "Allow",
            "Principal": { "Federated": format!("arn:aws:iam::000000000000:oidc-provider/{issuer}") },
            "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
            "Condition": condition,
        }],
    })
}

fn trust(condition: Value) -> Result<TrustPolicy, PolicyError> {
    TrustPolicy::parse(&document(GITHUB, condition).to_string())
}

/// Conditions on the audience and on claims from GitHub.
fn with_audience(operator: &str, claim: &str, wanted: Value) -> Result<TrustPolicy, PolicyError> {
    let mut condition = json!({ "StringEquals": { format!("{GITHUB}:aud"): AUDIENCE } });
    condition[operator][format!("{GITHUB}:{claim}")] = wanted;
    trust(condition)
}

fn facts(claims: Value) -> Facts {
    let Value::Object(claims) = claims else { panic!("claims are an object") };
    let mut facts = Facts::new();
    facts.add_claims(&format!("https://{GITHUB}"), &claims, &[AUDIENCE.to_owned()]);
    facts
}

fn trusts(policy: &TrustPolicy, claims: Value) -> bool {
    let facts = facts(claims);
    let url = format!("https://{GITHUB}");
    let token = Token { account: &AccountId::root(), issuer: &url, facts: &facts };
    let trusts = policy.trusts(&token);
    assert_eq!(policy.explain(&token).allowed, trusts);
    trusts
}

#[test]
fn amazons_own_example_lets_in_what_it_names() {
    let policy = trust(json!({
        "StringEquals": { format!("{GITHUB}:aud"): AUDIENCE },
        "StringLike": { format!("{GITHUB}:sub"): "repo:acme/web:*" },
    }))
    .unwrap();
    let token = |aud: Value, sub: Value| json!({ "aud": aud, "sub": sub });
    assert!(trusts(&policy, token(json!(AUDIENCE), json!("repo:acme/web:ref:refs/heads/main"))));
    assert!(trusts(&policy, token(json!(["x", AUDIENCE]), json!("repo:acme/web:pull_request"))));
    for (aud, sub) in [
        (json!("sts.amazonaws.com"), json!("repo:acme/web:x")),
        (json!(AUDIENCE), json!("repo:acme/web2:x")),
        (json!(AUDIENCE), json!("repo:Acme/web:x")),
        (json!(AUDIENCE), json!(["repo:acme/web:x"])),
        (json!(AUDIENCE), json!({"x": "repo:acme/web:x"})),
        (json!(AUDIENCE), json!(null)),
        (json!([]), json!("repo:acme/web:x")),
        (json!({AUDIENCE: AUDIENCE}), json!("repo:acme/web:x")),
    ] {
        assert!(!trusts(&policy, token(aud.clone(), sub.clone())), "{aud} {sub}");
    }
    assert!(!trusts(&policy, json!({ "azp": AUDIENCE, "sub": "repo:acme/web:x" })));
}

#[test]
fn another_issuer_or_account_is_not_let_in() {
    let policy = with_audience("StringEquals", "repository_id", json!("88")).unwrap();
    let claims = facts(json!({ "aud": AUDIENCE, "repository_id": "88" }));
    let other = AccountId::parse("123456789012").unwrap();
    for (account, issuer, trusted) in [
        (&AccountId::root(), format!("https://{GITHUB}"), true),
        (&AccountId::root(), format!("https://{GITHUB}/"), false),
        (&AccountId::root(), format!("https://{GITHUB}/acme"), false),
        (&AccountId::root(), format!("https://{}", GITHUB.to_uppercase()), false),
        (&other, format!("https://{GITHUB}"), false),
    ] {
        assert_eq!(policy.trusts(&Token { account, issuer: &issuer, facts: &claims }), trusted, "{issuer}");
    }
}

#[test]
fn a_policy_without_an_audience_is_refused_and_says_so() {
    for condition in [
        json!({ "StringEquals": { format!("{GITHUB}:repository_id"): "88" } }),
        json!({ "StringEquals": { format!("{GITHUB}:repository_id"): "88" },
                "StringLike": { format!("{GITHUB}:aud"): "*" } }),
        json!({ "StringEquals": { format!("{GITHUB}:repository_id"): "88" },
                "StringLike": { format!("{GITHUB}:aud"): [AUDIENCE, "https://*"] } }),
        json!({ "StringEquals": { format!("{GITHUB}:repository_id"): "88" },
                "StringEqualsIfExists": { format!("{GITHUB}:aud"): AUDIENCE } }),
        json!({ "StringEquals": { format!("{GITHUB}:repository_id"): "88" },
                "ForAllValues:StringEquals": { format!("{GITHUB}:aud"): AUDIENCE } }),
        json!({ "StringEquals": { format!("{GITHUB}:repository_id"): "88" },
                "StringNotEquals": { format!("{GITHUB}:aud"): "x" } }),
    ] {
        let error = trust(condition).unwrap_err();
        assert_eq!(error.path, "$.Statement[0].Condition");
        assert!(error.problem.starts_with("must fix the claim aud"), "{error}");
    }
    let mut none = document(GITHUB, json!({}));
    none["Statement"][0].as_object_mut().unwrap().remove("Condition");
    assert!(TrustPolicy::parse(&none.to_string()).unwrap_err().problem.starts_with("must fix the claim aud"));
    for operator in ["StringLike", "ForAnyValue:StringEquals"] {
        let condition = json!({ "StringEquals": { format!("{GITHUB}:repository_id"): "88" },
            operator: { format!("{GITHUB}:aud"): AUDIENCE } });
        assert!(trust(condition).is_ok(), "{operator}");
    }
}

#[test]
fn a_policy_that_fixes_nobody_is_refused() {
    for (operator, claim, wanted) in [
        ("StringEquals", "ref", json!("refs/heads/main")),
        ("StringEquals", "repository_owner", json!("acme")),
        ("StringEqualsIfExists", "repository_id", json!("88")),
        ("ForAllValues:StringEquals", "sub", json!("repo:acme/web:x")),
        ("ForAllValues:StringLike", "sub", json!("repo:acme/web:*")),
        ("StringNotEquals", "repository_id", json!("99")),
        ("StringNotLike", "sub", json!("repo:evil/*")),
        ("Null", "sub", json!("false")),
        ("StringLike", "sub", json!("*")),
        ("StringLike", "sub", json!("?epo:acme/web:*")),
        ("StringLike", "sub", json!("re*")),
        ("StringLike", "sub", json!("repo:*")),
        ("StringLike", "sub", json!("repo:acme*")),
        ("StringLike", "sub", json!("repo:a*/web:*")),
        ("StringLike", "sub", json!("repo:/web:*")),
        ("StringLike", "sub", json!("repo:${aws:UserAgent}/web:*")),
        ("StringLike", "sub", json!(["repo:acme/web:*", "repo:*/web:*"])),
        ("StringLike", "sub", json!("project_path:*")),
        ("StringLike", "sub", json!("organization:*")),
        ("StringLike", "sub", json!("organization:acme*")),
        ("StringLike", "sub", json!("system:serviceaccount:*:ci")),
        ("StringLike", "repository", json!("acme*")),
        ("StringLike", "repository", json!("*/web")),
        ("StringLike", "project_path", json!("acme*")),
        ("StringLike", "repository_id", json!("8*")),
        ("StringLike", "project_id", json!("8?")),
        ("StringLike", "oidc.circleci.com/project-id", json!("a*")),
        ("StringEquals", "sub", json!("")),
        ("StringEquals", "sub", json!("environment:production")),
        ("StringEquals", "sub", json!("repo:acme")),
        ("StringEquals", "sub", json!("repository_owner:")),
        ("StringLike", "sub", json!("repository_owner:*")),
        ("StringLike", "sub", json!("job_workflow_ref:acme/*")),
        ("StringEquals", "sub", json!("${aws:UserAgent}")),
    ] {
        let error = with_audience(operator, claim, wanted.clone()).unwrap_err();
        assert_eq!(error.path, "$.Statement[0].Condition", "{operator} {claim} {wanted}: {error}");
        assert!(error.problem.starts_with("must fix who comes"), "{operator} {claim} {wanted}: {error}");
    }
}

#[test]
fn a_policy_that_fixes_somebody_is_taken() {
    for (operator, claim, wanted) in [
        ("StringEquals", "sub", json!("repo:acme@77/web@88:ref:refs/heads/main")),
        ("StringEqualsIgnoreCase", "repository", json!("Acme/Web")),
        ("ForAnyValue:StringEquals", "sub", json!("repo:acme/web:x")),
        ("StringLike", "sub", json!("repo:acme/*")),
        ("StringLike", "sub", json!(["repo:acme/web:*", "repo:acme@77/web@88:*"])),
        ("StringLike", "sub", json!("project_path:acme/tools/*:ref_type:branch:ref:main")),
        ("StringLike", "sub", json!("organization:acme:pipeline:web:*")),
        ("StringLike", "sub", json!("system:serviceaccount:ns:*")),
        ("StringLike", "sub", json!("org/6f-1/project/*")),
        ("StringLike", "sub", json!("repo:a${*}/*")),
        ("StringLike", "sub", json!("repository_owner:acme:*")),
        ("StringEquals", "sub", json!("repository_id:88")),
        ("StringLike", "repository", json!("acme/*")),
        ("StringLike", "repository_id", json!("88")),
        ("StringEquals", "repository_id", json!(88)),
        ("StringEquals", "project_id", json!(["1", "2"])),
        ("StringEquals", "project_path", json!("acme/web")),
        ("StringEquals", "pipeline_id", json!("p")),
        ("StringEquals", "repositoryUuid", json!("{u-1}")),
        ("StringEquals", "OIDC.circleci.com/project-id", json!("u-1")),
    ] {
        let policy = with_audience(operator, claim, wanted.clone());
        assert!(policy.is_ok(), "{operator} {claim} {wanted}: {policy:?}");
    }
}

#[test]
fn an_issuer_with_subjects_of_its_own_may_have_any_that_begins_somehow() {
    let fixes = |operator: &str, wanted: &str| {
        let mut condition = json!({ "StringEquals": { "ci.example:aud": AUDIENCE } });
        condition[operator]["ci.example:sub"] = json!(wanted);
        TrustPolicy::parse(&document("ci.example", condition).to_string()).is_ok()
    };
    assert!(fixes("StringEquals", "web"));
    assert!(fixes("StringEquals", "environment:production"));
    assert!(fixes("StringLike", "https://jenkins.example/job/*"));
    assert!(!fixes("StringLike", "repo:*"));
    assert!(!fixes("StringLike", "r*"));
    assert!(!fixes("StringLike", "*"));
}

#[test]
fn every_statement_that_allows_has_to_fix_somebody() {
    let fixed = json!({ "StringEquals": { format!("{GITHUB}:aud"): AUDIENCE, format!("{GITHUB}:sub"): "repo:a/b:x" } });
    let mut policy = document(GITHUB, fixed);
    let mut deny = policy["Statement"][0].clone();
    deny["Effect"] = json!("Deny");
    deny["Condition"] = json!({ "StringEquals": { format!("{GITHUB}:event_name"): ["pull_request_target", "workflow_run"] } });
    policy["Statement"].as_array_mut().unwrap().push(deny);
    let taken = TrustPolicy::parse(&policy.to_string()).unwrap();
    let token = |event: Value| json!({ "aud": AUDIENCE, "sub": "repo:a/b:x", "event_name": event });
    assert!(trusts(&taken, token(json!("push"))));
    assert!(!trusts(&taken, token(json!("workflow_run"))));
    assert!(!trusts(&taken, token(json!(["push"]))), "a list cannot be told from what is denied");
    policy["Statement"][1]["Effect"] = json!("Allow");
    let error = TrustPolicy::parse(&policy.to_string()).unwrap_err();
    assert_eq!(error.path, "$.Statement[1].Condition");
}

#[test]
fn a_principal_is_one_issuer() {
    let fixed = json!({ "StringEquals": { format!("{GITHUB}:aud"): AUDIENCE, format!("{GITHUB}:sub"): "repo:a/b:x" } });
    let arn = format!("arn:aws:iam::000000000000:oidc-provider/{GITHUB}");
    for (principal, path) in [
        (json!("*"), "$.Statement[0].Principal"),
        (json!({ "Federated": "*" }), "$.Statement[0].Principal.Federated"),
        (json!({ "AWS": "*" }), "$.Statement[0].Principal"),
        (json!({ "Federated": arn, "Service": "ec2.amazonaws.com" }), "$.Statement[0].Principal"),
        (json!({ "Federated": [arn, arn] }), "$.Statement[0].Principal.Federated"),
        (json!({ "Federated": [] }), "$.Statement[0].Principal.Federated"),
        (json!({ "Federated": "token.actions.githubusercontent.com" }), "$.Statement[0].Principal.Federated"),
        (json!({}), "$.Statement[0].Principal"),
    ] {
        let mut policy = document(GITHUB, fixed.clone());
        policy["Statement"][0]["Principal"] = principal.clone();
        assert_eq!(TrustPolicy::parse(&policy.to_string()).unwrap_err().path, path, "{principal}");
    }
    let mut policy = document(GITHUB, fixed);
    policy["Statement"][0]["Principal"]["Federated"] = json!([arn]);
    assert!(TrustPolicy::parse(&policy.to_string()).is_ok());
    for (member, value) in
        [("Resource", json!("*")), ("NotAction", json!("sts:AssumeRole")), ("NotPrincipal", json!({}))]
    {
        let mut with = policy.clone();
        with["Statement"][0][member] = value;
        assert!(TrustPolicy::parse(&with.to_string()).is_err(), "{member}");
    }
}

#[test]
fn a_policy_names_configured_issuers_and_audiences_of_its_own_account() {
    let account = AccountId::root();
    let audiences = [AUDIENCE.to_owned(), "b".to_owned()];
    let url = format!("https://{GITHUB}");
    let issuers =
        [Issuer { url: "https://gitlab.com", audiences: &[] }, Issuer { url: &url, audiences: &audiences }];
    let policy = with_audience("StringEquals", "sub", json!("repo:a/b:x")).unwrap();
    assert_eq!(policy.check(&account, &issuers), Ok(()));
    assert_eq!(policy.issuers().collect::<Vec<_>>(), [GITHUB]);
    let other = AccountId::parse("123456789012").unwrap();
    let refusal = |policy: &TrustPolicy, account, issuers: &[Issuer<'_>]| {
        policy.check(account, issuers).unwrap_err().to_string()
    };
    assert!(refusal(&policy, &other, &issuers).contains("is of account 000000000000"));
    assert!(refusal(&policy, &account, &issuers[..1]).contains("not configured"));
    let narrower = [Issuer { url: &url, audiences: &audiences[1..] }];
    assert!(refusal(&policy, &account, &narrower).ends_with("can have: b"));
    let two = trust(json!({ "StringEquals":
        { format!("{GITHUB}:aud"): [AUDIENCE, "sts.amazonaws.com"], format!("{GITHUB}:sub"): "repo:a/b:x" } }))
    .unwrap();
    assert!(refusal(&two, &account, &issuers).contains("`sts.amazonaws.com`"));
}

#[test]
fn an_explanation_says_claim_by_claim_what_was_wanted_and_found() {
    let policy = trust(json!({ "StringEquals": {
        format!("{GITHUB}:aud"): AUDIENCE,
        format!("{GITHUB}:repository_id"): ["88", "89"],
        format!("{GITHUB}:ref"): "refs/heads/main",
        format!("{GITHUB}:environment"): "production",
    }}))
    .unwrap();
    let facts = facts(json!({ "aud": [AUDIENCE], "repository_id": "88", "ref": "refs/heads/dev" }));
    let url = format!("https://{GITHUB}");
    let explanation = policy.explain(&Token { account: &AccountId::root(), issuer: &url, facts: &facts });
    assert!(!explanation.allowed);
    let [statement] = &explanation.statements[..] else { panic!("one statement") };
    assert_eq!((statement.policy, statement.index, statement.effect), (PolicyKind::Trust, 0, Effect::Allow));
    assert_eq!((statement.action, statement.target, statement.applies), (true, Truth::Yes, false));
    let told: Vec<_> = statement
        .conditions
        .iter()
        .map(|one| (one.claim.as_deref().unwrap(), one.wanted.len(), one.found.clone(), one.holds))
        .collect();
    let one = |text: &str| Some(Fact::One(text.to_owned()));
    assert_eq!(
        told,
        [
            ("aud", 1, Some(Fact::Alternatives(vec![AUDIENCE.to_owned()])), Truth::Yes),
            ("repository_id", 2, one("88"), Truth::Yes),
            ("ref", 1, one("refs/heads/dev"), Truth::No),
            ("environment", 1, None, Truth::No),
        ]
    );
    assert!(policy.names_claim("REF") && !policy.names_claim("repository"));
}
