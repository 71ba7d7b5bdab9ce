//! Requests to S3: the AWS SDK's signer against ours.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials as Keys;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign as aws_sign,
};
use aws_sigv4::sign::v4::SigningParams;
use gangplank_sigv4::{Credentials, Payload, Request, encode, encode_path, sign_s3};
use proptest::prelude::*;

use crate::wire::sha256;

const NOW: i64 = 1_795_766_400;

/// Signs as the SDK signs for S3, and returns its headers.
fn signed_by_aws(path: &str, query: &str, payload: Payload, body: &str) -> Vec<(String, String)> {
    let identity = Keys::new("AKIDEXAMPLE", "secret", Some("token".to_owned()), None, "test").into();
    let mut settings = SigningSettings::default();
    settings.excluded_headers = None;
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region("eu-west-1")
        .name("s3")
        .time(UNIX_EPOCH + Duration::from_secs(NOW.unsigned_abs()))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let uri = format!("http://s3.test{path}?{query}");
    let body = match payload {
        Payload::Sha256(_) => SignableBody::Bytes(body.as_bytes()),
        Payload::Unsigned => SignableBody::UnsignedPayload,
    };
    let headers = [("host", "s3.test"), ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=")];
    let request = SignableRequest::new("PUT", uri, headers.into_iter(), body).unwrap();
    let (instructions, _) = aws_sign(request, &parameters).unwrap().into_parts();
    instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn signed_by_us(path: &str, query: &str, payload: Payload) -> Vec<(String, String)> {
    let hash = payload.header();
    let headers = vec![
        ("host", &b"s3.test"[..]),
        ("x-amz-checksum-crc64nvme", b"AAAAAAAAAAA="),
        ("x-amz-content-sha256", hash.as_bytes()),
    ];
    let request = Request { method: "PUT", path, query: Some(query), headers };
    let keys = Credentials {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: "secret",
        session_token: Some("token"),
    };
    let added = sign_s3(&request, &keys, "eu-west-1", NOW, payload);
    let own = [("x-amz-content-sha256".to_owned(), payload.header())];
    added.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(own).collect()
}

proptest! {
    #[test]
    fn requests_to_s3_are_signed_alike(
        key in "[a-zA-Z0-9._~@:$=, /+-]{1,20}(/\\.\\./|//|/\\./)?[a-z]{1,3}",
        upload in "[a-zA-Z0-9/+=]{1,20}",
        body in "\\PC{0,20}",
        signed: bool,
    ) {
        let path = format!("/bucket/{}", encode_path(&key));
        let query = format!("partNumber=7&uploadId={}", encode(&upload));
        let payload = if signed { Payload::Sha256(sha256(&body)) } else { Payload::Unsigned };
        let (mut ours, mut theirs) = (signed_by_us(&path, &query, payload), signed_by_aws(&path, &query, payload, &body));
        ours.sort();
        theirs.sort();
        prop_assert_eq!(ours, theirs);
    }
}
