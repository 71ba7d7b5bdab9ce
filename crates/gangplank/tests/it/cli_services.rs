//! `gangplank services`.

use serde_json::json;

use crate::cli::{home, run};
use crate::fake_server::{ask, ask_in};
use crate::fake_service::FakeService;
use crate::server;

#[test]
fn what_runs_is_shown_in_every_form() {
    let service = FakeService::start();
    {
        let mut played = service.played();
        played.deploy("app", ":web.app.1", "ACTIVE");
        played.deploy("app", ":web.app.2", "ACTIVATING");
        played.shown = json!({ "stateDetail": { "code": "EVALUATING_HEALTH_CHECK", "message": "" } });
    }
    let url = "http://web.abc.us-east-1.cs.localhost:5000/";
    let table = ask(&service.address, &["services", "--output", "table"]);
    let expected = format!("NAME  STATE      VERSION  NODES  URL\nweb   DEPLOYING        1      2  {url}\n");
    assert_eq!((table.code, table.stdout.as_str()), (Some(0), expected.as_str()));
    let text = ask(&service.address, &["services"]);
    let expected = format!(
        "web state=DEPLOYING detail=EVALUATING_HEALTH_CHECK version=1 nextVersion=2 nodes=2 power=nano url={url}\n"
    );
    assert_eq!(text.stdout, expected);
    let shown = ask(&service.address, &["services", "--output=json"]).json();
    assert_eq!(
        shown["services"][0],
        json!({
            "name": "web", "state": "DEPLOYING", "detail": "EVALUATING_HEALTH_CHECK", "version": 1,
            "nextVersion": 2, "nodes": 2, "power": "nano", "url": url,
        })
    );
}

#[test]
fn where_there_are_none_a_table_says_so_and_hidden_letters_are_written_out() {
    let service = FakeService::start();
    service.played().shown = json!({ "containerServiceName": "a\u{1b}[2J", "url": "http://x/\u{202e}" });
    let home = home();
    let table = ask_in(&home, &service.address, &["services", "--output", "table"]);
    assert!(table.stdout.contains("a\\x1b[2J") && !table.stdout.contains('\u{1b}'), "{table:?}");

    let server = server();
    let data_dir = server.data_dir();
    let args = ["services", "--output", "table", "--data-dir", data_dir.to_str().unwrap()];
    let none = run(server.home(), &args, &[]);
    assert_eq!(
        (none.code, none.stdout.as_str()),
        (Some(0), "There are no container services.\n"),
        "{none:?}"
    );
    for name in ["web", "api"] {
        server.api().ensure_service(name);
    }
    let two = run(server.home(), &args, &[]);
    let names: Vec<&str> = two.stdout.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["NAME", "api", "web"], "{two:?}");
}
