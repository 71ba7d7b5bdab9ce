//! Callers, scopes and times: scope, clock, keys, and the information in a refusal.

use gangplank_testkit::{Login, TestServer};

use crate::api_wire::{Call, LIST, ROOT_KEY, WireAnswer, now};
use crate::{server, server_with};

const INVALID: &str = "InvalidSignatureException";
const INCOMPLETE: &str = "IncompleteSignatureException";
const UNRECOGNIZED: &str = "UnrecognizedClientException";

fn send(server: &TestServer, change: impl FnOnce(&mut Call)) -> WireAnswer {
    let mut call = Call::new(server, LIST, "{}");
    change(&mut call);
    call.signed().send()
}

#[track_caller]
fn check(answer: &WireAnswer, error: &str) {
    assert_eq!((answer.status, answer.error().as_str()), (400, error), "{}", answer.text());
    assert!(!answer.text().contains(ROOT_KEY.1), "{}", answer.text());
}

#[track_caller]
fn check_credential(server: &TestServer, from: &str, to: &str, error: &str) {
    let mut call = Call::new(server, LIST, "{}").signed();
    call.edit("authorization", from, to);
    check(&call.send(), error);
}

#[test]
fn a_signature_is_for_this_service_a_region_of_it_and_the_day() {
    let server = server();
    check(&send(&server, |call| call.service = "s3"), INVALID);
    check(&send(&server, |call| call.service = "sts"), INVALID);
    check(&send(&server, |call| call.service = "LIGHTSAIL"), INVALID);
    for region in ["mars-1", "", "US-EAST-1", "us-east-1 ", "global"] {
        check(&send(&server, |call| call.region = region), INVALID);
    }
    check_credential(&server, "aws4_request", "aws4_requesT", INVALID);
    check_credential(&server, "/lightsail/aws4_request", "/lightsail", INCOMPLETE);
    check_credential(&server, "/aws4_request", "/aws4_request/more", INCOMPLETE);
    let today = Call::new(&server, LIST, "{}").signed().header("x-amz-date")[..8].to_owned();
    check_credential(&server, &format!("/{today}/"), "/20200101/", INVALID);
    check_credential(&server, &format!("/{today}/"), "//", INVALID);
    for region in ["us-east-1", "ap-southeast-5", "eu-central-1"] {
        assert_eq!(send(&server, |call| call.region = region).status, 200, "{region}");
    }
}

#[test]
fn only_the_regions_that_are_served_are() {
    let server = server_with(|builder| builder.arg("--regions").arg("eu-west-1,us-west-2"));
    assert_eq!(send(&server, |call| call.region = "us-west-2").status, 200);
    check(&send(&server, |call| call.region = "us-east-1"), INVALID);
}

/// Seconds since 1970 in the form of a `Date` header.
fn http_date(seconds: i64) -> String {
    let out = std::process::Command::new("date")
        .args(["-u", "-d", &format!("@{seconds}"), "+%a, %d %b %Y %H:%M:%S GMT"])
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_clock_may_be_a_quarter_of_an_hour_off() {
    let server = server();
    for minutes in [-14, -5, 0, 5, 14] {
        assert_eq!(send(&server, |call| call.time += minutes * 60).status, 200, "{minutes}");
    }
    for minutes in [-16, 16, -60 * 24, 60 * 24, -60 * 24 * 365 * 10] {
        let before = now();
        let answer = send(&server, |call| call.time += minutes * 60);
        let after = now();
        check(&answer, "RequestExpired");
        let date = answer.header("date").expect("a Date").to_owned();
        let accurate = (before - 1..=after + 1).any(|second| http_date(second) == date);
        assert!(accurate, "{date} is not within {before} and {after}");
    }
}

#[test]
fn the_skew_can_be_narrowed_and_is_checked_before_the_key() {
    let server = server_with(|builder| builder.env("GANGPLANK_SIGNATURE_SKEW", "60"));
    assert_eq!(send(&server, |call| call.time -= 30).status, 200);
    check(&send(&server, |call| call.time -= 90), "RequestExpired");
    let stranger = send(&server, |call| {
        call.key.0 = "GPAKNOBODYNOBODYNOBO".to_owned();
        call.time -= 90;
    });
    check(&stranger, "RequestExpired");
}

#[test]
fn a_date_is_in_basic_format() {
    let server = server();
    for date in [
        "",
        "201",
        "20261123",
        "2026-11-23T21:00:00Z",
        "20261323T000000Z",
        "20260230T000000Z",
        "20261123T240000Z",
        "20261123T000000",
        "20261123T000000z",
        "Mon, 23 Nov 2026 21:00:00 GMT",
        "99999999999999Z",
        "20261123T000060Z",
        "+0261123T000000Z",
    ] {
        let mut call = Call::new(&server, LIST, "{}").signed();
        call.set("x-amz-date", date);
        check(&call.send(), INCOMPLETE);
    }
    // A plain Date header does not replace `X-Amz-Date`.
    let mut call = Call::new(&server, LIST, "{}").signed();
    call.remove("x-amz-date");
    call.add("Date", "Mon, 23 Nov 2026 21:00:00 GMT");
    check(&call.send(), INCOMPLETE);
}

#[test]
fn a_stranger_and_a_wrong_secret_learn_the_same_little() {
    let server = server_with(|builder| builder.env("GANGPLANK_LOG", "trace"));
    let wrong = send(&server, |call| call.key.1.push('x'));
    check(&wrong, INVALID);
    for id in ["GPAKNOBODYNOBODYNOBO", "AKIAIOSFODNN7EXAMPLE", "short", "", "a'b;--", "../../x", "*"] {
        let stranger = send(&server, |call| call.key.0 = id.to_owned());
        assert_eq!(stranger.status, 400, "{id}: {}", stranger.text());
        assert!(["UnrecognizedClientException", INCOMPLETE].contains(&stranger.error().as_str()), "{id}");
        let names = |answer: &WireAnswer| {
            let lines = answer.head.lines().filter_map(|line| line.split_once(':'));
            lines.map(|(name, _)| name.to_ascii_lowercase()).collect::<Vec<_>>()
        };
        assert_eq!(names(&stranger), names(&wrong), "{id}");
    }
    let log = server.log();
    for word in [ROOT_KEY.1, "Signature=", "Canonical", "x-amz-target:"] {
        assert!(!log.contains(word), "{word} in the log: {log}");
    }
}

#[test]
fn there_are_no_session_tokens() {
    let server = server();
    check(&send(&server, |call| call.session_token = Some("IQoJb3JpZ2luX2VjEJr")), UNRECOGNIZED);
    let empty = send(&server, |call| call.session_token = Some(""));
    assert_eq!(empty.status, 200, "older SDKs send the header without a token");
}

#[test]
fn the_two_kinds_of_credentials_do_not_stand_in_for_each_other() {
    let server = server();
    let login = server.push_login();
    for id in [login.username.as_str(), ROOT_KEY.0, login.password.as_str()] {
        let answer = send(&server, |call| call.key = (id.to_owned(), login.password.clone()));
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(!answer.text().contains(&login.password), "{}", answer.text());
    }
    for (username, password) in
        [("AWS", ROOT_KEY.1), (ROOT_KEY.0, ROOT_KEY.1), ("AWS", ROOT_KEY.0), (ROOT_KEY.0, &login.password)]
    {
        let key = Login { username: username.to_owned(), password: password.to_owned(), ..login.clone() };
        assert_eq!(server.registry_as(&key).status("GET", ""), 401, "{username}");
    }
    // A registry login in a Basic header does not open the API, and a signature does not open the registry.
    let basic = server.registry_as(&login).request("POST", "/").body("{}");
    let refused = basic.header("x-amz-target", LIST).send().unwrap();
    assert_eq!(refused.headers()["x-amzn-errortype"], "MissingAuthenticationTokenException");
    let mut signed = Call::new(&server, LIST, "{}");
    signed.path = "/v2/".to_owned();
    assert_eq!(signed.signed().send().status, 401);
    assert_eq!(server.registry_as(&login).status("GET", ""), 200);
}

#[test]
fn a_refusal_has_the_form_of_every_error() {
    let server = server();
    let mut call = Call::new(&server, LIST, "{}");
    call.key.1.clear();
    let answer = call.signed().send();
    let body = answer.json();
    assert_eq!(body["__type"], INVALID);
    assert_eq!(body["code"], INVALID);
    assert_eq!(answer.header("x-amzn-errortype"), Some(INVALID));
    assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.1"));
    assert_eq!(answer.header("x-amzn-query-error"), None);
    assert!(body["message"].as_str().is_some_and(|message| message.contains("Secret Access Key")), "{body}");
}
