//! `lightsailctl`, the AWS CLI's plugin, and `gangplank lightsail push-container-image`, which needs no plugin.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use gangplank_testkit::{Image, TestServer};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::{Ran, command, home, run_with_input};
use crate::fake_amazon::FakeAmazon;
use crate::image_files::docker_archive;
use crate::{PROGRAM, fake_engine, server};

fn plugin(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg0("/usr/local/bin/lightsailctl").args(args).env_clear();
    command.env("HOME", home).env("TMPDIR", home).current_dir(home);
    command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "secret-of-nobody-at-all-x");
    command
}

/// The input that `aws lightsail push-container-image --service-name hello --label www --image app:v1` gives its
/// plugin.
fn input(configuration: &Value) -> Value {
    json!({
        "inputVersion": "1",
        "operation": "PushContainerImage",
        "payload": { "service": "hello", "image": "app:v1", "label": "www" },
        "configuration": configuration,
    })
}

fn push(home: &TempDir, engine: &str, configuration: &Value) -> Ran {
    let mut command = plugin(home.path(), &["--plugin", "--input-stdin"]);
    command.env("DOCKER_HOST", engine);
    run_with_input(command, &input(configuration).to_string())
}

/// An engine with the image `app:v1`.
fn engine(home: &Path) -> (String, Image) {
    let image = Image::of([vec![7; 1 << 20], b"small".to_vec()]);
    (fake_engine::start(home, "app:v1", docker_archive(&image)), image)
}

#[test]
fn the_calls_and_the_lines_are_those_of_amazons_plugin() {
    let (home, amazon) = (home(), FakeAmazon::start());
    let (engine, image) = engine(home.path());
    *amazon.version.lock().unwrap() =
        json!({ "metadata": [{ "name": "lightsailctlVersion", "value": "1.0.8" }] });
    let configuration =
        json!({ "endpoint": amazon.endpoint, "region": "us-west-2", "doNotSignRequest": false });
    let ran = push(&home, &engine, &configuration);
    assert_eq!(ran.code, Some(0), "{ran:?}");

    let (tag, manifest) = amazon.manifest();
    let digest = gangplank_oci::Digest::sha256(&manifest).to_string();
    assert_eq!(
        ran.stdout,
        format!(
            "Digest: {digest}\nImage \"app:v1\" registered.\nRefer to this image as \":hello.www.73\" in deployments.\n"
        )
    );
    assert!(!ran.stderr.contains("WARNING"), "{ran:?}");
    let register = json!({ "serviceName": "hello", "label": "www", "digest": digest });
    assert_eq!(
        amazon.calls(),
        [
            "GetContainerAPIMetadata {}".to_owned(),
            "CreateContainerServiceRegistryLogin {}".to_owned(),
            format!("PUT /v2/sr/manifests/{tag}"),
            format!("RegisterContainerImage {register}"),
        ]
    );
    let (nanoseconds, random) = tag.split_once('-').unwrap();
    assert!(nanoseconds.len() == 19 && random.len() == 13, "{tag}");

    // The requests are those of a push by Docker, and none is of a kind that Amazon's registry refuses.
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["mediaType"], "application/vnd.docker.distribution.manifest.v2+json");
    assert_eq!(manifest["config"]["digest"], image.config.digest);
    for layer in manifest["layers"].as_array().unwrap() {
        assert!(amazon.has(layer["digest"].as_str().unwrap()), "{layer}");
    }
}

#[test]
fn a_login_that_ends_on_the_way_is_made_anew() {
    for requests in [1, 3, 6, 9] {
        let (home, amazon) = (home(), FakeAmazon::start());
        let (engine, _) = engine(home.path());
        amazon.end_login_after(requests);
        let ran = push(&home, &engine, &json!({ "endpoint": amazon.endpoint, "region": "us-west-2" }));
        assert_eq!((ran.code, ran.stdout.lines().count()), (Some(0), 3), "after {requests}: {ran:?}");
        let logins = amazon.calls().iter().filter(|call| call.starts_with("CreateContainer")).count();
        assert_eq!(logins, 2, "after {requests}: {:?}", amazon.calls());
    }
}

#[test]
fn what_is_wrong_with_the_version_check_stops_nobody() {
    let (home, amazon) = (home(), FakeAmazon::start());
    let (engine, _) = engine(home.path());
    let configuration =
        json!({ "endpoint": amazon.endpoint, "region": "us-west-2", "doNotSignRequest": true });
    for (told, warned) in [
        (json!({ "metadata": [{ "name": "lightsailctlVersion", "value": "9.0.0" }] }), true),
        (json!({ "metadata": [{ "name": "lightsailctlVersion", "value": "nonsense" }] }), false),
        (json!({ "metadata": 5 }), false),
    ] {
        *amazon.version.lock().unwrap() = told;
        let ran = push(&home, &engine, &configuration);
        assert_eq!((ran.code, ran.stdout.lines().count()), (Some(0), 3), "{ran:?}");
        assert_eq!(ran.stderr.contains("WARNING"), warned, "{ran:?}");
    }
    assert!(
        amazon.calls().iter().filter(|call| !call.starts_with("PUT")).all(|call| call.contains("unsigned"))
    );
}

#[test]
fn a_refusal_has_the_form_that_scripts_know() {
    let (home, amazon) = (home(), FakeAmazon::start());
    let (engine, _) = engine(home.path());
    let mut order = input(&json!({ "endpoint": amazon.endpoint, "region": "us-west-2" }));
    order["payload"]["service"] = json!("none");
    let mut command = plugin(home.path(), &["--plugin", "--input", &order.to_string()]);
    command.env("DOCKER_HOST", &engine);
    let ran = run_with_input(command, "");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    let last = ran.stderr.lines().last().unwrap();
    assert_eq!(
        last,
        "operation error Lightsail: RegisterContainerImage, https response error StatusCode: 400, RequestID: id-7, \
         NotFoundException: no such service"
    );
}

#[test]
fn what_is_wrong_is_said() {
    let (home, amazon) = (home(), FakeAmazon::start());
    let (engine, _) = engine(home.path());
    let configuration = json!({ "endpoint": amazon.endpoint, "region": "us-west-2" });
    let failed = |ran: Ran, words: &[&str]| {
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
        for word in words {
            assert!(ran.stderr.contains(word), "{word} is not in {ran:?}");
        }
    };
    let mut absent = input(&configuration);
    absent["payload"]["image"] = json!("absent:v1");
    let mut command = plugin(home.path(), &["-plugin", "-input-stdin"]);
    command.env("DOCKER_HOST", &engine);
    failed(run_with_input(command, &absent.to_string()), &["absent:v1", "engine.sock"]);
    failed(
        push(&home, "unix:///nowhere/sock", &configuration),
        &["no engine answers at unix:///nowhere/sock"],
    );
    failed(push(&home, &engine, &json!({ "endpoint": amazon.endpoint })), &["no region"]);
    let nobody = plugin(home.path(), &["--plugin", "--input-stdin"]);
    let run = |mut command: Command, input: &str| {
        command.env_remove("AWS_ACCESS_KEY_ID");
        run_with_input(command, input)
    };
    failed(run(nobody, &input(&configuration).to_string()), &["no access key"]);
    failed(run(plugin(home.path(), &["--plugin", "--input-stdin"]), "{"), &["invalid plugin input"]);
    failed(run(plugin(home.path(), &["--plugin"]), ""), &["--input-stdin"]);
    failed(run(plugin(home.path(), &[]), ""), &["AWS CLI"]);
    let version = run(plugin(home.path(), &["--version"]), "");
    assert!(version.stdout.starts_with("v1.0.8") && version.code == Some(0), "{version:?}");
}

fn lightsail(server: &TestServer, engine: &str, args: &[&str]) -> Ran {
    let mut command = command(server.home(), &[&["lightsail", "push-container-image"], args].concat());
    let data = server.data_dir();
    command.env("AWS_SHARED_CREDENTIALS_FILE", data.join("credentials"));
    command.env("AWS_CONFIG_FILE", data.join("config")).env("DOCKER_HOST", engine);
    run_with_input(command, "")
}

#[test]
fn without_a_plugin_an_image_is_pushed_by_the_same_command() {
    let server = server();
    server.api().ensure_service("web");
    let (engine, image) = engine(server.home());
    let order = ["--service-name", "web", "--image", "app:v1", "--label", "www"];
    let ran = lightsail(&server, &engine, &order);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("Digest: sha256:"), "{ran:?}");
    let rest = ["Image \"app:v1\" registered.", "Refer to this image as \":web.www.1\" in deployments."];
    assert_eq!(lines[1..], rest);
    let operator = server.registry_as(&server.operator_login());
    assert_eq!(operator.status("HEAD", &format!("sr/blobs/{}", image.config.digest)), 200);

    let absent = lightsail(&server, &engine, &["--service-name=web", "--image=absent", "--label=www"]);
    assert_eq!((absent.code, absent.stdout.as_str()), (Some(255), ""), "{absent:?}");
    let none = lightsail(&server, &engine, &["--service-name=none", "--image=app:v1", "--label=www"]);
    assert_eq!(none.code, Some(255));
    assert!(none.stderr.contains("operation error Lightsail: RegisterContainerImage"), "{none:?}");
    for (args, words) in [
        (&["--service-name", "web"][..], "required: --image, --label"),
        (&["--generate-cli-skeleton"][..], "required: --service-name, --image, --label"),
        (&["--service-name=w", "--image=i", "--label=l", "--cli-input-json", "{}"][..], "--cli-input-json"),
        (&["--service-name=w", "--image=i", "--label=l", "more"][..], "Unknown options: more"),
    ] {
        let ran = lightsail(&server, &engine, args);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(252), ""), "{ran:?}");
        assert!(ran.stderr.contains(words), "{ran:?}");
    }
    let page = lightsail(&server, &engine, &["help"]);
    assert!(page.stdout.contains("SYNOPSIS") && page.stdout.contains("--image"), "{page:?}");
}
