//! Finds the lines of an engine's log that a reader has not received, after a gap.

use std::borrow::Cow;

use crate::{KeptLine, Pipe};

/// How many earlier lines are needed to find the seam.
pub(crate) const LINES: usize = 1_000;
/// How far before the last received line the reader looks for the received ones, in milliseconds.
const BEFORE: i64 = 60_000;
/// The largest difference between the time when a server received a line and the engine's time, in milliseconds, in
/// either direction.
const APART: i64 = 5_000;
const NANOS_PER_MILLI: i64 = 1_000_000;

/// A line of an engine's log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NotedLine {
    /// The time of its beginning, in nanoseconds since 1970.
    pub(crate) at: i64,
    /// Where it was printed.
    pub(crate) pipe: Pipe,
    /// The text.
    pub(crate) text: Vec<u8>,
}

/// The place where a reader stopped.
pub(crate) struct Seam {
    kept: Vec<KeptLine>,
}

impl Seam {
    /// After the last lines that were received, at most [`LINES`], the oldest first.
    pub(crate) fn after(kept: Vec<KeptLine>) -> Self {
        Self { kept }
    }

    /// The time from which on the engine's log is needed, in milliseconds since 1970. `None` if all of it is.
    pub(crate) fn begin(&self) -> Option<i64> {
        Some(self.kept.first()?.at.max(self.kept.last()?.at - BEFORE) - APART)
    }

    /// The lines of the log that were not received.
    pub(crate) fn new_lines(&self, log: Vec<NotedLine>) -> Vec<NotedLine> {
        let mut taken = Pipe::ALL.map(|pipe| self.taken(pipe, &log));
        let is_new = |line: &NotedLine| {
            let taken = &mut taken[line.pipe as usize];
            let is_new = *taken == 0;
            *taken = taken.saturating_sub(1);
            is_new
        };
        self.follow(log.into_iter().filter(is_new).collect())
    }

    /// Gives lines that follow the received ones no earlier time than those have. The reader may have received its
    /// last line long after the engine logged it, and lines are shown in the order of their times.
    pub(crate) fn follow(&self, mut lines: Vec<NotedLine>) -> Vec<NotedLine> {
        let last = self.kept.iter().map(|line| line.at.saturating_mul(NANOS_PER_MILLI)).max();
        for line in &mut lines {
            line.at = last.map_or(line.at, |last| line.at.max(last));
        }
        lines
    }

    /// How many of a pipe's first lines in the log were received.
    fn taken(&self, pipe: Pipe, log: &[NotedLine]) -> usize {
        let kept: Vec<_> = self.kept.iter().filter(|line| line.pipe == pipe).collect();
        let log: Vec<_> = log.iter().filter(|line| line.pipe == pipe).collect();
        match self.kept.first() {
            // The last lines are all of the other pipe. So each line of this one was logged earlier, or is new.
            Some(first) if kept.is_empty() && self.kept.len() >= LINES => noted_until(&log, first.at),
            _ => taken_already(&kept, &log),
        }
    }
}

/// How many lines of the log have at most this time, in milliseconds since 1970.
fn noted_until(log: &[&NotedLine], time: i64) -> usize {
    log.partition_point(|line| line.at / NANOS_PER_MILLI <= time)
}

/// How many of the first lines of `log` were received already. `kept` has the last lines that were received.
///
/// A line logged well after the last received line is new. For the earlier lines, the function looks for a
/// place up to which the log ends with the same lines as `kept`. If lines repeat, there are several such
/// places, and the one nearest in time is right. Invalid UTF-8 may have been replaced in the stored lines.
fn taken_already(kept: &[&KeptLine], log: &[&NotedLine]) -> usize {
    let Some(last) = kept.last() else { return 0 };
    let by_time = noted_until(log, last.at);
    let kept: Vec<_> = kept.iter().map(|line| String::from_utf8_lossy(&line.text)).collect();
    let log = &log[..noted_until(log, last.at.saturating_add(APART))];
    let log: Vec<_> = log.iter().map(|line| String::from_utf8_lossy(&line.text)).collect();
    let (mut longest, mut taken) = (0, by_time);
    for distance in 0..=log.len() {
        let ends = [by_time.checked_sub(distance), by_time.checked_add(distance)].into_iter().flatten();
        for end in ends.filter(|end| (1..=log.len()).contains(end)) {
            let alike = common_end(&kept, &log[..end]);
            if alike > longest {
                if alike == kept.len().min(end) {
                    return end;
                }
                (longest, taken) = (alike, end);
            }
        }
    }
    taken
}

fn common_end(a: &[Cow<'_, str>], b: &[Cow<'_, str>]) -> usize {
    a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: Pipe = Pipe::Output;
    const ERRORS: Pipe = Pipe::Errors;

    /// The texts and times, in milliseconds, of the lines that were not received. All lines are of one pipe.
    fn new(kept: &[(i64, &str)], log: &[(i64, &str)]) -> Vec<(i64, String)> {
        let of = |lines: &[(i64, &str)]| -> Vec<_> {
            lines.iter().map(|(at, text)| (*at, OUTPUT, (*text).to_owned())).collect()
        };
        new_of_both(&of(kept), &of(log)).into_iter().map(|(at, _, text)| (at, text)).collect()
    }

    type Told = (i64, Pipe, String);

    fn new_of_both(kept: &[Told], log: &[Told]) -> Vec<Told> {
        let kept =
            kept.iter().map(|(at, pipe, text)| KeptLine { at: *at, pipe: *pipe, text: text.clone().into() });
        let log = log.iter().map(|(at, pipe, text)| NotedLine {
            at: at * NANOS_PER_MILLI,
            pipe: *pipe,
            text: text.clone().into(),
        });
        let new = Seam::after(kept.collect()).new_lines(log.collect());
        new.into_iter()
            .map(|line| (line.at / NANOS_PER_MILLI, line.pipe, String::from_utf8(line.text).unwrap()))
            .collect()
    }

    fn told(lines: &[(i64, &str)]) -> Vec<(i64, String)> {
        lines.iter().map(|(at, text)| (*at, (*text).to_owned())).collect()
    }

    #[test]
    fn without_kept_lines_everything_is_new() {
        assert_eq!(new(&[], &[(1, "a")]), told(&[(1, "a")]));
    }

    #[test]
    fn goes_on_after_the_last_kept_line() {
        let kept = [(10, "a"), (11, "b")];
        assert_eq!(new(&kept, &[(9, "x"), (10, "a"), (10, "b"), (12, "c")]), told(&[(12, "c")]));
    }

    #[test]
    fn a_line_noted_and_not_taken_is_new_and_no_earlier_than_the_last_one() {
        // "c" was logged before "b" was received, and the server stopped before receiving "c".
        let kept = [(10, "a"), (15, "b")];
        assert_eq!(new(&kept, &[(10, "a"), (11, "b"), (12, "c"), (16, "d")]), told(&[(15, "c"), (16, "d")]));
    }

    #[test]
    fn the_engine_may_note_a_line_after_it_was_taken() {
        let kept = [(10, "a"), (15, "b")];
        assert_eq!(new(&kept, &[(11, "a"), (17, "b"), (18, "c")]), told(&[(18, "c")]));
    }

    #[test]
    fn the_longest_run_tells_when_the_log_is_torn() {
        let kept = [(10, "lost"), (11, "a"), (12, "b")];
        let log = [(9, "x"), (11, "a"), (12, "b"), (13, "b"), (14, "c")];
        assert_eq!(new(&kept, &log), told(&[(13, "b"), (14, "c")]));
    }

    #[test]
    fn a_first_line_that_is_like_the_last_one_tells_less_than_a_long_run() {
        let kept = [(10, "c"), (11, "b"), (12, "d"), (13, "e"), (14, "a")];
        let log = [(9, "a"), (10, "b"), (11, "c"), (12, "d"), (13, "e"), (14, "a"), (15, "f")];
        assert_eq!(new(&kept, &log), told(&[(15, "f")]));
    }

    #[test]
    fn pipes_are_taken_apart_because_their_lines_may_be_logged_in_another_order() {
        let line = |at: i64, pipe, text: &str| (at, pipe, text.to_owned());
        let kept =
            [line(10, OUTPUT, "0"), line(10, OUTPUT, "1"), line(11, ERRORS, "a"), line(12, OUTPUT, "2")];
        let log = [
            line(9, OUTPUT, "0"),
            line(9, OUTPUT, "1"),
            line(9, OUTPUT, "2"),
            line(9, OUTPUT, "3"),
            line(9, ERRORS, "a"),
            line(9, ERRORS, "b"),
        ];
        assert_eq!(new_of_both(&kept, &log), [line(12, OUTPUT, "3"), line(12, ERRORS, "b")]);
    }

    #[test]
    fn a_pipe_without_kept_lines_is_new_from_the_first_kept_line_on() {
        let line = |at, pipe, text: usize| (at, pipe, text.to_string());
        let log = [line(9, ERRORS, 0), line(11, ERRORS, 1)];
        let kept = |count| -> Vec<_> { (0..count).map(|text| line(10, OUTPUT, text)).collect() };
        assert_eq!(new_of_both(&kept(LINES), &log), [line(11, ERRORS, 1)]);
        // The kept lines are all there were.
        assert_eq!(new_of_both(&kept(9), &log), [line(10, ERRORS, 0), line(11, ERRORS, 1)]);
    }

    #[test]
    fn lines_that_repeat_are_told_apart_by_time() {
        let kept = [(10, "tick"), (20, "tick"), (30, "tick")];
        let log = [(10, "tick"), (20, "tick"), (30, "tick"), (40, "tick"), (50, "tick")];
        assert_eq!(new(&kept, &log), told(&[(40, "tick"), (50, "tick")]));
    }

    #[test]
    fn lines_that_rotation_took_away_leave_the_rest_new() {
        let log = [(9_040, "b"), (9_050, "c")];
        assert_eq!(new(&[(10, "a"), (20, "b")], &log), told(&log));
    }

    #[test]
    fn a_text_that_was_mended_is_the_same() {
        let kept = KeptLine { at: 10, pipe: OUTPUT, text: "\u{fffd}!".into() };
        let log = [(9, &b"\xff!"[..]), (10, b"next")];
        let log =
            log.map(|(at, text)| NotedLine { at: at * NANOS_PER_MILLI, pipe: OUTPUT, text: text.to_vec() });
        let new = Seam::after(vec![kept]).new_lines(log.to_vec());
        assert_eq!(new, log[1..]);
    }
}
