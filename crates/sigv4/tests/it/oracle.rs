//! The AWS SDK's own signer compared with ours, on random requests.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials as Keys;
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign as aws_sign,
};
use aws_sigv4::sign::v4::SigningParams;
use gangplank_sigv4::{Credentials, sign};
use proptest::prelude::*;

use crate::wire::{Wire, sha256};

/// The last second of the year 9999.
const LAST: i64 = 253_402_300_799;

fn wires(query: impl Strategy<Value = Option<String>>) -> impl Strategy<Value = Wire> {
    let segment =
        prop_oneof![Just(".".to_owned()), Just("..".to_owned()), "([a-zA-Z0-9._~@:$+-]|%[0-9A-F]{2}){0,6}"];
    let path = prop::collection::vec(segment, 0..5).prop_map(|segments| format!("/{}", segments.join("/")));
    let name = prop_oneof!["[xX]-[a-z]{1,3}", "[xX]-[aA]mz-[a-z]{4}", Just("X-Amz-Target".to_owned())];
    let header = (name, "[!-~]{0,4}( {0,3}[!-~]{1,4}){0,3}");
    let headers = prop::collection::vec(header, 0..5);
    ("GET|POST|PUT|DELETE", path, query, headers, "\\PC{0,40}").prop_map(
        |(method, path, query, headers, body)| {
            let mut wire = Wire { method, path, query, headers: Vec::new(), body };
            wire.add("Host", "localhost:8080");
            for (name, value) in headers {
                if !name.to_ascii_lowercase().starts_with("x-amz-") || wire.header(&name).is_none() {
                    wire.add(&name, &value);
                }
            }
            wire
        },
    )
}

fn queries() -> impl Strategy<Value = Option<String>> {
    // The texts have no `+`, which the SDK reads as a space, as in forms. They are valid UTF-8, which the SDK
    // requires for names and values. Our code accepts every byte.
    let text = "([a-zA-Z0-9._~-]|%[0-7][0-9A-F]|%C3%A9){1,4}";
    let parameter = (text, text).prop_map(|(name, value)| format!("{name}={value}"));
    prop::collection::vec(parameter, 1..5).prop_map(|parameters| Some(parameters.join("&")))
}

/// Adds the headers that the SDK's signer adds.
fn signed_by_aws(wire: &Wire, keys: &Credentials<'_>, region: &str, now: i64, hash_header: bool) -> Wire {
    let identity = Keys::new(
        keys.access_key_id,
        keys.secret_access_key,
        keys.session_token.map(str::to_owned),
        None,
        "test",
    )
    .into();
    let mut settings = SigningSettings::default();
    settings.excluded_headers = None;
    if hash_header {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("lightsail")
        .time(UNIX_EPOCH + Duration::from_secs(now.unsigned_abs()))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let query = wire.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    let uri = format!("http://localhost:8080{}{query}", wire.path);
    let headers = wire.headers.iter().map(|(name, value)| (name.as_str(), str::from_utf8(value).unwrap()));
    let body = SignableBody::Bytes(wire.body.as_bytes());
    let request = SignableRequest::new(&wire.method, uri, headers, body).unwrap();
    let (instructions, _) = aws_sign(request, &parameters).unwrap().into_parts();
    let mut signed = wire.clone();
    for (name, value) in instructions.headers() {
        signed.add(name, value);
    }
    signed
}

proptest! {
    #[test]
    fn we_verify_what_the_sdk_signs_and_sign_alike(
        wire in wires(Just(None)),
        secret in "[a-zA-Z0-9/+]{1,80}",
        token in proptest::option::of("[a-zA-Z0-9/+=]{1,40}"),
        region in "us-[a-z]{1,8}-[1-9]",
        now in 0..=LAST,
        hash_header: bool,
    ) {
        let keys = Credentials { access_key_id: "AKIDEXAMPLE", secret_access_key: &secret, session_token: token.as_deref() };
        let signed = signed_by_aws(&wire, &keys, &region, now, hash_header);
        let payload = sha256(&wire.body);

        let claim = signed.claim("lightsail", now).unwrap();
        prop_assert_eq!(claim.region(), &region);
        prop_assert_eq!(claim.session_token(), token.as_deref());
        prop_assert_eq!(claim.verify(Some(secret.as_bytes()), &payload), Ok(()));

        // The headers of the SDK's signer are replaced by ours, except for the hash.
        for (name, value) in sign(&signed.request(), &keys, &region, "lightsail", now, &payload) {
            prop_assert_eq!(signed.header(name), Some(value.as_str()), "{}", name);
        }
    }

    #[test]
    fn queries_are_signed_alike(wire in wires(queries()), now in 0..=LAST) {
        let keys = Credentials { access_key_id: "AKIDEXAMPLE", secret_access_key: "secret", session_token: None };
        let signed = signed_by_aws(&wire, &keys, "us-east-1", now, false);
        for (name, value) in sign(&wire.request(), &keys, "us-east-1", "lightsail", now, &sha256(&wire.body)) {
            prop_assert_eq!(signed.header(name), Some(value.as_str()), "{}", name);
        }
    }
}
