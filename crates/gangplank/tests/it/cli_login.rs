//! `gangplank login` and `logout`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use gangplank_testkit::{Login, TestServer};
use serde_json::{Value, json};

use crate::cli::{Ran, run};
use crate::{PROGRAM, server};

/// A server with a service, which a push login needs.
fn ready() -> TestServer {
    let server = server();
    server.api().ensure_service("web");
    server
}

fn command(server: &TestServer, args: &[&str], environment: &[(&str, &str)]) -> Ran {
    let data_dir = server.data_dir();
    let all = [args, &["--data-dir", data_dir.to_str().unwrap()]].concat();
    let runtime = server.home().join("run");
    run(server.home(), &all, &[&[("XDG_RUNTIME_DIR", runtime.to_str().unwrap())], environment].concat())
}

fn docker_config(server: &TestServer) -> PathBuf {
    server.home().join(".docker/config.json")
}

fn content(file: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// Whether the registry accepts the login for the server in a file.
fn is_accepted(server: &TestServer, file: &Path) -> bool {
    let auth = content(file)["auths"][server.host()]["auth"].as_str().unwrap().to_owned();
    let decoded = base64::engine::general_purpose::STANDARD.decode(auth).unwrap();
    let text = String::from_utf8(decoded).unwrap();
    let (username, password) = text.split_once(':').unwrap();
    let login = Login { username: username.into(), password: password.into(), registry: server.host() };
    server.registry_as(&login).status("GET", "") == 200
}

#[test]
fn a_login_is_written_where_docker_looks_and_nothing_else_is_touched() {
    let server = ready();
    let file = docker_config(&server);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let other = json!({ "auths": { "elsewhere": { "auth": "eDp5" } }, "detachKeys": "ctrl-e,e" });
    fs::write(&file, other.to_string()).unwrap();
    let ran = command(&server, &["login"], &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.stdout.contains(file.to_str().unwrap()) && ran.stdout.contains("It ends 20"), "{ran:?}");
    assert!(!ran.stdout.contains("gpl_"), "{ran:?}");
    assert!(is_accepted(&server, &file));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(content(&file)["auths"]["elsewhere"]["auth"], "eDp5");
    assert_eq!(content(&file)["detachKeys"], "ctrl-e,e");

    let ran = command(&server, &["logout"], &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(content(&file), other);
    command(&server, &["logout"], &[]).check_failed(&["no login", &server.host()]);
}

#[test]
fn podmans_file_is_written_where_it_is_the_one_that_is_read() {
    let server = ready();
    let named = server.home().join("named.json");
    let environment = [("REGISTRY_AUTH_FILE", named.to_str().unwrap())];
    assert_eq!(command(&server, &["login"], &environment).code, Some(0));
    assert!(is_accepted(&server, &named) && is_accepted(&server, &docker_config(&server)));

    let own = server.home().join("run/containers/auth.json");
    assert_eq!(command(&server, &["login"], &[]).code, Some(0));
    assert!(!own.exists(), "podman reads docker's file where it has none");
    fs::create_dir_all(own.parent().unwrap()).unwrap();
    fs::write(&own, "{}").unwrap();
    assert_eq!(command(&server, &["login"], &[]).code, Some(0));
    assert!(is_accepted(&server, &own));
}

#[test]
fn a_helper_that_is_configured_gets_the_login() {
    let server = ready();
    let bin = server.home().join("bin");
    fs::create_dir_all(&bin).unwrap();
    let script = bin.join("docker-credential-test");
    fs::write(&script, "#!/bin/sh\ncat > \"$HOME/helper-$1\"\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let file = docker_config(&server);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, r#"{"credsStore":"test"}"#).unwrap();
    let ran = command(&server, &["login"], &[("PATH", &path)]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("docker-credential-test"), "{ran:?}");
    let given = content(&server.home().join("helper-store"));
    assert_eq!((&given["ServerURL"], &given["Username"]), (&json!(server.host()), &json!("AWS")));
    assert!(given["Secret"].as_str().unwrap().starts_with("gpl_"));
    assert_eq!(content(&file), json!({ "credsStore": "test" }));
    assert_eq!(command(&server, &["logout"], &[("PATH", &path)]).code, Some(0));
    assert_eq!(fs::read_to_string(server.home().join("helper-erase")).unwrap(), server.host());
    command(&server, &["login"], &[("PATH", "/nowhere")]).check_failed(&["docker-credential-test"]);
}

#[test]
fn a_login_is_printed_for_scripts_and_written_nowhere() {
    let server = ready();
    let printed = command(&server, &["login", "--print"], &[]).json();
    let text = |name: &str| printed[name].as_str().unwrap().to_owned();
    assert_eq!((text("username"), text("registry")), ("AWS".to_owned(), server.host()));
    assert!(text("expiresAt").ends_with("+00:00"));
    let login = Login { username: text("username"), password: text("password"), registry: text("registry") };
    assert_eq!(server.registry_as(&login).status("POST", "sr/blobs/uploads/"), 202);

    let ran = command(&server, &["login", "--password-only"], &[]);
    let password = ran.stdout.strip_suffix('\n').unwrap().to_owned();
    let login = Login { password, ..login };
    assert_eq!(server.registry_as(&login).status("GET", ""), 200);

    let pull = command(&server, &["login", "--print", "--service-name", "web"], &[]).json();
    let login = Login { password: pull["password"].as_str().unwrap().to_owned(), ..login };
    assert_eq!(server.registry_as(&login).status("POST", "sr/blobs/uploads/"), 403);
    assert!(!docker_config(&server).exists());
}

#[test]
fn a_login_of_one_kind_is_not_replaced_by_one_of_another_unasked() {
    let server = ready();
    let ran = command(&server, &["login"], &[]);
    assert!(ran.stdout.contains(&format!("A push login for {} is in ", server.host())), "{ran:?}");
    let file = docker_config(&server);
    let before = content(&file);
    let pull = ["login", "--service-name", "web"];
    command(&server, &pull, &[]).check_failed(&["has a push login", "--force", "pulls the images of web"]);
    assert_eq!(content(&file), before);
    let ran = command(&server, &[&pull[..], &["--force"]].concat(), &[]);
    assert!(ran.stdout.contains("A login that pulls the images of web for "), "{ran:?}");
    assert_eq!(command(&server, &pull, &[]).code, Some(0), "the same kind again");
    command(&server, &["login"], &[]).check_failed(&["has a login that pulls the images of web", "--force"]);
    assert_eq!(command(&server, &["logout"], &[]).code, Some(0));
    assert_eq!(command(&server, &["login"], &[]).code, Some(0));

    // Docker is now configured to use our helper, which makes push logins by itself.
    fs::write(&file, json!({ "credHelpers": { server.host(): "gangplank" } }).to_string()).unwrap();
    let ran = command(&server, &["login"], &[]);
    assert!(ran.stdout.contains("is in docker-credential-gangplank"), "{ran:?}");
    command(&server, &pull, &[]).check_failed(&["docker-credential-gangplank has a push login", "--force"]);
    assert_eq!(command(&server, &[&pull[..], &["--force"]].concat(), &[]).code, Some(0));
    command(&server, &["login"], &[]).check_failed(&["pulls the images of web"]);
}

#[test]
fn what_is_wrong_is_said_and_changes_nothing() {
    let server = server();
    command(&server, &["login"], &[])
        .check_failed(&["CreateContainerServiceRegistryLogin", "container service"]);
    server.api().ensure_service("web");
    let file = docker_config(&server);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    for damaged in ["{\"auths\": secret", "[]", r#"{"auths":[]}"#] {
        fs::write(&file, damaged).unwrap();
        command(&server, &["login"], &[]).check_failed(&["config.json", "JSON object"]);
        assert_eq!(fs::read_to_string(&file).unwrap(), damaged);
    }
    command(&server, &["login", "--print", "--password-only"], &[]).check_usage(&["--password-only"]);
}

#[test]
fn dockers_file_is_read_as_docker_reads_it() {
    let server = ready();
    let file = docker_config(&server);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    for before in [
        "null",
        r#"{"auths":null,"credHelpers":null,"credsStore":null,"HttpHeaders":null}"#,
        r#"{"Auths":{"elsewhere":{"auth":"eDp5"}},"CREDHELPERS":{}}"#,
    ] {
        fs::write(&file, before).unwrap();
        let ran = command(&server, &["login"], &[]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{before}: {ran:?}");
        assert!(is_accepted(&server, &file), "{before}");
    }
    let content = content(&file);
    assert_eq!((&content["auths"]["elsewhere"]["auth"], content.get("Auths")), (&json!("eDp5"), None));
    fs::write(&file, r#"{"CredsStore":"test"}"#).unwrap();
    command(&server, &["login"], &[("PATH", "/nowhere")]).check_failed(&["docker-credential-test"]);
}

#[test]
fn a_file_that_is_mounted_by_itself_is_written_in_place() {
    let server = ready();
    let (real, file) = (server.home().join("real.json"), docker_config(&server));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&real, r#"{"auths":{"elsewhere":{"auth":"eDp5"}}}"#).unwrap();
    fs::write(&file, "").unwrap();
    let script = r#"mount --bind "$1" "$2" || exit 77; exec "$3" login --data-dir "$4""#;
    let mut mounted = std::process::Command::new("unshare");
    mounted.args(["-m", "sh", "-c", script, "sh"]).args([&real, &file]).arg(PROGRAM).arg(server.data_dir());
    let ran = mounted.env("HOME", server.home()).env("XDG_RUNTIME_DIR", server.home()).output();
    match ran {
        Ok(ran) if ran.status.code() == Some(77) => gangplank_testkit::skip("nothing can be mounted"),
        Ok(ran) if String::from_utf8_lossy(&ran.stderr).contains("unshare") => {
            gangplank_testkit::skip("nothing can be mounted");
        }
        Ok(ran) => {
            assert!(ran.status.success(), "{ran:?}");
            assert!(is_accepted(&server, &real));
            assert_eq!(content(&real)["auths"]["elsewhere"]["auth"], "eDp5");
        }
        Err(_) => gangplank_testkit::skip("there is no unshare"),
    }
}

#[test]
fn the_address_of_a_registry_is_its_name_too() {
    let server = ready();
    let file = docker_config(&server);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let address = format!("http://{}/v2/", server.host());
    let others = json!({ format!("{}/sr", server.host()): { "auth": "eDp5" } });
    let mut before = others.clone();
    before[&address] = json!({ "auth": "eDp5" });
    fs::write(&file, json!({ "auths": before }).to_string()).unwrap();
    assert_eq!(command(&server, &["login"], &[]).code, Some(0));
    assert!(is_accepted(&server, &file) && content(&file)["auths"].get(&address).is_none());
    fs::write(&file, json!({ "auths": before }).to_string()).unwrap();
    let ran = command(&server, &["configure"], &[]);
    assert!(ran.stdout.contains("in place of the login that was there"), "{ran:?}");
    assert_eq!(content(&file)["auths"], others);
    let helper = json!({ "credHelpers": { server.host(): "pass" } });
    fs::write(&file, helper.to_string()).unwrap();
    let ran = command(&server, &["configure"], &[]);
    assert!(ran.stdout.contains("in place of docker-credential-pass"), "{ran:?}");
}

#[test]
fn no_login_is_made_that_has_no_place() {
    let server = ready();
    let file = docker_config(&server);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &file,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    command(&server, &["login"], &[]).check_failed(&["is no regular file", file.to_str().unwrap()]);
    fs::remove_file(&file).unwrap();
    fs::write(&file, "[]").unwrap();
    command(&server, &["login"], &[]).check_failed(&["is not a JSON object"]);
    fs::write(&file, "{\n  \"auths\": {},\n}").unwrap();
    command(&server, &["login"], &[]).check_failed(&["is not a JSON object (line 3, column 1)"]);
    let made = server.api().gangplank("ListRegistryLogins", &json!({})).body;
    assert_eq!(made["registryLogins"], json!([]));
}
