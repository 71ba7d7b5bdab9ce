//! `GetContainerServiceMetricData` of data that was stored before the server started.

use gangplank_core::{AccountId, Region, Tenant, Time};
use gangplank_store::metadata::metric_points::Sample;
use gangplank_store::metadata::{ContainerServices as _, MetricPoints as _, Sqlite};
use gangplank_testkit::{ApiAnswer, TestServer};
use serde_json::{Value, json};

use crate::server;

/// The beginning of an hour, in seconds since 1970.
const HOUR: i64 = 1_800_000_000;

fn get(server: &TestServer, change: Value) -> ApiAnswer {
    let mut input = json!({
        "serviceName": "web", "metricName": "CPUUtilization", "startTime": HOUR, "endTime": HOUR + 3_600,
        "period": 300, "statistics": ["Average", "Maximum"],
    });
    for (name, value) in change.as_object().unwrap() {
        input[name] = value.clone();
    }
    server.api().lightsail("GetContainerServiceMetricData", &input)
}

/// Writes samples of a minute each: its second within the hour, processor and memory.
fn fill(server: &mut TestServer, samples: &[(i64, f64, f64)]) {
    assert!(server.terminate().success());
    let tenant = Tenant { account: AccountId::root(), region: Region::default_region() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let database = Sqlite::open(&server.data_dir().join("gangplank.db")).unwrap();
        let service = database.service(&tenant, "web").await.unwrap().unwrap().id;
        for (second, processor, memory) in samples.iter().copied() {
            let sample = Sample { service, processor, memory };
            database.add_samples(Time((HOUR + second) * 1_000), vec![sample]).await.unwrap();
        }
    });
    server.restart();
}

#[test]
fn a_service_that_was_never_measured_has_no_points() {
    let server = server();
    server.api().ensure_service("web");
    for name in ["CPUUtilization", "MemoryUtilization"] {
        let answer = get(&server, json!({ "metricName": name }));
        assert_eq!((answer.status, answer.body), (200, json!({ "metricName": name, "metricData": [] })));
    }
    let answer = get(&server, json!({ "serviceName": "nope" }));
    assert_eq!((answer.status, answer.error()), (400, "NotFoundException"));
    for bad in [
        json!({ "metricName": "DiskUtilization" }),
        json!({ "period": 59 }),
        json!({ "period": 90 }),
        json!({ "period": 86_401 }),
        json!({ "statistics": [] }),
        json!({ "statistics": ["Median"] }),
        json!({ "statistics": null }),
        json!({ "startTime": null }),
        json!({ "startTime": HOUR + 3_600 }),
        json!({ "startTime": HOUR + 3_601 }),
        json!({ "period": null }),
    ] {
        assert_eq!(get(&server, bad.clone()).error(), "InvalidInputException", "{bad}");
    }
}

#[test]
fn what_was_measured_is_summed_up_as_asked() {
    let mut server = server();
    server.api().ensure_service("web");
    fill(&mut server, &[(60, 10.0, 40.0), (120, 20.0, 50.0), (310, 60.0, 60.0), (3_000, 1.5, 2.0)]);
    let percent = |average: f64, maximum: f64, at: i64| json!({ "average": average, "maximum": maximum, "timestamp": HOUR + at, "unit": "Percent" });
    let answer = get(&server, json!({}));
    let expected = json!({
        "metricName": "CPUUtilization",
        "metricData": [percent(15.0, 20.0, 0), percent(60.0, 60.0, 300), percent(1.5, 1.5, 3_000)],
    });
    assert_eq!((answer.status, answer.body), (200, expected));
    let memory = get(&server, json!({ "metricName": "MemoryUtilization", "period": 600 }));
    assert_eq!(memory.body["metricData"], json!([percent(50.0, 60.0, 0), percent(2.0, 2.0, 3_000)]));
    let counted = get(&server, json!({ "statistics": ["SampleCount", "Sum", "Minimum"], "period": 3_600 }));
    let expected =
        json!([{ "sampleCount": 4.0, "sum": 91.5, "minimum": 1.5, "timestamp": HOUR, "unit": "Percent" }]);
    assert_eq!(counted.body["metricData"], expected);
    let last = get(&server, json!({ "startTime": HOUR + 400, "endTime": HOUR + 700 }));
    assert_eq!(
        last.body["metricData"],
        json!([percent(60.0, 60.0, 300)]),
        "the one in which the span begins"
    );
    let before = get(&server, json!({ "startTime": HOUR - 600, "endTime": HOUR }));
    assert_eq!(before.body["metricData"], json!([]));
}
