//! An operator finds in the log and the metrics alone who pushed which image, who was refused and why, and how slow
//! it was.

use std::time::{Duration, Instant};

use gangplank_testkit::{Image, TestServer};
use serde_json::{Value, json};

use crate::audit::events;
use crate::server_with;

fn server() -> TestServer {
    server_with(|builder| {
        let builder = builder.env("GANGPLANK_LOG_FORMAT", "json");
        builder.env("GANGPLANK_LOG", "debug").env("GANGPLANK_ADMIN_LISTEN", "127.0.0.1:0")
    })
}

/// Lines about finished requests, as soon as one matches. A line is written after the answer.
fn answered(server: &TestServer, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let log = server.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let found: Vec<Value> =
            lines.filter(|line| line["target"] == "gangplank_server::request" && fits(line)).collect();
        if !found.is_empty() {
            return found;
        }
        assert!(Instant::now() < end, "{log}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn metrics(server: &TestServer) -> String {
    let url = format!("http://{}/metrics", server.admin_address().unwrap());
    reqwest::blocking::get(url).unwrap().text().unwrap()
}

#[test]
fn a_push_is_a_line_that_says_who_pushed_what() {
    let server = server();
    let registry = server.registry_as(&server.push_login());
    let digest = registry.push_image("team/app", "v1", &Image::unique(1));
    let lines = answered(&server, |line| line["operation"] == "PutManifest");
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let event = &events(&server.api(), &json!({ "digest": digest }))[0];
    for (field, expected) in [
        ("level", json!("INFO")),
        ("service", json!("registry")),
        ("method", json!("PUT")),
        ("path", json!("/v2/team/app/manifests/v1")),
        ("status", json!(201)),
        ("peer", json!("127.0.0.1")),
        ("tenant", json!("000000000000/us-east-1")),
        ("principal", json!("GPAKTESTTESTTESTTEST")),
        ("digest", json!(digest)),
    ] {
        assert_eq!(line[field], expected, "{field} in {line}");
    }
    assert_eq!(line["login"].to_string(), event["registryLoginId"].as_str().unwrap());
    assert_eq!(line["request_id"], event["requestId"], "{event}");
    assert!(line["received"].as_u64().unwrap() > 200 && line["ms"].as_f64().unwrap() > 0.0, "{line}");
    let blobs = answered(&server, |line| line["operation"] == "FinishUpload");
    assert!(blobs.iter().all(|line| line["level"] == "INFO" && line["digest"].is_string()), "{blobs:?}");
    // Reads and intermediate steps are only logged at debug.
    let steps = answered(&server, |line| line["operation"] == "StartUpload");
    assert!(steps.iter().all(|line| line["level"] == "DEBUG"), "{steps:?}");
}

#[test]
fn a_refusal_is_a_line_that_says_who_was_refused_and_why() {
    let server = server();
    let registry = server.registry_as(&server.push_login());
    let refused = registry.send("GET", "sr/tags/list");
    assert_eq!(refused.status(), 403);
    let id = refused.headers()["x-request-id"].to_str().unwrap().to_owned();
    let line = &answered(&server, |line| line["request_id"] == id.as_str())[0];
    assert_eq!((&line["level"], &line["code"]), (&json!("INFO"), &json!("DENIED")), "{line}");
    assert!(line["reason"].as_str().unwrap().contains("this login can only push"), "{line}");
    assert_eq!(line["principal"], "GPAKTESTTESTTESTTEST");

    let input = json!({ "serviceName": "web", "power": "giant", "scale": 1 });
    assert_eq!(server.api().lightsail("CreateContainerService", &input).status, 400);
    let line = &answered(&server, |line| line["status"] == 400)[0];
    assert_eq!(
        (&line["level"], &line["operation"]),
        (&json!("INFO"), &json!("CreateContainerService")),
        "{line}"
    );
    assert_eq!(line["code"], "InvalidInputException", "{line}");

    // Refusals without credentials are not logged at info, because there can be any number of them.
    assert_eq!(server.registry().status("GET", "sr/tags/list"), 401);
    let line = &answered(&server, |line| line["status"] == 401)[0];
    assert_eq!((&line["level"], &line["principal"]), (&json!("DEBUG"), &Value::Null), "{line}");
}

#[test]
fn no_secret_is_in_any_line() {
    let server = server();
    let login = server.push_login();
    server.registry_as(&login).push_image("sr", "v1", &Image::unique(1));
    let path = "?X-Amz-Credential=GPAKTESTTESTTESTTEST&X-Amz-Signature=5ec7e75ec7e7";
    let _ = reqwest::blocking::get(format!("{}/{path}", server.endpoint()));
    answered(&server, |line| line["operation"] == "PutManifest" || line["status"] == 404);
    let log = server.log();
    assert!(!log.contains(&login.password) && !log.contains("5ec7e75ec7e7"), "{log}");
}

#[test]
fn a_client_that_calls_itself_much_fills_no_log() {
    let server = server();
    let request = server.registry_as(&server.push_login()).request("GET", "sr/tags/list");
    assert_eq!(request.header("user-agent", "x".repeat(4_000)).send().unwrap().status(), 403);
    let line = &answered(&server, |line| line["status"] == 403)[0];
    let shown = line["user_agent"].as_str().unwrap();
    assert!(shown.contains("xxx") && shown.len() < 1_000, "{} characters", shown.len());
}

#[test]
fn metrics_say_how_many_how_slow_and_how_much() {
    let server = server();
    let registry = server.registry_as(&server.push_login());
    registry.push_image("sr", "v1", &Image::unique(1));
    assert_eq!(registry.status("GET", "sr/tags/list"), 403);
    let bad = gangplank_testkit::Login { password: "nonsense".to_owned(), ..server.push_login() };
    assert_eq!(server.registry_as(&bad).status("GET", "sr/tags/list"), 401);
    answered(&server, |line| line["status"] == 401);
    let text = metrics(&server);
    for part in [
        r#"gangplank_http_requests_total{service="registry",route="PutManifest",method="PUT",code="201"} 1"#,
        r#"gangplank_http_requests_total{service="registry",route="ListTags",method="GET",code="403"} 1"#,
        r#"gangplank_http_request_duration_seconds_count{service="registry",route="PutManifest"} 1"#,
        r#"gangplank_logins_issued_total{kind="push"} 2"#,
        r#"gangplank_logins_refused_total{reason="unknown"} 1"#,
        r#"gangplank_build_info{version=""#,
        "gangplank_database_up 1",
        "gangplank_disk_free_bytes ",
        "gangplank_connections ",
        "process_resident_memory_bytes ",
        "process_open_fds ",
    ] {
        assert!(text.lines().any(|line| line.starts_with(part)), "{part} in {text}");
    }
    let bytes = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
        value.parse::<u64>().unwrap()
    };
    assert!(bytes("gangplank_http_received_bytes_total") > 1_000, "{text}");
    assert!(bytes("gangplank_http_sent_bytes_total") > 100, "{text}");
}

#[test]
fn metrics_come_in_the_form_that_is_asked_for() {
    let server = server();
    let url = format!("http://{}/metrics", server.admin_address().unwrap());
    let ask = reqwest::blocking::Client::new()
        .get(url)
        .header("accept", "application/openmetrics-text;version=1.0.0");
    let open = ask.send().unwrap();
    assert!(open.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let (open, older) = (open.text().unwrap(), metrics(&server));
    assert!(open.ends_with("# EOF\n") && open.contains("# TYPE gangplank_gc_cycles counter\n"), "{open}");
    assert!(
        older.contains("# TYPE gangplank_gc_cycles_total counter\n") && !older.contains("# EOF"),
        "{older}"
    );
}
