//! The times at which keys are fetched, how long they are kept, and the addresses that are contacted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use gangplank_testkit::identity::{Answer, Decoy, document, tls_file};

/// The outcome of a new token at this number of seconds after [`NOW`], on both clocks.
async fn outcome(issuers: &Issuers, key: &TestKey, url: &str, seconds: i64) -> &'static str {
    let mut claims = claims(url);
    (claims["iat"], claims["exp"]) = ((NOW + seconds).into(), (NOW + seconds + 300).into());
    let token = key.token("ES256", &claims);
    match issuers.verify(&token, at(seconds), at(seconds)).await {
        Ok(_) => "good",
        Err(refused) => kind(&refused),
    }
}

#[tokio::test]
async fn keys_are_fetched_when_they_are_needed_and_kept() {
    let (fake, issuers, key) = one_issuer().await;
    assert_eq!(fake.connections(), 0, "nothing is fetched at the start");
    for seconds in [0, 1, 3_000] {
        assert_eq!(outcome(&issuers, &key, &fake.url, seconds).await, "good");
    }
    assert_eq!(fake.fetches(), (1, 1));
    assert_eq!(outcome(&issuers, &key, &fake.url, 3_700).await, "good");
    assert_eq!(fake.fetches(), (2, 2), "hourly");
    assert_eq!(fake.connections(), 4);
}

#[tokio::test]
async fn an_issuer_on_loopback_needs_no_tls() {
    let key = TestKey::p256("ec");
    let fake = FakeIssuer::start_plain(jwks(&[key.jwk()])).await;
    let issuers = Issuers::open(&[configured(&fake)]).unwrap();
    assert_eq!(outcome(&issuers, &key, &fake.url, 0).await, "good");
}

/// The API server of Kubernetes sends its two documents like this.
#[tokio::test]
async fn keys_are_asked_for_by_both_names_of_their_form() {
    let (fake, issuers, key) = one_issuer().await;
    fake.answer_discovery(Answer::Only("application/json"));
    fake.answer_keys(Answer::Only("application/jwk-set+json"));
    assert_eq!(outcome(&issuers, &key, &fake.url, 0).await, "good");
}

#[tokio::test]
async fn an_issuer_is_known_by_its_certificate() {
    let key = TestKey::p256("ec");
    let fake = FakeIssuer::start(jwks(&[key.jwk()])).await;
    for ca_file in [Some(tls_file("other-ca.pem")), None] {
        let issuers = Issuers::open(&[crate::config::Issuer { ca_file, ..configured(&fake) }]).unwrap();
        assert_eq!(outcome(&issuers, &key, &fake.url, 0).await, "unreachable");
    }
    assert_eq!(fake.fetches(), (0, 0));
}

#[tokio::test]
async fn many_callers_share_one_fetch() {
    let (fake, issuers, key) = one_issuer().await;
    let (issuers, token) = (Arc::new(issuers), key.token("ES256", &claims(&fake.url)));
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let (issuers, token) = (Arc::clone(&issuers), token.clone());
            tokio::spawn(async move { issuers.verify(&token, at(0), at(0)).await.is_ok() })
        })
        .collect();
    for caller in callers {
        assert!(caller.await.unwrap());
    }
    assert_eq!(fake.fetches(), (1, 1));
}

#[tokio::test]
async fn callers_that_go_away_do_not_multiply_fetches() {
    let (fake, issuers, key) = one_issuer().await;
    fake.answer_discovery(Answer::Hang);
    let (issuers, token) = (Arc::new(issuers), key.token("ES256", &claims(&fake.url)));
    for _ in 0..10 {
        let (issuers, token) = (Arc::clone(&issuers), token.clone());
        let caller = tokio::spawn(async move { issuers.verify(&token, at(0), at(0)).await });
        tokio::time::sleep(Duration::from_millis(30)).await;
        caller.abort();
    }
    assert!(fake.connections() <= 1, "{} connections", fake.connections());
}

#[tokio::test]
async fn a_rotation_is_noticed_and_the_withdrawn_key_is_gone() {
    let (old, new) = (TestKey::p256("ec-old"), TestKey::p256("ec-new"));
    let fake = FakeIssuer::start(jwks(&[old.jwk()])).await;
    let issuers = Issuers::open(&[configured(&fake)]).unwrap();
    assert_eq!(outcome(&issuers, &old, &fake.url, 0).await, "good");
    fake.answer_keys(Answer::Text(jwks(&[old.jwk(), new.jwk()])));
    assert_eq!(outcome(&issuers, &new, &fake.url, 1).await, "good");
    assert_eq!(outcome(&issuers, &old, &fake.url, 1).await, "good");
    fake.answer_keys(Answer::Text(jwks(&[new.jwk()])));
    assert_eq!(outcome(&issuers, &old, &fake.url, 2).await, "good", "kept until the next fetch");
    assert_eq!(outcome(&issuers, &old, &fake.url, 3_700).await, "invalid");
    assert_eq!(outcome(&issuers, &new, &fake.url, 3_700).await, "good");
}

#[tokio::test]
async fn unknown_keys_cause_one_fetch_a_minute() {
    let (fake, issuers, key) = one_issuer().await;
    let strangers: Vec<_> = (0..5).map(|_| TestKey::p256("ec-stranger")).collect();
    assert_eq!(outcome(&issuers, &key, &fake.url, 0).await, "good");
    for stranger in &strangers {
        assert_eq!(outcome(&issuers, stranger, &fake.url, 10).await, "invalid");
    }
    assert_eq!(fake.fetches(), (2, 2));
    assert_eq!(outcome(&issuers, &strangers[0], &fake.url, 69).await, "invalid");
    assert_eq!(fake.fetches(), (2, 2));
    assert_eq!(outcome(&issuers, &strangers[0], &fake.url, 70).await, "invalid");
    assert_eq!(fake.fetches(), (3, 3));
    assert_eq!(outcome(&issuers, &key, &fake.url, 70).await, "good");
}

#[tokio::test]
async fn a_key_unknown_to_keys_that_were_fetched_for_it_causes_no_second_fetch() {
    let (fake, issuers, _) = one_issuer().await;
    assert_eq!(outcome(&issuers, &TestKey::p256("ec-stranger"), &fake.url, 0).await, "invalid");
    assert_eq!(fake.fetches(), (1, 1));
}

#[tokio::test]
async fn an_issuer_that_fails_is_left_alone_for_a_while() {
    let (fake, issuers, key) = one_issuer().await;
    fake.answer_keys(Answer::Status(500));
    assert_eq!(outcome(&issuers, &key, &fake.url, 0).await, "unreachable");
    assert_eq!(outcome(&issuers, &key, &fake.url, 0).await, "unreachable");
    assert_eq!(fake.fetches(), (1, 1));
    // The pause begins when the failure is noticed, some milliseconds later.
    assert_eq!(outcome(&issuers, &key, &fake.url, 3).await, "unreachable");
    assert_eq!(fake.fetches(), (2, 2));
    assert_eq!(outcome(&issuers, &key, &fake.url, 4).await, "unreachable");
    assert_eq!(fake.fetches(), (2, 2), "the second pause is longer");
    fake.answer_keys(Answer::Text(jwks(&[key.jwk()])));
    assert_eq!(outcome(&issuers, &key, &fake.url, 7).await, "good");
}

#[tokio::test]
async fn keys_outlast_an_issuer_that_is_away_for_a_day() {
    let (fake, issuers, key) = one_issuer().await;
    assert_eq!(outcome(&issuers, &key, &fake.url, 0).await, "good");
    fake.answer_discovery(Answer::Status(503));
    assert_eq!(outcome(&issuers, &key, &fake.url, 3_700).await, "good");
    assert_eq!(outcome(&issuers, &TestKey::p256("ec-stranger"), &fake.url, 3_800).await, "invalid");
    assert_eq!(outcome(&issuers, &key, &fake.url, 86_000).await, "good");
    assert_eq!(outcome(&issuers, &key, &fake.url, 86_500).await, "unreachable");
    assert!(fake.fetches().0 > 2);
}

#[tokio::test]
async fn a_hang_ends_after_five_seconds_and_so_does_a_drip() {
    let begun = Instant::now();
    let tries = [(Answer::Hang, true), (Answer::Drip, true), (Answer::Hang, false), (Answer::Drip, false)];
    let tries = tries.map(|(answer, is_discovery)| {
        tokio::spawn(async move {
            let (fake, issuers, key) = one_issuer().await;
            if is_discovery {
                fake.answer_discovery(answer);
            } else {
                fake.answer_keys(answer);
            }
            outcome(&issuers, &key, &fake.url, 0).await
        })
    });
    for one in tries {
        assert_eq!(one.await.unwrap(), "unreachable");
    }
    let took = begun.elapsed();
    assert!((5.0..9.0).contains(&took.as_secs_f64()), "{took:?}");
}

#[tokio::test]
async fn what_is_no_answer_is_not_taken_for_one() {
    let decoy = Decoy::start().await;
    let there = format!("http://{}/jwks", decoy.address);
    let key = TestKey::p256("ec");
    for (discovery, keys) in [
        (Some(Answer::Large), None),
        (Some(Answer::Redirect(there.clone())), None),
        (Some(Answer::Status(404)), None),
        (Some(Answer::Status(203)), None),
        (Some(Answer::Status(206)), None),
        (Some(Answer::Text(String::new())), None),
        (Some(Answer::Text("[]".to_owned())), None),
        (None, Some(Answer::Large)),
        (None, Some(Answer::Redirect(there.clone()))),
        (None, Some(Answer::Status(500))),
        (None, Some(Answer::Text("no JSON".to_owned()))),
        (None, Some(Answer::Text("{\"keys\": {}}".to_owned()))),
        (None, Some(Answer::Text("{\"keys\": [], \"keys\": []}".to_owned()))),
    ] {
        let fake = FakeIssuer::start(jwks(&[key.jwk()])).await;
        let issuers = Issuers::open(&[configured(&fake)]).unwrap();
        let shown = format!("{discovery:?} {keys:?}");
        if let Some(answer) = discovery {
            fake.answer_discovery(answer);
        }
        if let Some(answer) = keys {
            fake.answer_keys(answer);
        }
        assert_eq!(outcome(&issuers, &key, &fake.url, 0).await, "unreachable", "{shown}");
    }
    assert_eq!(decoy.met().await, 0, "a redirection was followed");
}

#[tokio::test]
async fn a_discovery_document_is_the_issuers_own_and_leads_to_no_plain_http() {
    let decoy = Decoy::start().await;
    let key = TestKey::p256("ec");
    let port = decoy.address.port();
    let fake = FakeIssuer::start(jwks(&[key.jwk()])).await;
    let keys = format!("{}/jwks", fake.url);
    for bad in [
        document(&format!("{}/", fake.url), &keys),
        document(&fake.url.to_uppercase(), &keys),
        document("https://other.example", &keys),
        json!({ "jwks_uri": keys }).to_string(),
        json!({ "issuer": fake.url }).to_string(),
        document(&fake.url, "http://keys.example/jwks"),
        document(&fake.url, &format!("file://localhost:{port}/jwks")),
        document(&fake.url, &format!("https://user@localhost:{port}/jwks")),
        document(&fake.url, "/jwks"),
    ] {
        let issuers = Issuers::open(&[configured(&fake)]).unwrap();
        fake.answer_discovery(Answer::Text(bad.clone()));
        assert_eq!(outcome(&issuers, &key, &fake.url, 0).await, "unreachable", "{bad}");
    }
    assert_eq!((fake.fetches().1, decoy.met().await), (0, 0));
}

#[tokio::test]
async fn keys_may_be_at_another_address() {
    let key = TestKey::p256("ec");
    let keys = FakeIssuer::start(jwks(&[key.jwk()])).await;
    let fake = FakeIssuer::start(jwks(&[])).await;
    fake.name_keys(&format!("{}/jwks", keys.url));
    let issuers = Issuers::open(&[configured(&fake)]).unwrap();
    assert_eq!(outcome(&issuers, &key, &fake.url, 0).await, "good");
    assert_eq!((fake.fetches(), keys.fetches()), ((1, 0), (0, 1)));
}
