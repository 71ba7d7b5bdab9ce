//! The lines of a log that have been shown already.
//!
//! A log is read again and again, each time from a whole second on. So the lines of the last second come again. Two
//! lines may have the same text and time, so lines are counted: if a reading has more equal lines than any reading
//! before, the additional ones are new. Lines of several nodes come a little out of order, so each reading begins
//! some seconds before the newest line.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use gangplank_api::Timestamp;

use super::Line;

/// How far before the newest line a reading begins, in milliseconds.
const OVERLAP: i64 = 2_000;

/// The lines that have been shown and may come again.
#[derive(Debug)]
pub(crate) struct Shown {
    /// Lines before this time are never shown, in milliseconds since 1970.
    from: i64,
    newest: i64,
    /// The number of equal lines, by time and a hash of the text.
    counts: HashMap<(i64, u64), u32>,
    hasher: RandomState,
}

/// One reading of the log, from its start to its end.
#[derive(Debug, Default)]
pub(crate) struct Reading(HashMap<(i64, u64), u32>);

impl Shown {
    /// A state in which no line was shown. Lines before `from` are never shown.
    pub(crate) fn nothing_since(from: Timestamp) -> Self {
        Self { from: from.0, newest: from.0, counts: HashMap::new(), hasher: RandomState::new() }
    }

    /// The time to read from. It is a whole second.
    pub(crate) fn start(&self) -> Timestamp {
        Timestamp((self.newest - OVERLAP).max(self.from).div_euclid(1000) * 1000)
    }

    /// Whether a line is new. From now on the line counts as shown.
    pub(crate) fn is_new(&mut self, reading: &mut Reading, line: &Line) -> bool {
        if line.at.0 < self.from {
            return false;
        }
        let key = (line.at.0, self.hasher.hash_one(&line.text));
        let in_reading = reading.0.entry(key).or_default();
        *in_reading += 1;
        let before = self.counts.entry(key).or_default();
        let is_new = *in_reading > *before;
        *before = (*before).max(*in_reading);
        is_new
    }

    /// Ends a reading. Forgets lines that cannot come again.
    pub(crate) fn end(&mut self, reading: &Reading) {
        self.newest = reading.0.keys().map(|(at, _)| *at).max().unwrap_or(self.newest).max(self.newest);
        let start = self.start().0;
        self.counts.retain(|(at, _), _| *at >= start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: i64, text: &str) -> Line {
        Line { at: Timestamp(at), text: text.to_owned() }
    }

    /// Reads a log as a server would give it, and returns the new lines.
    fn read(shown: &mut Shown, log: &[Line]) -> Vec<String> {
        let (start, mut reading) = (shown.start().0, Reading::default());
        let given = log.iter().filter(|line| line.at.0 >= start);
        let new =
            given.filter(|line| shown.is_new(&mut reading, line)).map(|line| line.text.clone()).collect();
        shown.end(&reading);
        new
    }

    #[test]
    fn every_line_is_new_once_also_where_times_and_texts_are_alike() {
        let mut shown = Shown::nothing_since(Timestamp(10_000));
        let mut log = vec![line(9_999, "old"), line(10_000, "a"), line(10_000, "a"), line(10_500, "b")];
        assert_eq!(read(&mut shown, &log), ["a", "a", "b"]);
        assert_eq!(read(&mut shown, &log), Vec::<String>::new());
        log.extend([line(10_500, "b"), line(10_999, "c")]);
        assert_eq!(read(&mut shown, &log), ["b", "c"]);
        // A late line of another node is before lines that were shown.
        log.insert(4, line(10_200, "late"));
        assert_eq!(read(&mut shown, &log), ["late"]);
        log.push(line(60_000, "d"));
        assert_eq!(read(&mut shown, &log), ["d"]);
        assert_eq!(read(&mut shown, &log), Vec::<String>::new());
        assert!(shown.counts.len() < 3, "what cannot come again is forgotten: {}", shown.counts.len());
    }

    #[test]
    fn the_start_is_a_whole_second_and_never_before_what_is_wanted() {
        let mut shown = Shown::nothing_since(Timestamp(10_700));
        assert_eq!(shown.start(), Timestamp(10_000));
        assert_eq!(read(&mut shown, &[line(10_100, "before"), line(10_800, "after")]), ["after"]);
        assert_eq!(shown.start(), Timestamp(10_000));
        assert_eq!(read(&mut shown, &[line(20_700, "later")]), ["later"]);
        assert_eq!(shown.start(), Timestamp(18_000));
    }

    /// However a log grows and whenever it is read, each line is shown exactly once.
    #[test]
    fn nothing_is_lost_or_shown_twice_however_it_is_read() {
        let mut random = 7_u64;
        let mut below = |most: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % most
        };
        for _ in 0..200 {
            let (mut log, mut shown) = (Vec::<Line>::new(), Shown::nothing_since(Timestamp(0)));
            let (mut seen, mut now) = (Vec::new(), 0_i64);
            for _ in 0..40 {
                now += i64::try_from(below(1_500)).unwrap();
                // Nodes are up to a second late.
                let at = (now - i64::try_from(below(1_000)).unwrap()).max(0);
                let place = log.iter().position(|line| line.at.0 > at).unwrap_or(log.len());
                log.insert(place, line(at, ["x", "y"][usize::try_from(below(2)).unwrap()]));
                if below(3) == 0 {
                    seen.extend(read(&mut shown, &log));
                }
            }
            seen.extend(read(&mut shown, &log));
            let count = |all: &[String], text: &str| all.iter().filter(|one| *one == text).count();
            let all: Vec<String> = log.iter().map(|line| line.text.clone()).collect();
            assert_eq!((count(&seen, "x"), count(&seen, "y")), (count(&all, "x"), count(&all, "y")));
        }
    }
}
