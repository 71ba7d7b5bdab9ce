//! `gangplank push` over a bad connection, with a login that ends, and with an empty server.

use std::fs;
use std::sync::atomic::Ordering;

use gangplank_testkit::Image;
use serde_json::{Value, json};

use crate::image_files::{docker_archive, write_layout};
use crate::push::{push, pushed, ready};
use crate::terminal::on_a_terminal;
use crate::{cutting_proxy, server};

const OPTIONS: [&str; 2] = ["--service-name=web", "--label=app"];

fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn a_push_goes_on_where_it_was_cut() {
    let server = ready();
    // One layer fits a single request, and the other needs several.
    let image = Image::of([noise(20 << 20), noise(70 << 20)]);
    write_layout(&server.home().join("layout"), &image);
    let size: usize = image.blobs().map(|blob| blob.bytes.len()).sum();
    let (proxy, left) = cutting_proxy::start(server.host(), 12 << 20, 4);
    let endpoint = format!("--endpoint-url=http://{proxy}");
    let ran = push(&server, &["oci:layout", OPTIONS[0], OPTIONS[1], "--output=json", &endpoint, "--jobs=1"]);
    let sent = pushed(ran)["bytesSent"].as_u64().unwrap();
    assert_eq!(left.load(Ordering::SeqCst), 0, "every cut was made");
    // Only the bytes that were on the way when the connection was cut are sent again.
    let again = sent - size as u64;
    assert!(again < 4 * (6 << 20), "{again} of {size} bytes were sent again");
    let operator = server.registry_as(&server.operator_login());
    for blob in image.blobs() {
        assert_eq!(operator.status("HEAD", &format!("sr/blobs/{}", blob.digest)), 200);
    }
}

#[test]
fn what_would_be_refused_at_the_end_is_said_before_anything_is_sent() {
    let server = ready();
    let image = Image::unique(2);
    write_layout(&server.home().join("layout"), &image);
    push(&server, &["oci:layout", "--service-name=none", OPTIONS[1]])
        .check_failed(&["\"none\" does not exist", "--create-service"]);
    push(&server, &["oci:layout", OPTIONS[0], "--label=No Label"]).check_failed(&["label"]);
    push(&server, &["oci:layout", "--service-name=No Name", OPTIONS[1]]).check_failed(&["serviceName"]);
    let operator = server.registry_as(&server.operator_login());
    for blob in image.blobs() {
        assert_eq!(operator.status("HEAD", &format!("sr/blobs/{}", blob.digest)), 404);
    }
}

#[test]
fn a_dry_run_says_what_would_be_sent_and_sends_nothing() {
    let server = ready();
    let image = Image::unique(2);
    write_layout(&server.home().join("layout"), &image);
    let plan =
        || pushed(push(&server, &["oci:layout", OPTIONS[0], OPTIONS[1], "--output=json", "--dry-run"]));
    let size: usize = image.blobs().map(|blob| blob.bytes.len()).sum();
    let before = plan();
    assert_eq!((&before["digest"], &before["bytesToSend"]), (&json!(image.digest()), &json!(size)));
    assert_eq!(plan(), before, "nothing was sent");
    pushed(push(&server, &["oci:layout", OPTIONS[0], OPTIONS[1], "--output=json"]));
    let after = plan();
    // Each login sends a configuration again.
    assert_eq!(after["bytesToSend"], json!(image.config.bytes.len()));
    let missing = after["blobs"].as_array().unwrap().iter().filter(|blob| blob["exists"] == json!(false));
    assert_eq!(missing.count(), 1, "{after}");
    let images = server.api().lightsail("GetContainerImages", &json!({ "serviceName": "web" })).body;
    assert_eq!(images["containerImages"].as_array().unwrap().len(), 1);
}

#[test]
fn a_first_push_can_make_its_service() {
    let server = server();
    write_layout(&server.home().join("layout"), &Image::unique(1));
    let create = ["oci:layout", OPTIONS[0], OPTIONS[1], "--create-service"];
    let planned = push(&server, &[create.as_slice(), &["--dry-run", "--output=json"]].concat());
    assert!(planned.stderr.contains("Would create the container service web.\n"), "{planned:?}");
    assert!(pushed(planned)["bytesToSend"].as_u64().unwrap() > 0);
    let services = || -> Vec<Value> {
        let answer = server.api().lightsail("GetContainerServices", &json!({})).body;
        answer["containerServices"].as_array().unwrap().clone()
    };
    assert!(services().is_empty(), "a dry run makes no service");
    let ran = push(&server, &[create.as_slice(), &["--power=micro", "--scale=2", "--quiet"]].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ":web.app.1\n"), "{ran:?}");
    assert_eq!((&services()[0]["power"], &services()[0]["scale"]), (&json!("micro"), &json!(2)));
    assert_eq!(push(&server, &[create.as_slice(), &["-q"]].concat()).stdout, ":web.app.2\n");
    push(&server, &["oci:layout", OPTIONS[0], OPTIONS[1], "--power=micro"])
        .check_usage(&["--create-service"]);
    push(&server, &[create.as_slice(), &["--power=huge"]].concat()).check_usage(&["nano, micro"]);
}

#[test]
fn on_a_terminal_there_is_a_bar_for_each_layer() {
    let server = ready();
    fs::write(server.home().join("saved.tar"), docker_archive(&Image::of([noise(8 << 20)]))).unwrap();
    let data_dir = server.data_dir();
    let line = format!(
        "push docker-archive:saved.tar {} --data-dir {}",
        OPTIONS.join(" "),
        data_dir.to_str().unwrap()
    );
    let Some((code, text)) = on_a_terminal(server.home(), &line, &[]) else { return };
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("layer 1") && text.contains("=>") && text.contains("\u{1b}["), "{text}");
    assert!(text.contains(": pushed, ") && text.contains("Registered as :web.app.1"), "{text}");
    assert!(text.contains("8.0 MiB sent in "), "{text}");
}
