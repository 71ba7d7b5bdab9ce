//! `gangplank access-key`, with a running and with a stopped server.

use gangplank_testkit::TestServer;
use serde_json::{Value, json};

use crate::api_wire::ROOT_KEY;
use crate::cli::{Ran, command, home, run};
use crate::server;

fn access_key(server: &TestServer, args: &[&str]) -> Ran {
    let data_dir = server.data_dir();
    run(server.home(), &[&["access-key"], args, &["--data-dir", data_dir.to_str().unwrap()]].concat(), &[])
}

#[track_caller]
fn check_works(server: &TestServer, key: &Value, account: &str) {
    assert_eq!((&key["account"], &key["status"]), (&json!(account), &json!("Active")), "{key}");
    assert!(key["createdAt"].as_str().is_some_and(|moment| moment.ends_with("+00:00")), "{key}");
    let api = server.api().as_key(key);
    assert_eq!(api.lightsail("GetContainerServices", &json!({})).status, 200);
    let keys = api.gangplank("ListAccessKeys", &json!({ "account": account }));
    assert!(keys.body.to_string().contains(key["accessKeyId"].as_str().unwrap()), "{keys:?}");
}

#[test]
fn keys_are_made_with_the_server_running_and_stopped() {
    let mut server = server();
    let running = access_key(&server, &["create"]).json();
    let other = access_key(&server, &["create", "--account", "123456789012"]).json();
    check_works(&server, &running, "000000000000");
    check_works(&server, &other, "123456789012");
    assert_eq!(running["isRoot"], false);
    assert_eq!(access_key(&server, &["create", "--root"]).json()["isRoot"], true);
    assert!(server.terminate().success());
    let ordinary = access_key(&server, &["create"]).json();
    assert_eq!(ordinary["isRoot"], false, "there is a root key");
    assert_eq!(access_key(&server, &["create", "--root"]).json()["isRoot"], true);
    let stopped = access_key(&server, &["create", "--account", "210987654321"]).json();
    server.restart();
    check_works(&server, &ordinary, "000000000000");
    check_works(&server, &stopped, "210987654321");
    let keys = access_key(&server, &["list"]).json();
    assert_eq!(keys["accessKeys"].as_array().unwrap().len(), 7);
}

#[test]
fn a_root_key_is_made_where_there_is_none_that_is_enabled() {
    let mut server = server();
    access_key(&server, &["disable", ROOT_KEY.0]).check_failed(&["last enabled root key", "--force"]);
    let ordinary = access_key(&server, &["create"]).json();
    let ran = access_key(&server, &["disable", ROOT_KEY.0, "--force"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(server.terminate().success());
    let args = ["access-key", "create", "--data-dir", server.data_dir().to_str().unwrap()].map(str::to_owned);
    let output = command(server.home(), &args.each_ref().map(String::as_str)).output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let rescue: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(rescue["isRoot"], true);
    assert!(stderr.contains("no enabled root key"), "{stderr}");
    server.restart();
    check_works(&server, &rescue, "000000000000");
    let enable = json!({ "accessKeyId": ROOT_KEY.0, "status": "Active" });
    let by = |key: &Value| server.api().as_key(key).gangplank("UpdateAccessKey", &enable).status;
    assert_eq!((by(&ordinary), by(&rescue)), (400, 200));
}

#[test]
fn a_root_key_belongs_to_the_default_account() {
    let mut server = server();
    let args = ["create", "--root", "--account", "123456789012"];
    access_key(&server, &args).check_failed(&["000000000000"]);
    assert!(server.terminate().success());
    access_key(&server, &args).check_failed(&["000000000000", "--account"]);
}

#[test]
fn the_data_directory_may_be_named_before_the_command_and_by_the_environment() {
    let server = server();
    let data_dir = server.data_dir();
    let data_dir = data_dir.to_str().unwrap();
    run(server.home(), &["access-key", "--data-dir", data_dir, "list"], &[]).json();
    run(server.home(), &["access-key", "list"], &[("GANGPLANK_DATA_DIR", data_dir)]).json();
    let elsewhere = [("GANGPLANK_DATA_DIR", "/none")];
    run(server.home(), &["access-key", "list", "--data-dir", data_dir], &elsewhere).json();
    run(server.home(), &["access-key", "list"], &elsewhere).check_failed(&["/none", "no data directory"]);
    // The AWS variables of the environment are for another server.
    let aws = [
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "0123456789012345678901234567890123456789"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_PROFILE", "work"),
    ];
    run(server.home(), &["access-key", "list", "--data-dir", data_dir], &aws).json();
    // If no data directory is named, the variables count.
    let (endpoint, root) = (server.endpoint(), ROOT_KEY);
    let aws =
        [("AWS_ACCESS_KEY_ID", root.0), ("AWS_SECRET_ACCESS_KEY", root.1), ("AWS_ENDPOINT_URL", &endpoint)];
    run(server.home(), &["access-key", "list"], &aws).json();
    run(server.home(), &["access-key", "list", "--endpoint-url", &endpoint], &aws[..2]).json();
    let (credentials, config) = (format!("{data_dir}/credentials"), format!("{data_dir}/config"));
    let files = [("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str()), ("AWS_CONFIG_FILE", &config)];
    run(server.home(), &["access-key", "list"], &files).json();
    // No proxy is used for a server on this machine.
    let proxy = [("http_proxy", "http://127.0.0.1:1"), ("HTTP_PROXY", "http://127.0.0.1:1")];
    run(server.home(), &["access-key", "list", "--data-dir", data_dir], &proxy).json();
}

#[test]
fn a_key_that_cannot_be_shown_is_a_failure() {
    let server = server();
    let data_dir = server.data_dir();
    let args = ["access-key", "create", "--data-dir", data_dir.to_str().unwrap()];
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command(server.home(), &args).stdout(full).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("gangplank: cannot write to standard output"), "{stderr}");
}

#[test]
fn keys_are_listed_disabled_enabled_and_deleted() {
    let server = server();
    let key = access_key(&server, &["create", "--account", "123456789012"]).json();
    let id = key["accessKeyId"].as_str().unwrap();
    let api = server.api().as_key(&key);
    let status = || api.lightsail("GetContainerServices", &json!({})).status;
    let quiet = |args: &[&str]| {
        let ran = access_key(&server, args);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    };
    let list = access_key(&server, &["list", "--account", "123456789012"]);
    assert!(!list.stdout.contains("ecret"), "{list:?}");
    assert_eq!(list.json()["accessKeys"][0]["accessKeyId"], id);
    quiet(&["disable", id]);
    assert_eq!(status(), 400);
    quiet(&["enable", id]);
    assert_eq!(status(), 200);
    quiet(&["delete", id]);
    assert_eq!(status(), 400);
    access_key(&server, &["delete", id]).check_failed(&[id]);
    access_key(&server, &["disable", ROOT_KEY.0]).check_failed(&[ROOT_KEY.0, "last"]);
}

#[test]
fn what_cannot_be_done_is_said_in_one_sentence() {
    let mut server = server();
    let home = home();
    for account in ["12", "12345678901a", ""] {
        access_key(&server, &["create", "--account", account]).check_usage(&["--account", "12 digits"]);
    }
    access_key(&server, &["disable"]).check_usage(&["ACCESS_KEY_ID"]);
    access_key(&server, &[]).check_usage(&["create", "list", "disable"]);
    run(home.path(), &["access-key", "list"], &[]).check_failed(&[
        "--data-dir",
        "--endpoint-url",
        "--profile",
    ]);
    let nowhere = ["access-key", "list", "--endpoint-url", "http://127.0.0.1:1"];
    run(home.path(), &nowhere, &[]).check_failed(&["AWS_ACCESS_KEY_ID"]);
    let key = [("AWS_ACCESS_KEY_ID", ROOT_KEY.0), ("AWS_SECRET_ACCESS_KEY", ROOT_KEY.1)];
    run(home.path(), &nowhere, &key).check_failed(&["cannot reach http://127.0.0.1:1"]);
    run(home.path(), &["access-key", "list", "--endpoint-url", "nonsense"], &key)
        .check_failed(&["nonsense", "http://"]);
    let endpoint = server.endpoint();
    let encrypted = endpoint.replace("http://", "https://");
    run(home.path(), &["access-key", "list", "--endpoint-url", &encrypted], &key).check_failed(&[
        "cannot reach https://",
        "does not speak TLS",
        "http://",
    ]);
    let wrong = [("AWS_ACCESS_KEY_ID", ROOT_KEY.0), ("AWS_SECRET_ACCESS_KEY", "wrong-wrong-wrong-wrong")];
    let ran = run(home.path(), &["access-key", "list", "--endpoint-url", &endpoint], &wrong);
    ran.check_failed(&["InvalidSignatureException", "Secret Access Key"]);
    assert!(!ran.stderr.contains("wrong-wrong"), "{ran:?}");
    run(home.path(), &["access-key", "list", "--endpoint-url", &endpoint, "--region", "mars-1"], &key)
        .check_failed(&["mars-1"]);

    let data_dir = server.data_dir();
    server.kill();
    // The command does not call the address in the directory's files, because another program may use it now.
    access_key(&server, &["list"]).check_failed(&[
        "no server",
        data_dir.to_str().unwrap(),
        "gangplank serve",
    ]);
    access_key(&server, &["delete", ROOT_KEY.0]).check_failed(&["no server"]);
    let path = home.path().to_str().unwrap();
    std::fs::write(home.path().join("something"), "else").unwrap();
    run(home.path(), &["access-key", "create", "--data-dir", path], &[])
        .check_failed(&[path, "no data directory"]);
    assert_eq!(std::fs::read_dir(path).unwrap().count(), 1, "something was made there");
}

#[test]
fn the_first_key_can_be_made_before_the_first_start() {
    let home = home();
    let data_dir = home.path().join("data");
    let key =
        run(home.path(), &["access-key", "create", "--data-dir", data_dir.to_str().unwrap()], &[]).json();
    let credentials = std::fs::read_to_string(data_dir.join("credentials")).unwrap();
    assert!(credentials.contains(key["secretAccessKey"].as_str().unwrap()));
    let server = crate::builder().start_in(home);
    let keys = server.api().as_key(&key).gangplank("ListAccessKeys", &json!({})).body;
    assert_eq!(keys["accessKeys"].as_array().unwrap().len(), 1);
    assert_eq!(keys["accessKeys"][0]["isRoot"], true);
}

#[test]
fn a_key_made_before_the_first_start_does_not_take_the_root_keys_place() {
    let home = home();
    let data_dir = home.path().join("data");
    let shown = data_dir.to_str().unwrap();
    run(home.path(), &["access-key", "create", "--account", "123456789012", "--data-dir", shown], &[])
        .check_failed(&[shown, "no data directory", "gangplank serve"]);
    assert!(!data_dir.exists());
}
