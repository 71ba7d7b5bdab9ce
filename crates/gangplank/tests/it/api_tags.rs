//! Tags on container services.

use gangplank_testkit::{Api, ApiAnswer};
use serde_json::{Value, json};

use crate::{server, server_with};

fn tag(api: &Api, tags: &Value) -> ApiAnswer {
    api.lightsail("TagResource", &json!({ "resourceName": "web", "tags": tags }))
}

fn untag(api: &Api, keys: &Value) -> ApiAnswer {
    api.lightsail("UntagResource", &json!({ "resourceName": "web", "tagKeys": keys }))
}

fn tags(api: &Api) -> Value {
    let answer = api.lightsail("GetContainerServices", &json!({ "serviceName": "web" }));
    answer.body["containerServices"][0]["tags"].clone()
}

#[test]
fn tags_are_put_on_replaced_and_taken_off() {
    let server = server();
    let api = server.api();
    api.ensure_service("web");
    let answer = tag(&api, &json!([{ "key": "team", "value": "one" }, { "key": "bare" }]));
    let operation = &answer.body["operations"][0];
    assert_eq!(
        (&operation["resourceName"], &operation["resourceType"]),
        (&json!("web"), &json!("ContainerService"))
    );
    assert_eq!((&operation["isTerminal"], &operation["status"]), (&json!(true), &json!("Succeeded")));
    assert!(operation["createdAt"].is_number() && operation["id"].is_string(), "{operation}");
    assert_eq!(operation["location"]["regionName"], "us-east-1");
    assert_eq!(tags(&api), json!([{ "key": "team", "value": "one" }, { "key": "bare" }]));
    tag(&api, &json!([{ "key": "team", "value": "two" }]));
    assert_eq!(tags(&api), json!([{ "key": "team", "value": "two" }, { "key": "bare" }]));
    let answer = untag(&api, &json!(["team", "unknown"]));
    assert_eq!(answer.body["operations"].as_array().map(Vec::len), Some(1));
    assert_eq!(tags(&api), json!([{ "key": "bare" }]));
}

#[test]
fn what_is_no_tag_changes_nothing() {
    let server = server();
    let api = server.api();
    api.ensure_service("web");
    tag(&api, &json!([{ "key": "kept", "value": "1" }]));
    let check = |tags: Value| {
        let answer = tag(&api, &tags);
        assert_eq!(answer.error(), "InvalidInputException", "{tags}: {answer:?}");
    };
    check(json!([{ "key": "" }]));
    check(json!([{ "value": "1" }]));
    check(json!([{ "key": "a" }, { "key": "a", "value": "2" }]));
    check(json!([{ "key": "a".repeat(129) }]));
    check(json!([{ "key": "a", "value": "v".repeat(257) }]));
    for bad in ["a*", "a\nb", "a\u{0}", "<a>", "a;b", "a,b", "\"", "\u{1f6a2}"] {
        check(json!([{ "key": bad }]));
        check(json!([{ "key": "a", "value": bad }]));
        // One bad tag makes the whole call fail.
        check(json!([{ "key": "good" }, { "key": bad }]));
    }
    check(json!((0..51).map(|number| json!({ "key": format!("k{number}") })).collect::<Vec<_>>()));
    assert_eq!(untag(&api, &json!([""])).error(), "InvalidInputException");
    assert_eq!(untag(&api, &json!("kept")).error(), "SerializationException");
    for input in
        [json!({ "resourceName": "web" }), json!({ "tags": [] }), json!({ "resourceName": "", "tags": [] })]
    {
        assert_eq!(api.lightsail("TagResource", &input).error(), "InvalidInputException", "{input}");
    }
    assert_eq!(tags(&api), json!([{ "key": "kept", "value": "1" }]));
    let longest = json!([{ "key": "ключ".repeat(32), "value": "a +-=._:/@".repeat(25) }]);
    assert_eq!(tag(&api, &longest).status, 200);
}

#[test]
fn the_quota_counts_all_tags_of_a_resource_and_holds_from_the_start() {
    let server = server_with(|builder| builder.env("GANGPLANK_MAX_TAGS_PER_RESOURCE", "2"));
    let api = server.api();
    let three = json!([{ "key": "a" }, { "key": "b" }, { "key": "c" }]);
    let create = json!({ "serviceName": "web", "power": "nano", "scale": 1, "tags": three });
    let answer = api.lightsail("CreateContainerService", &create);
    assert_eq!(answer.error(), "InvalidInputException", "{answer:?}");
    assert!(answer.message().contains('2'), "{answer:?}");
    api.ensure_service("web");
    assert_eq!(tag(&api, &json!([{ "key": "a" }, { "key": "b" }])).status, 200);
    assert_eq!(tag(&api, &json!([{ "key": "c" }])).error(), "InvalidInputException");
    assert_eq!(tag(&api, &json!([{ "key": "a", "value": "new" }])).status, 200);
    assert_eq!(tags(&api), json!([{ "key": "a", "value": "new" }, { "key": "b" }]));
}

#[test]
fn an_arn_must_be_the_services_own() {
    let server = server();
    let api = server.api();
    api.ensure_service("web");
    let service = api.lightsail("GetContainerServices", &json!({})).body["containerServices"][0].clone();
    let with = |arn: &Value| {
        let input = json!({ "resourceName": "web", "resourceArn": arn, "tags": [{ "key": "a" }] });
        api.lightsail("TagResource", &input)
    };
    assert_eq!(with(&service["arn"]).status, 200);
    let other = service["arn"].as_str().unwrap().replace("000000000000", "123456789012");
    for bad in ["", "web", "arn:aws:lightsail", &other] {
        assert_eq!(with(&json!(bad)).error(), "InvalidInputException", "{bad}");
    }
}
