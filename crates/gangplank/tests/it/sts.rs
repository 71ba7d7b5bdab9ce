//! STS on the same listener: the caller's identity, and the messages of refusals.

use std::net::TcpListener;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gangplank_testkit::TestServer;
use serde_json::{Value, json};

use crate::api_wire::{Call, LIST, ROOT_KEY, WireAnswer};
use crate::raw::{Raw, call_head};
use crate::{server, server_with};

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
const WHO: &str = "Action=GetCallerIdentity&Version=2011-06-15";
const ASSUME: &str = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A000000000000\
                      %3Arole%2Fpush-web&RoleSessionName=ci&WebIdentityToken=eyJhbGciOiJub25lIn0.e30.";

/// A call of STS with the root access key, not signed yet.
fn form(server: &TestServer, body: &str) -> Call {
    let mut call = Call::new(server, "", body);
    call.remove("x-amz-target");
    call.set("Content-Type", FORM);
    call.service = "sts";
    call
}

fn who(server: &TestServer, change: impl FnOnce(&mut Call)) -> WireAnswer {
    let mut call = form(server, WHO);
    change(&mut call);
    call.signed().send()
}

/// The text of the first element with this name.
fn element<'a>(body: &'a str, name: &str) -> &'a str {
    let rest = body.split_once(&format!("<{name}>")).map_or("", |(_, rest)| rest);
    rest.split_once(&format!("</{name}>")).map_or("", |(text, _)| text)
}

fn body(answer: &WireAnswer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

#[track_caller]
fn check(answer: &WireAnswer, status: u16, code: &str) -> String {
    let body = body(answer);
    assert_eq!((answer.status, element(&body, "Code")), (status, code), "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("text/xml"), "{}", answer.text());
    assert_eq!(answer.header("x-amzn-requestid"), Some(element(&body, "RequestId")), "{}", answer.text());
    assert_eq!(element(&body, "Type"), if status < 500 { "Sender" } else { "Receiver" });
    assert!(body.starts_with("<ErrorResponse><Error>") && body.ends_with("</ErrorResponse>\n"), "{body}");
    assert!(!answer.text().contains(ROOT_KEY.1), "{}", answer.text());
    element(&body, "Message").to_owned()
}

#[track_caller]
fn check_identity(answer: &WireAnswer, arn: &str, user_id: &str, account: &str) {
    let body = body(answer);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let found = ["Arn", "UserId", "Account"].map(|name| element(&body, name));
    assert_eq!(found, [arn, user_id, account], "{body}");
    assert_eq!(answer.header("content-type"), Some("text/xml"));
    assert_eq!(answer.header("x-amzn-requestid"), Some(element(&body, "RequestId")));
    let namespace = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">";
    assert!(body.starts_with(namespace), "{body}");
}

/// Makes an ordinary key of an account. Returns its id and its secret.
fn key(server: &TestServer, account: &str) -> (String, String) {
    let made = server.api().gangplank("CreateAccessKey", &json!({ "account": account })).body;
    let text = |name: &str| made["accessKey"][name].as_str().unwrap().to_owned();
    (text("accessKeyId"), text("secretAccessKey"))
}

#[test]
fn everybody_is_told_who_they_are() {
    let server = server();
    let root = ("arn:aws:iam::000000000000:root", "000000000000", "000000000000");
    check_identity(&who(&server, |_| {}), root.0, root.1, root.2);
    for account in ["000000000000", "111122223333"] {
        let key = key(&server, account);
        let arn = format!("arn:aws:iam::{account}:user/{}", key.0);
        check_identity(&who(&server, |call| call.key = key.clone()), &arn, &key.0, account);
    }
    // In every region, at every path, with or without parameters of the content type, and with unknown parameters.
    for region in ["us-east-1", "eu-central-1", "ap-southeast-5"] {
        check_identity(&who(&server, |call| call.region = region), root.0, root.1, root.2);
    }
    check_identity(&who(&server, |call| call.path = "/sts".to_owned()), root.0, root.1, root.2);
    for content_type in ["application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded ;a=b"] {
        check_identity(&who(&server, |call| call.set("Content-Type", content_type)), root.0, root.1, root.2);
    }
    let others = "Version=2011-06-15&Unknown=1&Action=GetCallerIdentity&List.member.1=x&&=";
    check_identity(&who(&server, |call| call.body = others.into()), root.0, root.1, root.2);
    check_identity(&who(&server, |call| call.session_token = Some("")), root.0, root.1, root.2);
}

#[test]
fn only_regions_that_are_served_are() {
    let server = server_with(|builder| builder.arg("--regions").arg("eu-west-1,us-west-2"));
    assert_eq!(who(&server, |call| call.region = "us-west-2").status, 200);
    let message = check(&who(&server, |_| {}), 403, "SignatureDoesNotMatch");
    assert!(message.contains("eu-west-1, us-west-2"), "{message}");
}

#[test]
fn who_is_nobody_is_told_so_in_the_query_protocol() {
    let server = server();
    let unknown = ("GPAKNOBODYNOBODYNOBO".to_owned(), "no".to_owned());
    check(&who(&server, |call| call.key = unknown), 403, "InvalidClientTokenId");
    check(&who(&server, |call| call.key.1.push('x')), 403, "SignatureDoesNotMatch");
    check(&who(&server, |call| call.time -= 16 * 60), 400, "RequestExpired");
    check(&who(&server, |call| call.time += 16 * 60), 400, "RequestExpired");
    check(
        &who(&server, |call| call.session_token = Some("IQoJb3JpZ2luX2VjEJr")),
        403,
        "InvalidClientTokenId",
    );
    check(&form(&server, WHO).send(), 403, "MissingAuthenticationToken");
    let mut basic = form(&server, WHO);
    basic.add("Authorization", "Basic QVdTOng=");
    check(&basic.send(), 403, "MissingAuthenticationToken");
    let mut cut = form(&server, WHO).signed();
    cut.edit("authorization", "Signature=", "Signed=");
    check(&cut.send(), 400, "IncompleteSignature");
    let mut tampered = form(&server, WHO).signed();
    tampered.body.extend(b"&x=y");
    check(&tampered.send(), 403, "SignatureDoesNotMatch");

    let (id, secret) = key(&server, "000000000000");
    let update = json!({ "accessKeyId": id, "status": "Disabled" });
    assert_eq!(server.api().gangplank("UpdateAccessKey", &update).status, 200);
    let message = check(&who(&server, |call| call.key = (id, secret)), 403, "InvalidClientTokenId");
    assert!(message.contains("disabled"), "{message}");
}

#[test]
fn a_signature_is_for_one_of_the_two_services() {
    let server = server();
    let message = check(&who(&server, |call| call.service = "lightsail"), 403, "SignatureDoesNotMatch");
    assert!(message.contains("'sts'"), "{message}");
    let mut call = Call::new(&server, LIST, "{}");
    call.service = "sts";
    let refused = call.signed().send();
    assert_eq!(
        (refused.status, refused.error().as_str()),
        (400, "InvalidSignatureException"),
        "{}",
        refused.text()
    );
    assert!(refused.text().contains("'lightsail'"), "{}", refused.text());
    // A form is never a call of Lightsail, and JSON is never a call of STS, whatever the other headers say.
    let both = who(&server, |call| {
        call.add("X-Amz-Target", LIST);
        call.service = "lightsail";
    });
    assert_eq!(both.error(), "SerializationException", "{}", both.text());
    let json = who(&server, |call| {
        call.set("Content-Type", "application/x-amz-json-1.1");
        call.body = b"{}".to_vec();
    });
    check(&json, 400, "MissingAction");
}

#[test]
fn what_cannot_be_understood_is_refused_in_words() {
    let server = server();
    for (body, code, words) in [
        ("", "MissingAction", "Action"),
        ("Action=GetCallerIdentity", "InvalidAction", "NO_VERSION_SPECIFIED"),
        ("Action=GetSessionToken&Version=2011-06-15", "InvalidAction", "GetSessionToken"),
        ("Action=%3Cb%3E%26&Version=2011-06-15", "InvalidAction", "&lt;b&gt;&amp;"),
        (
            "Action=GetCallerIdentity&Version=2011-06-15&Action=GetCallerIdentity",
            "ValidationError",
            "given twice",
        ),
    ] {
        let message = check(&who(&server, |call| call.body = body.into()), 400, code);
        assert!(message.contains(words), "{body}: {message}");
    }
    let mut query = form(&server, "");
    query.path = format!("/?{WHO}");
    check(&query.signed().send(), 400, "IncompleteSignature");
    // A presigned URL, with which some tools pass their identity on. The server does not support it, and the error is
    // readable.
    let mut presigned = form(&server, "");
    presigned.method = "GET";
    presigned.path = format!(
        "/?{WHO}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}%2F20261123%2Fus-east-1%2Fsts%2Faws4_request",
        ROOT_KEY.0
    );
    let message = check(&presigned.send(), 400, "IncompleteSignature");
    assert!(message.contains("query string is not supported"), "{message}");
    let mut get = form(&server, "");
    get.method = "GET";
    check(&get.signed().send(), 400, "MissingAction");
    let mut crooked = form(&server, WHO);
    crooked.path = "/a/../sts".to_owned();
    check(&crooked.signed().send(), 400, "ValidationError");
}

#[test]
fn a_token_of_nobody_who_is_known_opens_nothing_and_nobody_is_asked() {
    let issuer = TcpListener::bind("127.0.0.1:0").unwrap();
    issuer.set_nonblocking(true).unwrap();
    let server = server();
    let assume = |body: &str| form(&server, body).send();
    check(&assume(ASSUME), 400, "InvalidIdentityToken");
    // A signature makes no difference.
    check(&form(&server, ASSUME).signed().send(), 400, "InvalidIdentityToken");
    let url = format!("http://{}", issuer.local_addr().unwrap());
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let header = part(json!({ "alg": "RS256", "kid": "1", "jku": url, "x5u": url }));
    let claims = part(json!({ "iss": url, "aud": "sts.amazonaws.com", "sub": "x", "exp": 4_102_444_800u64 }));
    let token = ASSUME.replace("eyJhbGciOiJub25lIn0.e30.", &format!("{header}.{claims}.AAAA"));
    let message = check(&assume(&format!("{token}&ProviderId={url}")), 400, "InvalidIdentityToken");
    assert!(
        message.starts_with("No OpenIDConnect provider found in your account for http://127.0.0.1"),
        "{message}"
    );
    std::thread::sleep(Duration::from_millis(200));
    assert!(issuer.accept().is_err(), "a client's data must not make the server connect");

    for (change, words) in [
        (ASSUME.replace("RoleSessionName=ci", "RoleSessionName=c"), "'roleSessionName'"),
        (ASSUME.replace("WebIdentityToken=", "Token="), "'webIdentityToken'"),
        (format!("{ASSUME}{}", "a".repeat(20_000)), "'webIdentityToken'"),
        (format!("{ASSUME}&DurationSeconds=899"), "'durationSeconds'"),
        (format!("{ASSUME}&PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FA"), "PolicyArns"),
        (format!("{ASSUME}&WebIdentityToken=other"), "given twice"),
    ] {
        let answer = assume(&change);
        let message = check(&answer, 400, "ValidationError");
        assert!(message.contains(words), "{message}");
        assert!(!answer.text().contains("eyJhbGciOiJub25lIn0"), "{}", answer.text());
    }
    assert!(!server.log().contains("eyJhbGciOiJub25lIn0"), "{}", server.log());
}

#[test]
fn bodies_are_bounded_as_those_of_other_strangers_are() {
    if crate::are_replicas("the load balancer has the connection") {
        return;
    }
    let server = server_with(|builder| builder.arg("--max-unverified-bytes").arg("1048576"));
    let large = format!("{ASSUME}&Filler={}", "a".repeat(64 << 10));
    check(&form(&server, &large).send(), 413, "RequestEntityTooLarge");
    let signed = format!("{WHO}&Filler={}", "a".repeat(64 << 10));
    check(&form(&server, &signed).signed().send(), 413, "RequestEntityTooLarge");

    // Two such bodies use up the share of an address. Bodies from other addresses still work, and so do small ones.
    let headers = [("Host".to_owned(), server.host()), ("Content-Type".to_owned(), FORM.to_owned())];
    let hold_back = || {
        let mut raw = Raw::connect_from([127, 0, 1, 7], &server);
        raw.send(call_head(&headers, 64 << 10));
        raw.send(vec![b'a'; (64 << 10) - 1]);
        raw
    };
    let mut held = [hold_back(), hold_back()];
    assert!(held.iter_mut().all(|raw| raw.is_silent_for(Duration::from_millis(100))));
    let refused = hold_back().answer().unwrap();
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")), "{}", refused.head);
    let told = String::from_utf8(refused.body).unwrap();
    assert_eq!(
        (element(&told, "Code"), element(&told, "Type")),
        ("ServiceUnavailable", "Receiver"),
        "{told}"
    );
    check(&form(&server, &format!("{ASSUME}{}", "a".repeat(19_000))).send(), 400, "InvalidIdentityToken");
    assert_eq!(who(&server, |_| {}).status, 200);
    // An invalid key is refused before its body is read.
    let mut nobody = form(&server, WHO);
    nobody.key.0 = "GPAKNOBODYNOBODYNOBO".to_owned();
    let mut raw = Raw::connect(&server);
    raw.send(call_head(&nobody.signed().headers, 60_000));
    assert!(raw.answer().unwrap().head.starts_with("HTTP/1.1 403"));
}

fn refusals(server: &TestServer) -> Vec<Value> {
    let events = server.api().gangplank("ListAuditEvents", &json!({})).body["auditEvents"].clone();
    let is_refusal = |event: &&Value| event["kind"].as_str().is_some_and(|kind| kind.ends_with("Refused"));
    events.as_array().unwrap().iter().filter(is_refusal).cloned().collect()
}

#[test]
fn refusals_are_in_the_audit_trail() {
    if crate::are_replicas("other replicas tell of their refusals later") {
        return;
    }
    let server = server();
    let (id, secret) = key(&server, "000000000000");
    check(&who(&server, |call| call.key = (id.clone(), format!("{secret}x"))), 403, "SignatureDoesNotMatch");
    check(&form(&server, ASSUME).send(), 400, "InvalidIdentityToken");
    check(&form(&server, WHO).send(), 403, "MissingAuthenticationToken");
    let mut known = form(&server, ASSUME);
    known.key = (id.clone(), secret);
    check(&known.signed().send(), 400, "InvalidIdentityToken");
    let s3 = who(&server, |call| call.service = "s3");
    assert_eq!(s3.status, 501);
    std::thread::sleep(Duration::from_millis(1_500));
    let told = refusals(&server);
    let found = |kind: &str, action: Option<&str>, reason: &str, key: Option<&str>| {
        told.iter().any(|event| {
            event["kind"] == kind
                && event.get("action").and_then(Value::as_str) == action
                && event["reason"] == reason
                && event.get("accessKeyId").and_then(Value::as_str) == key
                && event["address"] == "127.0.0.1"
        })
    };
    let assume = Some("AssumeRoleWithWebIdentity");
    assert!(found("CallRefused", None, "InvalidSignatureException", Some(&id)), "{told:?}");
    // The event has no access key, although the call was signed: the token identifies the caller, and not the key.
    assert!(found("CallRefused", assume, "InvalidIdentityToken", None), "{told:?}");
    assert!(found("CallRefused", Some("GetCallerIdentity"), "MissingAuthenticationToken", None), "{told:?}");
    assert!(found("CallRefused", None, "UnservedService", None), "{told:?}");
    assert_eq!(told.len(), 4, "{told:?}");
}

#[test]
fn calls_of_other_services_are_refused_in_their_protocols() {
    let server = server();
    let of = |service: &'static str, method: &'static str, path: &str, headers: &[(&str, &str)]| {
        let mut call = form(&server, "");
        (call.service, call.method, call.path) = (service, method, path.to_owned());
        call.remove("Content-Type");
        for (name, value) in headers {
            call.add(name, value);
        }
        call.signed().send()
    };
    let form = ("Content-Type", FORM);
    let (json, old_json) = ("application/x-amz-json-1.1", "application/x-amz-json-1.0");
    for (service, method, path, headers, status, content_type, start) in [
        (
            "iam",
            "POST",
            "/",
            &[form][..],
            400,
            "text/xml",
            "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidA",
        ),
        ("ec2", "POST", "/", &[form], 400, "text/xml", "<Response><Errors><Error><Code>InvalidAction</Code>"),
        ("s3", "GET", "/", &[], 501, "application/xml", "<Error><Code>NotImplemented</Code>"),
        ("s3", "PUT", "/b/a//../b", &[], 501, "application/xml", "<Error><Code>NotImplemented</Code>"),
        ("route53", "GET", "/2013-04-01/hostedzone", &[], 400, "text/xml", "<ErrorResponse><Error>"),
        (
            "ecr",
            "POST",
            "/",
            &[
                ("Content-Type", json),
                ("X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"),
            ],
            400,
            json,
            "{\"__type\":\"UnknownOperationException\"",
        ),
        (
            "dynamodb",
            "POST",
            "/",
            &[("Content-Type", old_json), ("X-Amz-Target", "DynamoDB_20120810.ListTables")],
            400,
            old_json,
            "{\"__type\":\"UnknownOperationException\"",
        ),
        ("lambda", "GET", "/2015-03-31/functions/", &[], 400, "application/json", "{\"__type\":\"Unknown"),
        // The paths of this service begin like the paths of the registry.
        (
            "apigateway",
            "GET",
            "/v2/apis",
            &[],
            400,
            "application/json",
            "{\"__type\":\"UnknownOperationException\"",
        ),
    ] {
        let answer = of(service, method, path, headers);
        assert_eq!(answer.status, status, "{service}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some(content_type), "{service}: {}", answer.text());
        assert!(body(&answer).starts_with(start), "{service}: {}", answer.text());
        assert!(answer.text().contains(&format!("'{service}'")), "{service}: {}", answer.text());
        assert!(answer.text().contains("container part of Amazon Lightsail"), "{service}: {}", answer.text());
        let id = answer.header("x-amzn-requestid").unwrap();
        assert!(content_type.contains("json") || body(&answer).contains(id), "{}", answer.text());
    }
    let cbor = of(
        "monitoring",
        "POST",
        "/service/GraniteServiceVersion20100801/operation/ListMetrics",
        &[("Content-Type", "application/cbor"), ("Smithy-Protocol", "rpc-v2-cbor")],
    );
    assert_eq!((cbor.status, cbor.header("smithy-protocol")), (400, Some("rpc-v2-cbor")));
    assert_eq!((cbor.body[0], cbor.header("content-type")), (0xa2, Some("application/cbor")));
    // A call of our own API stays a call of our own API, whatever service it is signed for. A request to the registry
    // stays one, too.
    let mut ours = Call::new(&server, LIST, "{}");
    ours.service = "s3";
    assert_eq!(ours.signed().send().error(), "InvalidSignatureException");
    for (service, method) in [("lightsail", "GET"), ("sts", "GET"), ("sts", "POST")] {
        assert_eq!(of(service, method, "/v2/", &[form]).status, 401, "{service}");
    }
}
