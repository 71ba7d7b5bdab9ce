//! Upgrades of the database, as operators see them.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::builder;
use crate::cli::home;
use crate::disk_full::small_disk;

/// Puts the files of a schema 3 server into a directory.
fn plant(data_dir: &Path) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/tests/fixtures");
    fs::copy(fixtures.join("schema-3.db"), data_dir.join("gangplank.db")).unwrap();
    fs::copy(fixtures.join("schema-3.master.key"), data_dir.join("master.key")).unwrap();
    // The fixture has no content. An empty folder would be taken for a missing disk.
    fs::create_dir_all(data_dir.join("blobs/content/00")).unwrap();
}

#[test]
fn each_step_is_told_and_where_the_file_before_is() {
    let home = home();
    fs::create_dir(home.path().join("data")).unwrap();
    plant(&home.path().join("data"));
    let mut server = builder().start_in(home);
    let log = server.log();
    for words in
        ["upgrading the database from schema 3 to schema", "is kept", "gangplank.db.before-", "upgraded the"]
    {
        assert!(log.contains(words), "{words}: {log}");
    }
    assert!(server.terminate().success());
    server.restart();
    assert!(!server.log().contains("upgrading"), "once is enough: {}", server.log());
}

#[test]
fn an_upgrade_for_which_there_is_no_space_is_refused_and_changes_nothing() {
    let home = home();
    let data_dir = home.path().join("data");
    fs::create_dir(&data_dir).unwrap();
    let Some(_disk) = small_disk(data_dir.clone()) else { return };
    plant(&data_dir);
    let before = fs::read(data_dir.join("gangplank.db")).unwrap();
    let free = rustix::fs::statvfs(&data_dir).map(|disk| disk.f_bavail * disk.f_frsize).unwrap();
    let ballast = data_dir.join("ballast");
    fs::write(&ballast, vec![0; usize::try_from(free).unwrap() - (100 << 10)]).unwrap();
    let start =
        || crate::cli::run(home.path(), &["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"], &[]);
    let refused = start();
    assert_eq!(refused.code, Some(1), "{refused:?}");
    for words in ["disk is full", "schema 3", "its upgrade", "nothing was changed"] {
        assert!(refused.stderr.contains(words), "{words}: {refused:?}");
    }
    assert!(fs::read(data_dir.join("gangplank.db")).unwrap() == before);
    fs::remove_file(ballast).unwrap();
    let server = builder().start_in(home);
    assert_eq!(server.api().lightsail("GetContainerServices", &json!({})).status, 400, "another root key");
    assert!(
        data_dir.read_dir().unwrap().any(|it| it.unwrap().file_name().to_string_lossy().contains("before-"))
    );
}
