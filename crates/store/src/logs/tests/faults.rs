//! Crashes, failing disks, and removed services.

use std::fs;
use std::fs::OpenOptions;
use std::io::Write as _;

use super::*;

#[test]
fn a_line_that_a_crash_has_torn_costs_no_other() {
    let mut world = World::new();
    world.add("one");
    world.logs().flush();
    let file = world.folder().join(&world.files()[0]);
    for torn in
        [&br#"{"at":1800000000000,"node":"7-0","text":"half a li"#[..], b"{", b"\0\0\0\0", b"\xff\xfe"]
    {
        drop(world.logs.take());
        OpenOptions::new().append(true).open(&file).unwrap().write_all(torn).unwrap();
        world.reopen();
        let before = world.texts();
        assert_eq!(before.last().unwrap(), "one", "what is torn is no line");
        world.add("one");
        assert_eq!(world.texts().len(), before.len() + 1);
    }
    let forward = Wanted { start: Some(NOW), ..all() };
    assert_eq!(texts(&world.page(forward)), ["one"; 5]);
}

#[test]
fn lines_that_cannot_be_written_are_counted_and_it_goes_on() {
    let world = World::new();
    // A file where the folder should be has the effect of a disk that refuses writes.
    fs::create_dir_all(world.root()).unwrap();
    fs::write(world.root().join("s-1"), "").unwrap();
    for number in 0..3 {
        world.add(&format!("lost {number}"));
    }
    world.logs().flush();
    world.add("lost 3");
    world.logs().flush();
    fs::remove_file(world.root().join("s-1")).unwrap();
    world.add("after");
    assert_eq!(world.texts(), ["4 lines dropped", "after"]);
    assert_eq!(world.logs().dropped().load(std::sync::atomic::Ordering::Relaxed), 4);
    world.add("later");
    assert_eq!(world.texts(), ["4 lines dropped", "after", "later"]);
}

#[test]
fn what_was_dropped_is_told_though_no_line_follows() {
    let world = World::new();
    fs::create_dir_all(world.root()).unwrap();
    fs::write(world.root().join("s-1"), "").unwrap();
    world.add("lost");
    world.logs().flush();
    fs::remove_file(world.root().join("s-1")).unwrap();
    assert_eq!(world.texts(), ["1 line dropped"]);
}

#[test]
fn a_file_that_vanished_is_made_anew() {
    let mut world = World::new();
    world.add("one");
    world.logs().flush();
    world.reopen();
    fs::remove_dir_all(world.root()).unwrap();
    world.add("two");
    assert_eq!(world.texts(), ["two"]);
}

#[test]
fn a_removed_service_stays_removed() {
    let world = World::new();
    world.add("one");
    let other = log("s-2", "app");
    world.logs().append(&other, &line(NOW, "another service's"));
    world.logs().flush();
    world.add("waits");
    world.logs().remove_service("s-1").unwrap();
    world.add("late");
    world.logs().flush();
    assert_eq!(world.texts(), [""; 0]);
    assert!(!world.has(&app()));
    assert_eq!(fs::read_dir(world.root()).unwrap().count(), 1);
    assert_eq!(world.logs().services().unwrap(), ["s-2"]);
    world.logs().remove_service("s-1").unwrap();
}

#[test]
fn a_removal_that_was_cut_short_is_ended() {
    let world = World::new();
    world.add("one");
    world.logs().flush();
    let left = world.logs().desk.shelf().take_out("s-1").unwrap().unwrap();
    assert!(left.exists());
    assert_eq!(world.logs().services().unwrap(), [""; 0]);
    world.logs().forget_old(NOW).unwrap();
    assert!(!left.exists());
}

#[test]
fn files_are_closed_when_nobody_writes() {
    let world = World::new();
    world.add("one");
    world.logs().flush();
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while world.logs().desk.shelf().is_in_use() {
        assert!(std::time::Instant::now() < until, "a file stays open");
        std::thread::sleep(Duration::from_millis(50));
    }
    world.add("two");
    assert_eq!(world.texts(), ["one", "two"]);
}
