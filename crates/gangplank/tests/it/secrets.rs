//! A secret is seen once: in the answer that hands it over.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gangplank_testkit::{Image, TestServer};
use serde_json::json;

use crate::api_wire::{Call, LIST, ROOT_KEY};
use crate::server_with;

/// Uses every kind of secret rightly and wrongly; returns them.
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

    // Secrets in the wrong places.
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
    server.kill();
    server.restart();
    assert_eq!(server.api().call(LIST, b"{}", &[]).status, 200);
    let log = server.log();
    let mut found = Vec::new();
    files(&server.data_dir(), &mut found);
    assert!(found.iter().any(|path| path.ends_with("gangplank.db")), "{found:?}");
    for secret in &secrets {
        // Half a secret is a secret too; and Basic headers hold it in base64.
        let forms =
            [secret.clone(), secret[..secret.len() / 2].to_owned(), secret[secret.len() / 2..].to_owned()];
        let encoded = STANDARD.encode(format!("AWS:{secret}"));
        for form in forms.iter().chain([&encoded]) {
            assert!(!log.contains(form.as_str()), "a secret is in the log");
            for path in &found {
                let bytes = fs::read(path).unwrap();
                let given = path.ends_with("credentials") && ROOT_KEY.1 == secret;
                let holds = bytes.windows(form.len()).any(|window| window == form.as_bytes());
                assert!(given || !holds, "a secret is in {}", path.display());
            }
        }
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
