//! The wall clocks of replicas are wrong. No data ages because of that.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gangplank_testkit::{Image, skip};
use serde_json::json;

use crate::world::{PART, Trials, append, assert_pulled, blob, builder, received, until};

pub(crate) const TRIALS: Trials =
    &[("clocks::of_two_replicas_are_wrong", two_are_wrong), ("clocks::days_ahead_age_nothing", days_ahead)];

const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// The environment of a process whose clock is wrong by this number of seconds. The monotonic clock is right.
fn wrong_by(seconds: i64) -> Option<[(&'static str, String); 3]> {
    if !Path::new(FAKETIME).is_file() {
        skip("faketime is not installed");
        return None;
    }
    let offset = format!("{seconds:+}s");
    Some([
        ("LD_PRELOAD", FAKETIME.to_owned()),
        ("FAKETIME", offset),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ])
}

/// The wall clock of a process, which a trial sets while the process runs. The process sees the new time within a
/// second.
pub(crate) struct Clock(PathBuf);

impl Clock {
    /// A clock that is right at first, with a file of its own. `None` if the library is not installed.
    pub(crate) fn new(file: PathBuf) -> Option<Self> {
        wrong_by(0)?;
        let clock = Self(file);
        clock.set(0);
        Some(clock)
    }

    /// Sets the clock wrong by this number of seconds.
    pub(crate) fn set(&self, seconds: i64) {
        // The process may read the file at any moment.
        let whole = self.0.with_extension("new");
        std::fs::write(&whole, format!("{seconds:+}s\n")).unwrap();
        std::fs::rename(whole, &self.0).unwrap();
    }

    /// The environment of a process that has this clock.
    pub(crate) fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("LD_PRELOAD", FAKETIME.to_owned()),
            ("FAKETIME_TIMESTAMP_FILE", self.0.display().to_string()),
            ("FAKETIME_CACHE_DURATION", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    }
}

/// A replica whose clock is half a minute wrong logs that and serves. If it is a minute and a half wrong, the replica
/// is not ready.
fn two_are_wrong() {
    let (Some(slightly), Some(badly)) = (wrong_by(30), wrong_by(-90)) else { return };
    let mut server = builder().start();
    server.start_replica_unready(1, &pairs(&slightly));
    server.start_replica_unready(2, &pairs(&badly));
    until("ready", Duration::from_secs(10), || server.replica(1).is_ready());
    server.api().ensure_service("web");
    // A login that one replica makes works on the other one. So do signatures of clients whose clock is right.
    for maker in [0, 1] {
        let login = server.replica(maker).api().push_login();
        for number in 0..2 {
            let registry = server.replica(number).registry_as(&login);
            let digest = registry.push_image("sr", "any", &Image::unique(1));
            server.replica(1 - number).api().register("web", "app", &digest);
        }
    }
    until("the clock is told", Duration::from_secs(65), || server.replica(1).log().contains("clock"));
    until("not ready", Duration::from_secs(65), || !server.replica(2).is_ready());
    assert!(server.replica(0).is_ready() && server.replica(1).is_ready());
    assert!(!server.replica(0).log().contains("clock is"), "{}", server.replica(0).log());
}

/// A replica two days ahead collects nothing that is leased, and ends no upload.
fn days_ahead() {
    let Some(ahead) = wrong_by(2 * 24 * 3600) else { return };
    let mut server = builder().env("GANGPLANK_GC_INTERVAL", "1s").start();
    let login = server.operator_login();
    let registry = server.replica(0).registry_as(&login);
    let image = Image::unique(2);
    registry.push_image("sr", "unregistered", &image);
    let half = blob(PART + 100);
    let location = append(&registry, &registry.start_upload("sr"), 0, &half.bytes[..=PART]);
    server.start_replica_unready(2, &pairs(&ahead));
    // Now the replica with the wrong clock does all jobs.
    server.kill_replica(0);
    server.kill_replica(1);
    std::thread::sleep(Duration::from_secs(12));
    server.restart_replica(0);
    let registry = server.replica(0).registry_as(&login);
    let answer = server.replica(0).api().gangplank("CollectGarbage", &json!({}));
    assert_eq!((answer.status, &answer.body["manifests"]), (200, &json!(0)), "{answer:?}");
    assert_eq!(registry.status("GET", "sr/manifests/unregistered"), 200);
    image.blobs().for_each(|blob| assert_pulled(&registry, "sr", blob));
    assert_eq!(received(&registry, &location), Ok(PART + 1));
    append(&registry, &location, PART + 1, &half.bytes[PART + 1..]);
    assert_eq!(registry.status("PUT", &format!("{location}?digest={}", half.digest)), 201);
}

fn pairs<'a>(environment: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    environment.iter().map(|(name, value)| (*name, value.as_str())).collect()
}
