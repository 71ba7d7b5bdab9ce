//! `docker-credential-gangplank`: docker's protocol.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use gangplank_testkit::{Login, TestServer};
use serde_json::{Value, json};

use crate::cli::{Ran, home, run, run_with_input};
use crate::fake_server;
use crate::handler::Reply;
use crate::{PROGRAM, server, server_with};

const NOT_FOUND: &str = "credentials not found in native keychain\n";

fn helper(server: &TestServer, action: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg0("/usr/local/bin/docker-credential-gangplank").arg(action);
    command.env_clear().env("HOME", server.home()).env("GANGPLANK_DATA_DIR", server.data_dir());
    command
}

fn ask(server: &TestServer, action: &str, input: &str) -> Ran {
    run_with_input(helper(server, action), input)
}

fn ready() -> TestServer {
    let server = server();
    server.api().ensure_service("web");
    server
}

/// The password that `get` prints.
#[track_caller]
fn password(server: &TestServer, registry: &str) -> String {
    let printed = ask(server, "get", registry).json();
    assert_eq!((&printed["ServerURL"], &printed["Username"]), (&json!(registry), &json!("AWS")));
    printed["Secret"].as_str().unwrap().to_owned()
}

fn logins(server: &TestServer) -> usize {
    server.api().gangplank("ListRegistryLogins", &json!({})).body["registryLogins"].as_array().unwrap().len()
}

fn kept_file(server: &TestServer) -> PathBuf {
    server.home().join(".local/state/gangplank/logins.json")
}

#[test]
fn a_push_login_is_made_on_demand_and_kept() {
    let server = ready();
    let first = password(&server, &server.host());
    let login = Login { username: "AWS".into(), password: first.clone(), registry: server.host() };
    assert_eq!(server.registry_as(&login).status("POST", "sr/blobs/uploads/"), 202);
    assert_eq!(server.registry_as(&login).status("GET", "sr/tags/list"), 403);
    for form in [format!("http://{}", server.host()), format!("https://{}/v2/", server.host())] {
        assert_eq!(password(&server, &form), first);
    }
    assert_eq!(logins(&server), 1);
    assert_eq!(fs::metadata(kept_file(&server)).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(ask(&server, "list", "").json(), json!({ server.host(): "AWS" }));
}

#[test]
fn a_login_that_is_about_to_end_is_made_anew() {
    let server = ready();
    let first = password(&server, &server.host());
    let mut kept: Value = serde_json::from_str(&fs::read_to_string(kept_file(&server)).unwrap()).unwrap();
    // Eleven hours and a minute pass.
    for moment in ["issuedAt", "expiresAt"] {
        let at = kept["made"][0][moment].as_i64().unwrap();
        kept["made"][0][moment] = json!(at - (11 * 60 + 1) * 60 * 1000);
    }
    fs::write(kept_file(&server), kept.to_string()).unwrap();
    let second = password(&server, &server.host());
    assert_ne!(second, first);
    assert_eq!(password(&server, &server.host()), second);
}

#[test]
fn clients_that_ask_at_once_share_one_login() {
    let server = ready();
    let passwords: Vec<String> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..8).map(|_| scope.spawn(|| password(&server, &server.host()))).collect();
        asked.into_iter().map(|each| each.join().unwrap()).collect()
    });
    assert!(passwords.iter().all(|each| *each == passwords[0]));
    assert_eq!(logins(&server), 1);
}

#[test]
fn of_another_registry_nothing_is_known_and_the_server_is_asked_once() {
    let server = ready();
    for other in ["https://index.docker.io/v1/", "ghcr.io", "127.0.0.1:1"] {
        let ran = ask(&server, "get", other);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), NOT_FOUND), "{ran:?}");
    }
    assert_eq!(logins(&server), 1);
}

#[test]
fn the_registry_may_have_another_address_than_the_api() {
    let server = server_with(|builder| builder.arg("--public-address").arg("registry.example:5000"));
    server.api().ensure_service("web");
    password(&server, "registry.example:5000");
    assert_eq!(ask(&server, "get", &server.host()).stdout, NOT_FOUND);
}

#[test]
fn a_server_does_not_choose_whose_login_it_makes() {
    let address = fake_server::start(|request| {
        let login = || Reply::new(200, fake_server::login("ghcr.io").to_string());
        (fake_server::operation(request) == "CreateContainerServiceRegistryLogin").then(login)
    });
    let home = home();
    let mut helper = Command::new(PROGRAM);
    helper.args(["docker-credential", "get", "--endpoint-url", &format!("http://{address}")]);
    helper.env_clear().env("HOME", home.path()).env("AWS_ACCESS_KEY_ID", "GPAKEXAMPLEEXAMPLEEX");
    helper.env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    let ran = run_with_input(helper, "ghcr.io");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), NOT_FOUND), "{ran:?}");
}

#[test]
fn what_docker_login_hands_over_comes_first_until_it_is_erased() {
    let server = ready();
    let made = password(&server, &server.host());
    let given = json!({ "ServerURL": server.host(), "Username": "me", "Secret": "typed" });
    let ran = ask(&server, "store", &given.to_string());
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(ask(&server, "get", &server.host()).json(), given);
    assert_eq!(ask(&server, "list", "").json(), json!({ server.host(): "me" }));
    let ran = ask(&server, "erase", &server.host());
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(ask(&server, "list", "").json(), json!({}));
    assert_ne!(password(&server, &server.host()), made, "docker erases what was refused");
}

#[test]
fn what_is_wrong_is_said_where_docker_looks() {
    let mut server = server();
    let ran = ask(&server, "get", &server.host());
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("no push login") && ran.stdout.contains("container service"), "{ran:?}");
    for bad in ["", "{}", "hunter2", r#"{"ServerURL":"","Username":"me","Secret":"hunter2"}"#] {
        let ran = ask(&server, "store", bad);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stdout.contains("ServerURL") && !ran.stdout.contains("hunter2"), "{ran:?}");
    }
    server.api().ensure_service("web");
    password(&server, &server.host());
    fs::write(kept_file(&server), "hunter2").unwrap();
    let ran = ask(&server, "get", &server.host());
    assert!(ran.stdout.contains("logins.json is damaged") && !ran.stdout.contains("hunter2"), "{ran:?}");
    fs::remove_file(kept_file(&server)).unwrap();
    server.kill();
    let ran = ask(&server, "get", &server.host());
    assert!(ran.stdout.contains("no server seems to run"), "{ran:?}");
    assert_eq!(ask(&server, "get", "ghcr.io").stdout, NOT_FOUND);
    assert_eq!(ask(&server, "frobnicate", "").code, Some(2));
}

#[test]
fn without_a_server_nothing_is_known_of_any_registry() {
    let home = home();
    let mut command = Command::new(PROGRAM);
    command.args(["docker-credential", "get"]).env_clear().env("HOME", home.path());
    let ran = run_with_input(command, "ghcr.io");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), NOT_FOUND), "{ran:?}");
}

#[test]
fn a_login_is_made_also_where_none_can_be_kept() {
    let server = ready();
    let nowhere = server.home().join("file");
    fs::write(&nowhere, "").unwrap();
    let key = server.data_dir().join("credentials");
    for home in [None, Some(""), nowhere.to_str()] {
        let ask = |action: &str, input: &str| {
            let mut command = Command::new(PROGRAM);
            command.args(["docker-credential", action]).env_clear();
            command
                .env("AWS_ENDPOINT_URL", server.endpoint())
                .env("AWS_ACCESS_KEY_ID", "GPAKTESTTESTTESTTEST");
            let secret = fs::read_to_string(&key).unwrap();
            command.env("AWS_SECRET_ACCESS_KEY", secret.trim_end().rsplit(' ').next().unwrap());
            command.envs(home.map(|home| ("HOME", home)));
            run_with_input(command, input)
        };
        assert_eq!(ask("get", &server.host()).json()["Username"], "AWS", "{home:?}");
        for foreign in ["ghcr.io", "https://index.docker.io/v1/"] {
            assert_eq!(ask("get", foreign).stdout, NOT_FOUND, "{home:?}");
        }
        assert_eq!(ask("list", "").json(), json!({}));
        assert_eq!(ask("erase", &server.host()).code, Some(0));
        let given = json!({ "ServerURL": "here", "Username": "me", "Secret": "hunter2" });
        let ran = ask("store", &given.to_string());
        assert!(ran.code == Some(1) && !ran.stdout.contains("hunter2"), "{ran:?}");
    }
}

#[test]
fn a_machine_that_pulls_has_its_logins_renewed() {
    let server = ready();
    let data_dir = server.data_dir();
    let gangplank = |args: &[&str]| {
        let ran = run(server.home(), args, &[("PATH", "/nowhere")]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    };
    gangplank(&["configure", "--data-dir", data_dir.to_str().unwrap(), "--bin-dir", "bin"]);
    let ask = |registry: &str| {
        let mut command = Command::new(PROGRAM);
        command.args(["docker-credential", "get"]).env_clear().env("HOME", server.home());
        let printed = run_with_input(command, registry).json();
        printed["Secret"].as_str().unwrap().to_owned()
    };
    let status = |password: &str, path: &str| {
        let login = Login { username: "AWS".into(), password: password.into(), registry: server.host() };
        server.registry_as(&login).status("GET", path)
    };
    let pushes = ask(&server.host());
    assert_eq!(status(&pushes, "web/manifests/app.1"), 403);

    gangplank(&["login", "--service-name", "web", "--force", "--profile", "gangplank"]);
    let pulls = ask(&server.host());
    assert_eq!((pulls != pushes, status(&pulls, "web/manifests/app.1")), (true, 404));
    assert_eq!(ask(&server.host()), pulls);
    let mut kept: Value = serde_json::from_str(&fs::read_to_string(kept_file(&server)).unwrap()).unwrap();
    assert_eq!(kept["made"].as_array().unwrap().len(), 1, "{kept}");
    kept["made"][0]["expiresAt"] = kept["made"][0]["issuedAt"].clone();
    fs::write(kept_file(&server), kept.to_string()).unwrap();
    let renewed = ask(&server.host());
    assert_eq!((renewed != pulls, status(&renewed, "web/manifests/app.1")), (true, 404));

    // podman names the repository, which has the service's name.
    server.api().ensure_service("api");
    let other = ask(&format!("{}/api", server.host()));
    assert_eq!((status(&other, "api/manifests/app.1"), status(&other, "web/manifests/app.1")), (404, 403));
    gangplank(&["login", "--force", "--profile", "gangplank"]);
    assert_eq!(status(&ask(&server.host()), "web/manifests/app.1"), 403);
}
