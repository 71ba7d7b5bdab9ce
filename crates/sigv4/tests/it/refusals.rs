//! Every refusal by example: a change to a valid request, and the answer.

use gangplank_sigv4::{Credentials, Refusal, sign};

use crate::wire::{Wire, sha256, unix};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TIME: &str = "20261123T175245Z";

const INCOMPLETE: &str = "IncompleteSignatureException";
const INVALID: &str = "InvalidSignatureException";
const MISSING: &str = "MissingAuthenticationTokenException";
const EXPIRED: &str = "RequestExpired";

/// A valid signed request that has every header with a rule.
fn good() -> Wire {
    let mut wire = Wire::parse(
        "POST / HTTP/1.1\nHost: localhost:8080\nContent-Type: application/x-amz-json-1.1\nX-Amz-Target: Lightsail_20161128.GetContainerServices\nContent-Length: 2\n\n{}",
    );
    let hash = hex::encode(sha256("{}"));
    wire.add("X-Amz-Content-Sha256", &hash);
    sign_again(&mut wire);
    wire
}

fn sign_again(wire: &mut Wire) {
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: SECRET,
        session_token: Some("TOKEN=="),
    };
    let payload = sha256(&wire.body);
    for (name, value) in sign(&wire.request(), &credentials, "us-east-1", "lightsail", unix(TIME), &payload) {
        wire.set(name, &value);
    }
}

fn outcome(wire: &Wire, now: i64) -> Result<(), Refusal> {
    wire.claim("lightsail", now)?.verify(Some(SECRET.as_bytes()), &sha256(&wire.body))
}

/// Changes a valid request, and expects this exception with this message.
#[track_caller]
fn check(change: impl FnOnce(&mut Wire), code: &str, text: &str) {
    let mut wire = good();
    assert_eq!(outcome(&wire, unix(TIME)), Ok(()));
    change(&mut wire);
    let refusal = outcome(&wire, unix(TIME)).unwrap_err();
    assert_eq!((refusal.code(), refusal.to_string().as_str()), (code, text));
    assert!(!format!("{refusal} {refusal:?}").contains("wJalr"));
}

/// Makes such a check with one replacement in the `Authorization` header.
#[track_caller]
fn check_authorization(from: &str, to: &str, code: &str, text: &str) {
    check(|wire| edit(wire, from, to), code, text);
}

fn edit(wire: &mut Wire, from: &str, to: &str) {
    let value = wire.header("authorization").unwrap();
    assert!(value.contains(from), "{value}");
    let value = value.replace(from, to);
    wire.set("authorization", &value);
}

#[test]
fn authorization_header() {
    let missing = "Request is missing Authentication Token";
    check(|wire| wire.remove("authorization"), MISSING, missing);
    check(|wire| wire.set("authorization", "Basic QVdTOmZvbw=="), MISSING, missing);
    check(|wire| wire.set("authorization", ""), MISSING, missing);
    check(
        |wire| {
            let value = wire.header("authorization").unwrap().to_owned();
            wire.add("Authorization", &value);
        },
        INCOMPLETE,
        "Authorization header must be given exactly once.",
    );
    check(
        |wire| wire.set("authorization", &format!("AWS4-HMAC-SHA256 Credential={}", "A".repeat(4096))),
        INCOMPLETE,
        "Authorization header is longer than 4096 bytes.",
    );
    let algorithm = |name| format!("Unsupported AWS 'algorithm': '{name}' (only AWS4-HMAC-SHA256 for now).");
    let other = "AWS4-ECDSA-P256-SHA256";
    check_authorization("AWS4-HMAC-SHA256", other, INCOMPLETE, &algorithm(other));
    check_authorization("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA2567", INCOMPLETE, &algorithm("AWS4-HMAC-SHA2567"));
    check_authorization("AWS4-HMAC-SHA256", "AWS4-wJalrXUtnFEMI", INCOMPLETE, &algorithm("..."));
    let form = "Authorization header must have the form 'AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., \
                Signature=...'.";
    check_authorization("Signature=", "Signature=1, Signature=", INCOMPLETE, form);
    check_authorization("Signature=", "Expires=1, Signature=", INCOMPLETE, form);
    check_authorization("SignedHeaders=", "SignedHeaders ", INCOMPLETE, form);
    check_authorization("AKIDEXAMPLE", "AKIDÉXAMPLE", INCOMPLETE, form);
    check_authorization("AKIDEXAMPLE", "AKID\tEXAMPLE", INCOMPLETE, form);
    let signature = good().parameter("Signature").to_owned();
    let form = "'Signature' must be 64 hexadecimal digits in lower case.";
    check_authorization(&signature, &signature[1..], INCOMPLETE, form);
    check_authorization(&signature, &signature.to_uppercase(), INCOMPLETE, form);
}

#[test]
fn missing_parts() {
    let credential = "Authorization header requires 'Credential' parameter.";
    let signature = "Authorization header requires 'Signature' parameter.";
    let signed_headers = "Authorization header requires 'SignedHeaders' parameter.";
    let date = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
    let wire = good();
    for (parameter, sentence) in
        [("Credential", credential), ("Signature", signature), ("SignedHeaders", signed_headers)]
    {
        let whole = format!("{parameter}={}", wire.parameter(parameter));
        check_authorization(&whole, "", INCOMPLETE, sentence);
        check_authorization(&whole, &format!("{parameter}="), INCOMPLETE, sentence);
    }
    check(|wire| wire.remove("x-amz-date"), INCOMPLETE, date);
    check(
        |wire| {
            wire.remove("x-amz-date");
            wire.add("Date", "Mon, 23 Nov 2026 17:52:45 GMT");
        },
        INCOMPLETE,
        "Authorization header requires existence of a 'X-Amz-Date' header, a 'Date' header is not enough.",
    );
    for value in ["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ,,"] {
        check(
            |wire| {
                wire.remove("x-amz-date");
                wire.set("authorization", value);
            },
            INCOMPLETE,
            &[credential, signature, signed_headers, date].join(" "),
        );
    }
}

#[test]
fn query() {
    let with = |query: &'static str| move |wire: &mut Wire| wire.query = Some(query.to_owned());
    let unsupported = "Requests with a query string are not supported. Send the input in the body.";
    check(with("a=b"), INCOMPLETE, unsupported);
    check(with("X-Amz-Signature=00"), INCOMPLETE, unsupported);
    check(
        with("X-Amz-Algorithm=AWS4-HMAC-SHA256"),
        INVALID,
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    );
    check(
        |wire| {
            wire.remove("authorization");
            wire.query = Some("X-Amz-Algorithm=AWS4-HMAC-SHA256".to_owned());
        },
        INCOMPLETE,
        "Signing in the query string is not supported. Sign with the 'Authorization' header.",
    );
    let mut wire = good();
    wire.query = Some(String::new());
    assert_eq!(outcome(&wire, unix(TIME)), Ok(()));
}

#[test]
fn credential() {
    let parts = |number| {
        format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got {number}."
        )
    };
    check_authorization("/aws4_request", "", INCOMPLETE, &parts(4));
    check_authorization("AKIDEXAMPLE", SECRET, INCOMPLETE, &parts(6));
    let region = "Credential should be scoped to a valid region, not 'eu-west-9'.";
    let service = "Credential should be scoped to correct service: 'lightsail'.";
    let terminator = "Credential should be scoped with a valid terminator: 'aws4_request', not 'e'.";
    let date = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                '20261124' != '20261123', from '20261123T175245Z'.";
    check_authorization("us-east-1", "eu-west-9", INVALID, region);
    check_authorization(
        "us-east-1",
        "wJalrXUtnFEMI",
        INVALID,
        "Credential should be scoped to a valid region, not '...'.",
    );
    check_authorization("/lightsail/", "/s3/", INVALID, service);
    check_authorization("aws4_request", "e", INVALID, terminator);
    check_authorization("20261123", "20261124", INVALID, date);
    check_authorization(
        "20261123/us-east-1/lightsail/aws4_request",
        "20261124/eu-west-9/d/e",
        INVALID,
        &[region, service, terminator, date].join(" "),
    );
}

#[test]
fn date() {
    let form = |shown: &str| {
        format!(
            "Date must be in ISO-8601 'basic format'. Got '{shown}'. See http://en.wikipedia.org/wiki/ISO_8601"
        )
    };
    for date in [
        "201",
        "20261123T175245",
        "20261123T175245z",
        "20261123t175245Z",
        "20261123T1752450Z",
        "20261123-175245Z",
        "2026-11-23T17:52:45Z",
        "20261123T240000Z",
        "20261123T176045Z",
        "20261123T175260Z",
        "20261100T175245Z",
        "20261131T175245Z",
        "20260023T175245Z",
        "20261323T175245Z",
        "20260229T000000Z",
        "21000229T000000Z",
        "",
    ] {
        // A text of mixed case is not quoted in the message.
        let shown = if date.contains(['t', 'z']) { "..." } else { date };
        check(|wire| wire.set("x-amz-date", date), INCOMPLETE, &form(shown));
    }
    check(|wire| wire.set("x-amz-date", "2026112３T175245Z"), INCOMPLETE, &form("..."));
    check(|wire| wire.set("x-amz-date", SECRET), INCOMPLETE, &form("..."));
    let once = "Header 'x-amz-date' must be given exactly once.";
    check(|wire| wire.add("X-Amz-Date", TIME), INVALID, once);
}

#[test]
fn clock() {
    let wire = good();
    let signed = unix(TIME);
    for offset in [-900, -1, 0, 1, 900] {
        assert_eq!(outcome(&wire, signed + offset), Ok(()), "{offset}");
    }
    let late = outcome(&wire, signed + 901).unwrap_err();
    let text = "Signature expired: 20261123T175245Z is now earlier than 20261123T175246Z (20261123T180746Z - 15 min.)";
    assert_eq!((late.code(), late.to_string().as_str()), (EXPIRED, text));
    let early = outcome(&wire, signed - 901).unwrap_err();
    let text = "Signature not yet current: 20261123T175245Z is still later than 20261123T175244Z (20261123T173744Z + 15 min.)";
    assert_eq!((early.code(), early.to_string().as_str()), (EXPIRED, text));
    assert_eq!(outcome(&wire, i64::MIN).unwrap_err().code(), EXPIRED);
    assert_eq!(outcome(&wire, i64::MAX).unwrap_err().code(), EXPIRED);
}

#[test]
fn signed_headers() {
    let form = "'SignedHeaders' must be names in lower case, sorted, each once, separated by ';'.";
    for (from, to) in [
        ("=content-length;", "=Content-Length;"),
        ("content-length;content-type;", "content-type;content-length;"),
        (";host;", ";host;host;"),
        (";host;", ";;host;"),
        ("x-amz-target", "x-amz-target;"),
    ] {
        check_authorization(from, to, INCOMPLETE, form);
    }
    let unsigned = |name| format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.");
    check_authorization(";host;", ";", INVALID, &unsigned("Host"));
    check_authorization(";x-amz-date;", ";", INVALID, &unsigned("X-Amz-Date"));
    check_authorization(";x-amz-target", "", INVALID, &unsigned("x-amz-target"));
    check_authorization(";x-amz-security-token", "", INVALID, &unsigned("x-amz-security-token"));
    check_authorization(";x-amz-content-sha256", "", INVALID, &unsigned("x-amz-content-sha256"));
    check(|wire| wire.add("X-AMZ-New", "1"), INVALID, &unsigned("x-amz-new"));
    let absent = |name| format!("'SignedHeaders' names '{name}', which the request does not have.");
    check_authorization("=content-length;", "=accept;content-length;", INVALID, &absent("accept"));
    check(|wire| wire.remove("Host"), INVALID, &absent("host"));
    let once = |name| format!("Header '{name}' must be given exactly once.");
    check(|wire| wire.add("host", "localhost:8080"), INVALID, &once("host"));
    check(
        |wire| wire.add("x-amz-target", "Lightsail_20161128.DeleteContainerService"),
        INVALID,
        &once("x-amz-target"),
    );
    check(|wire| wire.add("X-Amz-Security-Token", "TOKEN=="), INVALID, &once("x-amz-security-token"));
}

/// Fuzzing found this: an answer repeated a name of 32 KiB.
#[test]
fn a_long_name_is_not_repeated() {
    let name = format!("x-amz-{}", "a".repeat(30_000));
    let unsigned = "'...' must be a 'SignedHeader' in the AWS Authorization.";
    check(|wire| wire.add(&name, "a"), INVALID, unsigned);
}

#[test]
fn session_token() {
    for token in ["TÖKEN", "TO KEN"] {
        check(
            |wire| wire.set("x-amz-security-token", token),
            INCOMPLETE,
            "'X-Amz-Security-Token' must be printable ASCII.",
        );
    }
}

#[test]
fn payload() {
    let unsupported = "Unsigned and streaming payloads are not supported. 'X-Amz-Content-Sha256' must be the SHA-256 of the body.";
    for value in
        ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"]
    {
        check(
            |wire| {
                wire.set("x-amz-content-sha256", value);
                sign_again(wire);
            },
            INVALID,
            unsupported,
        );
    }
    for value in [hex::encode_upper(sha256("{}")), "e3b0".to_owned(), "g".repeat(64), String::new()] {
        check(
            |wire| {
                wire.set("x-amz-content-sha256", &value);
                sign_again(wire);
            },
            INCOMPLETE,
            "'X-Amz-Content-Sha256' must be 64 hexadecimal digits in lower case.",
        );
    }
    check(
        |wire| {
            wire.set("x-amz-content-sha256", &hex::encode(sha256("[]")));
            sign_again(wire);
        },
        INVALID,
        "The SHA-256 of the body does not match 'X-Amz-Content-Sha256'.",
    );
}

#[test]
fn signature() {
    let mismatch = "The request signature we calculated does not match the signature you provided. Check your AWS \
                    Secret Access Key and signing method. Consult the service documentation for details.";
    check(|wire| wire.path = "/other".to_owned(), INVALID, mismatch);
    check(|wire| wire.set("host", "elsewhere"), INVALID, mismatch);
    let claim = good().claim("lightsail", unix(TIME)).unwrap();
    let refusal = claim.verify(None, &sha256("{}")).unwrap_err();
    assert_eq!(refusal.code(), "UnrecognizedClientException");
    assert_eq!(refusal.to_string(), "The security token included in the request is invalid.");
}

#[test]
fn other_headers_may_repeat_when_signed() {
    let mut wire = good();
    wire.add("X-Many", "one");
    wire.add("x-many", "  two   words ");
    sign_again(&mut wire);
    assert_eq!(outcome(&wire, unix(TIME)), Ok(()));
    wire.set("X-Many", "one,two words");
    assert_eq!(outcome(&wire, unix(TIME)), Ok(()));
}

#[test]
fn nothing_secret_is_printed() {
    let claim = good().claim("lightsail", unix(TIME)).unwrap();
    assert_eq!(
        format!("{claim:?}"),
        r#"Claim { access_key_id: "AKIDEXAMPLE", scope: "20261123/us-east-1/lightsail/aws4_request", time: "20261123T175245Z", session_token: Some("***"), .. }"#
    );
    let credentials =
        Credentials { access_key_id: "AKID", secret_access_key: SECRET, session_token: Some("TOKEN") };
    assert_eq!(
        format!("{credentials:?}"),
        r#"Credentials { access_key_id: "AKID", secret_access_key: "***", session_token: Some("***") }"#
    );
}
