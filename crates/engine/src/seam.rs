//! Finds the place in an engine's log up to which a reader has received the lines, after a gap.

use std::borrow::Cow;

use crate::KeptLine;

/// How many earlier lines are needed to find the seam.
pub(crate) const LINES: usize = 1_000;

/// A line of an engine's log: its time in nanoseconds since 1970, and its text.
pub(crate) type Noted<'a> = (i64, &'a [u8]);

/// The largest difference between the time when a server received a line and the engine's time, in milliseconds, in
/// either direction.
const APART: i64 = 5_000;

/// How many of the first lines of `log` were received already. `kept` has the last lines that were received.
///
/// A line logged well after the last received line is new. For the earlier lines, the function looks for a
/// place up to which the log ends with the same lines as `kept`. If lines repeat, there are several such
/// places, and the one nearest in time is right. Invalid UTF-8 may have been replaced in the stored lines.
pub(crate) fn taken_already(kept: &[KeptLine], log: &[Noted<'_>]) -> usize {
    let Some(last) = kept.last() else { return 0 };
    let noted_until = |time: i64| log.partition_point(|(at, _)| at / 1_000_000 <= time);
    let by_time = noted_until(last.at);
    let kept: Vec<_> = kept.iter().map(|line| String::from_utf8_lossy(&line.text)).collect();
    let log = &log[..noted_until(last.at.saturating_add(APART))];
    let log: Vec<_> = log.iter().map(|(_, text)| String::from_utf8_lossy(text)).collect();
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

    fn kept(lines: &[(i64, &str)]) -> Vec<KeptLine> {
        lines.iter().map(|(at, text)| KeptLine { at: *at, text: text.as_bytes().to_vec() }).collect()
    }

    fn log<'a>(lines: &[(i64, &'a str)]) -> Vec<Noted<'a>> {
        lines.iter().map(|(at, text)| (at * 1_000_000, text.as_bytes())).collect()
    }

    #[test]
    fn without_kept_lines_everything_is_new() {
        assert_eq!(taken_already(&[], &log(&[(1, "a")])), 0);
    }

    #[test]
    fn goes_on_after_the_last_kept_line() {
        let kept = kept(&[(10, "a"), (11, "b")]);
        assert_eq!(taken_already(&kept, &log(&[(9, "x"), (10, "a"), (10, "b"), (12, "c")])), 3);
    }

    #[test]
    fn a_line_noted_and_not_taken_is_new() {
        // "c" was logged before "b" was received, and the server stopped before receiving "c".
        let kept = kept(&[(10, "a"), (15, "b")]);
        assert_eq!(taken_already(&kept, &log(&[(10, "a"), (11, "b"), (12, "c")])), 2);
    }

    #[test]
    fn the_engine_may_note_a_line_after_it_was_taken() {
        let kept = kept(&[(10, "a"), (15, "b")]);
        assert_eq!(taken_already(&kept, &log(&[(11, "a"), (17, "b"), (18, "c")])), 2);
    }

    #[test]
    fn the_longest_run_tells_when_the_log_is_torn() {
        let kept = kept(&[(10, "lost"), (11, "a"), (12, "b")]);
        assert_eq!(taken_already(&kept, &log(&[(9, "x"), (11, "a"), (12, "b"), (13, "b"), (14, "c")])), 3);
    }

    #[test]
    fn a_first_line_that_is_like_the_last_one_tells_less_than_a_long_run() {
        // Two pipes. Their lines were logged in another order than they were received.
        let kept = kept(&[(10, "c"), (11, "b"), (12, "d"), (13, "e"), (14, "a")]);
        let log = log(&[(9, "a"), (10, "b"), (11, "c"), (12, "d"), (13, "e"), (14, "a"), (15, "f")]);
        assert_eq!(taken_already(&kept, &log), 6);
    }

    #[test]
    fn lines_that_repeat_are_told_apart_by_time() {
        let kept = kept(&[(10, "tick"), (20, "tick"), (30, "tick")]);
        let log = log(&[(10, "tick"), (20, "tick"), (30, "tick"), (40, "tick"), (50, "tick")]);
        assert_eq!(taken_already(&kept, &log), 3);
    }

    #[test]
    fn lines_that_rotation_took_away_leave_the_rest_new() {
        let kept = kept(&[(10, "a"), (20, "b")]);
        assert_eq!(taken_already(&kept, &log(&[(9_040, "b"), (9_050, "c")])), 0);
    }

    #[test]
    fn a_text_that_was_mended_is_the_same() {
        let kept = [KeptLine { at: 10, text: "\u{fffd}!".into() }];
        assert_eq!(taken_already(&kept, &[(9_000_000, b"\xff!"), (10_000_000, b"next")]), 1);
    }
}
