//! Chooses which tails are joined with new bytes.
//!
//! Each tail is at least twice as long as the next one. So an upload that arrives one byte at a time has few
//! tails. Each of its bytes is written few times; a single tail would be rewritten for each new byte.

use super::state::Tail;

/// How many of the last tails are joined with `fresh` new bytes.
pub(super) fn joined(tails: &[Tail], fresh: u64) -> usize {
    let mut together = fresh;
    let mut count = 0;
    for tail in tails.iter().rev() {
        if tail.length >= together.saturating_mul(2) {
            break;
        }
        together += tail.length;
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use gangplank_s3::Crc64;

    use super::*;
    use crate::blobs::ContentKey;

    #[test]
    fn a_byte_at_a_time_is_written_few_times() {
        const BYTES: u64 = 10_000;
        let mut tails: Vec<Tail> = Vec::new();
        let (mut written, mut most) = (0, 0);
        for _ in 0..BYTES {
            let kept = tails.len() - joined(&tails, 1);
            let length = 1 + tails.drain(kept..).map(|tail| tail.length).sum::<u64>();
            tails.push(Tail { key: ContentKey::unused(), length, crc: Crc64::EMPTY });
            written += length;
            most = most.max(tails.len());
            assert!(tails.windows(2).all(|two| two[0].length >= 2 * two[1].length));
        }
        assert_eq!(tails.iter().map(|tail| tail.length).sum::<u64>(), BYTES);
        assert!(written < BYTES * 30, "{written} bytes were written");
        assert!(most <= 15, "there were {most} tails");
    }
}
