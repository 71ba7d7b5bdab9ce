//! Each constraint of the service model, and each rule of our own: accepted and refused values.

use gangplank_api::lightsail::{
    CreateContainerServiceRequest, DeleteContainerImageRequest, DeleteContainerServiceRequest,
    GetContainerImagesRequest, GetContainerLogRequest, GetContainerServiceDeploymentsRequest,
    GetContainerServiceMetricDataRequest, MetricStatistic, RegisterContainerImageRequest, TagResourceRequest,
    UntagResourceRequest, UpdateContainerServiceRequest,
};
use serde_json::{Value, json};

use crate::{accept, invalid};

const NAME: &str = "^(?:[a-z0-9]{1,2}|[a-z0-9][a-z0-9-]+[a-z0-9])$";

/// The request with some members replaced.
fn with(mut request: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().into_iter().flatten() {
        request[name] = value.clone();
    }
    request
}

fn service(changes: &Value) -> Value {
    with(json!({"serviceName": "www", "power": "nano", "scale": 1}), changes)
}

fn metric(changes: &Value) -> Value {
    let request = json!({"serviceName": "www", "metricName": "CPUUtilization", "startTime": 1, "endTime": 2,
        "period": 300, "statistics": ["Average"]});
    with(request, changes)
}

fn tagged(tags: &Value) -> Value {
    json!({"resourceName": "www", "tags": tags})
}

#[test]
fn required_members() {
    type Create = CreateContainerServiceRequest;
    assert_eq!(invalid::<Create>(&json!({})), "serviceName is required and missing.");
    assert_eq!(invalid::<Create>(&json!({"serviceName": "a"})), "power is required and missing.");
    assert_eq!(
        invalid::<Create>(&json!({"serviceName": "a", "power": "nano"})),
        "scale is required and missing."
    );
    accept::<Create>(&service(&json!({})));
    for missing in ["serviceName", "label", "digest"] {
        let mut request =
            json!({"serviceName": "a", "label": "b", "digest": format!("sha256:{}", "0".repeat(64))});
        accept::<RegisterContainerImageRequest>(&request);
        request.as_object_mut().unwrap().remove(missing);
        assert_eq!(
            invalid::<RegisterContainerImageRequest>(&request),
            format!("{missing} is required and missing.")
        );
    }
    for missing in ["serviceName", "metricName", "startTime", "endTime", "period", "statistics"] {
        let request = metric(&json!({missing: null}));
        let message = invalid::<GetContainerServiceMetricDataRequest>(&request);
        assert_eq!(message, format!("{missing} is required and missing."));
    }
    for message in [
        invalid::<DeleteContainerServiceRequest>(&json!({})),
        invalid::<DeleteContainerImageRequest>(&json!({})),
        invalid::<GetContainerImagesRequest>(&json!({})),
        invalid::<GetContainerLogRequest>(&json!({})),
        invalid::<GetContainerServiceDeploymentsRequest>(&json!({})),
        invalid::<UpdateContainerServiceRequest>(&json!({})),
    ] {
        assert_eq!(message, "serviceName is required and missing.");
    }
    assert_eq!(
        invalid::<TagResourceRequest>(&json!({"resourceName": "ab"})),
        "tags is required and missing."
    );
    assert_eq!(
        invalid::<UntagResourceRequest>(&json!({"resourceName": "ab"})),
        "tagKeys is required and missing."
    );
}

#[test]
fn service_names() {
    type Create = CreateContainerServiceRequest;
    accept::<Create>(&service(&json!({"serviceName": "a".repeat(63)})));
    let message = invalid::<Create>(&service(&json!({"serviceName": "My_Service"})));
    assert_eq!(message, format!("serviceName \"My_Service\" does not match pattern: {NAME}"));
    let message = invalid::<Create>(&service(&json!({"serviceName": ""})));
    assert_eq!(message, "serviceName \"\" is 0 characters long; allowed is 1 to 63.");
    let message = invalid::<Create>(&service(&json!({"serviceName": "a".repeat(99)})));
    let shown = "a".repeat(64);
    assert_eq!(message, format!("serviceName \"{shown}…\" is 99 characters long; allowed is 1 to 63."));
}

#[test]
fn refused_values_are_shown_on_one_line() {
    let message =
        invalid::<CreateContainerServiceRequest>(&service(&json!({"serviceName": "a\r\n\u{1b}[31m\""})));
    assert!(message.starts_with(r#"serviceName "a\r\n\u{1b}[31m\"" does not match"#), "{message}");
}

#[test]
fn no_text_has_nul() {
    let message =
        invalid::<gangplank_api::gangplank::CreateAccessKeyRequest>(&json!({"description": "a\0b"}));
    assert_eq!(message, "description contains the character U+0000, which no text may.");
}

#[test]
fn labels() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let request = |label: &str| json!({"serviceName": "a", "label": label, "digest": digest});
    accept::<RegisterContainerImageRequest>(&request(&"a".repeat(53)));
    let message = invalid::<RegisterContainerImageRequest>(&request(&"a".repeat(54)));
    assert!(message.ends_with("is 54 characters long; allowed is 1 to 53."), "{message}");
    let message = invalid::<RegisterContainerImageRequest>(&request("web.1"));
    assert_eq!(message, format!("label \"web.1\" does not match pattern: {NAME}"));
}

#[test]
fn digests() {
    let message = invalid::<RegisterContainerImageRequest>(
        &json!({"serviceName": "a", "label": "b", "digest": "latest"}),
    );
    let pattern = "^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$";
    assert_eq!(message, format!("digest \"latest\" does not match pattern: {pattern}"));
}

#[test]
fn powers() {
    for power in ["nano", "micro", "small", "medium", "large", "xlarge"] {
        let request: CreateContainerServiceRequest = accept(&service(&json!({"power": power})));
        assert_eq!(request.power.as_str(), power);
    }
    let message = invalid::<CreateContainerServiceRequest>(&service(&json!({"power": "huge"})));
    assert_eq!(message, "power \"huge\" is not one of: nano, micro, small, medium, large, xlarge");
    invalid::<UpdateContainerServiceRequest>(&json!({"serviceName": "a", "power": "NANO"}));
}

#[test]
fn scales() {
    for scale in [1, 20] {
        accept::<CreateContainerServiceRequest>(&service(&json!({"scale": scale})));
        accept::<UpdateContainerServiceRequest>(&json!({"serviceName": "a", "scale": scale}));
    }
    for scale in [-1, 0, 21, 2_147_483_647] {
        let message = invalid::<CreateContainerServiceRequest>(&service(&json!({"scale": scale})));
        assert_eq!(message, format!("scale is {scale}; allowed is 1 to 20."));
        invalid::<UpdateContainerServiceRequest>(&json!({"serviceName": "a", "scale": scale}));
    }
}

#[test]
fn domain_names() {
    let names = |names: &Value| service(&json!({"publicDomainNames": {"cert": names}}));
    let label = "a".repeat(63);
    for good in
        ["example.com", "WWW.Example.com", "xn--bcher-kva.example", "a.b.c.d.e.f", &format!("{label}.com")]
    {
        accept::<CreateContainerServiceRequest>(&names(&json!([good])));
    }
    for bad in [
        "",
        "localhost",
        "example.com.",
        ".example.com",
        "a..com",
        "-a.com",
        "a-.com",
        "a_b.com",
        "*.example.com",
        "http://a.com",
        "10.0.0.1",
        "a b.com",
        "bücher.example",
        &format!("{label}a.com"),
        &"abc.".repeat(63),
        &format!("{}com", "abc.".repeat(63)),
    ] {
        let message = invalid::<CreateContainerServiceRequest>(&names(&json!([bad])));
        assert!(message.starts_with("publicDomainNames.cert[0] \""), "{message}");
    }
    accept::<UpdateContainerServiceRequest>(&json!({"serviceName": "a", "publicDomainNames": {"cert": []}}));
    accept::<CreateContainerServiceRequest>(&names(&json!(["a.co", "b.co", "c.co", "d.co"])));
    let message =
        invalid::<CreateContainerServiceRequest>(&names(&json!(["a.co", "b.co", "c.co", "d.co", "e.co"])));
    assert_eq!(message, "publicDomainNames has 5 domain names; at most 4 are allowed.");
    let twice = json!({"serviceName": "a", "publicDomainNames": {"x": ["a.co"], "y": ["A.co"]}});
    assert_eq!(invalid::<UpdateContainerServiceRequest>(&twice), "publicDomainNames has \"A.co\" twice.");
}

#[test]
fn tags() {
    let long = ("k".repeat(128), "v".repeat(256));
    for good in [
        json!([]),
        json!([{"key": "k"}]),
        json!([{"key": "k", "value": ""}]),
        json!([{"key": "a B9 +-=._:/@", "value": "a B9 +-=._:/@"}]),
        json!([{"key": "größe", "value": "水"}]),
        json!([{"key": long.0, "value": long.1}]),
        json!([{"key": "k"}, {"key": "K"}]),
    ] {
        accept::<TagResourceRequest>(&tagged(&good));
        accept::<CreateContainerServiceRequest>(&service(&json!({"tags": good})));
    }
    for bad in [
        json!([{"value": "v"}]),
        json!([{"key": ""}]),
        json!([{"key": "k".repeat(129)}]),
        json!([{"key": "k", "value": "v".repeat(257)}]),
        json!([{"key": "a;b"}]),
        json!([{"key": "a\tb"}]),
        json!([{"key": "k", "value": "a\nb"}]),
        json!([{"key": "k"}, {"key": "k", "value": "v"}]),
    ] {
        invalid::<TagResourceRequest>(&tagged(&bad));
        invalid::<CreateContainerServiceRequest>(&service(&json!({"tags": bad})));
    }
    let message = invalid::<TagResourceRequest>(&tagged(&json!([{"key": "k"}, {"value": "v"}])));
    assert_eq!(message, "tags[1].key is required and missing.");
    let message = invalid::<TagResourceRequest>(&tagged(&json!([{"key": "k"}, {"key": "k"}])));
    assert_eq!(message, "tags has the key \"k\" twice.");
}

#[test]
fn fifty_tags_and_no_more() {
    let many =
        |count: usize| (0..count).map(|number| json!({"key": format!("k{number}")})).collect::<Value>();
    accept::<TagResourceRequest>(&tagged(&many(50)));
    let message = invalid::<TagResourceRequest>(&tagged(&many(51)));
    assert_eq!(message, "tags has 51 tags; at most 50 are allowed.");
}

#[test]
fn tag_keys_to_take_off() {
    accept::<UntagResourceRequest>(&json!({"resourceName": "ab", "tagKeys": ["a", "größe"]}));
    let message = invalid::<UntagResourceRequest>(&json!({"resourceName": "ab", "tagKeys": ["a", ""]}));
    assert!(message.starts_with("tagKeys[1] \"\" does not match pattern: "), "{message}");
}

#[test]
fn metric_periods() {
    type Metric = GetContainerServiceMetricDataRequest;
    for period in [60, 86_400] {
        accept::<Metric>(&metric(&json!({"period": period})));
    }
    for period in [0, 59, 86_401] {
        let message = invalid::<Metric>(&metric(&json!({"period": period})));
        assert_eq!(message, format!("period is {period}; allowed is 60 to 86400."));
    }
}

#[test]
fn metric_names_and_statistics() {
    type Metric = GetContainerServiceMetricDataRequest;
    accept::<Metric>(&metric(
        &json!({"metricName": "MemoryUtilization", "statistics": MetricStatistic::VALUES}),
    ));
    let message = invalid::<Metric>(&metric(&json!({"metricName": "Disk"})));
    assert_eq!(message, "metricName \"Disk\" is not one of: CPUUtilization, MemoryUtilization");
    let message = invalid::<Metric>(&metric(&json!({"statistics": ["Sum", "sum"]})));
    assert!(message.starts_with("statistics[1] \"sum\" is not one of: Minimum, "), "{message}");
    let message = invalid::<Metric>(&metric(&json!({"statistics": []})));
    assert!(message.starts_with("statistics is empty; "), "{message}");
}

#[test]
fn spans_of_time_do_not_end_before_they_start() {
    let message = "endTime is before startTime; it must be the same moment or later.";
    let backwards = json!({"startTime": 5.001, "endTime": 5});
    for no_span in [&backwards, &json!({"startTime": 5, "endTime": 5})] {
        let message = "endTime must be later than startTime.";
        assert_eq!(invalid::<GetContainerServiceMetricDataRequest>(&metric(no_span)), message);
    }
    let log = json!({"serviceName": "a", "containerName": "b"});
    for fine in
        [json!({}), json!({"startTime": 9}), json!({"endTime": 9}), json!({"startTime": 9, "endTime": 9})]
    {
        accept::<GetContainerLogRequest>(&with(log.clone(), &fine));
    }
    assert_eq!(invalid::<GetContainerLogRequest>(&with(log, &backwards)), message);
}

#[test]
fn images_to_delete() {
    accept::<DeleteContainerImageRequest>(&json!({"serviceName": "hello", "image": ":hello.www.73"}));
    let message =
        invalid::<DeleteContainerImageRequest>(&json!({"serviceName": "hello", "image": "nginx:latest"}));
    assert!(message.starts_with("image \"nginx:latest\" does not match pattern: ^:"), "{message}");
}
