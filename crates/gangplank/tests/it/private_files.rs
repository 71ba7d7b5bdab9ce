//! Only the owner can open the data directory, whatever existed before, and whatever the umask is.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gangplank_testkit::{Blob, Image, TestServer};

use crate::cli::{home, run};
use crate::{PROGRAM, builder, server};

/// Files and folders in a folder that others may open, or the folder itself.
fn open_to_others(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        // A staged file may have been removed meanwhile.
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        if metadata.mode() & 0o077 != 0 {
            found.push(format!("{} {:o}", path.display(), metadata.mode() & 0o777));
        }
        if metadata.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    found
}

#[track_caller]
fn wait_until_closed(folder: &Path) {
    let until = Instant::now() + Duration::from_secs(10);
    while !open_to_others(folder).is_empty() {
        assert!(Instant::now() < until, "{:?}", open_to_others(folder));
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn use_it(server: &TestServer) -> Blob {
    let registry = server.registry_as(&server.operator_login());
    registry.push_image("sr", "latest", &Image::unique(2));
    registry.start_upload("sr");
    let blob = Blob::unique();
    assert_eq!(registry.push_blob("sr", &blob), 201);
    blob
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_directory_that_was_open_is_closed_and_that_is_said_once() {
    let home = home();
    let data = home.path().join("data");
    fs::create_dir_all(data.join("blobs")).unwrap();
    for folder in [data.clone(), data.join("blobs")] {
        set_mode(&folder, 0o755);
    }
    let mut server = builder().start_in(home);
    use_it(&server);
    assert_eq!(open_to_others(&data), [""; 0]);
    let warned = |server: &TestServer| server.log().matches("others could enter").count();
    assert_eq!(warned(&server), 1, "{}", server.log());
    assert!(server.terminate().success());
    server.restart();
    assert_eq!(warned(&server), 0, "{}", server.log());
}

#[test]
fn what_was_open_before_is_closed_in_the_background() {
    let mut server = server();
    let blob = use_it(&server);
    assert!(server.terminate().success());
    let data = server.data_dir();
    let mut left = vec![data.clone()];
    while let Some(path) = left.pop() {
        let is_folder = path.is_dir();
        set_mode(&path, if is_folder { 0o777 } else { 0o666 });
        if is_folder {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    server.restart();
    for name in ["", "gangplank.db", "gangplank.db-wal", "master.key", "credentials"] {
        let mode = fs::metadata(data.join(name)).unwrap().mode();
        assert_eq!(mode & 0o077, 0, "{name} is closed before anything else");
    }
    wait_until_closed(&data);
    let registry = server.registry_as(&server.operator_login());
    assert_eq!(registry.send("GET", &format!("sr/blobs/{}", blob.digest)).bytes().unwrap(), blob.bytes);
}

#[test]
fn the_umask_does_not_count() {
    for umask in ["000", "022", "777"] {
        let home = home();
        let data: PathBuf = home.path().join("data");
        let line = format!("umask {umask}; exec \"$0\" serve --listen 127.0.0.1:0 --data-dir \"$1\"");
        let mut command = Command::new("sh");
        command.args(["-c", &line, PROGRAM]).arg(&data).env_clear().env("HOME", home.path());
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert!(ready.starts_with("gangplank: listening"), "{umask}: {ready}");
        let found = open_to_others(&data);
        process.kill().unwrap();
        process.wait().unwrap();
        assert_eq!(found, [""; 0], "{umask}");
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&data), mode(&data.join("blobs/id"))), (0o700, 0o600), "{umask}");
    }
}

#[test]
fn somebody_elses_directory_is_refused_while_others_may_enter_it() {
    if !rustix::process::geteuid().is_root() {
        gangplank_testkit::skip("only root can give a directory away");
        return;
    }
    let home = home();
    let data = home.path().join("data");
    fs::create_dir(&data).unwrap();
    std::os::unix::fs::chown(&data, Some(1234), Some(1234)).unwrap();
    set_mode(&data, 0o755);
    let args = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()];
    run(home.path(), &args, &[]).check_failed(&["data directory", "1234", "0755", "chown", "chmod 700"]);
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0, "nothing was made in it");
    set_mode(&data, 0o750);
    let server = builder().start_in(home);
    assert!(server.log().contains("its group may enter it"), "{}", server.log());
}

#[test]
fn a_lock_that_is_removed_still_holds() {
    let mut server = server();
    let data = server.data_dir();
    fs::remove_file(data.join("lock")).unwrap();
    let data = data.to_str().unwrap();
    let second = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data];
    run(server.home(), &second, &[]).check_failed(&["in use by another gangplank"]);
    run(server.home(), &["fsck", "--repair", "--data-dir", data], &[])
        .check_failed(&["in use by another gangplank"]);
    run(server.home(), &["fsck", "--data-dir", data], &[]).check_ok("all is well");
    assert_eq!(server.registry().status("GET", ""), 401, "the first goes on");
    assert!(server.terminate().success());
    server.restart();
}
