//! Logs as a whole: added lines are found again, whatever happens to files, disk and server.

mod bounds;
mod faults;
mod paging;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;

/// The time of the tests, at the beginning of an hour.
const NOW: Time = Time(1_800_000_000_000);

const KEPT: LogsKept = LogsKept { age: Duration::from_hours(96), bytes: 100 << 20 };

/// Logs in a folder for this test only.
struct World {
    home: TempDir,
    logs: Option<Logs>,
    kept: LogsKept,
    room: Room,
}

impl World {
    fn new() -> Self {
        Self::keeping(KEPT, Room::default())
    }

    fn keeping(kept: LogsKept, room: Room) -> Self {
        let mut world = Self { home: TempDir::new().unwrap(), logs: None, kept, room };
        world.reopen();
        world
    }

    /// Closes the logs and opens them again.
    fn reopen(&mut self) {
        drop(self.logs.take());
        self.logs = Some(Logs::with_room(self.root(), self.kept, 0, self.room));
    }

    fn root(&self) -> PathBuf {
        self.home.path().join("logs")
    }

    fn folder(&self) -> PathBuf {
        self.root().join("s-1/app")
    }

    fn logs(&self) -> &Logs {
        self.logs.as_ref().unwrap()
    }

    fn add_at(&self, at: Time, text: &str) {
        self.logs().append(&app(), &line(at, text));
    }

    fn add(&self, text: &str) {
        self.add_at(NOW, text);
    }

    fn page_of(&self, log: &LogName, wanted: Wanted) -> Option<LogPage> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.logs().page(&AccountId::root(), log, wanted)).unwrap()
    }

    fn page(&self, wanted: Wanted) -> LogPage {
        self.page_of(&app(), wanted).unwrap_or_default()
    }

    /// Whether the log exists.
    fn has(&self, log: &LogName) -> bool {
        self.page_of(log, all()).is_some()
    }

    /// The texts of all lines, oldest first.
    fn texts(&self) -> Vec<String> {
        let limits = PageLimits { lines: usize::MAX, bytes: usize::MAX, read: u64::MAX };
        texts(&self.page(Wanted { limits, ..all() }))
    }

    /// The names of the log's files.
    fn files(&self) -> Vec<String> {
        let parts = files::parts_in(&self.folder()).unwrap();
        parts.iter().map(|(part, _)| format!("{}.{}", part.hour, part.number)).collect()
    }

    fn size(&self) -> u64 {
        files::parts_in(&self.folder()).unwrap().iter().map(|(_, length)| length).sum()
    }
}

fn log(service: &str, container: &str) -> LogName {
    LogName { service: service.to_owned(), container: container.to_owned() }
}

fn app() -> LogName {
    log("s-1", "app")
}

fn line(at: Time, text: &str) -> LogLine {
    LogLine { at, node: "7-0".to_owned(), pipe: Pipe::Output, text: text.to_owned() }
}

fn all() -> Wanted {
    Wanted { start: None, end: None, filter: LogFilter::default(), from: None, limits: PageLimits::default() }
}

fn texts(page: &LogPage) -> Vec<String> {
    page.lines.iter().map(|line| line.text.clone()).collect()
}

fn minutes(minutes: i64) -> Time {
    Time(NOW.0 + minutes * 60_000)
}

#[test]
fn a_server_on_which_nothing_runs_pays_nothing() {
    let world = World::new();
    assert!(!world.root().exists());
    assert!(!world.logs().is_in_use());
    world.logs().flush();
    world.logs().forget_old(NOW).unwrap();
    world.logs().remove_service("s-1").unwrap();
    assert_eq!(world.logs().services().unwrap(), [""; 0]);
    assert!(!world.has(&app()));
    assert_eq!(world.texts(), [""; 0]);
    assert!(!world.root().exists());
    assert!(!world.logs().is_in_use());
}

#[test]
fn what_is_added_is_there_after_a_restart() {
    let mut world = World::new();
    for text in ["one", "", "tab\tand \u{1b}[31mcolour", "größe \"q\" \\"] {
        world.add(text);
    }
    let expected = ["one", "", "tab\tand \u{1b}[31mcolour", "größe \"q\" \\"];
    assert_eq!(world.texts(), expected);
    world.reopen();
    world.add("two");
    assert_eq!(world.texts(), [&expected[..], &["two"]].concat());
    assert!(world.has(&app()));
    assert!(!world.has(&log("s-1", "other")));
    assert_eq!(world.logs().services().unwrap(), ["s-1"]);
    assert_eq!(world.files().len(), 1);
}

#[test]
fn files_are_their_owners_alone() {
    let world = World::new();
    world.add("one");
    world.logs().flush();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
    for folder in [world.root(), world.root().join("s-1"), world.folder()] {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
    }
    assert_eq!(mode(&world.folder().join(&world.files()[0])), 0o600);
}

#[test]
fn the_last_lines_of_one_node_are_found() {
    let world = World::new();
    let add = |minute, node: &str, text: &str| {
        let line =
            LogLine { at: minutes(minute), node: node.to_owned(), pipe: Pipe::Output, text: text.to_owned() };
        world.logs().append(&app(), &line);
    };
    for minute in 0..200 {
        add(minute, "7-0", &format!("zero {minute}"));
        add(minute, "7-1", &format!("one {minute}"));
        add(minute, "", "[deployment:7] something");
    }
    let kept = world.logs().kept(&app(), "7-1", 3).unwrap();
    let expected = [197, 198, 199].map(|minute| (minutes(minute), format!("one {minute}")));
    assert_eq!(kept.into_iter().map(|line| (line.at, line.text)).collect::<Vec<_>>(), expected);
    assert_eq!(world.logs().kept(&app(), "7-0", 1_000).unwrap().len(), 200);
    assert_eq!(world.logs().kept(&app(), "8-0", 3).unwrap(), []);
    assert_eq!(world.logs().kept(&log("s-1", "other"), "7-0", 3).unwrap(), []);
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let world = World::new();
    for container in ["../../outside", "..", "", "a/b"] {
        let name = log("s-1", container);
        world.logs().append(&name, &line(NOW, "out"));
        assert!(!world.has(&name));
        assert_eq!(world.logs().kept(&name, "7-0", 1).unwrap(), []);
    }
    world.logs().remove_service("..").unwrap();
    world.logs().flush();
    assert!(world.home.path().exists() && !world.home.path().join("outside").exists());
}
