//! The master key in a separate file.

use std::fs;
use std::path::Path;

use gangplank_testkit::TestServer;
use serde_json::json;

use crate::cli::{Ran, home, run};
use crate::{builder, server};

/// Prints a new key into a file.
fn key_file(folder: &Path) -> String {
    let path = folder.join("the-key");
    let printed = run(folder, &["generate", "master-key"], &[]);
    assert_eq!(printed.stdout.trim().len(), 64, "{printed:?}");
    fs::write(&path, printed.stdout).unwrap();
    path.to_str().unwrap().to_owned()
}

fn create(server: &TestServer, environment: &[(&str, &str)], args: &[&str]) -> Ran {
    let data_dir = server.data_dir();
    let create = ["access-key", "create", "--data-dir", data_dir.to_str().unwrap()];
    run(server.home(), &[&create, args].concat(), environment)
}

#[test]
fn a_master_key_that_is_kept_elsewhere_is_not_in_the_data_directory() {
    let elsewhere = home();
    let file = key_file(elsewhere.path());
    let mut server = builder().env("GANGPLANK_MASTER_KEY_FILE", &file).start();
    assert_eq!(server.api().lightsail("GetContainerServices", &json!({})).status, 200);
    assert!(!server.data_dir().join("master.key").exists());
    assert!(server.terminate().success());

    // A key that is made without a running server is encrypted with the same master key.
    create(&server, &[], &[]).check_failed(&["master.key is missing", "--master-key-file"]);
    assert!(!server.data_dir().join("master.key").exists());
    let by_flag = create(&server, &[], &["--master-key-file", &file]).json();
    let by_variable = create(&server, &[("GANGPLANK_MASTER_KEY_FILE", &file)], &[]).json();
    server.restart();
    for key in [by_flag, by_variable] {
        let api = server.api().as_key(&key);
        assert_eq!(api.lightsail("GetContainerServices", &json!({})).status, 200);
    }
    assert!(server.terminate().success());

    let other = key_file(home().path());
    assert!(!Path::new(&other).exists());
    let refused = create(&server, &[("GANGPLANK_MASTER_KEY_FILE", &other)], &[]);
    refused.check_failed(&["cannot read the master key", &other]);
    let new = ["access-key", "create", "--data-dir", "new", "--master-key-file", "none"];
    run(server.home(), &new, &[]).check_failed(&["no master key in none", "gangplank generate master-key"]);
    let other = key_file(server.home());
    create(&server, &[], &["--master-key-file", &other])
        .check_failed(&[&other, "not the master key of this data directory"]);
    fs::write(&other, "nonsense").unwrap();
    create(&server, &[], &["--master-key-file", &other]).check_failed(&[&other, "64 hexadecimal digits"]);
    fs::write(&file, "").unwrap();
    assert!(server.try_restart().unwrap_err().contains("64 hexadecimal digits"));

    // A lost database is noticed, even if the directory has no master key.
    fs::remove_file(server.data_dir().join("gangplank.db")).unwrap();
    assert!(server.try_restart().unwrap_err().contains("missing or empty, and the directory is not new"));
}

#[test]
fn two_master_keys_are_refused_until_one_is_moved() {
    let mut server = server();
    assert!(server.terminate().success());
    let own = server.data_dir().join("master.key");
    let file = server.home().join("moved.key");
    let (own_shown, file_shown) = (own.to_str().unwrap(), file.to_str().unwrap());
    create(&server, &[], &["--master-key-file", file_shown])
        .check_failed(&["a master key of its own", &format!("mv {own_shown} {file_shown}")]);
    fs::rename(&own, &file).unwrap();
    assert_eq!(create(&server, &[], &["--master-key-file", file_shown]).code, Some(0));
    // And back again.
    fs::rename(&file, &own).unwrap();
    server.restart();
    assert_eq!(server.api().lightsail("GetContainerServices", &json!({})).status, 200);
}
