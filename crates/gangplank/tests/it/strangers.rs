//! Clients without a login or key cannot use up the resources that clients with one need.

use std::time::{Duration, Instant};

use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::TestServer;
use serde_json::json;

use crate::crowds::{MIB, memory};
use crate::documents::manifest_of;
use crate::raw::{Raw, RawAnswer, ask, call_head, head};
use crate::tls::tls_server_with;
use crate::{builder, server, server_with};

const TARGET: &str = "Lightsail_20161128.GetContainerServices";
const ASKED: &str = "GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n";

/// The headers of a call with the server's own key and a wrong signature.
fn forged(server: &TestServer) -> Vec<(String, String)> {
    server.api().signed_headers(TARGET, b"another body")
}

fn text(answer: &RawAnswer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

/// Whether a connection with a login still gets answers.
fn answers(server: &TestServer, raw: &mut Raw, login: &gangplank_testkit::Login) -> bool {
    raw.send(head(login, "GET /v2/", "")) && raw.answer().is_some_and(|answer| answer.status == 200) && {
        server.registry().status("GET", "") == 401
    }
}

#[test]
fn a_call_of_a_key_that_is_no_good_is_refused_before_its_body() {
    let server = server();
    let api = server.api();
    let key = api.gangplank("CreateAccessKey", &json!({}));
    let disabled = api.as_key(&key.body["accessKey"]);
    let id = &key.body["accessKey"]["accessKeyId"];
    let update = json!({ "accessKeyId": id, "status": "Disabled" });
    assert_eq!(api.gangplank("UpdateAccessKey", &update).status, 200);
    let unknown =
        gangplank_testkit::Api::new(&server.endpoint(), "GPAKNOBODYNOBODYNOBO", "a-secret-access-key");
    for (api, error) in [(unknown, "UnrecognizedClientException"), (disabled, "UnauthenticatedException")] {
        for length in [1, 100_000, 1_000_000] {
            let mut raw = Raw::connect(&server);
            raw.send(call_head(&api.signed_headers(TARGET, b"{}"), length));
            let answer = raw.answer().unwrap();
            assert!(answer.status == 400 && text(&answer).contains(error), "{}", text(&answer));
        }
    }
}

#[test]
fn forged_bodies_have_a_budget_of_their_own_and_a_share_for_each_address() {
    let server = server_with(|builder| builder.arg("--max-unverified-bytes").arg("1048576"));
    let registry = server.registry_as(&server.operator_login());
    let hold_back = |address: [u8; 4]| {
        let mut raw = Raw::connect_from(address, &server);
        raw.send(call_head(&forged(&server), 100_001));
        raw.send(vec![b' '; 100_000]);
        raw
    };
    let mut held: Vec<Raw> = Vec::new();
    for number in 1..=8 {
        held.push(hold_back([127, 0, 1, number]));
        assert!(held.last_mut().unwrap().is_silent_for(Duration::from_millis(100)));
        let refused = hold_back([127, 0, 1, number]).answer().unwrap();
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")), "{}", refused.head);
        assert!(text(&refused).contains("ServiceUnavailable"));
    }
    // Small calls, manifests and blobs from other addresses still work.
    assert_eq!(server.api().lightsail("GetContainerServices", &json!({})).status, 200);
    let body = manifest_of(&registry, 2 << 20);
    assert_eq!(registry.put_manifest("sr", "v1", OCI_MANIFEST, &body).status(), 201);
    drop(held);
    let mut large = b"{}".to_vec();
    large.resize(100_000, b' ');
    let start = Instant::now();
    while server.api().call(TARGET, &large, &[]).status != 200 {
        assert!(start.elapsed() < Duration::from_secs(10), "no room came back");
    }
}

#[test]
fn bodies_that_strangers_hold_back_do_not_stop_pushes() {
    let server = server();
    let registry = server.registry_as(&server.operator_login());
    let mut held = Vec::new();
    for number in 0..120 {
        let mut raw = Raw::connect_from([127, 0, 1, number % 16 + 1], &server);
        raw.send(call_head(&forged(&server), 1_000_000));
        raw.send(vec![b' '; 999_999]);
        held.push(raw);
    }
    let body = manifest_of(&registry, 1 << 20);
    assert_eq!(registry.put_manifest("sr", "v1", OCI_MANIFEST, &body).status(), 201);
    assert_eq!(server.api().lightsail("GetContainerServices", &json!({})).status, 200);
}

#[test]
fn half_a_head_is_held_to_what_a_head_may_have_and_all_together_to_a_budget() {
    const HEADS: usize = 1_300;
    let server = server_with(|builder| builder.arg("--max-connections-per-address").arg("5000"));
    assert_eq!(server.registry_as(&server.push_login()).status("GET", ""), 200);
    let before = memory(&server, "VmRSS");
    let half = format!("GET /v2/ HTTP/1.1\r\nHost: a\r\nX-Half: {}", "a".repeat(34 << 10));
    let mut held: Vec<Raw> = (0..HEADS)
        .map(|_| {
            let mut raw = Raw::connect(&server);
            raw.send(&half);
            raw
        })
        .collect();
    assert!(held[0].closes(), "the oldest gives way");
    let last = held.last_mut().unwrap();
    assert!(last.is_silent_for(Duration::from_millis(500)));
    last.send("\r\n\r\n");
    assert_eq!(last.answer().unwrap().status, 431, "34 KiB are more than its headers may have");
    let grown = memory(&server, "VmRSS").saturating_sub(before);
    assert!(grown < 160 * MIB, "{} MiB", grown / MIB);
    assert_eq!(ask(&server, ASKED).unwrap().status, 401);
}

#[test]
fn half_a_handshake_is_half_a_head() {
    const HANDSHAKES: usize = 1_100;
    let Some((server, _home)) =
        tls_server_with(|builder| builder.arg("--max-connections-per-address").arg("5000"))
    else {
        return;
    };
    // The first record of a handshake message whose length is larger than the bytes that follow.
    let record = [&b"\x16\x03\x01\x40\x00\x01\x00\xf0\x00\x03\x03"[..], &[7; 16_378]].concat();
    let half = record.repeat(3);
    let mut held: Vec<Raw> = (0..HANDSHAKES)
        .map(|_| {
            let mut raw = Raw::connect(&server);
            raw.send(&half[..40_000]);
            raw
        })
        .collect();
    assert!(held[0].closes(), "the oldest gives way");
    drop(held);
}

#[test]
fn an_address_with_too_many_connections_loses_its_oldest_stranger() {
    let server = server_with(|builder| builder.env("GANGPLANK_MAX_CONNECTIONS_PER_ADDRESS", "3"));
    let login = server.push_login();
    let from = |last: u8| {
        let mut raw = Raw::connect_from([127, 0, 1, last], &server);
        raw.send(ASKED);
        assert_eq!(raw.answer().unwrap().status, 401);
        raw
    };
    let (mut known, mut oldest, mut other, mut elsewhere) = (from(1), from(1), from(1), from(2));
    assert!(answers(&server, &mut known, &login));
    let mut newest = from(1);
    assert!(oldest.closes());
    assert!(
        [&mut known, &mut newest, &mut other, &mut elsewhere]
            .into_iter()
            .all(|raw| answers(&server, raw, &login))
    );
    // All of the connections are authenticated now: none is closed, and the new one is refused.
    let mut one_more = from(1);
    assert!(answers(&server, &mut known, &login) && answers(&server, &mut one_more, &login));
}

#[test]
fn a_proxy_may_have_as_many_connections_as_there_are() {
    let server = server_with(|builder| {
        builder.arg("--max-connections-per-address").arg("2").arg("--trusted-proxies").arg("127.0.1.1")
    });
    let mut held: Vec<Raw> = (0..9).map(|_| Raw::connect_from([127, 0, 1, 1], &server)).collect();
    for raw in &mut held {
        raw.send(ASKED);
        assert_eq!(raw.answer().unwrap().status, 401);
    }
}

#[test]
fn when_all_places_are_taken_the_address_with_most_gives_one() {
    let server = builder().arg("--max-connections").arg("6").start();
    let login = server.push_login();
    let from = |last: u8| {
        let mut raw = Raw::connect_from([127, 0, 1, last], &server);
        raw.send(ASKED);
        assert_eq!(raw.answer().unwrap().status, 401);
        raw
    };
    let (mut small, mut crowd) = (from(1), [from(2), from(2), from(2)]);
    // Connections that made the login may still be open.
    let mut late = [from(3), from(4), from(5)];
    assert!(crowd[0].closes(), "its oldest");
    for raw in late.iter_mut().chain([&mut small]) {
        raw.send(head(&login, "GET /v2/", ""));
        assert_eq!(raw.answer().unwrap().status, 200);
    }
}

#[test]
fn a_call_that_does_not_fit_its_signature_says_which_host_it_came_with() {
    let server = server();
    let mut headers = server.api().signed_headers(TARGET, b"{}");
    headers[0].1 = "inside.example:8080".to_owned();
    let mut raw = Raw::connect(&server);
    raw.send(call_head(&headers, 2));
    raw.send("{}");
    let answer = raw.answer().unwrap();
    let told = text(&answer);
    assert!(told.contains("InvalidSignatureException") && told.contains("inside.example:8080"), "{told}");
    assert!(told.contains("proxy"), "{told}");
}
