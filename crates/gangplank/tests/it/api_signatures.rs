//! The parts that a signature must cover, and the attempts of an attacker without the secret.

use crate::api_wire::{Call, LIST, ROOT_KEY, WireAnswer};
use crate::server;
use gangplank_testkit::TestServer;

const INCOMPLETE: &str = "IncompleteSignatureException";
const INVALID: &str = "InvalidSignatureException";
const MISSING: &str = "MissingAuthenticationTokenException";

/// Checks that an answer to an attacker has neither the secret nor the right signature, nor the text from which
/// the signature is computed.
#[track_caller]
fn check_discreet(answer: &WireAnswer) {
    let text = String::from_utf8_lossy(&answer.body);
    for word in [ROOT_KEY.1, "x-amz-target:", "Canonical", "String-to-Sign", "AWS4-HMAC-SHA256\\n"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

#[track_caller]
fn check_refused(call: &Call, error: &str) {
    let answer = call.send();
    assert_eq!((answer.status, answer.error().as_str()), (400, error), "{}", answer.text());
    assert!(answer.header("x-amzn-requestid").is_some(), "{}", answer.head);
    check_discreet(&answer);
}

/// Changes a call before it is signed.
#[track_caller]
fn check_signed(server: &TestServer, change: impl FnOnce(&mut Call), error: &str) {
    let mut call = Call::new(server, LIST, "{}");
    change(&mut call);
    check_refused(&call.signed(), error);
}

/// Changes a call after it was signed.
#[track_caller]
fn check_tampered(server: &TestServer, change: impl FnOnce(&mut Call), error: &str) {
    let mut call = Call::new(server, LIST, "{}").signed();
    change(&mut call);
    check_refused(&call, error);
}

#[test]
fn every_header_that_steers_must_be_signed_once() {
    let server = server();
    let server = &server;
    assert_eq!(Call::new(server, LIST, "{}").signed().send().status, 200);
    let unsigned_target = |call: &mut Call| call.edit("authorization", ";x-amz-target", "");
    check_tampered(server, unsigned_target, INVALID);
    // The attack: the call is signed without a target, and the target is added afterwards.
    let mut swapped = Call::new(server, LIST, "{}");
    swapped.remove("x-amz-target");
    let mut swapped = swapped.signed();
    swapped.add("X-Amz-Target", "Gangplank_20261123.CreateAccessKey");
    check_refused(&swapped, INVALID);

    check_tampered(server, |call| call.add("X-Amz-Anything", "1"), INVALID);
    check_tampered(server, |call| call.add("x-aMz-user-agent", "1"), INVALID);
    check_tampered(server, |call| call.add("X-Amz-Security-Token", "token"), INVALID);
    check_tampered(server, |call| call.add("X-Amz-Target", LIST), INVALID);
    check_tampered(server, |call| call.add("x-amz-target", "Lightsail_20161128.TagResource"), INVALID);
    check_tampered(server, |call| call.add("X-Amz-Date", "20200101T000000Z"), INVALID);
    check_signed(server, |call| call.add("X-Amz-Target", LIST), INVALID);
    check_signed(
        server,
        |call| {
            call.add("X-Amz-Meta", "one");
            call.add("X-Amz-Meta", "two");
        },
        INVALID,
    );
    // If it is signed, an unknown Amazon header does no harm.
    let mut call = Call::new(server, LIST, "{}");
    call.add("X-Amz-User-Agent", "aws-sdk-js/3.0");
    assert_eq!(call.signed().send().status, 200);
}

#[test]
fn signed_headers_are_sorted_unique_lower_case_and_there() {
    let server = server();
    let all = "content-type;host;x-amz-date;x-amz-target";
    let check = |list: &str, error: &str| {
        check_tampered(&server, |call| call.edit("authorization", all, list), error);
    };
    check("host;content-type;x-amz-date;x-amz-target", INCOMPLETE);
    check("content-type;host;host;x-amz-date;x-amz-target", INCOMPLETE);
    check("Content-Type;Host;X-Amz-Date;X-Amz-Target", INCOMPLETE);
    check("content-type;;host;x-amz-date;x-amz-target", INCOMPLETE);
    check("content-type;host;x-amz-date;x-amz-target;", INCOMPLETE);
    check("content-type;x-amz-date;x-amz-target", INVALID);
    check("content-type;host;x-amz-target", INVALID);
    check("content-type;host;x-amz-date;x-amz-target;x-not-sent", INVALID);
    check("host;x-amz-date;x-amz-target", INVALID);
}

#[test]
fn the_body_is_what_was_signed() {
    let server = server();
    let server = &server;
    check_tampered(server, |call| call.body = b"[]".to_vec(), INVALID);
    check_tampered(server, |call| call.body = b"{} ".to_vec(), INVALID);
    check_tampered(server, |call| call.body.clear(), INVALID);
    let hash_of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let hash_of_braces = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let with_hash = |value: &'static str| move |call: &mut Call| call.add("X-Amz-Content-Sha256", value);
    check_signed(server, with_hash(hash_of_nothing), INVALID);
    check_signed(server, with_hash("UNSIGNED-PAYLOAD"), INVALID);
    check_signed(server, with_hash("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), INVALID);
    check_signed(server, with_hash("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), INVALID);
    check_signed(server, with_hash(&hash_of_braces[1..]), INCOMPLETE);
    check_signed(server, with_hash(""), INCOMPLETE);
    check_tampered(server, with_hash(hash_of_braces), INVALID);
    let mut right = Call::new(server, LIST, "{}");
    right.add("x-amz-content-sha256", hash_of_braces);
    assert_eq!(right.signed().send().status, 200);
    // The right hash in the header does not permit another body. The signature then fits the header, and not the
    // body.
    let mut other = Call::new(server, LIST, "{}");
    other.add("x-amz-content-sha256", hash_of_braces);
    let mut other = other.signed();
    other.body = b"{\"serviceName\":\"web\"}".to_vec();
    check_refused(&other, INVALID);
}

#[test]
fn method_path_query_and_headers_are_what_was_signed() {
    let server = server();
    let server = &server;
    check_tampered(server, |call| call.path = "/other".to_owned(), INVALID);
    check_tampered(server, |call| call.path = "/?a=b".to_owned(), INCOMPLETE);
    check_tampered(server, |call| call.set("Host", "elsewhere.example.com"), INVALID);
    check_tampered(server, |call| call.set("Content-Type", "text/plain"), INVALID);
    check_tampered(server, |call| call.set("X-Amz-Target", "Lightsail_20161128.TagResource"), INVALID);
    check_signed(server, |call| call.path = "/?a=b".to_owned(), INCOMPLETE);
    check_signed(server, |call| call.path = "/?Action=GetContainerServices".to_owned(), INCOMPLETE);
    // SDKs append to the path of a configured endpoint.
    let mut prefixed = Call::new(server, LIST, "{}");
    prefixed.path = "/some/prefix/".to_owned();
    assert_eq!(prefixed.signed().send().status, 200);
    let mut signed_as_get = Call::new(server, LIST, "{}");
    signed_as_get.method = "GET";
    let mut signed_as_get = signed_as_get.signed();
    signed_as_get.method = "POST";
    check_refused(&signed_as_get, INVALID);
}

#[test]
fn a_signature_in_the_query_is_refused() {
    let server = server();
    let authorization = Call::new(&server, LIST, "{}").signed();
    let presigned = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=GPAKTESTTESTTESTTEST%2F20261123%2F\
                     us-east-1%2Flightsail%2Faws4_request&X-Amz-Date=20261123T000000Z&X-Amz-Expires=900&\
                     X-Amz-SignedHeaders=host&X-Amz-Signature=00";
    let mut call = authorization.clone();
    call.path = presigned.to_owned();
    check_refused(&call, INVALID);
    call.remove("authorization");
    check_refused(&call, INCOMPLETE);
    for query in ["/?X-Amz-Signature=00", "/?x-amz-date=20261123T000000Z", "/?X-Amz-Security-Token=a"] {
        let mut call = authorization.clone();
        call.path = query.to_owned();
        check_refused(&call, INCOMPLETE);
    }
}

#[test]
fn the_authorization_header_is_one_and_whole() {
    let server = server();
    let server = &server;
    check_tampered(server, |call| call.remove("authorization"), MISSING);
    check_tampered(server, |call| call.set("Authorization", "Basic QVdTOmZvbw=="), MISSING);
    check_tampered(server, |call| call.set("Authorization", "Bearer AWS4-HMAC-SHA256"), MISSING);
    check_tampered(server, |call| call.set("Authorization", "AWS4-HMAC-SHA256"), INCOMPLETE);
    check_tampered(
        server,
        |call| call.edit("authorization", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
        INCOMPLETE,
    );
    check_tampered(
        server,
        |call| call.edit("authorization", "AWS4-HMAC-SHA256", "aws4-hmac-sha256"),
        MISSING,
    );
    check_tampered(server, |call| call.edit("authorization", "Credential=", "Cred="), INCOMPLETE);
    check_tampered(
        server,
        |call| call.edit("authorization", ", Signature=", ", Signature=00, Signature="),
        INCOMPLETE,
    );
    check_tampered(server, |call| call.edit("authorization", "Signature=", "Signature=AB"), INCOMPLETE);
    check_tampered(
        server,
        |call| call.set("Authorization", &format!("AWS4-{}", "A".repeat(4000))),
        INCOMPLETE,
    );
    // Two headers of one name: no reader may have to guess which one counts.
    check_tampered(
        server,
        |call| {
            let again = call.header("authorization").to_owned();
            call.add("Authorization", &again);
        },
        INCOMPLETE,
    );
    check_tampered(server, |call| call.add("authorization", "Basic QVdTOmZvbw=="), INCOMPLETE);
}
