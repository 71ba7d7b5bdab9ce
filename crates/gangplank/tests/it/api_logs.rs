//! `GetContainerLog` of logs that were written before the server started.

use std::time::Duration;

use gangplank_core::{AccountId, Origin, Region, Tenant, Time};
use gangplank_store::logs::{LogLine, LogName, Logs, LogsKept, Pipe};
use gangplank_store::metadata::deployments::{DeploymentOutcome, ImageSource, NewDeployment, NewImage, Room};
use gangplank_store::metadata::{ContainerServices as _, Deployments as _, Sqlite};
use gangplank_testkit::{Api, ApiAnswer, TestServer};
use serde_json::{Value, json};

use crate::server;

const KEPT: LogsKept = LogsKept { age: Duration::from_hours(96), bytes: 100 << 20 };

/// A server that is stopped while its logs are written.
struct World {
    server: TestServer,
    uuid: String,
}

fn uuid_of(api: &Api, service: &str) -> String {
    let answer = api.lightsail("GetContainerServices", &json!({ "serviceName": service }));
    let arn = answer.body["containerServices"][0]["arn"].as_str().unwrap().to_owned();
    arn.rsplit('/').next().unwrap().to_owned()
}

/// A time `seconds` ago, in whole seconds.
fn ago(seconds: u64) -> Time {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Time(i64::try_from(now.as_secs() - seconds).unwrap() * 1_000)
}

impl World {
    fn new() -> Self {
        let server = server();
        server.api().ensure_service("web");
        let uuid = uuid_of(&server.api(), "web");
        Self { server, uuid }
    }

    fn fill(&mut self, container: &str, lines: impl IntoIterator<Item = (Time, String)>) {
        assert!(self.server.terminate().success());
        let logs = Logs::open(self.server.data_dir().join("logs"), KEPT, 0);
        let log = LogName { service: self.uuid.clone(), container: container.to_owned() };
        for (at, text) in lines {
            logs.append(&log, &LogLine { at, node: "1-0".to_owned(), pipe: Pipe::Output, text });
        }
        logs.flush();
        drop(logs);
        self.server.restart();
    }

    fn log(&self, change: Value) -> ApiAnswer {
        let mut input = json!({ "serviceName": "web", "containerName": "app" });
        for (name, value) in change.as_object().unwrap() {
            input[name] = value.clone();
        }
        self.server.api().lightsail("GetContainerLog", &input)
    }

    #[track_caller]
    fn messages(&self, change: Value) -> Vec<String> {
        let answer = self.log(change);
        assert_eq!(answer.status, 200, "{answer:?}");
        messages(&answer)
    }
}

fn messages(answer: &ApiAnswer) -> Vec<String> {
    let events = answer.body["logEvents"].as_array().unwrap();
    events.iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_container_that_never_ran_is_not_found() {
    let world = World::new();
    for name in ["app", "", "..", "../../blobs", "a/b", "APP"] {
        let answer = world.log(json!({ "containerName": name }));
        assert_eq!((answer.status, answer.error()), (400, "NotFoundException"), "{name}: {answer:?}");
    }
    let answer = world.log(json!({ "serviceName": "nope" }));
    assert_eq!((answer.status, answer.error()), (400, "NotFoundException"));
    assert!(!world.server.data_dir().join("logs").exists(), "a server on which nothing runs has no logs");
}

#[test]
fn a_container_that_has_printed_nothing_yet_has_an_empty_log() {
    let mut world = World::new();
    assert!(world.server.terminate().success());
    let tenant = Tenant { account: AccountId::root(), region: Region::default_region() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let database = Sqlite::open(&world.server.data_dir().join("gangplank.db")).unwrap();
        let service = database.service(&tenant, "web").await.unwrap().unwrap().id;
        let deployment = NewDeployment {
            sealed_spec: b"nobody opens it".to_vec(),
            images: vec![NewImage { container: "app".to_owned(), source: ImageSource::Public }],
            created_at: ago(60),
            deadline: ago(0),
            invocation: None,
            room: Room { cpus: 100.0, memory: 1 << 40 },
        };
        let by = Origin::local(ago(60));
        let made = database.create_deployment(&by, &tenant, service, deployment).await.unwrap();
        assert!(matches!(made, DeploymentOutcome::Made(_)), "{made:?}");
        assert!(database.fail_deployment(&by, service, 1, "it crashed").await.unwrap());
    });
    world.server.restart();
    let answer = world.log(json!({}));
    assert_eq!((answer.status, answer.body), (200, json!({ "logEvents": [] })));
    assert_eq!(world.log(json!({ "containerName": "other" })).error(), "NotFoundException");
}

#[test]
fn lines_are_shown_with_their_times_and_filtered() {
    let mut world = World::new();
    let (begin, text) = (ago(600), |text: &str| text.to_owned());
    let at = |millis| Time(begin.0 + millis);
    let lines = [
        (at(0), text("[deployment:1] Creating your deployment")),
        (at(1_000), text("listening on :8080")),
        (at(1_500), text("WARN slow request")),
        (at(2_000), text("ERROR \u{1b}[31mdisk\u{1b}[0m \"full\"")),
        (at(2_999), text("ERROR retried")),
        (at(3_000), text("größe\t\0")),
    ];
    let all: Vec<_> = lines.iter().map(|(_, text)| text.clone()).collect();
    world.fill("app", lines);
    let answer = world.log(json!({}));
    assert_eq!(messages(&answer), all);
    assert_eq!(answer.body["logEvents"][2]["createdAt"].to_string(), format!("{}.5", at(1_500).seconds()));
    assert_eq!(answer.body["logEvents"][3]["createdAt"].as_i64(), Some(at(2_000).seconds()));
    assert_eq!(answer.body.get("nextPageToken"), None);

    for (pattern, expected) in [
        ("", &all[..]),
        ("ERROR", &all[3..5]),
        ("error", &[]),
        ("ERROR -retried", &all[3..4]),
        ("?WARN ?größe", &[all[2].clone(), all[5].clone()]),
        ("\"slow request\"", &all[2..3]),
    ] {
        assert_eq!(world.messages(json!({ "filterPattern": pattern })), expected, "{pattern}");
    }
    let seconds = |from: i64| begin.seconds() + from;
    for (start, end, expected) in [
        (Some(1), None, &all[1..]),
        (Some(1), Some(2), &all[1..5]),
        (Some(2), Some(2), &all[3..5]),
        (None, Some(1), &all[..3]),
        (Some(4), None, &[]),
        (None, Some(-1), &[]),
    ] {
        let mut input = json!({});
        if let Some(start) = start {
            input["startTime"] = json!(seconds(start));
        }
        if let Some(end) = end {
            input["endTime"] = json!(seconds(end));
        }
        assert_eq!(world.messages(input.clone()), expected, "{input}");
    }
    let fraction = |text: &str| -> Value { serde_json::from_str(&format!("{}.{text}", seconds(2))).unwrap() };
    let fractions = json!({ "startTime": fraction("9"), "endTime": fraction("95") });
    assert_eq!(world.messages(fractions), all[3..5], "both ends are whole seconds");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let mut world = World::new();
    world.fill("app", [(ago(60), "one".to_owned())]);
    for (input, word) in [
        (json!({ "startTime": 2, "endTime": 1 }), "startTime"),
        (json!({ "containerName": null }), "containerName"),
        (json!({ "filterPattern": "\"never closed" }), "double quote"),
        (json!({ "filterPattern": "a -" }), "text"),
        (json!({ "filterPattern": "{ $.level = 1 }" }), "structure"),
        (json!({ "filterPattern": "x".repeat(1_025) }), "1024"),
        (json!({ "pageToken": "x" }), "pageToken"),
        (json!({ "pageToken": "" }), "pageToken"),
    ] {
        let answer = world.log(input.clone());
        assert_eq!((answer.status, answer.error()), (400, "InvalidInputException"), "{input} {answer:?}");
        assert!(answer.message().contains(word), "{} does not say {word}", answer.message());
    }
    for bad in [json!("2026-11-23T00:00:00Z"), json!(1e18), json!(true)] {
        assert_eq!(world.log(json!({ "startTime": bad })).error(), "SerializationException", "{bad}");
    }
}

#[test]
fn without_times_the_newest_page_comes_first_and_tokens_lead_to_all() {
    let mut world = World::new();
    let begin = ago(3_600);
    let lines: Vec<_> =
        (0..25_000).map(|number| (Time(begin.0 + number * 100), format!("line {number}"))).collect();
    let all: Vec<_> = lines.iter().map(|(_, text)| text.clone()).collect();
    world.fill("app", lines);
    world.fill("other", [(begin, "other".to_owned())]);

    let newest = world.log(json!({}));
    assert_eq!(messages(&newest), all[15_000..], "a script takes its last lines");
    let token = newest.body["nextPageToken"].as_str().unwrap().to_owned();
    let older = world.log(json!({ "pageToken": token }));
    assert_eq!(messages(&older), all[5_000..15_000]);
    let oldest = world.log(json!({ "pageToken": older.body["nextPageToken"] }));
    assert_eq!(messages(&oldest), all[..5_000]);
    assert_eq!(oldest.body.get("nextPageToken"), None);

    let (mut found, mut input) = (Vec::new(), json!({ "startTime": begin.seconds() }));
    for _ in 0..3 {
        let page = world.log(input.clone());
        found.extend(messages(&page));
        input["pageToken"] = page.body["nextPageToken"].clone();
    }
    assert_eq!((found == all, &input["pageToken"]), (true, &Value::Null));

    // A token is only valid for its log, and stays valid after a restart.
    let answer = world.log(json!({ "containerName": "other", "pageToken": token }));
    assert_eq!((answer.status, answer.error()), (400, "InvalidInputException"));
    assert!(world.server.terminate().success());
    world.server.restart();
    assert_eq!(messages(&world.log(json!({ "pageToken": token }))), all[5_000..15_000]);
}

#[test]
fn logs_are_seen_by_their_account_and_go_with_their_service() {
    let mut world = World::new();
    world.fill("app", [(ago(60), "secret".to_owned())]);
    let elsewhere = world.server.api().in_region("eu-central-1");
    elsewhere.ensure_service("web");
    let input = json!({ "serviceName": "web", "containerName": "app" });
    assert_eq!(elsewhere.lightsail("GetContainerLog", &input).error(), "NotFoundException");
    assert_eq!(world.messages(json!({})), ["secret"]);

    let deleted = world.server.api().lightsail("DeleteContainerService", &json!({ "serviceName": "web" }));
    assert_eq!(deleted.status, 200);
    assert!(!world.server.data_dir().join("logs").join(&world.uuid).exists());
    world.server.api().ensure_service("web");
    assert_eq!(
        world.log(json!({})).error(),
        "NotFoundException",
        "another service of its name has its own logs"
    );
}
