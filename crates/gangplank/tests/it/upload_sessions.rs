//! An upload session belongs to the login that used it last. A login can have a limited number of sessions, and
//! they end with it.

use std::path::Path;
use std::time::Duration;

use gangplank_testkit::{Api, Login, Registry, TestServer};
use serde_json::{Value, json};

use crate::api_wire::Call;
use crate::raw::{Raw, head};
use crate::{server, server_with};

fn open(registry: &Registry) -> reqwest::blocking::Response {
    registry.send("POST", "sr/blobs/uploads/")
}

fn feed(registry: &Registry, session: &str) -> u16 {
    registry.request("PATCH", session).body(vec![1; 5_000]).send().unwrap().status().as_u16()
}

fn staged(server: &TestServer) -> usize {
    fn files(folder: &Path) -> usize {
        folder.read_dir().unwrap().count()
    }
    files(&server.data_dir().join("blobs/staged"))
}

/// Waits until no more files are staged.
fn check_freed(server: &TestServer, left: usize) {
    for _ in 0..100 {
        if staged(server) == left {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{} files are staged", staged(server));
}

/// An ordinary key, its id, and a push login of it.
fn key(server: &TestServer) -> (Api, Value, Login) {
    let root = server.api();
    root.ensure_service("web");
    let made = root.gangplank("CreateAccessKey", &json!({})).body["accessKey"].clone();
    let api = root.as_key(&made);
    let login = api.push_login();
    (api, made["accessKeyId"].clone(), login)
}

fn newest_login(api: &Api) -> Value {
    api.gangplank("ListRegistryLogins", &json!({})).body["registryLogins"][0]["id"].clone()
}

#[test]
fn one_login_has_half_of_them_and_others_the_rest() {
    let server = server_with(|builder| builder.arg("--max-open-uploads").arg("6"));
    let (greedy, other) =
        (server.registry_as(&server.push_login()), server.registry_as(&server.push_login()));
    for _ in 0..3 {
        assert_eq!(open(&greedy).status(), 202);
    }
    let refused = open(&greedy);
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "60");
    for _ in 0..3 {
        assert_eq!(open(&other).status(), 202);
    }
    let third = server.registry_as(&server.push_login());
    assert_eq!(open(&third).status(), 429, "all are being fed, as far as anybody can tell");
}

#[test]
fn revoking_a_login_frees_what_it_fed_last_and_nothing_else() {
    if crate::are_replicas("it looks into the directory") {
        return;
    }
    let server = server_with(|builder| builder.arg("--max-open-uploads").arg("4"));
    let (api, _, login) = key(&server);
    let leaked = server.registry_as(&login);
    let leaked_id = newest_login(&api);
    let renewed = server.registry_as(&api.push_login());
    let sessions = [leaked.start_upload("sr"), leaked.start_upload("sr")];
    for session in &sessions {
        assert_eq!(feed(&leaked, session), 202);
    }
    assert_eq!(feed(&renewed, &sessions[1]), 202, "the same key goes on with it");
    assert_eq!(staged(&server), 2);
    let revoke = api.gangplank("RevokeRegistryLogin", &json!({ "id": leaked_id }));
    assert_eq!(revoke.status, 200);
    assert_eq!(renewed.status("GET", &sessions[0]), 404);
    assert_eq!(renewed.status("GET", &sessions[1]), 204);
    check_freed(&server, 1);
    assert_eq!(open(&renewed).status(), 202, "there is room again");
}

/// The holder of a password can end the login, and can do nothing else with the password in the API.
#[test]
fn a_login_is_ended_by_its_own_password_with_what_it_fed_last() {
    if crate::are_replicas("it looks into the directory") {
        return;
    }
    let server = server();
    let (api, _, login) = key(&server);
    let leaked = server.registry_as(&login);
    assert_eq!(feed(&leaked, &leaked.start_upload("sr")), 202);
    let revoke = |password: &str| {
        let body = json!({ "password": password }).to_string();
        Call::new(&server, "Gangplank_20261123.RevokeOwnRegistryLogin", &body).send()
    };
    let mut mistyped = login.password.clone();
    mistyped.pop();
    let nobodys = gangplank_core::Password::generate([7; 32]);
    for password in [nobodys.expose(), &mistyped, "x"] {
        let refused = revoke(password);
        assert_eq!(
            (refused.status, refused.error().as_str()),
            (400, "NotFoundException"),
            "{}",
            refused.text()
        );
    }
    let blank = revoke(" ");
    assert_eq!((blank.status, blank.error().as_str()), (400, "InvalidInputException"), "{}", blank.text());
    assert_eq!(leaked.status("GET", ""), 200);
    for _ in 0..2 {
        let answer = revoke(&login.password);
        assert_eq!((answer.status, answer.json()), (200, json!({})), "{}", answer.text());
        assert_eq!(leaked.status("GET", ""), 401);
    }
    check_freed(&server, 0);
    assert_eq!(server.registry_as(&api.push_login()).status("GET", ""), 200, "the key goes on");
    let events = api.gangplank("ListAuditEvents", &json!({ "kind": "LoginRevoked" })).body;
    assert_eq!(events["auditEvents"].as_array().map(Vec::len), Some(1), "{events}");
    assert!(!server.log().contains(&login.password));
    // A caller who guesses passwords has to wait. A right password is still accepted.
    let waiting = (0..100).map(|_| revoke("x").error()).find(|error| error == "ThrottlingException");
    assert!(waiting.is_some());
    assert_eq!(revoke(&api.push_login().password).status, 200);
}

#[test]
fn a_key_that_is_disabled_or_deleted_takes_its_sessions_with_it() {
    if crate::are_replicas("it looks into the directory") {
        return;
    }
    for (operation, input) in
        [("UpdateAccessKey", json!({ "status": "Disabled" })), ("DeleteAccessKey", json!({}))]
    {
        let server = server();
        let (_, id, login) = key(&server);
        let (theirs, others) = (server.registry_as(&login), server.registry_as(&server.push_login()));
        for registry in [&theirs, &others] {
            assert_eq!(feed(registry, &registry.start_upload("sr")), 202);
        }
        let mut input = input;
        input["accessKeyId"] = id;
        assert_eq!(server.api().gangplank(operation, &input).status, 200);
        check_freed(&server, 1);
    }
}

/// A body that is being sent when its login is revoked is not stored as a blob.
#[test]
fn a_body_on_its_way_does_not_outlive_its_login() {
    if crate::are_replicas("it looks into the directory") {
        return;
    }
    let mut server = server();
    let (api, _, login) = key(&server);
    let registry = server.registry_as(&login);
    let session = registry.start_upload("sr");
    assert_eq!(feed(&registry, &session), 202);
    let blob = gangplank_testkit::Blob::new([vec![1; 5_000], vec![2; 5_000]].concat());
    let (sender, body) = std::sync::mpsc::channel::<Vec<u8>>();
    let slow = Slow { body, left: Vec::new() };
    let put = registry.request("PUT", &format!("{session}?digest={}", blob.digest));
    let put = put.body(reqwest::blocking::Body::sized(slow, 5_000));
    let putting = std::thread::spawn(move || put.send().map(|answer| answer.status().as_u16()));
    sender.send(vec![2; 2_000]).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let revoked = api.gangplank("RevokeRegistryLogin", &json!({ "id": newest_login(&api) }));
    assert_eq!(revoked.status, 200);
    std::thread::sleep(Duration::from_millis(300));
    sender.send(vec![2; 3_000]).unwrap();
    drop(sender);
    assert_eq!(putting.join().unwrap().unwrap(), 404);
    let operator = server.registry_as(&server.operator_login());
    assert_eq!(operator.status("HEAD", &format!("sr/blobs/{}", blob.digest)), 404);
    check_freed(&server, 0);
    assert!(server.terminate().success());
    assert!(!server.data_dir().join("running").exists(), "{}", server.log());
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

/// A blob in a single request is not stored either if its login is revoked meanwhile. Such a request gets its
/// session late, or none if it is short. The connection ends without an error.
#[test]
fn a_whole_blob_on_its_way_does_not_outlive_its_login() {
    if crate::are_replicas("it looks into the directory") {
        return;
    }
    for rest in [10, 300_000] {
        let mut server = server_with(|builder| builder.arg("--max-open-uploads").arg("2"));
        let (api, _, login) = key(&server);
        let blob = gangplank_testkit::Blob::new([vec![1; 1], vec![2; rest]].concat());
        // No HTTP client is used here, because some ignore an answer that comes before the end of their body.
        let mut raw = Raw::connect(&server);
        let line = format!("POST /v2/sr/blobs/uploads/?digest={}", blob.digest);
        raw.send(head(&login, &line, "Transfer-Encoding: chunked\r\n"));
        raw.send(b"1\r\n\x01\r\n");
        std::thread::sleep(Duration::from_millis(300));
        let revoked = api.gangplank("RevokeRegistryLogin", &json!({ "id": newest_login(&api) }));
        assert_eq!(revoked.status, 200);
        raw.send([format!("{rest:x}\r\n").as_bytes(), &vec![2; rest], b"\r\n0\r\n\r\n"].concat());
        assert_eq!(raw.answer().unwrap().status, 401, "{rest}");
        check_freed(&server, 0);
        let operator = server.registry_as(&server.operator_login());
        assert_eq!(operator.status("HEAD", &format!("sr/blobs/{}", blob.digest)), 404);
        assert_eq!(open(&operator).status(), 202, "none is open");
        assert!(server.terminate().success());
        assert!(!server.data_dir().join("running").exists(), "{}", server.log());
        assert!(!server.log().contains("ERROR"), "{}", server.log());
    }
}

/// A body with pauses that the test controls.
struct Slow {
    body: std::sync::mpsc::Receiver<Vec<u8>>,
    left: Vec<u8>,
}

impl std::io::Read for Slow {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.left.is_empty() {
            self.left = self.body.recv().unwrap_or_default();
        }
        let taken = self.left.len().min(into.len());
        into[..taken].copy_from_slice(&self.left[..taken]);
        self.left.drain(..taken);
        Ok(taken)
    }
}
