//! `gangplank audit`.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use gangplank_testkit::{Image, Login, TestServer};
use serde_json::Value;

use crate::cli::{Ran, command, run};
use crate::server;

fn audit(server: &TestServer, args: &[&str]) -> Ran {
    let data_dir = server.data_dir();
    run(server.home(), &[&["audit"], args, &["--data-dir", data_dir.to_str().unwrap()]].concat(), &[])
}

#[test]
fn events_are_shown_a_line_each_or_as_json() {
    let server = server();
    let digest = server.registry_as(&server.push_login()).push_image("sr", "v1", &Image::unique(1));
    let lines = audit(&server, &["--kind", "ManifestPushed"]);
    assert_eq!(lines.stdout.lines().count(), 1, "{lines:?}");
    let expected = ["ManifestPushed account=000000000000 region=us-east-1", "repository=sr", &digest];
    assert!(expected.iter().all(|part| lines.stdout.contains(part)), "{lines:?}");
    let shown = audit(&server, &["--digest", &digest, "--output", "json"]).json();
    let event = &shown["auditEvents"][0];
    assert_eq!((&event["kind"], &event["subject"]), (&"ManifestPushed".into(), &"v1".into()));
    assert!(event["at"].as_str().unwrap().ends_with("+00:00"), "{event}");
    let login = event["registryLoginId"].as_str().unwrap();
    let of_login = audit(&server, &["--login", login, "--output", "json"]).json();
    assert_eq!(of_login["auditEvents"].as_array().unwrap().len(), 2, "{of_login}");
    for (filter, events) in [
        (["--limit", "1"], 1),
        (["--since", "2000-01-01"], 4),
        (["--until", "2000-01-01T00:00:00Z"], 0),
        (["--address", "127.0.0.1"], 3),
        (["--address", "192.0.2.1"], 0),
        (["--repository", "sr"], 1),
        (["--access-key-id", "GPAKTESTTESTTESTTEST"], 4),
        (["--account", "000000000000"], 4),
    ] {
        assert_eq!(audit(&server, &filter).stdout.lines().count(), events, "{filter:?}");
    }
}

#[test]
fn what_cannot_be_asked_is_said_in_one_sentence() {
    let server = server();
    audit(&server, &["--kind", "Pushed"]).check_usage(&["Pushed", "ManifestPushed"]);
    audit(&server, &["--since", "soon"]).check_usage(&["soon", "moment", "2026-11-25T09:00:00Z"]);
    audit(&server, &["--account", "1"]).check_usage(&["12 digits"]);
    audit(&server, &["--since", "-1h"]).check_usage(&["-1h", "moment"]);
    audit(&server, &["--digest", "foo"]).check_usage(&["foo", "sha256:"]);
    audit(&server, &["--login", "foo"]).check_usage(&["foo", "registry-login list"]);
    for limit in ["0", "-1", "many"] {
        audit(&server, &["--limit", limit]).check_usage(&[limit, "--limit"]);
    }
    audit(&server, &["--address", "here"]).check_failed(&["address"]);
    audit(&server, &["--since", "1h", "--until", "2h"]).check_failed(&["--since", "--until", "between"]);
    audit(&server, &["--repository", "Bad Name"]).check_usage(&["Bad Name", "--repository"]);
    let help = audit(&server, &["--help"]).stdout;
    assert!(help.contains("ManifestPushed") && help.contains("AccessKeyDeleted"), "{help}");
}

#[test]
fn moments_are_given_as_people_say_them() {
    let server = server();
    let events = |args: &[&str]| audit(&server, args).stdout.lines().count();
    for since in ["1h", "30m", "7d", "90s", "1h ago", "yesterday", "1970-01-01", "2000-01-01T00:00:00Z"] {
        assert!(events(&["--since", since]) > 0, "{since}");
    }
    for until in ["1h", "yesterday"] {
        assert_eq!(events(&["--until", until]), 0, "{until}");
    }
    assert!(events(&["--until", "now"]) > 0);
    assert!(audit(&server, &["--since", "today"]).code == Some(0));
    assert_eq!(events(&["--kind", "accesskeycreated"]), events(&["--kind", "AccessKeyCreated"]));
}

#[test]
fn events_are_in_the_order_of_the_time_that_is_shown() {
    let server = server();
    let wrong = Login { username: "AWS".into(), password: "gpl_wrong".into(), registry: server.host() };
    for _ in 0..3 {
        server.registry_as(&wrong).status("GET", "");
        server.push_login();
    }
    let shown = audit(&server, &["--output", "json"]).json();
    let key = |event: &Value| {
        let id: i64 = event["id"].as_str().unwrap().parse().unwrap();
        (event["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap(), id)
    };
    let keys: Vec<_> = shown["auditEvents"].as_array().unwrap().iter().map(key).collect();
    assert!(keys.is_sorted_by(|one, other| one > other), "{shown}");
    let of_api = server.api().gangplank("ListAuditEvents", &serde_json::json!({})).body;
    let times: Vec<f64> =
        of_api["auditEvents"].as_array().unwrap().iter().map(|it| it["at"].as_f64().unwrap()).collect();
    assert!(times.is_sorted_by(|one, other| one >= other), "{of_api}");
}

#[test]
fn followed_events_are_shown_as_they_happen_until_nobody_reads() {
    let server = server();
    let data_dir = server.data_dir();
    let args = [
        "audit",
        "--follow",
        "--limit",
        "1",
        "--kind",
        "LoginIssued",
        "--data-dir",
        data_dir.to_str().unwrap(),
    ];
    let mut process = command(server.home(), &args).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    for _ in 0..2 {
        server.push_login();
        line.clear();
        lines.read_line(&mut line).unwrap();
        assert!(line.contains(" LoginIssued "), "{line}");
    }
    drop(lines);
    let ended = (0..100).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        process.try_wait().unwrap()
    });
    if ended.is_none() {
        process.kill().unwrap();
    }
    assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
}

#[test]
fn a_reader_may_stop_reading() {
    let server = server();
    let mut command = command(server.home(), &["audit", "--data-dir", server.data_dir().to_str().unwrap()]);
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(process.stdout.take());
    let output = process.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.as_str()), (Some(0), ""));
}
