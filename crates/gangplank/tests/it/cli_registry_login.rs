//! `gangplank registry-login`.

use gangplank_testkit::{Image, Login, TestServer};
use serde_json::Value;

use crate::cli::{Ran, home, run};
use crate::server;

fn registry_login(server: &TestServer, args: &[&str]) -> Ran {
    let data_dir = server.data_dir();
    run(
        server.home(),
        &[&["registry-login"], args, &["--data-dir", data_dir.to_str().unwrap()]].concat(),
        &[],
    )
}

fn login(printed: &Value) -> Login {
    let text =
        |name: &str| printed[name].as_str().unwrap_or_else(|| panic!("{name} in {printed}")).to_owned();
    Login { username: text("username"), password: text("password"), registry: text("registry") }
}

#[test]
fn a_pull_login_is_printed_with_its_four_members() {
    let server = server();
    let api = server.api();
    api.ensure_service("web");
    let digest = server.registry_as(&api.push_login()).push_image("sr", "v1", &Image::unique(1));
    api.register("web", "app", &digest);
    let printed = registry_login(&server, &["create", "--service-name", "web"]).json();
    assert_eq!(printed.as_object().map(serde_json::Map::len), Some(4), "{printed}");
    let expires_at = printed["expiresAt"].as_str().unwrap();
    assert!(expires_at.len() >= 25 && expires_at.ends_with("+00:00"), "{expires_at}");
    let login = login(&printed);
    assert_eq!((login.username.as_str(), login.registry.as_str()), ("AWS", server.host().as_str()));
    let machine = server.registry_as(&login);
    assert_eq!(machine.status("GET", "web/manifests/app.1"), 200);
    assert_eq!(machine.status("POST", "web/blobs/uploads/"), 403);
    assert_eq!(machine.status("GET", "sr/tags/list"), 403);
}

#[test]
fn the_password_alone_is_for_docker_login() {
    let server = server();
    server.api().ensure_service("web");
    let ran = registry_login(&server, &["create", "--service-name", "web", "--password-only"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let password = ran.stdout.strip_suffix('\n').unwrap().to_owned();
    let login = Login { username: "AWS".to_owned(), password, registry: server.host() };
    assert_eq!(server.registry_as(&login).status("GET", ""), 200);
    registry_login(&server, &["create", "--scope", "pull", "--password-only", "--output", "json"])
        .check_usage(&["--output"]);
}

#[test]
fn an_operators_login_does_what_its_scope_says() {
    let server = server();
    let all = registry_login(&server, &["create", "--scope", "push,pull,delete"]).json();
    let digest = server.registry_as(&login(&all)).push_image("team/app", "v1", &Image::unique(1));
    let pull = server.registry_as(&login(&registry_login(&server, &["create", "--scope", "pull"]).json()));
    assert_eq!(pull.status("GET", "team/app/tags/list"), 200);
    assert_eq!(pull.status("DELETE", &format!("team/app/manifests/{digest}")), 403);
    let elsewhere = registry_login(&server, &["create", "--scope", "pull", "--region", "eu-west-1"]).json();
    assert_eq!(server.registry_as(&login(&elsewhere)).status("GET", "team/app/manifests/v1"), 404);
}

#[test]
fn logins_are_listed_and_revoked() {
    let server = server();
    let printed = registry_login(&server, &["create", "--scope", "pull"]).json();
    let listed = registry_login(&server, &["list"]);
    assert!(!listed.stdout.contains("gpl_"), "{listed:?}");
    let id = listed.json()["registryLogins"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(listed.json()["registryLogins"][0].get("lastPushAt"), None);
    server.registry_as(&server.push_login()).push_image("sr", "v1", &Image::unique(1));
    let pushed = registry_login(&server, &["list"]).json()["registryLogins"][0].clone();
    assert_eq!(pushed["lastPushAddress"], "127.0.0.1", "{pushed}");
    assert!(pushed["lastPushAt"].as_str().unwrap().ends_with("+00:00"), "{pushed}");
    let ran = registry_login(&server, &["revoke", &id]);
    let said = format!("gangplank: revoked the registry login {id}\n");
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr), (Some(0), "", said));
    assert_eq!(server.registry_as(&login(&printed)).status("GET", ""), 401);
    assert_eq!(registry_login(&server, &["list"]).json()["registryLogins"][1]["status"], "Revoked");
    registry_login(&server, &["revoke", "999"]).check_failed(&["999", "NotFoundException"]);
}

#[test]
fn what_cannot_be_done_is_said_in_one_sentence() {
    let mut server = server();
    registry_login(&server, &["create", "--service-name", "none"])
        .check_failed(&["\"none\"", "does not exist"]);
    registry_login(&server, &["create"]).check_usage(&["--service-name", "--scope"]);
    registry_login(&server, &["create", "--scope", "admin"])
        .check_usage(&["admin", "push", "pull", "delete"]);
    registry_login(&server, &["create", "--service-name", "web", "--scope", "pull"])
        .check_usage(&["--scope"]);
    registry_login(&server, &["revoke"]).check_usage(&["ID"]);
    run(home().path(), &["registry-login", "list"], &[]).check_failed(&["--data-dir", "--endpoint-url"]);
    server.kill();
    registry_login(&server, &["list"]).check_failed(&["no server", "gangplank serve"]);
}
