//! Errors in the protocols of services that are not served here.

use gangplank_api::{Protocol, Traits, WireError};

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

fn form() -> Traits<'static> {
    Traits { content_type: FORM, ..Traits::default() }
}

fn target(content_type: &str) -> Traits<'_> {
    Traits { content_type, has_target: true, ..Traits::default() }
}

fn text(error: &WireError) -> String {
    String::from_utf8_lossy(&error.body).into_owned()
}

#[test]
fn what_a_call_looks_like_tells_its_protocol() {
    let cbor = Traits { content_type: "application/cbor", smithy: "rpc-v2-cbor", ..Traits::default() };
    for (service, traits, protocol) in [
        ("iam", form(), Protocol::Query),
        ("ec2", form(), Protocol::Ec2),
        ("ecr", target("application/x-amz-json-1.1"), Protocol::Json11),
        ("dynamodb", target("application/x-amz-json-1.0"), Protocol::Json10),
        // Three generations of clients of the same service.
        ("monitoring", form(), Protocol::Query),
        ("monitoring", target("application/x-amz-json-1.0"), Protocol::Json10),
        ("monitoring", cbor, Protocol::Cbor),
        ("lambda", Traits::default(), Protocol::RestJson),
        ("s3", Traits::default(), Protocol::S3),
        ("s3", form(), Protocol::S3),
        ("route53", Traits::default(), Protocol::RestXml),
    ] {
        assert_eq!(Protocol::of(service, traits), protocol, "{service} {traits:?}");
    }
    assert!(Traits { content_type: "Application/X-WWW-Form-URLencoded", ..Traits::default() }.is_form());
    assert!(!Traits { content_type: "application/x-www-form-urlencodedx", ..Traits::default() }.is_form());
}

#[test]
fn every_protocol_has_its_error() {
    let told = "This server speaks the container part of Amazon Lightsail's API";
    for (protocol, status, content_type, start, end) in [
        (
            Protocol::Query,
            400,
            "text/xml",
            "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>",
            "</Message></Error><RequestId>r</RequestId></ErrorResponse>\n",
        ),
        (
            Protocol::Ec2,
            400,
            "text/xml",
            "<Response><Errors><Error><Code>InvalidAction</Code><Message>",
            "</Message></Error></Errors><RequestID>r</RequestID></Response>\n",
        ),
        (
            Protocol::S3,
            501,
            "application/xml",
            "<Error><Code>NotImplemented</Code><Message>",
            "</Message><RequestId>r</RequestId></Error>\n",
        ),
        (
            Protocol::Json10,
            400,
            "application/x-amz-json-1.0",
            "{\"__type\":\"UnknownOperationException\"",
            "\"}",
        ),
        (
            Protocol::Json11,
            400,
            "application/x-amz-json-1.1",
            "{\"__type\":\"UnknownOperationException\"",
            "\"}",
        ),
        (Protocol::RestJson, 400, "application/json", "{\"__type\":\"UnknownOperationException\"", "\"}"),
    ] {
        let error = protocol.unserved("iam", "r");
        let body = text(&error);
        assert_eq!((error.status, error.content_type), (status, content_type), "{protocol:?}");
        assert!(body.starts_with(start) && body.ends_with(end), "{protocol:?}: {body}");
        assert!(body.contains(told) && body.contains("'iam'"), "{protocol:?}: {body}");
    }
    let json = Protocol::RestJson.unserved("lambda", "r");
    assert_eq!(json.header, Some(("x-amzn-errortype", "UnknownOperationException")));
}

#[test]
fn cbor_is_a_map_of_two_texts() {
    let error = Protocol::Cbor.unserved("monitoring", "r");
    assert_eq!(error.header, Some(("smithy-protocol", "rpc-v2-cbor")));
    let (map, mut rest) = error.body.split_first().unwrap();
    assert_eq!(*map, 0xa2, "a map of two");
    let mut texts = Vec::new();
    while let [0x79, high, low, tail @ ..] = rest {
        let (text, after) = tail.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        texts.push(std::str::from_utf8(text).unwrap());
        rest = after;
    }
    assert!(rest.is_empty(), "{rest:?}");
    assert_eq!(texts[..3], ["__type", "UnknownOperationException", "message"]);
    assert!(texts.len() == 4 && texts[3].contains("'monitoring'"), "{texts:?}");
}
