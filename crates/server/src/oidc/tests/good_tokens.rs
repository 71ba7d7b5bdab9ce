//! Tokens as well-known issuers make them.

use super::*;
use crate::config::{Issuer, IssuerKeys};
use crate::oidc::{Claim, Verified};

const AUDIENCE: &str = "https://registry.example";

/// Verifies a token. The keys of its issuer are in a file.
async fn verified(
    algorithm: &str,
    key: &TestKey,
    header: &Value,
    claims: &Value,
) -> Result<Verified, Refused> {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("jwks.json");
    std::fs::write(&path, jwks(&[key.jwk()])).unwrap();
    let url = claims["iss"].as_str().unwrap();
    let issuer = Issuer { keys: IssuerKeys::File(path), ..Issuer::new(url, [AUDIENCE, "sts.amazonaws.com"]) };
    let issuers = Issuers::open(&[issuer]).unwrap();
    issuers.verify(&key.signed(algorithm, &header.to_string(), &claims.to_string()), at(0), at(0)).await
}

/// Verifies a token and compares some of its claims.
async fn good(header: Value, claims: Value, expected: &[(&str, &str)]) {
    let key = TestKey::rsa("k1");
    let verified = verified("RS256", &key, &header, &claims).await.unwrap();
    assert_eq!(verified.issuer, claims["iss"]);
    assert_eq!(verified.subject, claims["sub"]);
    assert_eq!(verified.audiences, [AUDIENCE]);
    for (name, value) in expected {
        assert_eq!(verified.claims[*name].as_str(), Some(*value), "{name}");
    }
}

#[tokio::test]
async fn of_github() {
    let claims = json!({
        "jti": "f1b7c0de-0000-4000-8000-000000000001", "sub": "repo:acme@77/web@88:ref:refs/heads/main",
        "aud": AUDIENCE, "iss": "https://token.actions.githubusercontent.com",
        "nbf": NOW - 600, "iat": NOW - 2, "exp": NOW + 298,
        "ref": "refs/heads/main", "ref_type": "branch", "ref_protected": "true", "sha": "a".repeat(40),
        "repository": "acme/web", "repository_id": "88", "repository_owner": "acme", "repository_owner_id": "77",
        "repository_visibility": "private", "run_id": "1", "run_number": "1", "run_attempt": "1",
        "actor": "ann", "actor_id": "5", "workflow": "push", "head_ref": "", "base_ref": "",
        "event_name": "push", "job_workflow_ref": "acme/web/.github/workflows/push.yml@refs/heads/main",
        "runner_environment": "github-hosted",
    });
    let header = json!({"typ": "JWT", "alg": "RS256", "x5t": "aGVsbG8", "kid": "k1"});
    good(header, claims, &[("repository_id", "88"), ("ref", "refs/heads/main"), ("head_ref", "")]).await;
}

#[tokio::test]
async fn of_gitlab() {
    let claims = json!({
        "iss": "https://gitlab.example", "aud": AUDIENCE, "iat": NOW, "nbf": NOW - 5, "exp": NOW + 3_600,
        "sub": "project_path:acme/web:ref_type:branch:ref:main", "jti": "x",
        "namespace_id": "72", "namespace_path": "acme", "project_id": "20", "project_path": "acme/web",
        "user_id": "1", "user_login": "ann", "user_identities": [{"provider": "github", "extern_uid": "2"}],
        "pipeline_id": "574", "job_id": "302", "ref": "main", "ref_type": "branch", "ref_protected": "true",
        "groups_direct": ["acme"], "runner_id": 1, "runner_environment": "self-hosted", "sha": "b".repeat(40),
    });
    let header = json!({"kid": "k1", "typ": "JWT", "alg": "RS256"});
    good(header, claims, &[("project_id", "20"), ("ref_protected", "true"), ("runner_id", "1")]).await;
}

#[tokio::test]
async fn of_circleci() {
    let claims = json!({
        "aud": [AUDIENCE, "c0ffee00-0000-4000-8000-000000000000"], "iat": NOW, "exp": NOW + 3_600,
        "iss": "https://oidc.circleci.com/org/c0ffee00-0000-4000-8000-000000000000",
        "sub": "org/c0ffee00-0000-4000-8000-000000000000/project/beef/user/cafe",
        "oidc.circleci.com/project-id": "beef", "oidc.circleci.com/context-ids": ["dead"],
        "oidc.circleci.com/vcs-ref": "refs/heads/main", "oidc.circleci.com/ssh-rerun": false,
    });
    let header = json!({"alg": "RS256", "kid": "k1", "typ": "JWT"});
    let expected = [("oidc.circleci.com/project-id", "beef"), ("oidc.circleci.com/ssh-rerun", "false")];
    good(header, claims, &expected).await;
}

#[tokio::test]
async fn of_buildkite() {
    let claims = json!({
        "iss": "https://agent.buildkite.com", "aud": AUDIENCE, "iat": NOW, "nbf": NOW, "exp": NOW + 300,
        "sub": "organization:acme:pipeline:web:ref:refs/heads/main:commit:abc:step:push",
        "organization_slug": "acme", "pipeline_slug": "web", "build_number": 1, "build_branch": "main",
        "build_tag": null, "pipeline_id": "p", "job_id": "j", "agent_id": "a", "runner_environment": "self-hosted",
    });
    let header = json!({"kid": "k1", "alg": "RS256"});
    good(header, claims, &[("pipeline_id", "p"), ("build_number", "1")]).await;
}

#[tokio::test]
async fn of_kubernetes() {
    let claims = json!({
        "aud": [AUDIENCE], "iss": "https://kubernetes.default.svc.cluster.local",
        "iat": NOW, "nbf": NOW, "exp": NOW + 3_607, "jti": "x", "sub": "system:serviceaccount:ci:pusher",
        "kubernetes.io": {
            "namespace": "ci", "node": {"name": "n", "uid": "1"}, "pod": {"name": "p", "uid": "2"},
            "serviceaccount": {"name": "pusher", "uid": "3"},
        },
    });
    // The header has no `typ`.
    let header = json!({"alg": "RS256", "kid": "k1"});
    good(header, claims, &[("kubernetes.io/serviceaccount/uid", "3"), ("kubernetes.io/namespace", "ci")])
        .await;
}

#[tokio::test]
async fn of_every_algorithm() {
    let rsa = TestKey::rsa("k");
    let (p256, p384, ed25519) = (TestKey::p256("k"), TestKey::p384("k"), TestKey::ed25519("k"));
    for (algorithm, key) in [
        ("RS256", &rsa),
        ("RS384", &rsa),
        ("RS512", &rsa),
        ("PS256", &rsa),
        ("PS384", &rsa),
        ("PS512", &rsa),
        ("ES256", &p256),
        ("ES384", &p384),
        ("EdDSA", &ed25519),
    ] {
        // The header has no key id, because the issuer has only one key.
        let header = json!({ "alg": algorithm });
        let verified = verified(algorithm, key, &header, &claims("https://ci.example")).await;
        assert!(verified.is_ok(), "{algorithm}: {verified:?}");
    }
}

#[tokio::test]
async fn at_the_edges_of_their_time() {
    let key = TestKey::p256("k");
    let header = json!({"alg": "ES256", "kid": "k"});
    for (iat, nbf, exp) in [(-300, -300, -59), (59, 59, 300), (-86_000, -86_000, 400), (0, -600, 86_400)] {
        let mut claims = claims("https://ci.example");
        for (name, seconds) in [("iat", iat), ("nbf", nbf), ("exp", exp)] {
            claims[name] = (NOW + seconds).into();
        }
        let verified = verified("ES256", &key, &header, &claims).await;
        assert!(verified.is_ok(), "{iat} {nbf} {exp}: {verified:?}");
    }
    let mut claims = claims("https://ci.example");
    claims.as_object_mut().unwrap().remove("nbf");
    claims["exp"] = json!(1_795_743_606.75);
    assert!(verified("ES256", &key, &header, &claims).await.is_ok());
}

#[tokio::test]
async fn with_the_configured_audiences_only() {
    let key = TestKey::p256("k");
    let header = json!({"alg": "ES256", "kid": "k"});
    let mut claims = claims("https://ci.example");
    claims["aud"] = json!(["https://elsewhere.example", "sts.amazonaws.com"]);
    let verified = verified("ES256", &key, &header, &claims).await.unwrap();
    assert_eq!(verified.audiences, ["sts.amazonaws.com"]);
    assert!(!verified.claims.contains_key("aud"));
    assert_eq!(verified.claims["iat"], Claim::Number(NOW.to_string()));
}

#[tokio::test]
async fn from_a_file_with_an_end_of_line() {
    let (fake, issuers, key) = one_issuer().await;
    let token = key.token("ES256", &claims(&fake.url)) + " \r\n";
    assert!(issuers.verify(&token, at(0), at(0)).await.is_ok());
}
