//! The kernel's limits on open files and processes of a container's programs. The engine does not tell its hard
//! limits. So if a container does not start, lower limits are tried, and those that work are kept.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::failure::Trouble;

/// The wanted number of open files of a process.
const FILES: i64 = 65_536;
/// Numbers to try after the wanted one and this process's own limit. An engine on this machine usually has the limit
/// of the machine's other services.
const FEWER_FILES: [i64; 3] = [16_384, 4_096, 1_024];
/// How many processes a user may have: numbers to try if the engine's default does not work. A separate limit
/// confines each container.
const PROCESSES: [i64; 3] = [32_768, 16_384, 4_096];

/// The limits of a container's programs. `None` leaves a limit to the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// The most open files of a process.
    pub(super) files: Option<i64>,
    /// The most processes of a user.
    pub(super) processes: Option<i64>,
}

/// Values to try one after the other, and the current one.
struct Ladder {
    steps: Vec<Option<i64>>,
    current: AtomicUsize,
}

impl Ladder {
    fn new(steps: impl IntoIterator<Item = Option<i64>>) -> Self {
        Self { steps: steps.into_iter().collect(), current: AtomicUsize::new(0) }
    }

    fn now(&self) -> Option<i64> {
        self.steps.get(self.current.load(Ordering::Relaxed)).copied().flatten()
    }

    /// Goes to the next value after a failed one, unless another start has already done so. Returns `false` if
    /// there is no next value.
    fn leave(&self, failed: Option<i64>) -> bool {
        let next = self.steps.iter().position(|step| *step == failed).unwrap_or(self.steps.len()) + 1;
        self.current.fetch_max(next.min(self.steps.len() - 1), Ordering::Relaxed);
        next < self.steps.len()
    }
}

/// The limits of an engine.
pub(super) struct EngineLimits {
    files: Ladder,
    processes: Ladder,
}

impl EngineLimits {
    pub(super) fn new() -> Self {
        let own = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let own_files = hard_limit(&own, "Max open files").filter(|own| *own < FILES);
        let fewer = FEWER_FILES.into_iter().filter(|fewer| own_files.is_none_or(|own| *fewer < own));
        Self {
            files: Ladder::new([FILES].into_iter().chain(own_files).chain(fewer).map(Some)),
            processes: Ladder::new([None].into_iter().chain(PROCESSES.map(Some))),
        }
    }

    pub(super) fn now(&self) -> Limits {
        Limits { files: self.files.now(), processes: self.processes.now() }
    }

    /// Whether a start failed because of these limits, so that it should be tried again with the current
    /// limits.
    pub(super) fn were_too_high(&self, tried: Limits, trouble: &Trouble) -> bool {
        if !trouble.says(&["rlimit"]) {
            return false;
        }
        // 6 is the kernel's number for the limit on processes.
        if trouble.says(&["rlimit type 6", "rlimit_nproc"]) {
            self.processes.leave(tried.processes)
        } else {
            self.files.leave(tried.files)
        }
    }
}

/// The hard limit in the kernel's text.
fn hard_limit(text: &str, name: &str) -> Option<i64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(limit: &str) -> Trouble {
        Trouble::told(format!("error setting rlimit type {limit}: operation not permitted"))
    }

    #[test]
    fn the_hard_limit_is_the_second_number() {
        let text = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 20000 \
                    files\n";
        assert_eq!(hard_limit(text, "Max open files"), Some(20_000));
        assert_eq!(hard_limit("Max open files  1024  unlimited  files", "Max open files"), None);
    }

    #[test]
    fn smaller_limits_are_tried_one_after_the_other_and_kept() {
        let limits = EngineLimits {
            files: Ladder::new([Some(65_536), Some(20_000)]),
            processes: Ladder::new([None, Some(4_096)]),
        };
        let first = limits.now();
        assert!(!limits.were_too_high(first, &Trouble::told("no such command".to_owned())));
        assert!(limits.were_too_high(first, &refused("7")));
        // Another start was already running with the old limits.
        assert!(limits.were_too_high(first, &refused("7")));
        assert_eq!(limits.now(), Limits { files: Some(20_000), processes: None });
        assert!(limits.were_too_high(limits.now(), &refused("6")));
        let last = Limits { files: Some(20_000), processes: Some(4_096) };
        assert_eq!(limits.now(), last);
        assert!(!limits.were_too_high(last, &refused("7")));
        assert!(!limits.were_too_high(last, &refused("6")));
        assert_eq!(limits.now(), last);
    }
}
