//! A missing disk is not an empty store.

use std::fs;
use std::path::{Path, PathBuf};

use gangplank_testkit::{Blob, Image, TestServer};

use crate::cli::{Ran, home, run};
use crate::{builder, server, server_with};

fn fsck(server: &TestServer, args: &[&str]) -> Ran {
    let data_dir = server.data_dir();
    run(server.home(), &[&["fsck", "--data-dir", data_dir.to_str().unwrap()], args].concat(), &[])
}

/// A stopped server with a registered image and another blob.
fn stopped() -> (TestServer, Image, Blob) {
    let mut server = server();
    let (image, blob) = (Image::unique(1), Blob::unique());
    let registry = server.registry_as(&server.operator_login());
    let digest = registry.push_image("sr", "latest", &image);
    assert_eq!(registry.push_blob("sr", &blob), 201);
    server.api().ensure_service("web");
    server.api().register("web", "app", &digest);
    assert!(server.terminate().success());
    (server, image, blob)
}

fn blobs(server: &TestServer) -> PathBuf {
    server.data_dir().join("blobs")
}

#[track_caller]
fn check_refused(server: &mut TestServer) {
    let refused = server.try_restart().unwrap_err();
    for word in ["unix_wait_status(256)", "blobs", "mount", "restore", "fsck --repair"] {
        assert!(refused.contains(word), "{word}: {refused}");
    }
}

#[test]
fn a_folder_that_is_missing_is_refused_until_it_is_back() {
    let (mut server, ..) = stopped();
    let away = server.home().join("away");
    fs::rename(blobs(&server), &away).unwrap();
    check_refused(&mut server);
    assert!(!blobs(&server).exists(), "nothing was made");
    // An empty mount point.
    fs::create_dir(blobs(&server)).unwrap();
    check_refused(&mut server);
    assert_eq!(fs::read_dir(blobs(&server)).unwrap().count(), 0, "nothing was made");
    let found = fsck(&server, &[]);
    assert_eq!(found.code, Some(2), "{found:?}");
    for word in ["content-folder: ", "missing-content: ", "it is in :web.app.1", "mount"] {
        assert!(found.stdout.contains(word), "{word}: {found:?}");
    }
    let gc = ["gc", "--data-dir", server.data_dir().to_str().unwrap(), "--grace", "24h"].map(str::to_owned);
    run(server.home(), &gc.each_ref().map(String::as_str), &[]).check_failed(&["mount", "fsck --repair"]);
    fs::remove_dir(blobs(&server)).unwrap();
    fs::rename(away, blobs(&server)).unwrap();
    server.restart();
    fsck(&server, &[]).check_ok("all is well");
}

#[test]
fn another_folder_is_refused_and_never_emptied() {
    let (mut server, ..) = stopped();
    let (other, _, kept) = stopped();
    fs::remove_dir_all(blobs(&server)).unwrap();
    fs::rename(blobs(&other), blobs(&server)).unwrap();
    check_refused(&mut server);
    let repaired = fsck(&server, &["--repair"]);
    assert!(repaired.stdout.contains("blobs-aside"), "{repaired:?}");
    let aside = server.data_dir().join("blobs-aside");
    fs::rename(aside, blobs(&other)).unwrap();
    server.restart();
    let mut other = other;
    other.restart();
    let registry = other.registry_as(&other.operator_login());
    assert_eq!(registry.send("GET", &format!("sr/blobs/{}", kept.digest)).bytes().unwrap(), kept.bytes);
}

#[test]
fn what_is_lost_is_marked_and_the_next_push_brings_it_back() {
    let (mut server, image, blob) = stopped();
    fs::remove_dir_all(blobs(&server)).unwrap();
    check_refused(&mut server);
    let repaired = fsck(&server, &["--repair"]);
    assert_eq!(repaired.code, Some(2), "{repaired:?}");
    for word in ["content-folder: ", "made anew", ":web.app.1", "until what is marked has been pushed again"]
    {
        assert!(repaired.stdout.contains(word), "{word}: {repaired:?}");
    }
    assert!(fsck(&server, &[]).stdout.contains("until what is marked has been pushed again"));
    server.restart();
    let registry = server.registry_as(&server.operator_login());
    let path = format!("sr/blobs/{}", blob.digest);
    assert_eq!(registry.status("HEAD", &path), 404);
    assert_eq!(registry.push_blob("sr", &blob), 201);
    registry.push_image("sr", "latest", &image);
    assert_eq!(registry.send("GET", &path).bytes().unwrap(), blob.bytes);
    fsck(&server, &[]).check_ok("all is well");
}

#[test]
fn a_directory_of_a_time_before_ids_gets_one() {
    let (mut server, _, blob) = stopped();
    let id = blobs(&server).join("id");
    let rows = rusqlite::Connection::open(server.data_dir().join("gangplank.db")).unwrap();
    rows.execute_batch("DELETE FROM progress WHERE name = 'content-folder'").unwrap();
    fs::remove_file(&id).unwrap();
    fsck(&server, &[]).check_ok("all is well");
    server.restart();
    assert!(id.exists());
    let registry = server.registry_as(&server.operator_login());
    assert_eq!(registry.status("HEAD", &format!("sr/blobs/{}", blob.digest)), 200);
    assert!(server.terminate().success());
    // The start ended between writing the file and the row.
    rows.execute_batch("DELETE FROM progress WHERE name = 'content-folder'").unwrap();
    let before = fs::read(&id).unwrap();
    server.restart();
    assert_eq!(fs::read(&id).unwrap(), before);
    assert!(server.terminate().success());
    // The disk is not mounted at the first start of this program version.
    rows.execute_batch("DELETE FROM progress WHERE name = 'content-folder'").unwrap();
    fs::rename(blobs(&server), server.home().join("away")).unwrap();
    check_refused(&mut server);
}

#[test]
fn a_folder_that_goes_while_the_server_runs_is_told_as_that() {
    let server = server_with(|builder| builder.arg("--admin-listen").arg("127.0.0.1:0"));
    let blob = Blob::unique();
    let registry = server.registry_as(&server.operator_login());
    assert_eq!(registry.push_blob("sr", &blob), 201);
    let readiness = format!("http://{}/readyz", server.admin_address().unwrap());
    let readiness = || reqwest::blocking::get(&readiness).unwrap().status().as_u16();
    assert_eq!(readiness(), 200);
    let away = server.home().join("away");
    fs::rename(blobs(&server), &away).unwrap();
    for emptied in [false, true] {
        if emptied {
            fs::create_dir(blobs(&server)).unwrap();
        }
        let path = format!("sr/blobs/{}", blob.digest);
        assert_eq!(registry.status("HEAD", &path), 503, "emptied: {emptied}");
        assert_eq!(registry.status("GET", &path), 503, "emptied: {emptied}");
        let pushed = registry.push_blob("sr", &Blob::unique());
        assert_eq!(readiness(), 503, "emptied: {emptied}");
        assert_eq!(pushed, 503, "emptied: {emptied}");
    }
    assert!(server.log().contains("is its disk still mounted?"), "{}", server.log());
    assert!(!server.log().contains("bytes are staged where there should be"), "{}", server.log());
    fs::remove_dir(blobs(&server)).unwrap();
    fs::rename(away, blobs(&server)).unwrap();
    assert_eq!(registry.status("GET", &format!("sr/blobs/{}", blob.digest)), 200);
    assert_eq!(registry.push_blob("sr", &Blob::unique()), 201);
    assert_eq!(readiness(), 200);
}

/// Copies the files that the documents say to back up.
fn restore(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let rows = rusqlite::Connection::open(from.join("gangplank.db")).unwrap();
    rows.execute("VACUUM INTO ?1", [to.join("gangplank.db").to_str().unwrap()]).unwrap();
    for name in ["master.key", "blobs"] {
        let copied =
            std::process::Command::new("cp").arg("-r").arg(from.join(name)).arg(to).status().unwrap();
        assert!(copied.success());
    }
}

#[test]
fn a_restored_backup_is_checked_and_its_commands_say_what_is_missing() {
    let (server, ..) = stopped();
    let home = home();
    let restored = home.path().join("data");
    restore(&server.data_dir(), &restored);
    let data = restored.to_str().unwrap();
    run(home.path(), &["fsck", "--data-dir", data], &[]).check_ok("all is well");
    let list = ["access-key", "list", "--data-dir", data];
    run(home.path(), &list, &[]).check_failed(&["config names no server", "serve --data-dir"]);
    let mut server = builder().start_in(home);
    let home = server.home().to_owned();
    let words = ["credentials", "missing", "access-key create --root --data-dir"];
    run(&home, &list, &[]).check_failed(&words);
    let unknown = "[default]\naws_access_key_id = GPAKAAAAAAAAAAAAAAAA\naws_secret_access_key = 0123456789012345678901234567\n";
    fs::write(restored.join("credentials"), unknown).unwrap();
    let words =
        ["UnrecognizedClientException", "does not know the key in", "access-key create --root --data-dir"];
    run(&home, &list, &[]).check_failed(&words);
    // The advice works.
    assert!(server.terminate().success());
    let made = run(&home, &["access-key", "create", "--root", "--data-dir", data], &[]);
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(made.stderr.contains("credentials"), "{made:?}");
    server.restart();
    run(&home, &list, &[]).json();
}

#[test]
fn a_database_of_another_schema_is_told_alike_everywhere() {
    let (mut server, ..) = stopped();
    let rows = rusqlite::Connection::open(server.data_dir().join("gangplank.db")).unwrap();
    let data_dir = server.data_dir();
    for (schema, advice) in [(99, "use a newer gangplank"), (2, "older than this one")] {
        rows.pragma_update(None, "user_version", schema).unwrap();
        let refused = server.try_restart().unwrap_err();
        let read = fsck(&server, &[]);
        let refused_by = |command: &[&str]| {
            let ran =
                run(server.home(), &[command, &["--data-dir", data_dir.to_str().unwrap()]].concat(), &[]);
            assert_eq!(ran.code, Some(1), "{ran:?}");
            ran.stderr
        };
        let others = [&["fsck", "--repair"][..], &["gc", "--grace", "1h"], &["access-key", "create"]];
        for told in [refused, read.stderr].into_iter().chain(others.map(refused_by)) {
            assert!(told.contains(&format!("schema {schema}")) && told.contains(advice), "{told}");
            assert!(told.contains("this program knows schema"), "{told}");
            assert!(!told.contains("storage failed"), "{told}");
        }
    }
}
