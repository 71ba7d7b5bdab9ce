//! The form of errors, the choice of operations, and unreadable requests.

use gangplank_testkit::TestServer;
use serde_json::Value;

use crate::api_wire::{Call, LIST, WireAnswer, exchange};
use crate::server;

const CREATE: &str = "Lightsail_20161128.CreateContainerService";

/// Checks an error: status, the name in three places, and a message.
#[track_caller]
fn check(answer: &WireAnswer, status: u16, error: &str) -> String {
    let body = answer.json();
    let shown = answer.text();
    assert_eq!((answer.status, answer.error().as_str()), (status, error), "{shown}");
    assert_eq!(body["code"], error, "{shown}");
    assert_eq!(answer.header("x-amzn-errortype"), Some(error), "{shown}");
    assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.1"), "{shown}");
    assert!(answer.header("x-amzn-requestid").is_some_and(|id| id.len() == 36), "{shown}");
    assert!(answer.header("date").is_some(), "{shown}");
    let message = body["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.len() > 10, "no message: {shown}");
    message
}

fn send(server: &TestServer, target: &str, body: &[u8]) -> WireAnswer {
    let mut call = Call::new(server, target, "");
    call.body = body.to_vec();
    call.signed().send()
}

#[test]
fn an_operation_is_named_exactly() {
    let server = server();
    for target in [
        "Lightsail_20161128.Nonsense",
        "Lightsail_20161128.",
        "Lightsail_20161128",
        "GetContainerServices",
        "",
        "lightsail_20161128.GetContainerServices",
        "Lightsail_20161128.getContainerServices",
        "Lightsail_20170101.GetContainerServices",
        "DynamoDB_20120810.ListTables",
        "Lightsail_20161128.CreateAccessKey",
        "Gangplank_20261123.GetContainerServices",
        "Lightsail_20161128.GetContainerServices.",
        " Lightsail_20161128.GetInstances",
        "Lightsail_20161128.GetContainerServices\u{e9}",
    ] {
        check(&send(&server, target, b"{}"), 400, "UnknownOperationException");
    }
    let mut none = Call::new(&server, "", "{}");
    none.remove("x-amz-target");
    check(&none.signed().send(), 400, "UnknownOperationException");
}

#[test]
fn a_body_is_one_json_object() {
    let server = server();
    for body in [
        &b"null"[..],
        b"[]",
        b"\"{}\"",
        b"1",
        b"true",
        b"{",
        b"}",
        b"{}{}",
        b"{} x",
        b"{'a':1}",
        b"{a:1}",
        b" ",
        b"{\"a\":}",
        b"{\"a\":01}",
        b"{\"a\":NaN}",
        b"{\"a\":1,}",
        b"\xff\xfe",
        b"{\"a\":\"\xff\"}",
        b"\xef\xbb\xbf{}",
        b"{\"a\":\"\\ud800\"}",
        b"{\"a\":\"\n\"}",
        b"{\"a\":1e999}",
        b"// {}\n{}",
        b"<xml/>",
        b"{\"a\":1,\"a\":1}",
        b"{\"serviceName\":\"web\",\"serviceName\":\"db\"}",
        b"{\"tags\":[{\"key\":\"a\",\"key\":\"b\"}]}",
        b"{\"\\u0061\":1,\"a\":2}",
    ] {
        check(&send(&server, LIST, body), 400, "SerializationException");
    }
    for depth in [65, 200, 100_000] {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        check(&send(&server, LIST, deep.as_bytes()), 400, "SerializationException");
        let deep = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        check(&send(&server, LIST, deep.as_bytes()), 400, "SerializationException");
    }
    for body in [&b""[..], b"{}", b" { } ", b"{\"unknown\":[1,{\"a\":null}]}", b"{\"serviceName\":null}"] {
        assert_eq!(send(&server, LIST, body).status, 200, "{}", String::from_utf8_lossy(body));
    }
    check(&send(&server, CREATE, b""), 400, "InvalidInputException");
}

#[test]
fn types_are_held_to() {
    let server = server();
    for (member, error) in [
        (r#""serviceName":1"#, "SerializationException"),
        (r#""serviceName":["web"]"#, "SerializationException"),
        (r#""serviceName":{}"#, "SerializationException"),
        (r#""scale":"1""#, "SerializationException"),
        (r#""scale":1.5"#, "SerializationException"),
        (r#""scale":true"#, "SerializationException"),
        (r#""scale":99999999999999999999"#, "SerializationException"),
        (r#""scale":4294967297"#, "SerializationException"),
        (r#""scale":-1"#, "InvalidInputException"),
        (r#""power":1"#, "SerializationException"),
        (r#""tags":{}"#, "SerializationException"),
        (r#""tags":["a"]"#, "SerializationException"),
        (r#""tags":[{"key":1}]"#, "SerializationException"),
        (r#""publicDomainNames":[]"#, "SerializationException"),
        (r#""publicDomainNames":{"cert":"a.example.com"}"#, "SerializationException"),
        (r#""privateRegistryAccess":{"ecrImagePullerRole":{"isActive":"true"}}"#, "SerializationException"),
        (r#""deployment":"none""#, "SerializationException"),
        (r#""scale":null"#, "InvalidInputException"),
    ] {
        let mut body: Value =
            serde_json::from_str(r#"{"serviceName":"web","power":"nano","scale":1}"#).unwrap();
        let change: Value = serde_json::from_str(&format!("{{{member}}}")).unwrap();
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let message = check(&send(&server, CREATE, body.to_string().as_bytes()), 400, error);
        let name = member[1..].split('"').next().unwrap();
        assert!(message.contains(name), "{message} does not name {name}");
    }
    assert_eq!(send(&server, LIST, b"{}").json()["containerServices"], serde_json::json!([]));
}

#[test]
fn a_success_has_an_id_a_date_and_the_type_of_the_protocol() {
    let server = server();
    let answer = Call::new(&server, LIST, "{}").signed().send();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.1"));
    assert!(answer.header("date").is_some());
    assert_eq!(answer.header("content-encoding"), None);
    let id = answer.header("x-amzn-requestid").unwrap().to_owned();
    let again = Call::new(&server, LIST, "{}").signed().send();
    assert_ne!(again.header("x-amzn-requestid"), Some(id.as_str()));
    // Answers are never compressed, because some SDKs cannot read that.
    let mut call = Call::new(&server, LIST, "{}");
    call.add("Accept-Encoding", "gzip");
    assert_eq!(call.signed().send().body, b"{\"containerServices\":[]}");
}

#[test]
fn other_methods_are_no_calls() {
    let server = server();
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        let mut call = Call::new(&server, LIST, "{}");
        call.method = method;
        call.path = "/prefix".to_owned();
        let answer = call.signed().send();
        assert!((400..500).contains(&answer.status), "{method}: {}", answer.text());
        assert!(answer.header("x-amzn-requestid").is_some(), "{method}: {}", answer.text());
        assert!(!answer.text().contains("containerServices"), "{method}");
        assert!(answer.header("access-control-allow-origin").is_none(), "{method}");
    }
}

#[test]
fn what_no_request_may_be_is_refused_in_the_form_of_the_api() {
    let server = server();
    let good = Call::new(&server, LIST, "{}").signed();
    let check = |change: &dyn Fn(&mut Call), status: u16| {
        let mut call = good.clone();
        change(&mut call);
        let answer = call.send();
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.header("x-amzn-requestid").is_some(), "{}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.1"), "{}", answer.text());
        assert!(!answer.error().is_empty(), "{}", answer.text());
    };
    let host = server.host();
    check(&|call| call.remove("host"), 400);
    check(&|call| call.add("Host", &host), 400);
    check(&|call| call.set("Host", "a b"), 400);
    check(&|call| call.path = format!("http://{host}/"), 400);
    check(&|call| call.path = format!("/{}", "a".repeat(9000)), 414);
    check(&|call| call.set("Authorization", &format!("AWS4-HMAC-SHA256 {}", "A".repeat(5000))), 431);
    check(&|call| call.add("X-Large", &"a".repeat(33_000)), 431);
    // A request that hyper itself refuses only has to get a 400.
    let both = good.head().replace("Content-Length: 2", "Content-Length: 2\r\nTransfer-Encoding: chunked");
    assert_eq!(exchange(server.address(), format!("{both}0\r\n\r\n").as_bytes()).status, 400);
}
