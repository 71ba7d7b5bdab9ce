//! A secret is seen once: in the answer that hands it over.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gangplank_testkit::{Image, Login};
use serde_json::json;

use crate::builder;
use crate::raw::{basic, encoded};

#[test]
fn no_secret_is_logged_or_stored_in_clear() {
    let server = builder().env("GANGPLANK_LOG", "trace").start();
    let api = server.api();
    api.ensure_service("web");
    let key = api.gangplank("CreateAccessKey", &json!({})).body["accessKey"].clone();
    let push = api.push_login();
    let pull = api.registry_login(&json!({ "serviceName": "web" }));
    let digest = server.registry_as(&push).push_image("sr", "v1", &Image::unique(1));
    api.register("web", "app", &digest);
    assert_eq!(server.registry_as(&pull).status("GET", "web/manifests/app.1"), 200);
    // Wrong ways to use them are logged too, and must not be logged with them.
    let mistaken = Login { username: push.password.clone(), ..push.clone() };
    assert_eq!(server.registry_as(&mistaken).status("GET", ""), 401);
    let truncated = Login { password: push.password[..50].to_owned(), ..push.clone() };
    assert_eq!(server.registry_as(&truncated).status("GET", ""), 401);
    let headers = [("authorization", basic(&push))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert!(api.call("Lightsail_20161128.GetRegions", b"{}", &headers).status >= 400);
    let key_secret = key["secretAccessKey"].as_str().unwrap().to_owned();
    assert_eq!(api.as_key(&key).lightsail("GetContainerServices", &json!({})).status, 200);
    let as_login = Login { username: "AWS".to_owned(), password: key_secret.clone(), ..push.clone() };
    assert_eq!(server.registry_as(&as_login).status("GET", ""), 401);

    let secrets = [&push.password, &pull.password, &truncated.password, &key_secret];
    let mut secrets: Vec<String> = secrets.into_iter().cloned().collect();
    secrets.push("test-secret-access-key-0123456789".to_owned());
    let encodings =
        |secret: &String| [secret.clone(), STANDARD.encode(secret), encoded(format!("AWS:{secret}"))];
    let log = server.log();
    assert!(log.contains("issued a registry login"), "the log is read");
    for secret in secrets.iter().flat_map(encodings) {
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
    let found = Command::new("grep")
        .args(["-rlaF"])
        .args(secrets.iter().flat_map(|s| ["-e", s]))
        .arg(server.data_dir())
        .output();
    let found = String::from_utf8(found.unwrap().stdout).unwrap();
    let allowed = server.data_dir().join("credentials");
    let leaks: Vec<&str> = found.lines().filter(|file| std::path::Path::new(file) != allowed).collect();
    assert!(leaks.is_empty(), "a secret is in {leaks:?}");
}

#[test]
fn files_that_hold_secrets_are_their_owners() {
    use std::os::unix::fs::PermissionsExt as _;

    let server = builder().start();
    for name in ["credentials", "master.key"] {
        let mode = std::fs::metadata(server.data_dir().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let mode = std::fs::metadata(server.data_dir()).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "the data directory");
}
