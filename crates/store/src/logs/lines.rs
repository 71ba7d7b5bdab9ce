//! Reads the lines of a file forward or backward from an offset.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;

/// How many bytes are read at once.
const BLOCK: usize = 256 << 10;

/// Whether the reading continues.
pub(super) type Flow = ControlFlow<()>;

/// Calls `each` for every complete line after an offset, with the offsets of its beginning and end. An
/// unfinished last line is left out.
pub(super) fn forward(
    mut file: File,
    from: u64,
    mut each: impl FnMut(&[u8], u64, u64) -> Flow,
) -> io::Result<Flow> {
    file.seek(SeekFrom::Start(from))?;
    // Lines that are added meanwhile are left out, so that reading ends.
    let length = file.metadata()?.len().saturating_sub(from);
    let mut file = BufReader::with_capacity(BLOCK, file.take(length));
    let (mut line, mut begin) = (Vec::new(), from);
    while file.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
        let end = begin + line.len() as u64;
        if each(&line, begin, end).is_break() {
            return Ok(Flow::Break(()));
        }
        begin = end;
        line.clear();
    }
    Ok(Flow::Continue(()))
}

/// Calls `each` for every complete line before an offset, the last one first.
pub(super) fn back(
    file: &File,
    until: u64,
    mut each: impl FnMut(&[u8], u64, u64) -> Flow,
) -> io::Result<Flow> {
    let mut begin = until.min(file.metadata()?.len());
    // The bytes that no call has received yet, from `begin` on.
    let mut read = Vec::new();
    while begin > 0 {
        let size = BLOCK.min(usize::try_from(begin).unwrap_or(BLOCK));
        begin -= size as u64;
        let mut block = vec![0; size];
        file.read_exact_at(&mut block, begin)?;
        block.append(&mut read);
        read = block;
        let ends = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
        // Only the first block can end with an unfinished line.
        let Some(mut end) = ends(&read) else { continue };
        while let Some(line) = ends(&read[..end - 1]) {
            if each(&read[line..end], begin + line as u64, begin + end as u64).is_break() {
                return Ok(Flow::Break(()));
            }
            end = line;
        }
        read.truncate(end);
    }
    match read.last() {
        Some(b'\n') => Ok(each(&read, 0, read.len() as u64)),
        _ => Ok(Flow::Continue(())),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn file_of(text: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        file
    }

    /// Each line with the offsets of its begin and end.
    type Found = Vec<(Vec<u8>, u64, u64)>;

    fn gone_through(text: &[u8], from: u64, until: u64) -> (Found, Found) {
        let file = file_of(text);
        let (mut forwards, mut backwards) = (Vec::new(), Vec::new());
        let note = |found: &mut Found, line: &[u8], begin, end| {
            found.push((line.to_vec(), begin, end));
            Flow::Continue(())
        };
        let _ = back(&file, until, |line, begin, end| note(&mut backwards, line, begin, end)).unwrap();
        let _ = forward(file, from, |line, begin, end| note(&mut forwards, line, begin, end)).unwrap();
        (forwards, backwards)
    }

    fn naive(text: &[u8]) -> Found {
        let mut begin = 0;
        let lines = text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
        lines
            .map(|line| {
                let at = begin;
                begin += line.len() as u64;
                (line.to_vec(), at, begin)
            })
            .collect()
    }

    proptest! {
        #[test]
        fn both_ways_find_the_same_lines(text in "[a\n]{0,40}", cut in 0_usize..5) {
            let expected = naive(text.as_bytes());
            let (forwards, mut backwards) = gone_through(text.as_bytes(), 0, u64::MAX);
            backwards.reverse();
            prop_assert_eq!(&forwards, &expected);
            prop_assert_eq!(&backwards, &expected);
            if let Some((_, _, end)) = expected.get(cut) {
                let (forwards, mut backwards) = gone_through(text.as_bytes(), *end, *end);
                backwards.reverse();
                prop_assert_eq!(&forwards[..], &expected[cut + 1..]);
                prop_assert_eq!(&backwards[..], &expected[..=cut]);
            }
        }
    }

    #[test]
    fn lines_are_longer_than_blocks_and_blocks_than_lines() {
        let mut text = Vec::new();
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 5, 2 * BLOCK - 7] {
            text.extend(std::iter::repeat_n(b'x', length));
            text.push(b'\n');
        }
        text.extend(std::iter::repeat_n(b'y', BLOCK + 3));
        let (forwards, mut backwards) = gone_through(&text, 0, u64::MAX);
        backwards.reverse();
        assert_eq!(forwards, naive(&text));
        assert_eq!(forwards, backwards);
        assert_eq!(forwards.len(), 8);
    }
}
