//! `gangplank migrate`: a store moves from a directory to PostgreSQL and a bucket, and back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use gangplank_testkit::s3::{BUCKET, Program, S3Server};
use gangplank_testkit::{Blob, Image, Login, ServerBuilder, TestServer, postgres, replicas};
use serde_json::json;
use tempfile::TempDir;

use crate::world::{PART, blob, builder, s3, until};

/// A database and a prefix that a store can move to.
struct There {
    s3: &'static S3Server,
    database: String,
    prefix: String,
}

impl There {
    /// `None` if PostgreSQL or versitygw is not installed.
    fn new() -> Option<Self> {
        let s3 = s3(Program::Versitygw)?;
        if postgres::programs(15).is_none() {
            gangplank_testkit::skip("PostgreSQL 15 is not installed");
            return None;
        }
        let name = Blob::unique().digest.trim_start_matches("sha256:")[..16].to_owned();
        let database = format!("moves_{name}");
        replicas::postgres().create(&database);
        Some(Self { s3, database, prefix: format!("{name}/blobs") })
    }

    fn url(&self) -> String {
        replicas::postgres().url(&self.database)
    }

    fn sql(&self, text: &str) -> String {
        replicas::postgres().query(&self.database, text).unwrap()
    }

    /// A server that has opened the database and the bucket.
    fn start(&self, key: &str) -> TestServer {
        let server = self.builder(key).start();
        let client = reqwest::blocking::Client::new();
        let ready = format!("{}/readyz", server.endpoint());
        until(Duration::from_secs(30), || client.get(&ready).send().is_ok_and(|it| it.status() == 200));
        server
    }

    /// The configuration of a server on the database and the bucket, with the master key of a directory.
    fn builder(&self, key: &str) -> ServerBuilder {
        builder()
            .in_bucket(self.s3, &self.s3.endpoint(), &self.prefix)
            .on_database(&self.url(), "registry.test")
            .env("GANGPLANK_MASTER_KEY", key)
    }

    fn command(&self, args: &[&str], key: &str) -> Command {
        let (id, secret) = self.s3.keys();
        let mut command = Command::new(env!("CARGO_BIN_EXE_gangplank"));
        command
            .arg("migrate")
            .args(args)
            .args(["--blobs", &format!("s3://{BUCKET}/{}", self.prefix)])
            .args(["--s3-endpoint", &self.s3.endpoint()])
            .env_clear()
            .env("HOME", "/nowhere")
            .env("GANGPLANK_DATABASE", self.url())
            .env("GANGPLANK_S3_ACCESS_KEY_ID", id)
            .env("GANGPLANK_S3_SECRET_ACCESS_KEY", secret)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if !key.is_empty() {
            command.env("GANGPLANK_MASTER_KEY", key);
        }
        command
    }

    fn migrate(&self, args: &[&str], key: &str) -> Ran {
        Ran::of(self.command(args, key).output().unwrap())
    }
}

impl Drop for There {
    fn drop(&mut self) {
        replicas::postgres().remove(&self.database);
    }
}

/// How a command ended, and what it printed.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    said: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let said = [output.stdout, output.stderr].concat();
        Self { code: output.status.code(), said: String::from_utf8(said).unwrap() }
    }

    #[track_caller]
    fn says(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.said);
        for part in parts {
            assert!(self.said.contains(part), "{part}: {}", self.said);
        }
    }
}

/// The image and blobs that clients have pushed, and the login that reads them.
struct Pushed {
    image: Image,
    large: Blob,
    login: Login,
}

impl Pushed {
    fn to(server: &TestServer, image_name: &str) -> Self {
        let api = server.api();
        api.ensure_service("web");
        let login = server.operator_login();
        let registry = server.registry_as(&login);
        let image = Image::unique(3);
        let digest = registry.push_image("web", "latest", &image);
        assert_eq!(api.register("web", "app", &digest), image_name);
        let large = blob(2 * PART + 77);
        assert_eq!(registry.push_blob("web", &large), 201);
        Self { image, large, login }
    }

    /// Pulls everything with the login of before.
    fn is_at(&self, server: &TestServer) {
        let registry = server.registry_as(&self.login);
        let manifest = registry.send("GET", "web/manifests/latest");
        assert_eq!(manifest.status(), 200);
        assert_eq!(Blob::new(manifest.bytes().unwrap().to_vec()).digest, self.image.digest());
        for blob in self.image.blobs().chain([&self.large]) {
            let answer = registry.send("GET", &format!("web/blobs/{}", blob.digest));
            assert_eq!(answer.status(), 200);
            assert!(answer.bytes().unwrap() == blob.bytes, "{}", blob.digest);
        }
    }
}

fn key_of(dir: &Path) -> String {
    fs::read_to_string(dir.join("master.key")).unwrap().trim().to_owned()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn run(args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gangplank"));
    Ran::of(command.args(args).env_clear().env("HOME", "/nowhere").output().unwrap())
}

fn events(server: &TestServer) -> Vec<String> {
    let answer = server.api().gangplank("ListAuditEvents", &json!({ "maxResults": 100 }));
    assert_eq!(answer.status, 200, "{answer:?}");
    let events = answer.body["auditEvents"].as_array().unwrap();
    events.iter().map(|event| format!("{} {} {}", event["id"], event["at"], event["kind"])).collect()
}

#[test]
fn a_store_moves_there_and_back_and_its_clients_notice_nothing() {
    let Some(there) = There::new() else { return };
    let mut here = builder().start();
    let dir = text(&here.data_dir());
    let first = Pushed::to(&here, ":web.app.1");
    let key = key_of(&here.data_dir());

    // While the server runs, only bytes can be copied.
    let from = ["--from", &dir];
    there.migrate(&from, &key).says(1, &["is in use by another gangplank"]);
    let content = there.migrate(&["--from", &dir, "--content-only"], &key);
    content.says(0, &["5 contents", "of which 5 ", "copied now", "next: stop the servers"]);
    let said = TestServer::refused(&there.builder(&key));
    assert!(
        said.contains(&format!(
            "the migration from the data directory {dir} to this database is not finished"
        )),
        "{said}"
    );
    first.is_at(&here);

    let second = Pushed::to(&here, ":web.app.2");
    let open = here.registry_as(&second.login).start_upload("web");
    assert_eq!(here.registry_as(&second.login).status("GET", &open), 204);
    let events_before = events(&here);
    assert_eq!(here.terminate().code(), Some(0));
    let wrong = "77".repeat(32);
    there.migrate(&from, &wrong).says(1, &["not the master key of the store"]);
    let dry = there.migrate(&["--from", &dir, "--dry-run"], "");
    dry.says(0, &["10 contents", "of which 5 ", "are not at the new place yet"]);
    there
        .migrate(&from, &key)
        .says(0, &["moved ", " rows and 10 contents", "of which 5 ", "--public-address"]);
    there.migrate(&from, &key).says(0, &["everything had been moved before"]);

    // No server can use the old place any more.
    let said = here.try_restart().unwrap_err();
    let place = format!("s3://{BUCKET}/{}", there.prefix);
    assert!(
        said.contains("is no longer in use") && said.contains(&place) && said.contains(&there.database),
        "{said}"
    );
    for args in [vec!["gc", "--data-dir", &dir], vec!["fsck", "--repair", "--data-dir", &dir]] {
        run(&args).says(1, &["is no longer in use"]);
    }

    let mut shared = there.start(&key);
    second.is_at(&shared);
    let events_after = events(&shared);
    assert!(events_before.len() > 5 && events_before.iter().all(|event| events_after.contains(event)));
    assert_eq!(shared.registry_as(&second.login).status("GET", &open), 404, "open uploads stay behind");
    let third = Pushed::to(&shared, ":web.app.3");
    let home = TempDir::with_prefix("gangplank-test-").unwrap();
    let back = text(&home.path().join("data"));
    let to = ["--to", back.as_str()];
    there.migrate(&to, &key).says(1, &["a server uses the database"]);
    there.migrate(&["--to", &back, "--content-only"], &key).says(0, &["15 contents", "of which 15 "]);
    let half = run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", &back]);
    half.says(1, &[&format!("to {back} is not finished")]);
    assert_eq!(shared.terminate().code(), Some(0));
    there.migrate(&["--to", &dir], &key).says(1, &["is no longer in use"]);
    there.migrate(&["--to", &back, "--dry-run"], &key).says(0, &["15 contents", "of which 0 "]);
    there
        .migrate(&to, &key)
        .says(0, &["moved ", "15 contents", "of which 0 ", "next: gangplank serve --data-dir"]);
    there.migrate(&to, &key).says(0, &["everything had been moved before"]);
    let third_place = text(&home.path().join("elsewhere"));
    there.migrate(&["--to", &third_place], &key).says(1, &["has moved to the data directory", &back]);
    assert!(!Path::new(&third_place).exists());
    let said = shared.try_restart().unwrap_err();
    assert!(said.contains(&format!("has moved to the data directory {back}")), "{said}");
    run(&["fsck", "--data-dir", &back]).says(0, &["15 contents", "all is well"]);
    let here = builder().start_in(home);
    third.is_at(&here);
    Pushed::to(&here, ":web.app.4").is_at(&here);
    assert_eq!(key_of(&here.data_dir()), key);
}

#[test]
fn a_target_that_is_used_is_refused_and_left_alone() {
    let Some(there) = There::new() else { return };
    let mut here = builder().start();
    let dir = text(&here.data_dir());
    Pushed::to(&here, ":web.app.1");
    let key = key_of(&here.data_dir());
    here.terminate();
    let used = there.start(&"88".repeat(32));
    Pushed::to(&used, ":web.app.1");
    let objects = there.s3.keys_under(&there.prefix);
    there.migrate(&["--from", &dir], &key).says(1, &["the database is not empty"]);
    there.migrate(&["--from", &dir, "--dry-run"], &key).says(1, &["the database is not empty"]);
    let mut empty = There::new().unwrap();
    empty.prefix = there.prefix.clone();
    empty.migrate(&["--from", &dir], &key).says(1, &["is the place of cluster"]);
    assert_eq!(there.s3.keys_under(&there.prefix), objects);
    there.migrate(&["--to", &dir], &"88".repeat(32)).says(1, &["is not empty"]);
    here.restart();
}

/// Damaged content at the old place is reported, and the next push of it repairs it.
#[test]
fn what_is_broken_is_told_and_marked() {
    let Some(there) = There::new() else { return };
    let mut here = builder().start();
    let pushed = Pushed::to(&here, ":web.app.1");
    let (dir, key) = (here.data_dir(), key_of(&here.data_dir()));
    here.terminate();
    let broken = file_of(&dir, pushed.large.bytes.len());
    fs::write(&broken, vec![7; pushed.large.bytes.len()]).unwrap();
    let moved = there.migrate(&["--from", &text(&dir)], &key);
    moved.says(2, &["its bytes are broken or missing", &pushed.large.digest]);
    let shared = there.start(&key);
    let registry = shared.registry_as(&pushed.login);
    assert_eq!(registry.status("HEAD", &format!("web/blobs/{}", pushed.large.digest)), 404);
    assert_eq!(registry.push_blob("web", &pushed.large), 201);
    pushed.is_at(&shared);
}

fn file_of(dir: &Path, length: usize) -> PathBuf {
    let shards = fs::read_dir(dir.join("blobs/content")).unwrap();
    let mut files = shards.flat_map(|shard| fs::read_dir(shard.unwrap().path()).unwrap());
    let is_it = |file: &fs::DirEntry| file.metadata().unwrap().len() == length as u64;
    files.find_map(|file| Some(file.unwrap()).filter(is_it)).unwrap().path()
}

/// Runs a command and kills it after a delay that grows each time, until the command ends by itself.
fn killed_until_done(mut start: impl FnMut() -> Child, mut after_kill: impl FnMut()) -> Ran {
    for round in 0_u64.. {
        let mut child = start();
        std::thread::sleep(Duration::from_millis(25 + 60 * round));
        if child.try_wait().unwrap().is_some() {
            return Ran::of(child.wait_with_output().unwrap());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        after_kill();
    }
    unreachable!()
}

#[test]
fn a_kill_at_any_moment_leaves_one_place_that_serves_and_the_next_run_goes_on() {
    let Some(there) = There::new() else { return };
    let mut here = builder().start();
    let pushed = Pushed::to(&here, ":web.app.1");
    let registry = here.registry_as(&pushed.login);
    for _ in 0..12 {
        assert_eq!(registry.push_blob("web", &blob(400_000)), 201);
    }
    let (dir, key) = (text(&here.data_dir()), key_of(&here.data_dir()));
    here.terminate();
    let state = |dir: &str| {
        let note = fs::read_to_string(Path::new(dir).join("migration")).unwrap_or_default();
        ["arriving", "arrived", "moved"].into_iter().find(|word| note.contains(word))
    };
    let is_made = || there.sql("SELECT to_regclass('migration') IS NOT NULL") == "t";
    let noted = || if is_made() { there.sql("SELECT state FROM migration") } else { String::new() };
    let moved = killed_until_done(
        || there.command(&["--from", &dir], &key).spawn().unwrap(),
        || match (state(&dir), noted().as_str()) {
            (None, "arriving" | "arrived") | (Some("moved"), _) => {}
            (None, "") => assert!(!is_made(), "a server could start on either"),
            other => panic!("{other:?}"),
        },
    );
    moved.says(0, &["moved"]);
    let mut shared = there.start(&key);
    pushed.is_at(&shared);
    shared.terminate();

    let home = TempDir::with_prefix("gangplank-test-").unwrap();
    let back = text(&home.path().join("data"));
    let moved = killed_until_done(
        || there.command(&["--to", &back], &key).spawn().unwrap(),
        || {
            let is_made = Path::new(&back).join("gangplank.db").exists();
            match (noted().as_str(), state(&back)) {
                ("", Some("arriving" | "arrived")) | ("moved", Some("arrived") | None) => {}
                ("", None) => assert!(!is_made, "a server could start on either"),
                other => panic!("{other:?}"),
            }
        },
    );
    moved.says(0, &["moved"]);
    run(&["fsck", "--data-dir", &back]).says(0, &["17 contents", "all is well"]);
    let here = builder().start_in(home);
    pushed.is_at(&here);
    Pushed::to(&here, ":web.app.2").is_at(&here);
}
