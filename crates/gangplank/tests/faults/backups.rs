//! Backups while clients push, register and delete, and while garbage is collected; and backups that are
//! killed. A restored directory is complete, and has everything that was acknowledged before the backup began.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use gangplank_testkit::{Blob, Image, TestServer};
use libtest_mimic::Trial;
use serde_json::json;
use tempfile::TempDir;

use crate::budget::{self, Rounds};
use crate::content::Numbers;
use crate::ledger::Ledger;
use crate::needs::{Need, trial};
use crate::world::World;
use crate::{PROGRAM, load};

pub(crate) fn add(trials: &mut Vec<Trial>) {
    trials.push(trial("backups::beside load", &[Need::Compiler], beside_load));
    trials.push(trial("backups::beside collections", &[Need::Compiler], beside_collections));
    trials.push(trial("backups::killed again and again", &[Need::Compiler], killed_again_and_again));
}

/// Runs a command on the directories of a home. Returns whether it succeeded.
fn run(args: &[&str], input: Stdio, output: Stdio) -> bool {
    let mut command = Command::new(PROGRAM);
    let ran = command.args(args).env_clear().stdin(input).stdout(output).stderr(Stdio::piped()).output();
    let ran = ran.unwrap();
    if !ran.status.success() {
        eprintln!("{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }
    ran.status.success()
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Backs a server up, into the folder with the last backup or as a stream.
fn back_up(data_dir: &Path, to: &Path, as_stream: bool) {
    let target = if as_stream { "-" } else { shown(to) };
    let args = ["backup", target, "--data-dir", shown(data_dir)];
    let out = if as_stream { File::create(to).unwrap().into() } else { Stdio::null() };
    assert!(run(&args, Stdio::null(), out));
}

/// Restores a backup into a home, and checks that the directory is complete.
fn restored(from: &Path, as_stream: bool) -> TempDir {
    let home = tempfile::Builder::new().prefix("gangplank-faults-").tempdir().unwrap();
    let data = home.path().join("data");
    let source = if as_stream { "-" } else { shown(from) };
    let input = if as_stream { File::open(from).unwrap().into() } else { Stdio::null() };
    assert!(run(&["restore", source, "--data-dir", shown(&data)], input, Stdio::null()));
    let found =
        Command::new(PROGRAM).args(["fsck", "--data-dir", shown(&data)]).env_clear().output().unwrap();
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stdout));
    home
}

fn beside_load() {
    let mut numbers = Numbers(budget::seed("backups"));
    let mut world = World::start();
    let backups = tempfile::tempdir().unwrap();
    let mut before = Ledger::default();
    let mut rounds = 0;
    for round in Rounds::at_least(8) {
        let as_stream = round % 3 == 2;
        let to = backups.path().join(if as_stream { "stream.tar" } else { "folder" });
        let operator = world.operator.clone();
        let patience = Duration::from_millis(50 + numbers.below(400));
        let told = load::until(&mut world.server, &operator, numbers.next(), patience, |server| {
            back_up(&server.data_dir(), &to, as_stream);
        });
        let home = restored(&to, as_stream);
        let server = TestServer::builder(PROGRAM).start_in(home);
        // All clients move this tag, so it may have moved since.
        before.tags.remove("latest");
        before.check(&server, &operator, false);
        before.merge(told);
        rounds = round + 1;
    }
    eprintln!("backups: {rounds} of them beside load, {} promises kept", before.len());
    assert!(before.len() > 100, "the load did next to nothing");
}

/// Backups while garbage is collected. Registered images have to stay.
fn beside_collections() {
    let world = World::start();
    let (stop, pushed) = (AtomicBool::new(false), AtomicU64::new(0));
    let kept = std::sync::Mutex::new(Vec::<Image>::new());
    let backups = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        let (stop, pushed, kept) = (&stop, &pushed, &kept);
        for number in 0..2 {
            let (registry, api) = (world.registry(), world.api());
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let image = Image::unique(2);
                    // A cycle may collect a part of the image before all of it is there.
                    let parts = image.blobs().all(|blob| registry.push_blob("sr", blob) == 201);
                    let media_type = gangplank_oci::media_type::OCI_MANIFEST;
                    let put = registry.put_manifest("sr", &image.digest(), media_type, &image.manifest);
                    pushed.fetch_add(1, Ordering::Relaxed);
                    if !parts || put.status() != 201 {
                        continue;
                    }
                    let input = json!({ "serviceName": "web", "label": "app", "digest": image.digest() });
                    let answer = api.lightsail("RegisterContainerImage", &input);
                    let Some(name) = answer.body["containerImage"]["image"].as_str() else { continue };
                    if number == 0 {
                        kept.lock().unwrap().push(image);
                    } else {
                        let input = json!({ "serviceName": "web", "image": name });
                        assert_eq!(api.lightsail("DeleteContainerImage", &input).status, 200);
                    }
                }
            });
        }
        let api = world.api();
        scope.spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(api.gangplank("CollectGarbage", &json!({ "graceSeconds": 0 })).status, 200);
                // Without a pause, pushes would hardly ever end.
                thread::sleep(Duration::from_millis(400));
            }
        });
        let registry = world.registry();
        scope.spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let blob = Blob::unique();
                registry.push_blob("churn", &blob);
                registry.status("DELETE", &format!("churn/blobs/{}", blob.digest));
            }
        });
        let _stops = Stops(stop);
        for round in Rounds::at_least(6) {
            thread::sleep(Duration::from_millis(500));
            let as_stream = round % 2 == 1;
            let to = backups.path().join(if as_stream { "stream.tar" } else { "folder" });
            let promised = kept.lock().unwrap().clone();
            back_up(&world.server.data_dir(), &to, as_stream);
            let server = TestServer::builder(PROGRAM).start_in(restored(&to, as_stream));
            let registry = server.registry_as(&server.operator_login());
            for image in promised {
                for blob in image.blobs() {
                    let got = registry.send("GET", &format!("sr/blobs/{}", blob.digest));
                    assert_eq!(got.bytes().unwrap(), blob.bytes, "it was registered");
                }
            }
        }
    });
    let (pushed, kept) = (pushed.into_inner(), kept.into_inner().unwrap().len());
    eprintln!("backups: {kept} images of {pushed} were registered and kept beside collections");
    assert!(kept > 5, "{kept} of {pushed}");
}

/// Stops the other threads, even if a check fails.
struct Stops<'a>(&'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a backup and kills it after a while, if it has not ended by then. Returns whether it ended.
fn killed_after(data_dir: &Path, to: &Path, patience: Duration) -> bool {
    let mut backup = Command::new(PROGRAM)
        .args(["backup", shown(to), "--data-dir", shown(data_dir)])
        .env_clear()
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    thread::sleep(patience);
    let _ = backup.kill();
    backup.wait().unwrap().success()
}

fn killed_again_and_again() {
    let mut numbers = Numbers(budget::seed("backups killed"));
    let world = World::start();
    let registry = world.registry();
    let backups = tempfile::tempdir().unwrap();
    let to: PathBuf = backups.path().join("folder");
    let (mut ended, mut kills, mut promised) = (0_u64, 0_u64, Vec::<Blob>::new());
    let mut pushed: Vec<Blob> = Vec::new();
    for _ in Rounds::at_least(24) {
        for _ in 0..6 {
            let blob = Blob::new(numbers.next().to_le_bytes().repeat(20_000));
            assert_eq!(registry.push_blob("sr", &blob), 201);
            pushed.push(blob);
        }
        if pushed.len() > 20 {
            // Content that a backup may already have copied.
            let gone = pushed.swap_remove(usize::try_from(numbers.below(20)).unwrap());
            assert_eq!(registry.status("DELETE", &format!("sr/blobs/{}", gone.digest)), 202);
            promised.retain(|blob| blob.digest != gone.digest);
        }
        if killed_after(&world.server.data_dir(), &to, Duration::from_millis(numbers.below(250))) {
            ended += 1;
            promised.clone_from(&pushed);
        } else {
            kills += 1;
        }
        if ended > 0 {
            // A backup that was complete stays complete, or is replaced by a newer one.
            let home = restored(&to, false);
            let server = TestServer::builder(PROGRAM).start_in(home);
            let registry = server.registry_as(&server.operator_login());
            for blob in &promised {
                assert_eq!(registry.status("HEAD", &format!("sr/blobs/{}", blob.digest)), 200);
            }
        }
    }
    back_up(&world.server.data_dir(), &to, false);
    let server = TestServer::builder(PROGRAM).start_in(restored(&to, false));
    let registry = server.registry_as(&server.operator_login());
    for blob in &pushed {
        let got = registry.send("GET", &format!("sr/blobs/{}", blob.digest));
        assert_eq!(got.bytes().unwrap(), blob.bytes);
    }
    let files = fs::read_dir(to.join("blobs/staged")).unwrap().count();
    assert_eq!(files, 0, "what was cut is cleared away");
    eprintln!("backups: {kills} kills, {ended} came to their end");
    assert!(kills > 0, "none was killed in the middle");
}
