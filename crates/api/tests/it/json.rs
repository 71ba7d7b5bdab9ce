//! Bodies that can be read, and bodies that cannot.

use gangplank_api::lightsail::{ContainerServiceRegistryLogin, GetContainerServiceMetricDataRequest};
use gangplank_api::lightsail::{
    CreateContainerServiceRegistryLoginRequest, CreateContainerServiceRegistryLoginResult,
    CreateContainerServiceRequest, GetContainerLogRequest, GetContainerServicesRequest,
    RegisterContainerImageRequest, TagResourceRequest,
};
use gangplank_api::{ErrorCode, Timestamp, decode, encode};
use serde_json::json;

use crate::{accept, invalid, refuse, unreadable};

type Login = CreateContainerServiceRegistryLoginRequest;
type Services = GetContainerServicesRequest;

#[test]
fn no_body_is_an_empty_object() {
    assert_eq!(decode::<Login>(b"").unwrap(), Login {});
    assert_eq!(decode::<Login>(b"{}").unwrap(), Login {});
    assert_eq!(decode::<Login>(b" {\n} ").unwrap(), Login {});
    assert_eq!(decode::<Services>(b"").unwrap().service_name, None);
}

#[test]
fn what_is_not_json_is_refused() {
    for body in [
        "{",
        "}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{} {}",
        "{}x",
        "{'a':1}",
        "\u{feff}{}",
        "{\"a\":NaN}",
        " ",
        "{\"a\":01}",
    ] {
        unreadable::<Login>(body);
    }
    assert_eq!(refuse::<Login>(b"{\"a\":\"\xff\"}").code, ErrorCode::SerializationException);
    assert_eq!(refuse::<Login>(b"\x00").code, ErrorCode::SerializationException);
    let message = unreadable::<Login>("{\"a\"");
    assert!(message.starts_with("The request body is not acceptable JSON: "), "{message}");
}

#[test]
fn what_is_not_an_object_is_refused() {
    for (body, found) in
        [("[]", "a list"), ("null", "null"), ("1", "a number"), ("\"{}\"", "a string"), ("true", "a boolean")]
    {
        let message = unreadable::<Login>(body);
        assert_eq!(message, format!("The request body must be a JSON object, not {found}."));
    }
}

#[test]
fn a_member_given_twice_is_refused_wherever_it_stands() {
    let message = unreadable::<Services>(r#"{"serviceName":"a","serviceName":"b"}"#);
    assert!(message.contains("\"serviceName\" is given twice"), "{message}");
    unreadable::<Login>(r#"{"x":{"a":1,"a":1}}"#);
    unreadable::<Login>(r#"{"x":[[{"a":1,"\u0061":1}]]}"#);
    accept::<Login>(&json!({"x": {"a": 1}, "y": {"a": 1}}));
}

#[test]
fn nesting_ends_at_64() {
    let lists = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert!(decode::<Login>(lists(64).as_bytes()).is_ok());
    assert!(unreadable::<Login>(&lists(65)).contains("nested deeper than 64 levels"));
    unreadable::<Login>(&lists(1_000_000));
    unreadable::<Login>(&"{\"a\":".repeat(1_000_000));
    unreadable::<Login>(&"[".repeat(1_000_000));
}

#[test]
fn unknown_members_are_passed_over() {
    let request: Services =
        accept(&json!({"serviceName": "a", "unknown": {"deep": [1, null]}, "ServiceName": 5}));
    assert_eq!(request.service_name.as_deref(), Some("a"));
}

#[test]
fn null_is_a_member_left_out() {
    let request: Services = accept(&json!({"serviceName": null}));
    assert_eq!(request.service_name, None);
    let message =
        invalid::<RegisterContainerImageRequest>(&json!({"serviceName": "a", "label": null, "digest": "x"}));
    assert_eq!(message, "label is required and missing.");
}

#[test]
fn wrong_types_name_the_member() {
    for (body, expected) in [
        (r#"{"serviceName":5}"#, "serviceName must be a string, not a number."),
        (r#"{"serviceName":["a"]}"#, "serviceName must be a string, not a list."),
        (r#"{"power":true}"#, "power must be a string, not a boolean."),
        (r#"{"scale":"1"}"#, "scale must be a whole number, not a string."),
        (r#"{"scale":1.5}"#, "scale must be a whole number of at most 32 bits, not 1.5."),
        (r#"{"scale":2147483648}"#, "scale must be a whole number of at most 32 bits, not 2147483648."),
        (r#"{"scale":-2147483649}"#, "scale must be a whole number of at most 32 bits, not -2147483649."),
        (r#"{"tags":{}}"#, "tags must be a list, not an object."),
        (r#"{"tags":[{},5]}"#, "tags[1] must be an object, not a number."),
        (r#"{"tags":[null]}"#, "tags[0] must be an object, not null."),
        (r#"{"tags":[{"key":1}]}"#, "tags[0].key must be a string, not a number."),
        (r#"{"publicDomainNames":{"c":"d"}}"#, "publicDomainNames.c must be a list, not a string."),
        (r#"{"publicDomainNames":{"c":null}}"#, "publicDomainNames.c must be a list, not null."),
        (
            r#"{"deployment":{"containers":{"web":{"command":["a",false]}}}}"#,
            "deployment.containers.web.command[1] must be a string, not a boolean.",
        ),
        (
            r#"{"privateRegistryAccess":{"ecrImagePullerRole":{"isActive":"yes"}}}"#,
            "privateRegistryAccess.ecrImagePullerRole.isActive must be true or false, not a string.",
        ),
    ] {
        assert_eq!(unreadable::<CreateContainerServiceRequest>(body), expected);
    }
}

#[test]
fn wrong_types_come_before_values_that_are_not_allowed() {
    unreadable::<CreateContainerServiceRequest>(r#"{"serviceName":"NO","power":"huge","scale":"x"}"#);
}

#[test]
fn whole_numbers_are_read_however_they_are_written() {
    for scale in ["2", "2.0", "2e0", "20e-1", "0.2E+1"] {
        let body = format!(r#"{{"serviceName":"a","power":"nano","scale":{scale}}}"#);
        assert_eq!(decode::<CreateContainerServiceRequest>(body.as_bytes()).unwrap().scale, 2, "{scale}");
    }
    for scale in ["1e30", "1e999", "18446744073709551615", "-9223372036854775808", "9007199254740993.0"] {
        unreadable::<CreateContainerServiceRequest>(&format!(r#"{{"scale":{scale}}}"#));
    }
}

#[test]
fn moments_are_seconds_and_never_strings() {
    let request: GetContainerLogRequest = accept(
        &json!({"serviceName": "a", "containerName": "b", "startTime": 1_538_427_600, "endTime": 1.538_427_600_5e9}),
    );
    assert_eq!(request.start_time, Some(Timestamp(1_538_427_600_000)));
    assert_eq!(request.end_time, Some(Timestamp(1_538_427_600_500)));
    let message = unreadable::<GetContainerLogRequest>(r#"{"startTime":"2018-10-01T21:00:00Z"}"#);
    assert_eq!(message, "startTime must be a number of seconds since 1970, not a string.");
    let message = unreadable::<GetContainerServiceMetricDataRequest>(r#"{"endTime":1538427600000}"#);
    assert_eq!(message, "endTime must be seconds since 1970, up to the year 9999, not 1538427600000.");
}

#[test]
fn text_beyond_ascii_is_read_escaped_or_not() {
    unreadable::<TagResourceRequest>(r#"{"resourceName":"ab","tags":[{"key":"\u00fc","value":"\ud83d"}]}"#);
    let request: TagResourceRequest =
        decode(br#"{"resourceName":"ab","tags":[{"key":"\u00fc\u6c34"}]}"#).unwrap();
    assert_eq!(request.tags[0].key.as_deref(), Some("ü水"));
}

#[test]
fn names_in_messages_are_short_and_on_one_line() {
    let body = json!({"publicDomainNames": {"x\n".repeat(500): 5}}).to_string();
    let message = unreadable::<CreateContainerServiceRequest>(&body);
    assert!(message.len() < 250 && !message.contains('\n'), "{message}");
}

#[test]
fn answers_leave_out_what_is_not_there() {
    let login = ContainerServiceRegistryLogin {
        username: Some("AWS".into()),
        password: Some("p".to_owned().into()),
        expires_at: Some(Timestamp(1_603_432_203_000)),
        registry: Some("localhost:5000".into()),
    };
    let answer = CreateContainerServiceRegistryLoginResult { registry_login: Some(login) };
    let text = r#"{"registryLogin":{"username":"AWS","password":"p","expiresAt":1603432203,"registry":"localhost:5000"}}"#;
    assert_eq!(String::from_utf8(encode(&answer)).unwrap(), text);
    assert_eq!(encode(&CreateContainerServiceRegistryLoginResult::default()), b"{}");
    assert_eq!(decode::<CreateContainerServiceRegistryLoginResult>(text.as_bytes()).unwrap(), answer);
}

#[test]
fn a_password_is_not_printed() {
    let login =
        ContainerServiceRegistryLogin { password: Some("hush".to_owned().into()), ..Default::default() };
    assert!(!format!("{login:?}").contains("hush"));
    assert_eq!(login.password.as_ref().map(gangplank_api::Secret::expose), Some("hush"));
}
