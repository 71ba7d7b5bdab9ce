//! The bucket's server is out of reach, in every way in which servers fail, and comes back. The tests check
//! what still works, what is refused and how soon, and that nobody has to restart anything.

use std::time::{Duration, Instant};

use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::s3::{Fault, Program, S3Server};
use gangplank_testkit::{Blob, Image, Registry, ServerBuilder, TestServer, replicas};
use rustix::process::Signal;
use serde_json::json;

use crate::world::{PART, World, blob, builder, code, until};

/// Longer than any step may take.
const LONG: Duration = Duration::from_mins(1);

/// The promised times: the longest time until a refusal, and the longest time until all works again.
const REFUSED: Duration = Duration::from_secs(35);
const HEALED: Duration = Duration::from_secs(15);

/// The content of the registry before the bucket was out of reach.
struct Before {
    seen: Blob,
    image: Image,
    /// A session with a few bytes, and one with more bytes than a part has.
    little: String,
    much: (String, Blob),
}

impl Before {
    fn of(server: &TestServer, registry: &Registry) -> Self {
        let (seen, image, all) = (blob(2 * PART + 11), Image::unique(2), blob(PART + 4_000));
        assert_eq!(registry.push_blob("sr", &seen), 201);
        registry.push_image("sr", "before", &image);
        server.api().ensure_service("away");
        let (little, much) = (registry.start_upload("sr"), registry.start_upload("sr"));
        let patched =
            registry.request("PATCH", &much).body(all.bytes[..PART + 1_000].to_vec()).send().unwrap();
        assert_eq!(patched.status(), 202);
        let much = patched.headers()["location"].to_str().unwrap().to_owned();
        Self { seen, image, little, much: (much, all) }
    }
}

/// Requests that need no bytes of a blob succeed at once.
fn rows_work(server: &TestServer, registry: &Registry, before: &Before) {
    let begun = Instant::now();
    assert_eq!(server.registry_as(&server.operator_login()).status("GET", "sr/tags/list"), 200);
    server.push_login();
    let api = server.api();
    assert_eq!(api.lightsail("GetContainerServices", &json!({})).status, 200);
    let digest = before.image.digest();
    for reference in ["before", &digest] {
        for method in ["GET", "HEAD"] {
            assert_eq!(registry.status(method, &format!("sr/manifests/{reference}")), 200);
        }
    }
    let put = registry.put_manifest("sr", "after", OCI_MANIFEST, &before.image.manifest);
    assert_eq!(put.status(), 201);
    assert_eq!(registry.status("GET", "sr/tags/list"), 200);
    assert!(api.register("away", "while", &digest).starts_with(":away.while."));
    assert_eq!(api.lightsail("GetContainerImages", &json!({ "serviceName": "away" })).status, 200);
    let collected = api.gangplank("CollectGarbage", &json!({}));
    assert_eq!(collected.status, 200, "{collected:?}");
    let ready = format!("http://{}/readyz", server.admin_address().unwrap());
    assert_eq!(reqwest::blocking::get(ready).unwrap().status(), 200);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

/// A blob that was seen within the last hour counts as existing, without a request to the bucket.
fn what_was_seen_is_there(registry: &Registry, before: &Before) {
    let begun = Instant::now();
    for blob in before.image.blobs().chain([&before.seen]) {
        assert_eq!(registry.status("HEAD", &format!("sr/blobs/{}", blob.digest)), 200);
        let mount = format!("other/blobs/uploads/?mount={}&from=sr", blob.digest);
        assert_eq!(registry.status("POST", &mount), 201);
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// Requests that need bytes of a blob are refused in time, and the client is told to try again.
fn bytes_are_refused(registry: &Registry, before: &Before, is_new: bool) {
    let (whole, more) = (blob(3_000), blob(3 * PART));
    let seen = format!("sr/blobs/{}", before.seen.digest);
    let mut asked = vec![
        ("GET", seen.clone(), None),
        ("GET", format!("sr/blobs/{}", before.image.config.digest), None),
        ("PATCH", before.little.clone(), Some(whole.bytes.clone())),
        ("PUT", format!("{}?digest={}", before.much.0, before.much.1.digest), Some(rest(before))),
        ("POST", format!("sr/blobs/uploads/?digest={}", whole.digest), Some(whole.bytes)),
        ("POST", format!("sr/blobs/uploads/?digest={}", more.digest), Some(more.bytes)),
    ];
    if is_new {
        asked.push(("HEAD", seen, None));
        asked.push(("POST", format!("third/blobs/uploads/?mount={}&from=sr", before.seen.digest), None));
    }
    std::thread::scope(|scope| {
        for (method, path, body) in asked {
            scope.spawn(move || {
                let begun = Instant::now();
                let request = registry.request(method, &path).timeout(LONG).body(body.unwrap_or_default());
                let (status, retry) = code(request.send().unwrap());
                assert_eq!(status, 503, "{method} {path}");
                assert!(retry.is_some(), "{method} {path}");
                assert!(begun.elapsed() < REFUSED, "{method} {path}: {:?}", begun.elapsed());
            });
        }
    });
}

fn rest(before: &Before) -> Vec<u8> {
    before.much.1.bytes[PART + 1_000..].to_vec()
}

/// All is well again, and the sessions continue.
fn everything_works(registry: &Registry, before: &Before) {
    let new = blob(5_000);
    let begun = Instant::now();
    until(HEALED, || registry.push_blob("sr", &new) == 201);
    let pulled = |blob: &Blob| {
        let get = registry.request("GET", &format!("sr/blobs/{}", blob.digest)).timeout(LONG).send();
        get.is_ok_and(|answer| answer.status() == 200 && answer.bytes().is_ok_and(|read| read == blob.bytes))
    };
    until(HEALED, || pulled(&before.seen) && pulled(&before.image.config) && pulled(&new));
    assert_eq!(registry.status("HEAD", &format!("sr/blobs/{}", before.seen.digest)), 200);
    let finish = format!("{}?digest={}", before.much.0, before.much.1.digest);
    until(HEALED, || registry.put_blob(&finish, &rest(before)) == 201);
    assert!(pulled(&before.much.1));
    assert!(begun.elapsed() < HEALED, "{:?}", begun.elapsed());
}

fn with_admin(builder: ServerBuilder) -> ServerBuilder {
    builder.arg("--admin-listen").arg("127.0.0.1:0")
}

fn trial(server: &TestServer, registry: &Registry, take: impl FnOnce(), bring: impl FnOnce()) {
    let before = Before::of(server, registry);
    take();
    bytes_are_refused(registry, &before, false);
    rows_work(server, registry, &before);
    what_was_seen_is_there(registry, &before);
    bring();
    everything_works(registry, &before);
}

fn faulty(fault: Fault) {
    let Some(world) = World::start_with(Program::Versitygw, with_admin) else { return };
    let World { server, registry, proxy, .. } = &world;
    trial(server, registry, || proxy.decide(move |_| fault.clone()), || proxy.mend());
}

#[test]
fn a_server_that_closes_every_connection() {
    faulty(Fault::SwallowAnswer);
}

#[test]
fn a_server_that_says_nothing() {
    faulty(Fault::Freeze);
}

#[test]
fn a_server_that_asks_to_slow_down() {
    faulty(Fault::Refuse(503, "SlowDown"));
}

#[test]
fn a_server_that_fails() {
    faulty(Fault::Refuse(500, "InternalError"));
}

#[test]
fn a_server_that_says_that_all_is_well_and_has_an_error() {
    faulty(Fault::ErrorIn200("InternalError"));
}

#[test]
fn a_balancer_that_has_a_page_of_its_own() {
    faulty(Fault::Answer("<html>We are back soon</html>"));
}

#[test]
fn a_balancer_that_finds_nothing() {
    faulty(Fault::Refuse(404, ""));
}

/// An S3 server for this test only: the test does things to it that would disturb other tests.
fn own() -> Option<(S3Server, TestServer, Registry)> {
    let Some(s3) = S3Server::start(Program::Versitygw) else {
        gangplank_testkit::skip("versitygw is not installed");
        return None;
    };
    let server = with_admin(builder().in_bucket(&s3, &s3.endpoint(), "away")).start();
    let registry = server.registry_as(&server.operator_login());
    Some((s3, server, registry))
}

/// A server on PostgreSQL listens before it has reached the database.
fn until_ready(server: &TestServer) {
    let ready = format!("http://{}/readyz", server.admin_address().unwrap());
    until(LONG, || reqwest::blocking::get(&ready).is_ok_and(|answer| answer.status() == 200));
}

fn killed(mut s3: S3Server, mut server: TestServer, registry: &Registry) {
    let before = Before::of(&server, registry);
    s3.kill();
    bytes_are_refused(registry, &before, false);
    rows_work(&server, registry, &before);
    what_was_seen_is_there(registry, &before);
    server.terminate();
    let begun = Instant::now();
    server.restart();
    until_ready(&server);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    bytes_are_refused(registry, &before, true);
    rows_work(&server, registry, &before);
    s3.restart();
    everything_works(registry, &before);
    assert!(server.log().contains("is within reach"), "{}", server.log());
}

#[test]
fn a_server_that_is_killed_and_one_of_ours_that_starts_meanwhile() {
    let Some((s3, server, registry)) = own() else { return };
    killed(s3, server, &registry);
}

#[test]
fn a_server_that_is_killed_while_the_rows_are_in_postgresql() {
    if let Some(why) = replicas::missing() {
        return gangplank_testkit::skip(&why);
    }
    let s3 = S3Server::start(Program::Versitygw).unwrap();
    replicas::postgres().create("away");
    let url = replicas::postgres().url("away");
    let builder = builder().in_bucket(&s3, &s3.endpoint(), "away").on_database(&url, "registry.test");
    let server = with_admin(builder).start();
    until_ready(&server);
    let registry = server.registry_as(&server.operator_login());
    killed(s3, server, &registry);
}

#[test]
fn a_server_that_stands_still() {
    let Some((s3, server, registry)) = own() else { return };
    trial(&server, &registry, || s3.signal(Signal::STOP), || s3.signal(Signal::CONT));
}

#[test]
fn a_new_server_of_ours_starts_before_the_bucket() {
    let Some(mut s3) = S3Server::start(Program::Versitygw) else { return };
    s3.kill();
    let server = with_admin(builder().in_bucket(&s3, &s3.endpoint(), "new")).start();
    let registry = server.registry_as(&server.operator_login());
    let first = blob(4_000);
    let whole = format!("sr/blobs/uploads/?digest={}", first.digest);
    let (status, retry) = code(registry.request("POST", &whole).body(first.bytes.clone()).send().unwrap());
    assert_eq!((status, retry.is_some()), (503, true));
    s3.restart();
    until(HEALED, || registry.push_blob("sr", &first) == 201);
    let held = s3.keys_under("new/");
    assert!(held.contains(&"new/gangplank.json".to_owned()), "{held:?}");
}

#[test]
fn a_bucket_that_is_within_reach_and_wrong_is_refused_in_words() {
    let Some(world) = World::start(Program::Versitygw) else { return };
    let s3 = world.s3;
    let at = |bucket: &str, secret: &str| {
        let (id, _) = s3.keys();
        let builder = builder().arg("--blobs").arg(bucket).arg("--s3-endpoint").arg(s3.endpoint());
        builder.env("GANGPLANK_S3_ACCESS_KEY_ID", id).env("GANGPLANK_S3_SECRET_ACCESS_KEY", secret)
    };
    let (_, secret) = s3.keys();
    for (builder, words) in [
        (at("s3://no-such-bucket/x", secret), "NoSuchBucket"),
        (at("s3://registry/x", "a-wrong-secret"), "SignatureDoesNotMatch"),
        (at(&format!("s3://registry/{}", world.prefix), secret), "is the place of cluster"),
    ] {
        let said = TestServer::refused(&builder);
        assert!(said.contains(words), "{words}: {said}");
        assert!(!said.contains("a-wrong-secret"));
    }
}
