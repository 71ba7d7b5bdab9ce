//! Lines, put together from pieces of output.

use bollard::container::LogOutput;
use bytes::Bytes;

use super::readers::Life;
use crate::Pipe;
use crate::seam::NotedLine;

/// The longest line, in bytes. A longer one is split.
pub(super) const LONGEST: usize = 256 * 1024;

impl Pipe {
    /// The stream and the bytes of a piece.
    pub(super) fn of(piece: LogOutput) -> (Self, Bytes) {
        match piece {
            LogOutput::StdErr { message } => (Self::Errors, message),
            LogOutput::StdOut { message } | LogOutput::StdIn { message } | LogOutput::Console { message } => {
                (Self::Output, message)
            }
        }
    }
}

/// The beginnings of lines that are not complete yet.
#[derive(Default)]
pub(super) struct Lines {
    pending: [Vec<u8>; 2],
}

impl Lines {
    /// Adds a piece, and hands over the lines that it completes.
    pub(super) fn push(&mut self, pipe: Pipe, piece: &[u8], take: &mut dyn FnMut(Pipe, Vec<u8>)) {
        let pending = &mut self.pending[pipe as usize];
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let (text, is_whole) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
            pending.extend_from_slice(text);
            while pending.len() > LONGEST {
                let rest = pending.split_off(cut(pending));
                take(pipe, std::mem::replace(pending, rest));
            }
            if is_whole {
                take(pipe, std::mem::take(pending));
            }
        }
    }

    /// Hands over the rest of the output, which has no line feed and will get none.
    pub(super) fn finish(&mut self, take: &mut dyn FnMut(Pipe, Vec<u8>)) {
        for pipe in Pipe::ALL {
            let rest = std::mem::take(&mut self.pending[pipe as usize]);
            if !rest.is_empty() {
                take(pipe, rest);
            }
        }
    }
}

/// The place at which a line that is too long is split. It is never within a character.
fn cut(line: &[u8]) -> usize {
    let within_character = |place: &usize| line[*place] & 0b1100_0000 == 0b1000_0000;
    (LONGEST - 3..=LONGEST).rev().find(|place| !within_character(place)).unwrap_or(LONGEST)
}

/// Lines, put together from pieces of the engine's log. Each piece begins with a time.
#[derive(Default)]
pub(super) struct NotedLines {
    lines: Lines,
    began: [Option<i64>; 2],
    whole: Vec<NotedLine>,
}

impl NotedLines {
    pub(super) fn push(&mut self, pipe: Pipe, piece: &[u8]) {
        let (at, text) = split_time(piece);
        let began = &mut self.began[pipe as usize];
        let at = began.or(at).or_else(|| self.whole.last().map(|line| line.at)).unwrap_or(0);
        *began = (!text.ends_with(b"\n")).then_some(at);
        let whole = &mut self.whole;
        self.lines.push(pipe, text, &mut |pipe, text| whole.push(NotedLine { at, pipe, text }));
    }

    /// The complete lines. The last line of a container that has ended needs no line feed.
    pub(super) fn end(mut self, life: Life) -> Vec<NotedLine> {
        if life == Life::Ended {
            let (whole, began) = (&mut self.whole, &self.began);
            self.lines.finish(&mut |pipe, text| {
                whole.push(NotedLine { at: began[pipe as usize].unwrap_or(0), pipe, text });
            });
        }
        self.whole
    }
}

/// The time at the beginning of a piece, and the rest.
fn split_time(piece: &[u8]) -> (Option<i64>, &[u8]) {
    let Some(space) = piece.iter().take(40).position(|byte| *byte == b' ') else { return (None, piece) };
    let time =
        std::str::from_utf8(&piece[..space]).ok().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    match time {
        Some(time) => (i64::try_from(time.as_nanosecond()).ok(), &piece[space + 1..]),
        None => (None, piece),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[(Pipe, &[u8])]) -> Vec<(Pipe, Vec<u8>)> {
        let mut read = Vec::new();
        let mut lines = Lines::default();
        for (pipe, piece) in pieces {
            lines.push(*pipe, piece, &mut |pipe, text| read.push((pipe, text)));
        }
        lines.finish(&mut |pipe, text| read.push((pipe, text)));
        read
    }

    #[test]
    fn pieces_of_two_pipes_are_joined_each_by_itself() {
        let pieces: [(Pipe, &[u8]); 4] = [
            (Pipe::Output, b"a"),
            (Pipe::Errors, b"x\ny"),
            (Pipe::Output, b"b\n\nc"),
            (Pipe::Errors, b"z\n"),
        ];
        let expected = [
            (Pipe::Errors, "x"),
            (Pipe::Output, "ab"),
            (Pipe::Output, ""),
            (Pipe::Errors, "yz"),
            (Pipe::Output, "c"),
        ];
        assert_eq!(read(&pieces), expected.map(|(pipe, text)| (pipe, text.as_bytes().to_vec())));
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_between_characters() {
        let long = "é".repeat(LONGEST); // twice the limit
        let text = format!("x{long}\nnext\n");
        let lines = read(&[(Pipe::Output, text.as_bytes())]);
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|(_, line)| line.len() <= LONGEST && std::str::from_utf8(line).is_ok()));
        let joined: Vec<u8> = lines[..3].iter().flat_map(|(_, line)| line.clone()).collect();
        assert_eq!(joined, text.as_bytes()[..text.len() - 6]);
        assert_eq!(lines[3].1, b"next");
    }

    #[test]
    fn a_line_of_the_longest_length_is_one() {
        let text = "x".repeat(LONGEST) + "\n";
        assert_eq!(read(&[(Pipe::Output, text.as_bytes())]).len(), 1);
    }

    #[test]
    fn pieces_that_the_engine_kept_have_the_time_of_the_first() {
        let mut lines = NotedLines::default();
        lines.push(Pipe::Output, b"1970-01-01T00:00:01.5Z one ");
        lines.push(Pipe::Output, b"1970-01-01T00:00:02Z line\n");
        lines.push(Pipe::Errors, b"1970-01-01T01:00:03+01:00 other\n");
        lines.push(Pipe::Output, b"1970-01-01T00:00:04Z no end");
        let whole = lines.end(Life::Ended);
        let told: Vec<_> =
            whole.iter().map(|line| (line.at, std::str::from_utf8(&line.text).unwrap())).collect();
        assert_eq!(told, [(1_500_000_000, "one line"), (3_000_000_000, "other"), (4_000_000_000, "no end")]);
    }
}
