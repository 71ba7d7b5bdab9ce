//! A sender who changes signed parts, or sends anything at all.

use gangplank_sigv4::{Claim, Policy, Request};
use proptest::prelude::*;

use crate::real_clients::vectors;
use crate::wire::{Wire, sha256, unix};

/// Every text that differs in one bit.
fn flips(text: &str) -> impl Iterator<Item = String> {
    (0..text.len() * 8).filter_map(|bit| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        String::from_utf8(bytes).ok()
    })
}

/// Every request that differs in one bit of a signed part.
fn one_bit_away(wire: &Wire) -> Vec<Wire> {
    let signed_headers: Vec<&str> =
        wire.parameter("SignedHeaders").split(';').chain(["authorization"]).collect();
    let mut all = Vec::new();
    let mut push = |change: &dyn Fn(&mut Wire)| {
        let mut changed = wire.clone();
        change(&mut changed);
        all.push(changed);
    };
    flips(&wire.method).for_each(|method| push(&|wire| wire.method.clone_from(&method)));
    flips(&wire.path).for_each(|path| push(&|wire| wire.path.clone_from(&path)));
    flips(&wire.body).for_each(|body| push(&|wire| wire.body.clone_from(&body)));
    for (index, (name, value)) in wire.headers.iter().enumerate() {
        if !signed_headers.iter().any(|signed| signed.eq_ignore_ascii_case(name)) {
            continue;
        }
        for bit in 0..value.len() * 8 {
            push(&|wire| wire.headers[index].1[bit / 8] ^= 1 << (bit % 8));
        }
        // Upper and lower case of a header's name make no difference to the signature.
        for flipped in flips(name).filter(|flipped| !flipped.eq_ignore_ascii_case(name)) {
            push(&|wire| wire.headers[index].0.clone_from(&flipped));
        }
    }
    all
}

#[test]
fn no_bit_of_a_signed_part_can_be_flipped() {
    let mut tried = 0;
    for vector in vectors() {
        let wire = vector.wire();
        let now = unix(wire.header("x-amz-date").unwrap());
        for changed in one_bit_away(&wire) {
            // The key's id is not signed: another id names another secret, or none.
            let outcome = changed.claim("lightsail", now).and_then(|claim| {
                let secret = (claim.access_key_id() == "AKIDEXAMPLE").then_some(vector.secret.as_bytes());
                claim.verify(secret, &sha256(&changed.body))
            });
            assert!(outcome.is_err(), "{}: {changed:?}", vector.source);
            tried += 1;
        }
    }
    assert!(tried > 50_000, "{tried}");
}

#[test]
fn unsigned_headers_do_not_matter() {
    let vector = &vectors()[3];
    let mut wire = vector.wire();
    wire.set("User-Agent", "something else");
    wire.add("Forwarded", "for=192.0.2.1");
    let claim = wire.claim("lightsail", unix(wire.header("x-amz-date").unwrap())).unwrap();
    assert_eq!(claim.verify(Some(vector.secret.as_bytes()), &sha256(&wire.body)), Ok(()));
}

/// Texts that pass the first checks more often than random texts do.
fn plausible() -> impl Strategy<Value = String> {
    let date = prop_oneof!["[0-9]{8}T[0-9]{6}Z", Just("20261123T175245Z".to_owned()), "\\PC{0,20}"];
    let part = prop_oneof![
        "(Credential|SignedHeaders|Signature)=\\PC{0,30}",
        "Credential=A/20261123/us-east-1/lightsail/aws4_request",
        "SignedHeaders=([a-z-]{0,12};?){0,6}",
        Just("SignedHeaders=host;x-amz-date".to_owned()),
        "Signature=[0-9a-fé]{64}",
    ];
    let header =
        prop::collection::vec(part, 0..5).prop_map(|parts| format!("AWS4-HMAC-SHA256 {}", parts.join(", ")));
    prop_oneof![date, header, "\\PC{0,80}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn nothing_a_stranger_sends_makes_it_panic(
        method in "\\PC{0,8}",
        path in "[/.%\\PC]{0,20}",
        query in proptest::option::of(prop_oneof![Just(String::new()), "\\PC{0,20}"]),
        now: i64,
        max_skew: i64,
        headers in prop::collection::vec(
            (
                prop_oneof!["(?i)authorization|x-amz-(date|content-sha256|security-token|target)|host|date", "\\PC{0,8}"],
                prop_oneof![plausible().prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..40)],
            ),
            0..8,
        ),
    ) {
        let request = Request {
            method: &method,
            path: &path,
            query: query.as_deref(),
            headers: headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect(),
        };
        let policy = Policy { service: "lightsail", now, max_skew, serves_region: &|_| true };
        let outcome = Claim::parse(&request, &policy).and_then(|claim| {
            let _ = format!("{claim:?} {} {}", claim.access_key_id(), claim.region());
            claim.verify(None, &[0; 32])
        });
        let refusal = outcome.unwrap_err();
        prop_assert!(!refusal.to_string().is_empty() && !refusal.code().is_empty());
    }

    #[test]
    fn a_real_request_with_one_header_replaced_does_not_make_it_panic(
        index in 0_usize..12,
        name in proptest::option::of("(?i)x-amz-date|authorization|host"),
        value in prop_oneof![plausible().prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..40)],
        now in 1_795_456_365_i64 - 100_000..1_795_456_365 + 100_000,
    ) {
        let mut wire = vectors()[0].wire();
        let index = index % wire.headers.len();
        wire.headers[index].1 = value;
        if let Some(name) = name {
            wire.headers[index].0 = name;
        }
        let _ = wire.claim("lightsail", now).map(|claim| claim.verify(None, &[0; 32]));
    }
}
