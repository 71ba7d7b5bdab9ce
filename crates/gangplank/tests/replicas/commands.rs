//! Commands that open the store while its replicas run.

use std::time::Duration;

use gangplank_testkit::replicas::{postgres, s3};
use gangplank_testkit::{Api, Blob, Image, Registry};
use serde_json::Value;

use crate::start::{Alone, new_prefix, said};
use crate::world::{Trials, builder, until};

pub(crate) const TRIALS: Trials = &[
    ("commands::fsck_finds_what_the_bucket_lost", fsck),
    ("commands::gc_collects_beside_replicas", gc),
    ("commands::tables_of_other_releases_are_used_only_if_they_fit", tables_of_others),
    ("commands::audit_and_access_keys_need_no_server", without_a_server),
];

fn json(alone: &Alone, args: &[&str], status: i32) -> Value {
    let output = alone.run(&[args, &["--output", "json"]].concat());
    assert_eq!(output.status.code(), Some(status), "{args:?}: {}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn kinds(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().filter_map(|it| it["kind"].as_str()).collect()
}

fn fsck() {
    let (url, prefix) = (postgres().create("fsck"), new_prefix());
    let alone = Alone::on(&url, &prefix);
    let server = builder().replicas(2).in_bucket(s3(), &s3().endpoint(), &prefix).sharing(&url).start();
    let login = server.operator_login();
    let registry = |number| -> Registry { server.replica(number).registry_as(&login) };
    let image = Image::unique(2);
    registry(0).push_image("sr", "kept", &image);
    let (report, read) = (json(&alone, &["fsck"], 0), json(&alone, &["fsck", "--read"], 0));
    assert_eq!((&report["ok"], &report["contents"]), (&Value::Bool(true), &read["contents"]));
    assert_eq!(report["contents"], image.blobs().count());

    // If other bytes have the same size, only a command that reads them finds the damage.
    let objects = s3().keys_under(&format!("{prefix}/content/"));
    let (lost, changed) = (&objects[0], &objects[1]);
    s3().put(changed, &vec![7; s3().size(changed).unwrap()]);
    assert_eq!(kinds(&json(&alone, &["fsck"], 0)), [""; 0]);
    assert_eq!(kinds(&json(&alone, &["fsck", "--read"], 2)), ["damaged-content"]);
    s3().delete(lost);
    assert_eq!(kinds(&json(&alone, &["fsck"], 2)), ["missing-content"]);
    let mut both = json(&alone, &["fsck", "--read", "--repair"], 2);
    let findings = both["findings"].take();
    assert!(findings.as_array().unwrap().iter().all(|it| it["done"].is_string()), "{findings}");
    for number in 0..2 {
        let status = |blob: &Blob| registry(number).status("HEAD", &format!("sr/blobs/{}", blob.digest));
        assert_eq!(image.blobs().filter(|blob| status(blob) == 404).count(), 2, "the two are pushed again");
    }
    registry(1).push_image("sr", "kept", &image);
    assert_eq!(json(&alone, &["fsck", "--read"], 0)["ok"], true);
}

fn gc() {
    let (url, prefix) = (postgres().create("gc_beside"), new_prefix());
    let alone = Alone::on(&url, &prefix);
    let server = builder()
        .replicas(2)
        .in_bucket(s3(), &s3().endpoint(), &prefix)
        .sharing(&url)
        .env("GANGPLANK_RESTORE_WINDOW", "0")
        .start();
    let registry = server.replica(0).registry_as(&server.operator_login());
    let digest = registry.push_image("sr", "garbage", &Image::unique(2));
    assert_eq!(registry.status("DELETE", "sr/manifests/garbage"), 202);
    let planned = json(&alone, &["gc", "--dry-run", "--grace", "0"], 0);
    assert_eq!(
        (&planned["dryRun"], &planned["manifests"]),
        (&Value::Bool(true), &Value::from(1)),
        "{planned}"
    );
    let told = said(&alone.run(&["gc", "--dry-run", "--grace", "0", "--output", "text"]));
    assert!(told.contains("leave the bucket now, except for versions that it keeps"), "{told}");
    assert_eq!(registry.status("HEAD", &format!("sr/manifests/{digest}")), 200);
    let done = json(&alone, &["gc", "--grace", "0"], 0);
    assert_eq!((&done["manifests"], &done["blobs"]), (&Value::from(1), &planned["blobs"]), "{done}");
    let again = json(&alone, &["gc", "--grace", "0"], 0);
    assert_eq!(again["manifests"], 0);
    let other = server.replica(1).registry_as(&server.operator_login());
    assert_eq!(other.status("HEAD", &format!("sr/manifests/{digest}")), 404);
}

fn tables_of_others() {
    let (name, prefix) = ("other_tables", new_prefix());
    let url = postgres().create(name);
    let alone = Alone::on(&url, &prefix);
    let migrate = |is_good: bool, words: &str| {
        let output = alone.run(&["database", "migrate"]);
        assert!(output.status.success() == is_good && said(&output).contains(words), "{}", said(&output));
    };
    migrate(false, "has no tables of gangplank");
    let server = builder()
        .replicas(1)
        .in_bucket(s3(), &s3().endpoint(), &prefix)
        .sharing(&url)
        .env("GANGPLANK_MIGRATE", "true")
        .start();
    migrate(true, "nothing to do");
    let api = server.api();
    // A later release has extended the tables.
    postgres().query(name, "UPDATE cluster SET schema = schema + 1").unwrap();
    migrate(true, "nothing to do");
    assert_eq!(json(&alone, &["fsck"], 0)["ok"], true);
    api.ensure_service("web");
    // A later release has removed something that this one needs.
    postgres().query(name, "UPDATE cluster SET oldest = schema").unwrap();
    until("it gets no requests", Duration::from_secs(10), || !server.replica(0).is_ready());
    migrate(false, "use a later program");
    assert!(said(&alone.run(&["fsck"])).contains("use a later program"));
    // The tables are those of an earlier release.
    postgres().query(name, "UPDATE cluster SET schema = 6, oldest = 6").unwrap();
    migrate(false, "use an earlier release first");
    assert!(said(&alone.run(&["fsck"])).contains("gangplank database migrate"));
    drop(server);
    for more in [&[][..], &["--migrate"]] {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--public-address", "registry.example.com"];
        let refused = alone.run(&[&serve, more].concat());
        let words =
            if more.is_empty() { "gangplank database migrate" } else { "use an earlier release first" };
        assert!(!refused.status.success() && said(&refused).contains(words), "{}", said(&refused));
    }
}

fn without_a_server() {
    let (url, prefix) = (postgres().create("without_a_server"), new_prefix());
    let alone = Alone::on(&url, &prefix);
    let server = builder().replicas(2).in_bucket(s3(), &s3().endpoint(), &prefix).sharing(&url).start();
    server.api().ensure_service("web");
    let key = json(&alone, &["access-key", "create"], 0);
    let text = |name: &str| key[name].as_str().unwrap().to_owned();
    for replica in server.all_replicas() {
        let api = Api::new(&replica.endpoint(), &text("accessKeyId"), &text("secretAccessKey"));
        assert_eq!(api.lightsail("GetContainerServices", &serde_json::json!({})).status, 200);
    }
    let events = json(&alone, &["audit", "--kind", "AccessKeyCreated"], 0);
    let events = events["auditEvents"].as_array().unwrap().clone();
    assert!(events.iter().any(|it| it["subject"] == text("accessKeyId")), "{events:?}");
    // If a server is named, the command asks that server.
    let asked = alone.run(&["audit", "--endpoint-url", "http://127.0.0.1:9"]);
    assert!(!asked.status.success(), "{}", said(&asked));
    let both = alone.run(&["audit", "--database", &url, "--endpoint-url", "http://127.0.0.1:9"]);
    assert!(said(&both).contains("two places"), "{}", said(&both));
}
