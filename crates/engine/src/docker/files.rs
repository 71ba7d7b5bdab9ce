//! How many files a process of a container may open. The wish is bounded by the hard limit of the engine, which it does
//! not tell; so what does not start is tried with less, and what worked is kept.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::failure::Trouble;

/// The wish.
const WANTED: i64 = 65_536;
/// What is tried after it and after this process's own limit.
const LESS: [i64; 3] = [16_384, 4_096, 1_024];

/// The limits to try, and how far that went.
pub(super) struct Files {
    limits: Vec<i64>,
    current: AtomicUsize,
}

impl Files {
    pub(super) fn new() -> Self {
        // An engine of this machine mostly has the same limit as its other services.
        let own = std::fs::read_to_string("/proc/self/limits").ok().and_then(|text| hard_limit(&text));
        let mut limits = vec![WANTED];
        limits.extend(own.filter(|own| *own < WANTED));
        limits.extend(LESS.iter().filter(|less| own.is_none_or(|own| **less < own)));
        Self { limits, current: AtomicUsize::new(0) }
    }

    /// The limit to use; `None` if none that was tried works.
    pub(super) fn limit(&self) -> Option<i64> {
        self.limits.get(self.current.load(Ordering::Relaxed)).copied()
    }

    /// Whether a start with this limit failed for it and should be tried again with a smaller one.
    pub(super) fn was_too_many(&self, tried: Option<i64>, trouble: &Trouble) -> bool {
        if tried.is_none() || !trouble.says(&["rlimit"]) {
            return false;
        }
        let place = self.limits.iter().position(|limit| Some(*limit) == tried).unwrap_or(self.limits.len());
        self.current.fetch_max(place + 1, Ordering::Relaxed);
        true
    }
}

/// The hard limit of open files, as the kernel shows limits.
fn hard_limit(text: &str) -> Option<i64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Trouble {
        Trouble::told("error setting rlimit type 7: operation not permitted".to_owned())
    }

    #[test]
    fn the_hard_limit_is_the_second_number() {
        let text = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 20000 \
                    files\n";
        assert_eq!(hard_limit(text), Some(20_000));
        assert_eq!(hard_limit("Max open files  1024  unlimited  files"), None);
    }

    #[test]
    fn smaller_limits_are_tried_one_after_the_other_and_kept() {
        let files = Files { limits: vec![65_536, 20_000], current: AtomicUsize::new(0) };
        assert!(!files.was_too_many(Some(65_536), &Trouble::told("no such command".to_owned())));
        assert!(files.was_too_many(Some(65_536), &refused()));
        // Another start that was under way with the old limit.
        assert!(files.was_too_many(Some(65_536), &refused()));
        assert_eq!(files.limit(), Some(20_000));
        assert!(files.was_too_many(Some(20_000), &refused()));
        assert_eq!(files.limit(), None);
        assert!(!files.was_too_many(None, &refused()));
    }
}
