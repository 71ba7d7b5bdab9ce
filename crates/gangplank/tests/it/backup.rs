//! `gangplank backup` and `gangplank restore`, as operators run them.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use gangplank_testkit::{Blob, Image, Registry, TestServer};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::{Ran, command, home, run};
use crate::disk_full::small_disk;
use crate::{builder, server};

const MANIFEST: &str = "gangplank-backup.json";

/// A server with a registered image and another blob, and a home for backups.
struct World {
    server: TestServer,
    image: Image,
    blob: Blob,
    home: TempDir,
}

impl World {
    fn start() -> Self {
        let server = server();
        let (image, blob) = (Image::unique(2), Blob::unique());
        let registry = server.registry_as(&server.operator_login());
        let digest = registry.push_image("sr", "latest", &image);
        assert_eq!(registry.push_blob("sr", &blob), 201);
        server.api().ensure_service("web");
        server.api().register("web", "app", &digest);
        Self { server, image, blob, home: home() }
    }

    fn registry(&self) -> Registry {
        self.server.registry_as(&self.server.operator_login())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn backup_with(&self, to: &str, args: &[&str]) -> Ran {
        let data_dir = self.server.data_dir();
        let backup = ["backup", to, "--data-dir", data_dir.to_str().unwrap()];
        run(self.home.path(), &[&backup, args].concat(), &[])
    }

    /// Backs up into a folder of the home. Returns the output.
    #[track_caller]
    fn backup(&self, to: &str) -> String {
        let ran = self.backup_with(to, &[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
        ran.stderr
    }

    /// A backup as a stream.
    fn stream(&self) -> Vec<u8> {
        let data_dir = self.server.data_dir();
        let output = command(self.home.path(), &["backup", "-", "--data-dir", data_dir.to_str().unwrap()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(!self.has_scratch(), "nothing of it is left");
        output.stdout
    }

    fn has_scratch(&self) -> bool {
        let mut entries = fs::read_dir(self.server.data_dir()).unwrap();
        entries.any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with(".gangplank-backup"))
    }

    fn restore_with(&self, from: &str, to: &str, args: &[&str]) -> Ran {
        run(self.home.path(), &[&["restore", from, "--data-dir", to], args].concat(), &[])
    }

    /// Restores from a folder. The result has no fault.
    #[track_caller]
    fn restore(&self, from: &str, to: &str) {
        let ran = self.restore_with(from, to, &[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
        assert!(ran.stderr.contains("restored ") && !ran.stderr.contains("warning"), "{ran:?}");
        self.check_well(to);
    }

    fn restore_stream(&self, stream: &[u8], to: &str) -> Ran {
        let file = self.path("stream.tar");
        fs::write(&file, stream).unwrap();
        let output = command(self.home.path(), &["restore", "-", "--data-dir", to])
            .stdin(fs::File::open(file).unwrap())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    #[track_caller]
    fn check_well(&self, data_dir: &str) {
        run(self.home.path(), &["fsck", "--data-dir", data_dir], &[]).check_ok("all is well");
    }

    /// Stops the server, and starts one on a directory that was restored in the home.
    fn serve(&mut self, data_dir: &str) -> TestServer {
        self.server.terminate();
        let home = home();
        fs::rename(self.path(data_dir), home.path().join("data")).unwrap();
        builder().start_in(home)
    }

    /// Checks the image, registered and in the repository, and the blob.
    #[track_caller]
    fn check_served(&self, server: &TestServer) {
        let registry = server.registry_as(&server.operator_login());
        for blob in self.image.blobs().chain([&self.blob]) {
            let got = registry.send("GET", &format!("sr/blobs/{}", blob.digest));
            assert_eq!(got.bytes().unwrap(), blob.bytes);
        }
        let images = server.api().lightsail("GetContainerImages", &json!({ "serviceName": "web" }));
        assert_eq!(images.body["containerImages"][0]["image"], ":web.app.1", "{images:?}");
    }
}

/// Every file and folder below a path.
fn below(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![path.to_owned()];
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(below(&path)) } else { found.push(path) }
    }
    found
}

fn manifest(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join(MANIFEST)).unwrap()).unwrap()
}

/// The file of a blob, in a data directory or a backup.
fn content_file(folder: &Path, blob: &Blob) -> PathBuf {
    let is_it = |path: &PathBuf| path.is_file() && fs::read(path).unwrap() == blob.bytes;
    below(&folder.join("blobs/content")).into_iter().find(is_it).unwrap()
}

#[test]
fn a_backup_beside_the_server_becomes_a_server_on_which_every_command_works() {
    let mut world = World::start();
    let limited = world.server.api().gangplank("CreateAccessKey", &json!({ "maxLoginSeconds": 3600 }));
    let limited = limited.body["accessKey"].clone();
    let pull = world.server.api().registry_login(&json!({ "serviceName": "web" }));
    // An open upload is not in the backup.
    let registry = world.registry();
    let location = registry.start_upload("sr");
    assert_eq!(registry.request("PATCH", &location).body("half").send().unwrap().status(), 202);

    let said = world.backup("backup");
    assert!(said.contains("backed up 4 contents") && !said.contains("warning"), "{said}");
    let mut files = below(&world.path("backup"));
    files.sort();
    for path in &files {
        let mode = fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
    world.check_well("backup");
    world.restore("backup", "restored");
    let credentials = |folder: &Path| fs::read_to_string(folder.join("credentials")).unwrap();
    assert_eq!(credentials(&world.path("restored")), credentials(&world.server.data_dir()));

    let server = world.serve("restored");
    world.check_served(&server);
    assert_eq!(server.api().as_key(&limited).lightsail("GetContainerServices", &json!({})).status, 200);
    assert_eq!(server.registry_as(&pull).status("GET", "web/manifests/app.1"), 200, "a login goes on");
    assert_eq!(server.registry_as(&server.operator_login()).status("GET", &location), 404);
    let data_dir = server.data_dir();
    for args in [
        &["access-key", "list"][..],
        &["registry-login", "list"],
        &["services"],
        &["audit"],
        &["gc", "--dry-run"],
        &["role", "list"],
        &["image", "show", ":web.app.1"],
    ] {
        let ran = run(server.home(), &[args, &["--data-dir", data_dir.to_str().unwrap()]].concat(), &[]);
        assert_eq!(ran.code, Some(0), "{args:?}: {ran:?}");
    }
}

#[test]
fn the_next_backup_copies_what_is_new_and_removes_what_nothing_needs() {
    let mut world = World::start();
    assert!(world.backup("backup").contains("of which 4 ("), "all of it");
    let said = world.backup("backup");
    assert!(said.contains("of which 0 (0 bytes)") && !said.contains("removed"), "{said}");
    let unused = content_file(&world.path("backup"), &world.blob);
    assert_eq!(world.registry().status("DELETE", &format!("sr/blobs/{}", world.blob.digest)), 202);
    let new = Blob::new(vec![b'n'; 300_000]);
    assert_eq!(world.registry().push_blob("sr", &new), 201);
    let said = world.backup("backup");
    assert!(said.contains("of which 1 (292.9 KiB)") && said.contains("1 content removed"), "{said}");
    assert!(!unused.exists());
    world.restore("backup", "restored");
    world.blob = new;
    let server = world.serve("restored");
    world.check_served(&server);
}

#[test]
fn a_stream_is_a_backup_and_one_that_was_cut_leaves_nothing() {
    let mut world = World::start();
    let stream = world.stream();
    let ran = world.restore_stream(&stream, "restored");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    world.check_well("restored");
    for part in [0, 100, 512, 5_000, 200_000, stream.len() - 20_000, stream.len() - 1_600] {
        let ran = world.restore_stream(&stream[..part], "cut");
        ran.check_failed(&["cut before its end"]);
        assert!(!world.path("cut").exists(), "{part} bytes left something");
    }
    fs::create_dir(world.path("empty")).unwrap();
    world.restore_stream(&stream[..200_000], "empty").check_failed(&["cut"]);
    assert_eq!(fs::read_dir(world.path("empty")).unwrap().count(), 0);
    world.restore_stream(b"what is this", "cut").check_failed(&["backup"]);

    // An unpacked stream is a backup too. A file with other content is not.
    let unpacked = world.path("unpacked");
    tar::Archive::new(&stream[..]).unpack(&unpacked).unwrap();
    world.restore("unpacked", "from-unpacked");
    let mut strange = tar::Builder::new(Vec::new());
    strange.append_path_with_name(unpacked.join("gangplank.db"), "gangplank.db").unwrap();
    strange.append_path_with_name(unpacked.join("gangplank.db"), "etc/passwd").unwrap();
    world
        .restore_stream(&strange.into_inner().unwrap(), "cut")
        .check_failed(&["etc/passwd", "no backup has"]);
    let mut other = tar::Builder::new(Vec::new());
    other.append_path_with_name(unpacked.join(MANIFEST), MANIFEST).unwrap();
    world.restore_stream(&other.into_inner().unwrap(), "cut").check_failed(&["first file", "unpack"]);
    let server = world.serve("restored");
    world.check_served(&server);
}

#[test]
fn what_cannot_be_backed_up_or_restored_is_refused_and_left_alone() {
    let world = World::start();
    let refused = |to: &str, words: &[&str]| world.backup_with(to, &[]).check_failed(words);
    fs::create_dir(world.path("other")).unwrap();
    fs::write(world.path("other/thesis.txt"), "").unwrap();
    refused("other", &["not empty", "has no backup", "new folder"]);
    assert_eq!(fs::read_dir(world.path("other")).unwrap().count(), 1);
    let inside = world.server.data_dir().join("backup");
    refused(inside.to_str().unwrap(), &["in the data directory", "lost with it"]);
    fs::write(world.path("file"), "").unwrap();
    refused("file", &["cannot make the folder"]);
    let second = World::start();
    second.backup(world.path("second").to_str().unwrap());
    refused("second", &["another server"]);
    run(world.home.path(), &["backup", "x", "--data-dir", "other"], &[]).check_failed(&["no data directory"]);

    world.backup("backup");
    let restore = |from: &str, to: &str, words: &[&str]| {
        world.restore_with(from, to, &[]).check_failed(words);
    };
    restore("backup", "other", &["not empty"]);
    assert!(world.path("other/thesis.txt").exists());
    restore("other", "new", &["has no backup"]);
    restore("nothing", "new", &["has no backup"]);
    let data_dir = world.server.data_dir();
    restore("backup", data_dir.to_str().unwrap(), &["not empty"]);
    run(world.home.path(), &["restore", "backup"], &[]).check_failed(&["--data-dir"]);

    // A database that has changed since the backup, and one of another program.
    let database = world.path("backup/gangplank.db");
    let (rows, text) =
        (fs::read(&database).unwrap(), fs::read_to_string(world.path("backup").join(MANIFEST)).unwrap());
    rusqlite::Connection::open(&database).unwrap().pragma_update(None, "user_version", 99).unwrap();
    restore("backup", "new", &["cut before its end"]);
    let digest = Blob::new(fs::read(&database).unwrap()).digest;
    let was = manifest(&world.path("backup"))["database"]["digest"].as_str().unwrap().to_owned();
    fs::write(world.path("backup").join(MANIFEST), text.replace(&was, &digest)).unwrap();
    restore("backup", "new", &["schema 99", "this program knows schema", "use a newer gangplank"]);
    fs::write(&database, rows).unwrap();
    fs::write(world.path("backup").join(MANIFEST), text.replace("\"format\": 1", "\"format\": 7")).unwrap();
    restore("backup", "new", &["format 7", "format 1", "newer gangplank"]);
    fs::write(world.path("backup").join(MANIFEST), text).unwrap();
    assert!(!world.path("new").exists());
    world.restore("backup", "new");
    let live = rusqlite::Connection::open(world.server.data_dir().join("gangplank.db")).unwrap();
    live.pragma_update(None, "user_version", 99).unwrap();
    refused("backup", &["schema 99", "this program knows schema", "use a newer gangplank"]);
}

#[test]
fn the_master_key_is_in_the_backup_or_is_asked_for() {
    let mut world = World::start();
    world.backup("backup");
    assert!(world.path("backup/master.key").exists());
    let ran = world.backup_with("backup", &["--without-master-key"]);
    assert!(ran.code == Some(0) && ran.stderr.contains("keep a copy of master.key"), "{ran:?}");
    assert!(!world.path("backup/master.key").exists());
    let ran = world.restore_with("backup", "restored", &[]);
    assert!(ran.code == Some(0) && ran.stderr.contains("no server starts here without it"), "{ran:?}");
    assert!(!world.path("restored/credentials").exists() && !world.path("restored/master.key").exists());
    world.check_well("restored");

    let key = world.path("moved.key");
    world.server.terminate();
    fs::rename(world.server.data_dir().join("master.key"), &key).unwrap();
    let ran = world.backup_with("elsewhere", &[]);
    assert!(ran.code == Some(0) && ran.stderr.contains("--master-key-file"), "{ran:?}");
    let other = world.path("other.key");
    fs::write(&other, "ab".repeat(32)).unwrap();
    let named = |file: &Path, to: &str| {
        world.restore_with("elsewhere", to, &["--master-key-file", file.to_str().unwrap()])
    };
    named(&other, "wrong").check_failed(&["not the master key of this backup"]);
    named(&world.path("none"), "wrong").check_failed(&["cannot read"]);
    assert!(!world.path("wrong").exists());
    let ran = named(&key, "right");
    assert!(ran.code == Some(0) && ran.stderr.contains("--master-key-file"), "{ran:?}");
    assert!(!world.path("right/master.key").exists() && world.path("right/credentials").exists());
    let (home, file) = (home(), key.to_str().unwrap().to_owned());
    fs::rename(world.path("right"), home.path().join("data")).unwrap();
    let server = builder().env("GANGPLANK_MASTER_KEY_FILE", &file).start_in(home);
    world.check_served(&server);

    fs::write(world.server.data_dir().join("master.key"), "ab".repeat(32)).unwrap();
    world.backup_with("third", &[]).check_failed(&["master.key is not the key of this database"]);
}

#[test]
fn broken_content_is_told_and_a_backup_keeps_what_it_has_whole() {
    let mut world = World::start();
    world.backup("earlier");
    let file = content_file(&world.server.data_dir(), &world.blob);
    fs::write(&file, vec![b'x'; world.blob.bytes.len()]).unwrap();
    world.backup("earlier");
    world.restore("earlier", "whole");

    let ran = world.backup_with("fresh", &[]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains(&world.blob.digest) && ran.stderr.contains("fsck"), "{ran:?}");
    let broken = world.stream_with_fault();
    for (from, to) in [("fresh", "restored"), ("stream", "from-stream")] {
        let ran = if from == "stream" {
            world.restore_stream(&broken, to)
        } else {
            world.restore_with(from, to, &[])
        };
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains(&world.blob.digest), "{ran:?}");
        let fsck = run(world.home.path(), &["fsck", "--data-dir", to], &[]);
        assert!(fsck.code == Some(2) && fsck.stdout.contains("the next push replaces it"), "{fsck:?}");
    }
    let server = world.serve("restored");
    let registry = server.registry_as(&server.operator_login());
    assert_eq!(registry.status("HEAD", &format!("sr/blobs/{}", world.blob.digest)), 404);
    assert_eq!(registry.push_blob("sr", &world.blob), 201);
    world.check_served(&server);
    let server = {
        let home = home();
        fs::rename(world.path("whole"), home.path().join("data")).unwrap();
        builder().start_in(home)
    };
    world.check_served(&server);
}

impl World {
    /// A stream of a directory with broken content.
    fn stream_with_fault(&self) -> Vec<u8> {
        let data_dir = self.server.data_dir();
        let output = command(self.home.path(), &["backup", "-", "--data-dir", data_dir.to_str().unwrap()])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

#[test]
fn a_kill_between_any_two_steps_leaves_one_backup_or_the_other() {
    let world = World::start();
    world.backup("a");
    let new = Blob::unique();
    assert_eq!(world.registry().push_blob("sr", &new), 201);
    world.backup("b");
    let copy = |from: &str, name: &str, to: &str| {
        fs::copy(world.path(from).join(name), world.path("a").join(to)).unwrap();
    };
    // Copies the content of the second backup, so that the folder has all content of both, as before its rows are
    // replaced.
    let file = content_file(&world.path("b"), &new);
    let within = file.strip_prefix(world.path("b")).unwrap();
    fs::create_dir_all(world.path("a").join(within).parent().unwrap()).unwrap();
    copy("b", within.to_str().unwrap(), within.to_str().unwrap());
    let waiting = format!("{MANIFEST}.new");
    let contents = |to: &str| {
        world.restore("a", to);
        let rows = rusqlite::Connection::open(world.path(to).join("gangplank.db")).unwrap();
        rows.query_row("SELECT count(*) FROM blobs", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    fs::write(world.path("a").join(&waiting), "{ \"format\"").unwrap();
    assert_eq!(contents("1"), 4, "the manifest was being written");
    copy("b", MANIFEST, &waiting);
    assert_eq!(contents("2"), 4, "the database has not taken its place");
    copy("b", "gangplank.db", "gangplank.db");
    assert_eq!(contents("3"), 5, "it has, and the manifest has not");
    let said = world.backup("a");
    assert!(said.contains("of which 0 (0 bytes)"), "{said}");
    assert!(!world.path("a").join(&waiting).exists());
    assert_eq!(contents("4"), 5);
    // The first backup was killed. The next one continues it, and until then the folder cannot be restored.
    fs::remove_file(world.path("b/gangplank.db")).unwrap();
    let begun = fs::read_to_string(world.path("b").join(MANIFEST)).unwrap();
    fs::write(world.path("b").join(MANIFEST), begun.replace("\"complete\": true", "\"complete\": false"))
        .unwrap();
    world.restore_with("b", "none", &[]).check_failed(&["cut before its end", "run the backup again"]);
    assert!(world.backup("b").contains("of which 0 (0 bytes)"));
    world.restore("b", "5");
}

#[test]
fn content_that_is_deleted_while_it_is_copied_is_in_the_backup_all_the_same() {
    let world = World::start();
    let large = Blob::new(vec![b'l'; 3 << 20]);
    assert_eq!(world.registry().push_blob("sr", &large), 201);
    let data_dir = world.server.data_dir();
    let mut backup = command(world.home.path(), &["backup", "-", "--data-dir", data_dir.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = backup.stdout.take().unwrap();
    let mut stream = vec![0; 1_000];
    out.read_exact(&mut stream).unwrap();
    // Nobody reads the stream for now.
    let file = content_file(&data_dir, &world.blob);
    for blob in [&world.blob, &large] {
        assert_eq!(world.registry().status("DELETE", &format!("sr/blobs/{}", blob.digest)), 202);
    }
    assert_eq!(world.registry().status("HEAD", &format!("sr/blobs/{}", world.blob.digest)), 404);
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(file.exists(), "its bytes are to be copied yet");
    out.read_to_end(&mut stream).unwrap();
    assert!(backup.wait().unwrap().success());
    let ran = world.restore_stream(&stream, "restored");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    world.check_well("restored");
    assert!(content_file(&world.path("restored"), &world.blob).exists());
    // The next deletion of bytes deletes this file too.
    let next = Blob::unique();
    assert_eq!(world.registry().push_blob("sr", &next), 201);
    assert_eq!(world.registry().status("DELETE", &format!("sr/blobs/{}", next.digest)), 202);
    crate::shutdown::until("the bytes go after the backup", || !file.exists());
}

#[test]
fn a_full_disk_leaves_the_backup_before_and_is_gone_on_with() {
    let world = World::start();
    let mount = world.path("disk");
    fs::create_dir(&mount).unwrap();
    let Some(_disk) = small_disk(mount) else { return };
    world.backup("disk/backup");
    let large: Vec<Blob> = (0..4).map(|number| Blob::new(vec![b'0' + number; 4 << 20])).collect();
    for blob in &large {
        assert_eq!(world.registry().push_blob("sr", blob), 201);
    }
    world.backup_with("disk/backup", &[]).check_failed(&["cannot write the backup", "full"]);
    world.restore("disk/backup", "before");
    for blob in &large[..3] {
        assert_eq!(world.registry().status("DELETE", &format!("sr/blobs/{}", blob.digest)), 202);
    }
    let said = world.backup("disk/backup");
    assert!(said.contains("backed up 5 contents"), "{said}");
    world.restore("disk/backup", "after");
    // If there is too little space, the restore is refused before anything is copied.
    world.backup("roomy");
    for blob in &large[..3] {
        assert_eq!(world.registry().push_blob("sr", blob), 201);
    }
    world.backup("roomy");
    world.restore_with("roomy", "disk/restored", &[]).check_failed(&["bytes of content", "full"]);
    assert!(!world.path("disk/restored").exists());
}
