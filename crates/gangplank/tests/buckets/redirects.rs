//! Pulls that are redirected to the bucket's server.

use std::path::Path;
use std::process::Command;

use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::s3::{Fault, Program};
use gangplank_testkit::{Image, Login, ServerBuilder, TestServer};
use reqwest::blocking::Client;
use reqwest::redirect::Policy;

use crate::world::{World, blob, builder};

/// The registry's host is 127.0.0.1, so the bucket's server must have another host name.
fn other_name(endpoint: &str) -> String {
    endpoint.replace("127.0.0.1", "localhost")
}

fn world() -> Option<World> {
    let s3 = crate::world::s3(Program::Versitygw)?;
    let public = other_name(&s3.endpoint());
    let redirecting =
        |builder: ServerBuilder| builder.arg("--redirect-pulls").arg("--redirect-endpoint").arg(public);
    World::start_with(Program::Versitygw, redirecting)
}

/// Sends a request without following a redirect. Returns the status and the `Location`.
fn ask(
    server: &TestServer,
    login: &Login,
    method: &str,
    digest: &str,
    range: Option<&str>,
) -> (u16, Option<String>) {
    let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let url = format!("{}/v2/sr/blobs/{digest}", server.endpoint());
    let mut request =
        client.request(method.parse().unwrap(), url).basic_auth(&login.username, Some(&login.password));
    if let Some(range) = range {
        request = request.header("range", range);
    }
    let answer = request.send().unwrap();
    let location = answer.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), location)
}

#[test]
fn a_whole_large_blob_is_read_at_the_bucket_with_a_url_alone() {
    let Some(world) = world() else { return };
    let World { server, registry, .. } = &world;
    let (large, small) = (blob(3 << 20), blob(1 << 20));
    for blob in [&large, &small] {
        assert_eq!(registry.push_blob("sr", blob), 201);
    }
    let login = server.api().registry_login(&serde_json::json!({ "scope": ["pull"] }));
    let (status, location) = ask(server, &login, "GET", &large.digest, None);
    let location = location.unwrap();
    assert_eq!(status, 307);
    assert!(location.starts_with(&other_name(&world.s3.endpoint())), "{location}");
    assert!(location.contains("X-Amz-Expires=600&"), "{location}");
    let read = Client::builder().no_proxy().build().unwrap().get(&location).send().unwrap();
    assert_eq!(read.status(), 200);
    assert!(read.bytes().unwrap() == large.bytes);

    assert_eq!(ask(server, &login, "GET", &small.digest, None), (200, None), "a small one");
    assert_eq!(ask(server, &login, "HEAD", &large.digest, None), (200, None), "HEAD");
    assert_eq!(ask(server, &login, "GET", &large.digest, Some("bytes=0-9")), (206, None), "a part");
    let push = server.push_login();
    let (status, location) = ask(server, &push, "GET", &large.digest, None);
    assert!((400..500).contains(&status) && location.is_none(), "{status}");
    let missing = blob(2 << 20);
    assert_eq!(ask(server, &login, "GET", &missing.digest, None), (404, None));
    let signature = |text: &str| text.contains("X-Amz-Signature") || text.contains("X-Amz-Credential");
    assert!(!signature(&server.log()), "{}", server.log());
}

#[test]
fn whoever_calls_the_registry_by_the_buckets_name_gets_the_bytes_from_it() {
    let Some(world) = world() else { return };
    let large = blob(2 << 20);
    assert_eq!(world.registry.push_blob("sr", &large), 201);
    let (port, login) = (world.server.address().port(), world.server.operator_login());
    let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let url = format!("http://localhost:{port}/v2/sr/blobs/{}", large.digest);
    let get = client.get(url).basic_auth(&login.username, Some(&login.password)).send().unwrap();
    assert_eq!(get.status(), 200);
}

#[test]
fn content_that_is_gone_is_not_sent_on() {
    let Some(mut world) = world() else { return };
    let large = blob(2 << 20);
    assert_eq!(world.registry.push_blob("sr", &large), 201);
    world.objects().iter().for_each(|key| world.s3.delete(key));
    world.server.terminate();
    world.server.restart();
    let login = world.server.operator_login();
    assert_eq!(ask(&world.server, &login, "GET", &large.digest, None), (404, None));
    world.proxy.decide(|_| Fault::Refuse(503, "SlowDown"));
    assert_eq!(ask(&world.server, &login, "GET", &large.digest, None), (503, None));
}

#[test]
fn an_address_that_would_get_logins_is_refused_at_the_start() {
    let Some(s3) = crate::world::s3(Program::Versitygw) else { return };
    let builder = builder().in_bucket(s3, &s3.endpoint(), "redirected").arg("--redirect-pulls");
    let said = TestServer::refused(&builder.arg("--public-address").arg("127.0.0.1:5000"));
    assert!(said.contains("take their login along"), "{said}");
}

/// A program that a test runs, if it is installed.
fn program(name: &str) -> Option<String> {
    let path = match name {
        "crane" => std::env::var("GANGPLANK_GO_CLIENTS").ok().map(|folder| format!("{folder}/crane")),
        _ => Some(name.to_owned()),
    };
    let found = path.filter(|path| Command::new(path).arg("--help").output().is_ok());
    if found.is_none() {
        gangplank_testkit::skip(&format!("{name} is not installed"));
    }
    found
}

fn run(mut command: Command) {
    let done = command.output().unwrap();
    assert!(
        done.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

fn pushed(world: &World) -> (Image, Login) {
    let image = Image::of((0..3_u8).map(|layer| {
        let mut seed = u64::from(layer) + u64::from(std::process::id());
        (0..3 << 20)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                seed.to_le_bytes()[5]
            })
            .collect()
    }));
    world.registry.push_image("sr", "large", &image);
    let read =
        world.registry.request("GET", "sr/manifests/large").header("accept", OCI_MANIFEST).send().unwrap();
    assert_eq!(read.status(), 200);
    (image, world.server.api().registry_login(&serde_json::json!({ "scope": ["pull"] })))
}

/// Checks that the layers arrived, and that the client did not get them from our server: the proxy in front of
/// the bucket saw only one read, that of the configuration.
fn was_sent_on(world: &World, image: &Image, folder: &Path) {
    assert!(world.proxy.count("GetObject") <= 1, "{:?}", world.proxy.seen());
    for layer in &image.layers {
        let hex = layer.digest.trim_start_matches("sha256:");
        assert!(std::fs::read(folder.join("blobs/sha256").join(hex)).unwrap() == layer.bytes);
    }
}

#[test]
fn skopeo_follows() {
    let (Some(world), Some(skopeo)) = (world(), program("skopeo")) else { return };
    let (image, login) = pushed(&world);
    let folder = world.server.home().join("skopeo");
    world.proxy.decide(|_| Fault::None);
    let mut command = Command::new(skopeo);
    command.args(["copy", "--src-tls-verify=false", "--preserve-digests"]);
    command.args(["--src-creds", &format!("{}:{}", login.username, login.password)]);
    command
        .arg(format!("docker://{}/sr:large", world.server.host()))
        .arg(format!("oci:{}", folder.display()));
    run(command);
    was_sent_on(&world, &image, &folder);
}

#[test]
fn crane_follows() {
    let (Some(world), Some(crane)) = (world(), program("crane")) else { return };
    let (image, login) = pushed(&world);
    let folder = world.server.home().join("crane");
    let config = world.server.home().join("docker");
    std::fs::create_dir(&config).unwrap();
    let mut command = Command::new(&crane);
    command.env("DOCKER_CONFIG", &config).args(["auth", "login", &world.server.host(), "--insecure"]);
    command.args(["-u", &login.username, "-p", &login.password]);
    run(command);
    world.proxy.decide(|_| Fault::None);
    let mut command = Command::new(crane);
    command.env("DOCKER_CONFIG", &config).args(["pull", "--insecure", "--format", "oci"]);
    command.arg(format!("{}/sr:large", world.server.host())).arg(&folder);
    run(command);
    was_sent_on(&world, &image, &folder);
}
