//! A secret is only in the answer that first shows it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gangplank_testkit::{Image, TestServer};
use serde_json::json;

use crate::api_wire::{Call, LIST, ROOT_KEY};
use crate::cli::run;
use crate::raw::ask;
use crate::server_with;

/// Uses every kind of secret, correctly and wrongly. Returns the secrets.
fn use_secrets(server: &TestServer) -> Vec<String> {
    let api = server.api();
    let key =
        api.gangplank("CreateAccessKey", &json!({ "account": "123456789012" })).body["accessKey"].clone();
    let secret = key["secretAccessKey"].as_str().unwrap().to_owned();
    let other = api.as_key(&key);
    other.ensure_service("web");
    let login = other.push_login();
    server.registry_as(&login).push_image("sr", "v1", &Image::unique(1));
    let pull = other.registry_login(&json!({ "serviceName": "web" }));
    assert_eq!(server.registry_as(&pull).status("GET", "web/manifests/none.1"), 404);

    // Secrets in wrong fields.
    let mut swapped = Call::new(server, LIST, "{}");
    swapped.key = (secret.clone(), key["accessKeyId"].as_str().unwrap().to_owned());
    assert_eq!(swapped.signed().send().status, 400);
    let mut pasted = Call::new(server, LIST, "{}").signed();
    pasted.set("Authorization", &format!("AWS4-HMAC-SHA256 {secret}"));
    assert_eq!(pasted.send().status, 400);
    let mut basic = Call::new(server, LIST, "{}");
    basic.add("Authorization", &format!("Basic {}", STANDARD.encode(format!("AWS:{}", login.password))));
    assert_eq!(basic.send().status, 400);
    let revoked = other.gangplank("ListRegistryLogins", &json!({})).body["registryLogins"][0]["id"].clone();
    assert_eq!(other.gangplank("RevokeRegistryLogin", &json!({ "id": revoked })).status, 200);
    assert_eq!(server.registry_as(&pull).status("GET", ""), 401);
    let mut bad = login.clone();
    bad.password.pop();
    assert_eq!(server.registry_as(&bad).status("GET", ""), 401);
    vec![secret, ROOT_KEY.1.to_owned(), login.password, pull.password]
}

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn neither_the_log_nor_the_data_directory_holds_a_secret() {
    let mut server = server_with(|builder| builder.env("GANGPLANK_LOG", "trace"));
    let secrets = use_secrets(&server);
    let trail = server.api().gangplank("ListAuditEvents", &json!({})).body.to_string();
    assert!(trail.contains("CallRefused") && trail.contains("LoginRefused"), "{trail}");
    server.kill();
    server.restart();
    assert_eq!(server.api().call(LIST, b"{}", &[]).status, 200);
    let log = server.log();
    let master = fs::read(server.data_dir().join("master.key")).unwrap();
    let mut found = Vec::new();
    files(&server.data_dir(), &mut found);
    assert!(found.iter().any(|path| path.ends_with("gangplank.db")), "{found:?}");
    for secret in &secrets {
        // Half a secret is a secret too. Basic headers have it in base64.
        let forms =
            [secret.clone(), secret[..secret.len() / 2].to_owned(), secret[secret.len() / 2..].to_owned()];
        let encoded = STANDARD.encode(format!("AWS:{secret}"));
        for form in forms.iter().chain([&encoded]) {
            assert!(!log.contains(form.as_str()), "a secret is in the log");
            assert!(!trail.contains(form.as_str()), "a secret is in the audit trail");
            for path in &found {
                let bytes = fs::read(path).unwrap();
                let given = path.ends_with("credentials") && ROOT_KEY.1 == secret;
                let holds = bytes.windows(form.len()).any(|window| window == form.as_bytes());
                assert!(given || !holds, "a secret is in {}", path.display());
            }
        }
    }
    for path in found.iter().filter(|path| !path.ends_with("master.key")) {
        let bytes = fs::read(path).unwrap();
        assert!(!bytes.windows(master.len()).any(|window| window == master), "{}", path.display());
    }
}

#[test]
fn the_process_shows_no_secret_that_it_was_not_given_openly() {
    let server = server_with(|builder| builder.env("GANGPLANK_LOG", "trace"));
    let secrets = use_secrets(&server);
    let shown = |name: &str| fs::read(format!("/proc/{}/{name}", server.process_id())).unwrap();
    for secret in &secrets {
        let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!holds(&shown("cmdline")), "a secret is among the arguments");
        assert!(!holds(&shown("environ")) || *secret == ROOT_KEY.1, "a secret is in the environment");
    }
    let limits = String::from_utf8(shown("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
}

#[test]
fn commands_tell_no_secret_beside_their_answer() {
    let server = server_with(|builder| builder);
    server.api().ensure_service("web");
    let endpoint = server.endpoint();
    let login = "create-container-service-registry-login";
    let (secret, wrong) = (ROOT_KEY.1.to_owned(), "w".repeat(40));
    for (key, operation) in [(&secret, login), (&secret, "get-container-services"), (&wrong, login)] {
        let args = ["lightsail", operation, "--debug", "--endpoint-url", &endpoint];
        let environment =
            [("AWS_ACCESS_KEY_ID", ROOT_KEY.0), ("AWS_SECRET_ACCESS_KEY", key), ("AWS_REGION", "us-east-1")];
        let ran = run(server.home(), &args, &environment);
        assert!(ran.stderr.contains("[DEBUG]"), "{ran:?}");
        assert_eq!(ran.stdout.contains("gpl_"), operation == login && *key == secret, "the answer");
        assert!(!ran.stderr.contains("gpl_") && !ran.stderr.contains(key.as_str()), "{ran:?}");
        assert!(!ran.stderr.contains(&STANDARD.encode("AWS:gpl_")[..8]), "{ran:?}");
    }
    let data_dir = server.data_dir();
    for args in [["audit", "--data-dir"], ["registry-login", "--data-dir"], ["access-key", "--data-dir"]] {
        let mut args = [&args[..], &[data_dir.to_str().unwrap()]].concat();
        if args[0] != "audit" {
            args.push("list");
        }
        let ran = run(server.home(), &args, &[]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(!format!("{ran:?}").contains("gpl_") && !format!("{ran:?}").contains(&secret), "{ran:?}");
    }
}

#[test]
fn refusals_repeat_no_secret() {
    let server = server_with(|builder| builder);
    let login = server.push_login();
    let (_, password) = login.password.split_at(4);
    for (line, headers) in [
        (format!("GET /v2/{}/manifests/v1", login.password), String::new()),
        ("GET /v2/".to_owned(), format!("Authorization: Bearer {}\r\n", login.password)),
        ("POST /".to_owned(), format!("Authorization: AWS4-HMAC-SHA256 {}\r\n", login.password)),
        ("POST /".to_owned(), format!("Authorization: Basic {}\r\n", STANDARD.encode(&login.password))),
    ] {
        let answer = ask(&server, format!("{line} HTTP/1.1\r\nHost: a\r\n{headers}\r\n")).unwrap();
        assert!(matches!(answer.status, 400 | 401), "{}", answer.head);
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!body.contains(password) && !answer.head.contains(password), "{line}: {body}");
    }
}

#[test]
fn what_holds_secrets_is_its_owners_alone() {
    let server = server_with(|builder| builder);
    use_secrets(&server);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&server.data_dir()), 0o700);
    for name in [
        "credentials",
        "config",
        "master.key",
        "lock",
        "gangplank.db",
        "gangplank.db-wal",
        "gangplank.db-shm",
    ] {
        assert_eq!(mode(&server.data_dir().join(name)), 0o600, "{name}");
    }
    let credentials = fs::read_to_string(server.data_dir().join("credentials")).unwrap();
    assert_eq!(
        credentials,
        format!("[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n", ROOT_KEY.0, ROOT_KEY.1)
    );
    let config = fs::read_to_string(server.data_dir().join("config")).unwrap();
    assert_eq!(config, format!("[default]\nregion = us-east-1\nendpoint_url = {}\n", server.endpoint()));
}
