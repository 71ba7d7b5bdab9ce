//! The bounds of logs.

use std::time::Instant;

use super::*;

#[test]
fn a_log_has_so_many_bytes_and_loses_its_oldest_lines() {
    let kept = LogsKept { age: KEPT.age, bytes: 20_000 };
    let mut world = World::keeping(kept, Room::default());
    for number in 0..2_000 {
        world.add_at(minutes(number / 100), &format!("line {number}"));
        if number % 50 == 0 {
            world.logs().flush();
            assert!(world.size() <= kept.bytes, "{}", world.size());
        }
        if number == 1_000 {
            world.reopen();
        }
    }
    let texts = world.texts();
    assert!((200..=400).contains(&texts.len()), "{} lines", texts.len());
    let newest: Vec<_> = (2_000 - texts.len()..2_000).map(|number| format!("line {number}")).collect();
    assert_eq!(texts, newest, "without a gap");
    assert!(world.size() <= kept.bytes && world.size() > kept.bytes / 2, "{}", world.size());
}

#[test]
fn lines_of_one_moment_are_bounded_too() {
    let kept = LogsKept { age: KEPT.age, bytes: 20_000 };
    let world = World::keeping(kept, Room::default());
    let held = world.logs().desk.shelf();
    for number in 0..2_000 {
        world.add(&format!("line {number}"));
    }
    drop(held);
    let texts = world.texts();
    assert!(world.size() <= kept.bytes, "{}", world.size());
    assert_eq!(texts.last().unwrap(), "line 1999");
}

#[test]
fn hours_that_are_too_old_go_with_their_folders() {
    let world = World::new();
    world.add_at(minutes(0), "old");
    world.add_at(minutes(60), "newer");
    world.logs().append(&log("s-1", "other"), &line(minutes(0), "old"));
    world.logs().append(&log("s-2", "app"), &line(minutes(0), "old"));
    world.logs().flush();
    world.logs().forget_old(minutes(0).plus(KEPT.age)).unwrap();
    assert_eq!(world.files().len(), 2, "an hour is kept until its last line is too old");
    world.logs().forget_old(minutes(60).plus(KEPT.age)).unwrap();
    assert_eq!(world.texts(), ["newer"]);
    assert_eq!(world.logs().services().unwrap(), ["s-1"]);
    assert!(!world.has(&log("s-1", "other")));
    world.add_at(minutes(0), "late");
    assert_eq!(world.texts(), ["late", "newer"], "what is written goes on");
}

#[test]
fn a_service_has_so_many_logs() {
    let world = World::new();
    for number in 0..60 {
        world.logs().append(&log("s-1", &format!("c{number}")), &line(minutes(number * 60), "one"));
        world.logs().flush();
    }
    world.logs().append(&log("s-2", "app"), &line(NOW, "another service's"));
    world.logs().flush();
    let mut names = files::names_in(&world.root().join("s-1")).unwrap();
    names.sort_by_key(|name| name[1..].parse::<u32>().unwrap());
    assert_eq!(names, (10..60).map(|number| format!("c{number}")).collect::<Vec<_>>());
    assert_eq!(world.logs().services().unwrap().len(), 2);
}

#[test]
fn whoever_adds_waits_for_no_disk_and_takes_no_more_memory() {
    let room = Room { of_one: 100_000, of_all: 150_000 };
    let world = World::keeping(KEPT, room);
    let other = log("s-2", "app");
    world.logs().append(&other, &line(NOW, "first"));
    world.logs().flush();
    // A held lock has the effect of a disk that hangs.
    let held = world.logs().desk.shelf();
    let (begun, total) = (Instant::now(), 20_000);
    for number in 0..total {
        world.add(&format!("line {number}"));
    }
    world.logs().append(&other, &line(NOW, "last"));
    assert!(begun.elapsed() < Duration::from_secs(5));
    drop(held);
    let texts = world.texts();
    let told: Vec<_> = texts.iter().filter(|text| text.ends_with(" lines dropped")).collect();
    assert!(!told.is_empty() && told.len() <= 2, "{told:?}");
    let dropped: usize =
        told.iter().map(|text| text.split(' ').next().unwrap().parse::<usize>().unwrap()).sum();
    assert_eq!(texts.len() - told.len() + dropped, total, "every line is there or counted");
    assert_eq!(texts.last().unwrap(), &format!("line {}", total - 1));
    assert!(dropped > total / 2, "{dropped}");
    let counted = world.logs().dropped().load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(counted, dropped as u64);
    let kept = world.logs().kept(&other, "7-0", 9).unwrap();
    assert_eq!(kept.len(), 2, "a quiet log loses nothing to a loud one");
}
