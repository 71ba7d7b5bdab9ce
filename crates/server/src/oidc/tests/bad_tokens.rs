//! Tokens made by attackers or by mistake. Each is refused for its own fault.

use gangplank_testkit::identity::bad_tokens::{BadToken, BadTokens, Verdict};
use gangplank_testkit::identity::{Decoy, message, with_mac};

use super::*;
use crate::config::Issuer;

/// Two issuers with several keys each, and a decoy that must get no connection.
struct Field {
    fake: FakeIssuer,
    neighbour: FakeIssuer,
    issuers: Issuers,
    decoy: Decoy,
    bad: BadTokens,
}

impl Field {
    async fn new() -> Self {
        let [set, other] = BadTokens::key_sets();
        let (fake, neighbour) = (FakeIssuer::start(set).await, FakeIssuer::start(other).await);
        let issuers = Issuers::open(&[configured(&fake), configured(&neighbour)]).unwrap();
        let decoy = Decoy::start().await;
        let bad = BadTokens {
            issuer: fake.url.clone(),
            neighbour: neighbour.url.clone(),
            decoy: decoy.address,
            now: NOW,
            slack: 0,
            keys: BadTokens::keys(),
        };
        Self { fake, neighbour, issuers, decoy, bad }
    }

    async fn check(&self, tokens: Vec<BadToken>) {
        for BadToken { name, token, verdict } in tokens {
            let refused = match self.issuers.verify(&token, at(0), at(0)).await {
                Ok(verified) => panic!("{name} was accepted: {verified:?}"),
                Err(refused) => refused,
            };
            let expected = match verdict {
                Verdict::Invalid => "invalid",
                Verdict::Expired => "expired",
                Verdict::Validation => "validation",
            };
            assert_eq!(kind(&refused), expected, "{name}: {refused}");
            assert!(refused.words().ends_with('.'), "{name}: {refused}");
            let parts = token.trim().split('.').filter(|part| part.len() > 4);
            for part in parts {
                assert!(!refused.words().contains(part), "{name}: the token is told: {refused}");
            }
        }
        // A good token still works, so each refusal was caused by the fault of its token.
        self.issuers.verify(&self.bad.good(), at(0), at(0)).await.unwrap();
        assert_eq!(self.decoy.met().await, 0, "a token led to a connection");
    }
}

#[tokio::test]
async fn each_is_refused_for_what_is_wrong_with_it() {
    let field = Field::new().await;
    for (_, tokens) in field.bad.groups() {
        field.check(tokens).await;
    }
    let pinned = field.bad.keys.pinned.token("RS512", &field.bad.claims());
    field.issuers.verify(&pinned, at(0), at(0)).await.unwrap();
}

#[tokio::test]
async fn a_token_of_one_issuer_has_no_other_asked() {
    let field = Field::new().await;
    field.check(field.bad.by_issuer()).await;
    assert_eq!(field.neighbour.connections(), 0);
}

#[tokio::test]
async fn in_the_order_of_the_checks() {
    let field = Field::new().await;
    let all_wrong = |key: &TestKey, changes: &[(&str, Value)]| {
        let mut claims = field.bad.claims();
        for (name, value) in changes {
            claims[*name] = value.clone();
        }
        key.token("RS256", &claims)
    };
    let (past, other) = (json!(NOW - 1_000), json!("other"));
    let (rsa, impostor) = (&field.bad.keys.rsa, &field.bad.keys.impostor);
    let bad = |verdict, name, token| BadToken { name, token, verdict };
    field
        .check(vec![
            bad(
                Verdict::Expired,
                "before the audience",
                all_wrong(rsa, &[("exp", past.clone()), ("aud", other.clone())]),
            ),
            bad(
                Verdict::Expired,
                "before the subject",
                all_wrong(rsa, &[("exp", past.clone()), ("sub", json!(1))]),
            ),
            bad(Verdict::Invalid, "the signature before", all_wrong(impostor, &[("exp", past.clone())])),
            bad(Verdict::Invalid, "the issuer before", all_wrong(rsa, &[("exp", past), ("iss", other)])),
        ])
        .await;
}

#[tokio::test]
async fn without_asking_an_issuer_that_could_not_have_made_them() {
    let field = Field::new().await;
    let claims = field.bad.claims().to_string();
    for token in [
        field.bad.with("iss", "https://other.example"),
        format!("{}.", message(r#"{"alg":"none"}"#, &claims)),
        with_mac(b"", r#"{"alg":"HS256"}"#, &claims),
        field.bad.under(&json!({"alg": "RS256", "crit": ["x"]})),
        field.bad.beginning("\"sub\":\"x\""),
    ] {
        let refused = field.issuers.verify(&token, at(0), at(0)).await.unwrap_err();
        assert_eq!(kind(&refused), "invalid");
    }
    assert_eq!((field.fake.connections(), field.neighbour.connections()), (0, 0));
}

#[tokio::test]
async fn with_words_that_people_search_for() {
    let field = Field::new().await;
    let said =
        async |token: String| field.issuers.verify(&token, at(0), at(0)).await.unwrap_err().to_string();
    let unknown = said(field.bad.with("iss", "https://other.example\n<b>")).await;
    assert!(
        unknown
            .starts_with("No OpenIDConnect provider found in your account for https://other.example\\n<b>."),
        "{unknown}"
    );
    assert!(said(field.bad.with("iss", "x".repeat(10_000))).await.len() < 500);
    assert!(said(field.bad.with("aud", "x")).await.starts_with("Incorrect token audience"));
}

#[tokio::test]
async fn of_an_issuer_with_a_shorter_life() {
    let key = TestKey::rsa("a");
    let fake = FakeIssuer::start(jwks(&[key.jwk()])).await;
    let max_token_life = std::time::Duration::from_mins(4);
    let issuers = Issuers::open(&[Issuer { max_token_life, ..configured(&fake) }]).unwrap();
    let token = key.token("RS256", &claims(&fake.url));
    let refused = issuers.verify(&token, at(0), at(0)).await.unwrap_err();
    assert!(refused.words().contains("longer than 240 seconds"), "{refused}");
}
