//! `gangplank audit`.

use std::process::Stdio;

use gangplank_testkit::{Image, TestServer};

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
    audit(&server, &["--address", "here"]).check_failed(&["address"]);
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
