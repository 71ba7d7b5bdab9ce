//! The seam between what was read before a gap and what is read after it.

use std::borrow::Cow;

use crate::KeptLine;

/// How many lines are asked for to find the seam.
pub(crate) const LINES: usize = 1_000;

/// A line as an engine kept it: when it noted it, in nanoseconds since 1970, and the text.
pub(crate) type Noted<'a> = (i64, &'a [u8]);

/// How many of the first lines of `log` were taken already, when `kept` are the last ones that were.
///
/// A line is taken a little after the engine noted it, so whatever the engine noted after the last kept line was taken
/// is new. Of what it noted before that, the last few may not have been taken: the longest run of lines that `kept`
/// ends with tells. Texts that were no UTF-8 may have been mended where they are kept.
pub(crate) fn taken_already(kept: &[KeptLine], log: &[Noted<'_>]) -> usize {
    let Some(last) = kept.last() else { return 0 };
    let noted_before = log.partition_point(|(at, _)| at / 1_000_000 <= last.at);
    let kept: Vec<_> = kept.iter().map(|line| String::from_utf8_lossy(&line.text)).collect();
    let log: Vec<_> = log[..noted_before].iter().map(|(_, text)| String::from_utf8_lossy(text)).collect();
    let (mut longest, mut taken) = (0, noted_before);
    for end in (1..=log.len()).rev() {
        let alike = common_end(&kept, &log[..end]);
        if alike > longest {
            (longest, taken) = (alike, end);
        }
        if alike == kept.len().min(end) && alike == longest {
            break;
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
        // "c" was noted before "b" was taken, and the server ended before it took it.
        let kept = kept(&[(10, "a"), (15, "b")]);
        assert_eq!(taken_already(&kept, &log(&[(10, "a"), (11, "b"), (12, "c")])), 2);
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
        assert_eq!(taken_already(&kept, &log(&[(40, "b"), (50, "c")])), 0);
    }

    #[test]
    fn a_text_that_was_mended_is_the_same() {
        let kept = [KeptLine { at: 10, text: "\u{fffd}!".into() }];
        assert_eq!(taken_already(&kept, &[(9_000_000, b"\xff!"), (10_000_000, b"next")]), 1);
    }
}
