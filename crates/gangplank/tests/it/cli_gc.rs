//! `gangplank gc`, with a running server and in the data directory of a stopped one.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::{Blob, Image, TestServer};
use serde_json::{Value, json};

use crate::{PROGRAM, server, server_with};

fn gc(data_dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.env_clear().env("HOME", data_dir).env("GANGPLANK_DATA_DIR", data_dir).arg("gc").args(args);
    command.output().unwrap()
}

fn collect(data_dir: &Path, args: &[&str]) -> Value {
    let output = gc(data_dir, &[args, &["--output", "json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The number of content files.
fn contents(server: &TestServer) -> usize {
    let shards = server.data_dir().join("blobs/content").read_dir().unwrap();
    shards.map(|shard| shard.unwrap().path().read_dir().unwrap().count()).sum()
}

/// Manifests are stored in rows. Their space is given back too, and counts.
#[test]
fn the_database_shrinks_when_manifests_go() {
    let server = server();
    let registry = server.registry_as(&server.operator_login());
    let image = Image::unique(1);
    registry.push_image("sr", "v0", &image);
    let mut large: Value = serde_json::from_slice(&image.manifest).unwrap();
    for number in 0..8 {
        large["x"] = format!("{number}").repeat(3_900_000).into();
        let answer = registry.put_manifest("sr", "large", OCI_MANIFEST, large.to_string().as_bytes());
        assert_eq!(answer.status(), 201);
    }
    let dir = server.data_dir();
    let length = |name: &str| std::fs::metadata(dir.join(name)).unwrap().len();
    let all = || length("gangplank.db") + length("gangplank.db-wal");
    assert!(all() > 30_000_000, "{}", all());
    let announced = collect(&dir, &["--dry-run", "--grace", "0"]);
    let collected = collect(&dir, &["--grace", "0"]);
    assert!(collected["freedBytes"].as_u64().unwrap() > 8 * 3_900_000, "{collected}");
    assert_eq!(announced["freedBytes"], collected["freedBytes"]);
    assert!(all() < 3_000_000, "{} and {}", length("gangplank.db"), length("gangplank.db-wal"));
}

#[test]
fn garbage_goes_and_what_is_registered_stays() {
    let mut server = server();
    let registry = server.registry_as(&server.operator_login());
    server.api().ensure_service("web");
    let kept = Image::unique(1);
    server.api().register("web", "app", &registry.push_image("sr", "kept", &kept));
    for running in [true, false] {
        let (garbage, loose) = (Image::unique(1), Blob::unique());
        registry.push_image("some/where", "latest", &garbage);
        assert_eq!(registry.push_blob("sr", &loose), 201);
        if !running {
            assert!(server.terminate().success());
        }
        let dir = server.data_dir();
        assert_eq!(collect(&dir, &[])["contents"], 0, "nothing is old enough");
        let announced = collect(&dir, &["--dry-run", "--grace", "0"]);
        let listed = announced["garbage"].as_array().unwrap();
        assert_eq!(listed.len(), 4);
        let manifest = listed.iter().find(|it| it["kind"] == "Manifest").unwrap();
        assert_eq!(manifest["digest"], garbage.digest());
        assert_eq!(
            (&manifest["account"], &manifest["repository"]),
            (&json!("000000000000"), &json!("some/where"))
        );
        assert!(manifest["reason"].as_str().unwrap().contains("not registered"), "{manifest}");
        let blob = listed.iter().find(|it| it["digest"] == loose.digest).unwrap();
        assert!(blob["reason"].as_str().unwrap().contains("no manifest"), "{blob}");
        assert_eq!(contents(&server), 5, "nothing went");
        let words = String::from_utf8(gc(&dir, &["--dry-run", "--grace=0"]).stdout).unwrap();
        assert!(words.contains("would collect 1 manifest and 3 blobs"), "{words}");
        let collected = collect(&dir, &["--grace", "0"]);
        for name in ["manifests", "blobs", "contents", "freedBytes"] {
            assert_eq!(collected[name], announced[name], "{name}");
        }
        assert_eq!(contents(&server), 2, "the bytes are gone when the command returns");
        let warned = gc(&dir, &["--grace", "0"]);
        assert!(String::from_utf8_lossy(&warned.stderr).contains("will be refused"));
        if !running {
            server.restart();
        }
        for blob in garbage.blobs() {
            assert_eq!(registry.status("HEAD", &format!("some/where/blobs/{}", blob.digest)), 404);
        }
        assert_eq!(registry.status("GET", "some/where/manifests/latest"), 404);
        assert_eq!(registry.send("GET", "sr/manifests/kept").bytes().unwrap(), kept.manifest);
        for blob in kept.blobs() {
            assert_eq!(
                registry.send("GET", &format!("sr/blobs/{}", blob.digest)).bytes().unwrap(),
                blob.bytes
            );
        }
    }
}

/// Pushes a blob and an image that nothing registers, and waits two seconds.
fn leave_garbage(server: &TestServer) {
    let registry = server.registry_as(&server.operator_login());
    registry.push_image("some/where", "latest", &Image::unique(1));
    assert_eq!(registry.push_blob("sr", &Blob::unique()), 201);
    std::thread::sleep(std::time::Duration::from_secs(2));
}

#[test]
fn a_stopped_servers_directory_is_collected_by_the_grace_period_it_was_told() {
    let mut server = server_with(|builder| builder.arg("--gc-grace").arg("1s"));
    leave_garbage(&server);
    let dir = server.data_dir();
    let running = collect(&dir, &["--dry-run"]);
    assert_eq!((&running["manifests"], &running["blobs"]), (&json!(1), &json!(3)));
    assert!(server.terminate().success());
    let stopped = collect(&dir, &["--dry-run"]);
    let digests = |told: &Value| -> BTreeSet<String> {
        told["garbage"].as_array().unwrap().iter().map(|it| it["digest"].to_string()).collect()
    };
    assert_eq!(digests(&stopped), digests(&running));
    assert_eq!(collect(&dir, &["--dry-run", "--grace", "1h"])["blobs"], 0, "what is given wins");
    assert_eq!(collect(&dir, &[])["blobs"], 3);
}

#[test]
fn the_grace_period_is_the_one_of_the_last_start() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config.toml");
    std::fs::write(&config, "gc-grace = \"1s\"\n").unwrap();
    let builder = crate::builder().env("GANGPLANK_CONFIG", config.to_str().unwrap());
    let mut server = builder.start_in(home);
    leave_garbage(&server);
    server.kill();
    std::fs::write(&config, "gc-grace = \"7d\"\n").unwrap();
    server.restart();
    assert!(server.terminate().success());
    let dir = server.data_dir();
    // Changes the times in the rows as if the server had run for two days since then.
    let rows = rusqlite::Connection::open(dir.join("gangplank.db")).unwrap();
    let later = "UPDATE progress SET value = value + 2 * 24 * 60 * 60 * 1000 WHERE name = 'steady-time'";
    assert_eq!(rows.execute(later, []).unwrap(), 1);
    drop(rows);
    assert_eq!(collect(&dir, &[])["blobs"], 0);
    assert_eq!(collect(&dir, &["--dry-run", "--grace", "24h"])["blobs"], 3, "what is given wins");
}

#[test]
fn a_directory_that_knows_no_grace_period_is_collected_only_by_one_that_is_given() {
    let mut server = server();
    leave_garbage(&server);
    assert!(server.terminate().success());
    let dir = server.data_dir();
    let rows = rusqlite::Connection::open(dir.join("gangplank.db")).unwrap();
    rows.execute("DELETE FROM progress WHERE name = 'gc-grace'", []).unwrap();
    drop(rows);
    for args in [&[][..], &["--dry-run"]] {
        let refused = gc(&dir, args);
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        for word in ["grace period", "start the server once", "--grace"] {
            assert!(said.contains(word), "{said}");
        }
    }
    assert_eq!(collect(&dir, &["--grace", "1s"])["blobs"], 3);
}

#[test]
fn only_the_root_account_collects() {
    let server = server();
    let key = server.api().gangplank("CreateAccessKey", &json!({ "account": "123456789012" }));
    let theirs = server.api().as_key(&key.body["accessKey"]);
    let refused = theirs.gangplank("CollectGarbage", &json!({ "graceSeconds": 0 }));
    assert_eq!((refused.status, refused.error()), (400, "AccessDeniedException"));
}

#[test]
fn a_server_collects_by_itself_and_says_how_much() {
    let server = server_with(|builder| {
        let builder = builder.env("GANGPLANK_ADMIN_LISTEN", "127.0.0.1:0");
        builder.env("GANGPLANK_GC_GRACE", "1s").env("GANGPLANK_GC_INTERVAL", "1s")
    });
    let registry = server.registry_as(&server.operator_login());
    registry.push_image("sr", "latest", &Image::unique(1));
    let metrics = || {
        let url = format!("http://{}/metrics", server.admin_address().unwrap());
        reqwest::blocking::get(url).unwrap().text().unwrap()
    };
    let gone = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        contents(&server) == 0
    });
    assert!(gone, "{}", metrics());
    registry.start_upload("sr");
    let told = metrics();
    for line in
        ["gangplank_gc_manifests_total 1", "gangplank_gc_contents_total 2", "gangplank_open_uploads 1"]
    {
        assert!(told.contains(line), "{line} in {told}");
    }
    assert!(server.log().contains("shorter than a login lives"), "{}", server.log());
}

#[test]
fn a_directory_that_is_none_of_gangplanks_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let refused = gc(home.path(), &["--grace", "0"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no data directory of gangplank's"));
}
