//! The clients that may use the registry. All others learn nothing about its content.

use gangplank_testkit::{Image, Login, TestServer};
use reqwest::header::AUTHORIZATION;
use serde_json::json;

use crate::answers::{header, refused};
use crate::raw::{Raw, ask, basic, encoded};
use crate::{builder, server};

/// Requests about existing things (`%` is replaced by a digest) and about missing ones.
const PAIRS: [(&str, &str, &str); 9] = [
    ("GET", "sr/manifests/v1", "sr/manifests/v2"),
    ("HEAD", "sr/manifests/v1", "none/manifests/v1"),
    ("GET", "sr/blobs/%", "none/blobs/%"),
    ("HEAD", "sr/blobs/%", "none/blobs/%"),
    ("GET", "sr/tags/list", "none/tags/list"),
    ("POST", "sr/blobs/uploads/", "none/blobs/uploads/"),
    ("GET", "_catalog", "no/such/endpoint"),
    ("DELETE", "sr/manifests/v1", "sr/manifests/INVALID!"),
    ("PUT", "sr/manifests/v1", "UPPER/manifests/v1"),
];

fn server_with_an_image() -> (TestServer, Image) {
    let server = builder().arg("--max-failed-logins-per-minute").arg("10000").start();
    let image = Image::unique(1);
    server.registry_as(&server.push_login()).push_image("sr", "v1", &image);
    (server, image)
}

/// Checks that with `authorization` the refusals for existing and missing things are equal.
#[track_caller]
fn check_nothing_is_learnt(server: &TestServer, digest: &str, authorization: Option<&str>, message: &str) {
    check_refused_alike(server, digest, authorization, message, 401);
}

/// Checks the same, with a separate status for HEAD requests.
#[track_caller]
fn check_refused_alike(
    server: &TestServer,
    digest: &str,
    authorization: Option<&str>,
    message: &str,
    head: u16,
) {
    let registry = server.registry();
    for (method, there, not_there) in PAIRS {
        let [there, not_there] = [there, not_there].map(|path| {
            let mut request = registry.request(method, &path.replace('%', digest));
            if let Some(authorization) = authorization {
                request = request.header(AUTHORIZATION, authorization);
            }
            let answer = request.send().unwrap();
            let mut headers: Vec<String> =
                answer.headers().iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
            // The date and the request's id differ in every answer.
            headers.retain(|line| !line.starts_with("date:") && !line.starts_with("x-request-id:"));
            let challenge = header(&answer, "www-authenticate");
            let is_challenged = challenge.starts_with("Basic realm=\"");
            assert_eq!(is_challenged, answer.status() == 401, "{method} {authorization:?}: {challenge}");
            (answer.status().as_u16(), headers, answer.text().unwrap())
        });
        assert_eq!(there, not_there, "{method} {authorization:?}");
        assert_eq!(there.0, if method == "HEAD" { head } else { 401 }, "{method} {authorization:?}");
        let body = there.2;
        let told = body.contains("\"UNAUTHORIZED\"") && body.contains(message);
        assert!(told || method == "HEAD", "{body}");
    }
}

#[test]
fn without_credentials_everything_looks_alike() {
    let (server, image) = server_with_an_image();
    check_nothing_is_learnt(&server, &image.config.digest, None, "authentication required");
    refused(server.registry().send("GET", ""), 401, "UNAUTHORIZED");
}

#[test]
fn credentials_that_no_login_has_are_refused_alike() {
    let (server, image) = server_with_an_image();
    let login = server.push_login();
    let (right, password) = (basic(&login), login.password.clone());
    let mut wrong = password.clone().into_bytes();
    wrong[10] ^= 1;
    let unknown = "gpl_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let bad = [
        encoded(format!("AWS:{}", String::from_utf8_lossy(&wrong))),
        encoded(format!("AWS:{unknown}")),
        encoded(format!("aws:{password}")),
        encoded(format!("root:{password}")),
        encoded(format!(":{password}")),
        encoded(format!("AWS:{password} ")),
        encoded(format!("AWS:{password}\n")),
        encoded(format!("AWS: {password}")),
        encoded(format!("AWS:{}", &password[..password.len() - 1])),
        encoded(format!("AWS:{}", password.to_lowercase())),
        encoded(format!("AWS:{password}:{password}")),
        encoded("AWS:"),
        encoded(":"),
        encoded(""),
        encoded("AWS"),
        encoded(b"AWS:\xff\xfe\x00"),
        encoded("GPAKTESTTESTTESTTEST:test-secret-access-key-0123456789"),
        encoded("AWS:test-secret-access-key-0123456789"),
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic !!!!".to_owned(),
        right.trim_end_matches('=').replace("Basic ", "Basic =="),
        right.replace("Basic ", ""),
        right.replace("Basic", "Bearer"),
        right.replace("Basic", "Negotiate"),
        format!("Bearer {password}"),
        "AWS4-HMAC-SHA256 Credential=GPAKTESTTESTTESTTEST/20260101/us-east-1/lightsail/aws4_request"
            .to_owned(),
    ];
    for authorization in &bad {
        check_nothing_is_learnt(&server, &image.config.digest, Some(authorization), "unknown or was revoked");
    }
    assert_eq!(server.registry_as(&login).status("GET", ""), 200);
}

#[test]
fn a_login_that_ended_is_refused_alike() {
    if crate::are_replicas("it looks into the directory") {
        return;
    }
    let (mut server, image) = server_with_an_image();
    let login = server.push_login();
    assert_eq!(server.registry_as(&login).status("GET", ""), 200);
    expire_logins(&mut server);
    let message = "Your authorization token has expired. Reauthenticate and try again.";
    // Clients that push begin with a HEAD, whose refusal has no message.
    check_refused_alike(&server, &image.config.digest, Some(&basic(&login)), message, 404);
    assert_eq!(server.registry_as(&server.push_login()).status("GET", ""), 200);
}

/// Ends all logins now, as if twelve hours had passed. The server is stopped first, because only the server may
/// write to its database.
fn expire_logins(server: &mut TestServer) {
    server.kill();
    let database = rusqlite::Connection::open(server.data_dir().join("gangplank.db")).unwrap();
    database.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    let changed = database
        .execute("UPDATE registry_logins SET expires_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)", [])
        .unwrap();
    assert!(changed > 0);
    drop(database);
    server.restart();
}

#[test]
fn a_revoked_login_is_refused_and_no_other() {
    let (server, image) = server_with_an_image();
    let api = server.api();
    let (kept, login) = (api.push_login(), api.push_login());
    let listed = api.gangplank("ListRegistryLogins", &json!({})).body;
    let id = listed["registryLogins"][0]["id"].as_str().unwrap();
    assert_eq!(api.gangplank("RevokeRegistryLogin", &json!({ "id": id })).status, 200);
    let message = "unknown or was revoked";
    check_refused_alike(&server, &image.config.digest, Some(&basic(&login)), message, 404);
    assert_eq!(server.registry_as(&kept).status("GET", ""), 200);
}

#[test]
fn who_pulls_with_a_login_that_ended_hears_that_it_ended() {
    let (server, image) = server_with_an_image();
    let api = server.api();
    api.ensure_service("web");
    for input in [json!({ "serviceName": "web" }), json!({ "scope": ["push", "pull"] })] {
        let login = api.registry_login(&input);
        let listed = api.gangplank("ListRegistryLogins", &json!({})).body;
        let id = listed["registryLogins"][0]["id"].as_str().unwrap();
        assert_eq!(api.gangplank("RevokeRegistryLogin", &json!({ "id": id })).status, 200);
        let authorization = basic(&login);
        check_nothing_is_learnt(
            &server,
            &image.config.digest,
            Some(&authorization),
            "unknown or was revoked",
        );
    }
}

/// The status line of an answer.
fn status_line(server: &TestServer, method: &str, path: &str, authorization: &str) -> String {
    let request = format!(
        "{method} /v2/{path} HTTP/1.1\r\nHost: a\r\n{authorization}Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let mut raw = Raw::connect(server);
    raw.send(request);
    let answer = if method == "HEAD" { raw.answer_to_head() } else { raw.answer() };
    answer.unwrap().head.lines().next().unwrap().to_owned()
}

#[test]
fn a_refusal_says_why_in_its_status_line() {
    let (server, image) = server_with_an_image();
    let api = server.api();
    api.ensure_service("web");
    let login = |login: &Login| format!("Authorization: {}\r\n", basic(login));
    let pull = login(&api.registry_login(&json!({ "serviceName": "web" })));
    let push = login(&api.push_login());
    let unknown = format!("gpl_{}", "A".repeat(49));
    let unknown = login(&Login { password: unknown, ..api.push_login() });
    let digest = image.digest();
    for (method, path, authorization, line) in [
        (
            "HEAD",
            "sr/manifests/v1",
            &pull,
            "403 Forbidden: requested access to the resource is denied: this login can only pull the images registered on its service",
        ),
        (
            "HEAD",
            "sr/manifests/v1",
            &unknown,
            "401 Unauthorized: the registry login is unknown or was revoked",
        ),
        ("HEAD", "sr/manifests/v1", &String::new(), "401 Unauthorized: authentication required"),
        (
            "HEAD",
            "sr/manifests/v2",
            &push,
            "404 Not Found: manifest unknown: a push login sees only what it put itself",
        ),
        (
            "GET",
            "sr/tags/list",
            &push,
            "403 Forbidden: requested access to the resource is denied: this login can only push",
        ),
        ("PUT", "sr/manifests/v1", &push, "400 Bad Request: $ must be JSON"),
        (
            "POST",
            &format!("sr/manifests/{digest}"),
            &push,
            "405 Method Not Allowed: `POST` is not supported here",
        ),
        ("GET", "n%0d%0aX:%20y/tags/list", &push, "400 Bad Request: `n%0d%0aX:%20y`"),
        ("GET", "none/such", &push, "404 Not Found: this is not an endpoint"),
    ] {
        let found = status_line(&server, method, path, authorization);
        assert!(found.starts_with(&format!("HTTP/1.1 {line}")), "{method} {path}: {found}");
        assert!(found.len() < 260 && !found.contains("gpl_"), "{found}");
    }
    let found = ask(&server, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").unwrap().head;
    assert!(found.starts_with("HTTP/1.1 400 Bad Request: "), "{found}");
    let found = ask(&server, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n").unwrap().head;
    assert!(found.starts_with("HTTP/1.1 400 Bad Request: a request needs one valid Host header"), "{found}");
    assert_eq!(status_line(&server, "GET", "", &push), "HTTP/1.1 200 OK");
}

#[test]
fn the_logins_of_a_disabled_or_deleted_key_are_refused() {
    let server = server();
    let root = server.api();
    let key = root.gangplank("CreateAccessKey", &json!({})).body["accessKey"].clone();
    let api = root.as_key(&key);
    api.ensure_service("web");
    let login = api.push_login();
    let registry = server.registry_as(&login);
    let switch = |status: &str| {
        let input = json!({ "accessKeyId": key["accessKeyId"], "status": status });
        assert_eq!(root.gangplank("UpdateAccessKey", &input).status, 200);
    };
    assert_eq!(registry.status("GET", ""), 200);
    switch("Disabled");
    refused(registry.send("GET", ""), 401, "UNAUTHORIZED");
    switch("Active");
    assert_eq!(registry.status("GET", ""), 200);
    let input = json!({ "accessKeyId": key["accessKeyId"] });
    assert_eq!(root.gangplank("DeleteAccessKey", &input).status, 200);
    refused(registry.send("GET", ""), 401, "UNAUTHORIZED");
    assert_eq!(server.registry_as(&root.push_login()).status("GET", ""), 200);
}

#[test]
fn guessing_is_slowed_down_and_locks_nobody_out() {
    if crate::are_replicas("each replica has its own limit") {
        return;
    }
    let server = builder().arg("--max-failed-logins-per-minute").arg("3").start();
    let login = server.push_login();
    let wrong = server.registry_as(&Login { password: "guess".to_owned(), ..login.clone() });
    for _ in 0..3 {
        refused(wrong.send("GET", ""), 401, "UNAUTHORIZED");
    }
    let answer = wrong.send("GET", "");
    let wait: u32 = header(&answer, "retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    refused(answer, 429, "TOOMANYREQUESTS");
    assert_eq!(server.registry_as(&login).status("GET", ""), 200);
    assert_eq!(server.registry_as(&server.push_login()).status("GET", ""), 200);
    assert_eq!(server.registry().status("GET", ""), 401);
}

#[test]
fn the_scheme_is_read_without_regard_to_case() {
    let server = server();
    let right = basic(&server.push_login());
    for authorization in [right.replace("Basic", "basic"), right.replace("Basic ", "BASIC  "), right.clone()]
    {
        let request = server.registry().request("GET", "").header(AUTHORIZATION, authorization);
        assert_eq!(request.send().unwrap().status(), 200);
    }
    let twice =
        format!("GET /v2/ HTTP/1.1\r\nHost: a\r\nAuthorization: {right}\r\nAuthorization: {right}\r\n\r\n");
    assert_eq!(ask(&server, twice).unwrap().status, 400);
}

#[test]
fn a_valid_login_is_told_that_this_is_a_registry() {
    let server = server();
    let registry = server.registry_as(&server.push_login());
    for path in ["", "/v2"] {
        let answer = registry.send("GET", path);
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "docker-distribution-api-version"), "registry/2.0");
        assert_eq!(answer.headers().get("access-control-allow-origin"), None);
    }
    for (method, path, status, code) in [
        ("GET", "no/such/endpoint", 404, "NAME_UNKNOWN"),
        ("GET", "sr", 404, "NAME_UNKNOWN"),
        ("POST", "", 405, "UNSUPPORTED"),
        ("BREW", "sr/tags/list", 405, "UNSUPPORTED"),
        ("OPTIONS", "sr/tags/list", 405, "UNSUPPORTED"),
        ("PATCH", "sr/manifests/v1", 405, "UNSUPPORTED"),
        ("DELETE", "sr/tags/list", 405, "UNSUPPORTED"),
    ] {
        let answer = registry.send(method, path);
        assert_eq!(header(&answer, "allow").is_empty(), status != 405, "{method} {path}");
        refused(answer, status, code);
    }
}
