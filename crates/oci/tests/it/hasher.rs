use std::io::{self, ErrorKind, Read};

use gangplank_oci::{Algorithm, Digest, Hasher, ResumeError};
use proptest::prelude::*;

/// The bytes that are hashed before the states below were taken. Their number is larger than a block of either
/// algorithm, and no multiple of it.
const HEAD: &[u8] =
    b"A gangplank is put up to load the ship, and taken away again. A hash that is kept while \
                      the next piece of an upload is on its way has seen whole blocks, and part of one.";
const TAIL: &[u8] = b" And this comes after a restart.";

/// States after `HEAD`, written by sha2 0.11.1. Sessions of running servers have such states. If a version cannot
/// read them, every upload in progress has to start again.
const SHA256_STATE: &str = include_str!("states/sha256.hex");
const SHA512_STATE: &str = include_str!("states/sha512.hex");

fn from_hex(hex: &str) -> Vec<u8> {
    let hex: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    hex.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn goes_on_from_states_that_are_kept_out_there() {
    for (algorithm, kept) in [(Algorithm::Sha256, SHA256_STATE), (Algorithm::Sha512, SHA512_STATE)] {
        let mut now = Hasher::new(algorithm);
        now.update(HEAD);
        assert_eq!(now.state(), Some(from_hex(kept)), "{algorithm} writes something else");

        let mut hasher = Hasher::resume(&from_hex(kept)).unwrap();
        assert_eq!(hasher.algorithm(), algorithm);
        assert_eq!(hasher.hashed(), HEAD.len() as u64);
        hasher.update(TAIL);
        assert_eq!(hasher.finish(), Digest::of(algorithm, &[HEAD, TAIL].concat()));
    }
}

#[test]
fn refuses_a_state_it_did_not_write() {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(HEAD);
    let kept = hasher.state().unwrap();
    assert_eq!(Hasher::resume(b"").unwrap_err(), ResumeError::UnknownFormat);
    assert_eq!(Hasher::resume(&[0]).unwrap_err(), ResumeError::UnknownFormat);
    assert_eq!(Hasher::resume(&[&[3], &kept[1..]].concat()).unwrap_err(), ResumeError::UnknownFormat);
    for length in 1..kept.len() {
        assert_eq!(Hasher::resume(&kept[..length]).unwrap_err(), ResumeError::Damaged, "{length}");
    }
    assert_eq!(Hasher::resume(&[&kept[..], &[0]].concat()).unwrap_err(), ResumeError::Damaged);
    // The format byte of the other algorithm is an error.
    assert_eq!(Hasher::resume(&[&[2], &kept[1..]].concat()).unwrap_err(), ResumeError::Damaged);
    // So is a number of bytes that does not fit the state.
    let mut farther = kept.clone();
    farther[1] ^= 1;
    assert_eq!(Hasher::resume(&farther).unwrap_err(), ResumeError::Damaged);
}

/// A reader that returns few bytes at a time, is interrupted before each, and fails at the end if told to.
struct Slow<'a> {
    left: &'a [u8],
    interrupted: bool,
    fails: bool,
}

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(ErrorKind::Interrupted.into());
        }
        if self.left.is_empty() && self.fails {
            return Err(ErrorKind::StorageFull.into());
        }
        let (now, later) = self.left.split_at(self.left.len().min(1000).min(buffer.len()));
        buffer[..now.len()].copy_from_slice(now);
        self.left = later;
        Ok(now.len())
    }
}

#[test]
fn reads_to_the_end_or_to_where_it_fails() {
    let content: Vec<u8> = (0..3_000_000_u32).map(|at| (at / 7).to_le_bytes()[0]).collect();
    let wanted = Digest::of(Algorithm::Sha512, &content);
    for reader in [
        &mut content.as_slice() as &mut dyn Read,
        &mut Slow { left: &content, interrupted: false, fails: false },
    ] {
        let mut hasher = Hasher::new(Algorithm::Sha512);
        assert_eq!(hasher.read_from(reader).unwrap(), content.len() as u64);
        assert_eq!(hasher.finish(), wanted);
    }
    let mut hasher = Hasher::new(Algorithm::Sha512);
    hasher.update(HEAD);
    let failing = Slow { left: &content[..2500], interrupted: false, fails: true };
    assert_eq!(hasher.read_from(failing).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(hasher.hashed(), HEAD.len() as u64 + 2500);
}

#[test]
fn reads_as_long_as_it_is_told_to_go_on() {
    let content = vec![7; 3_000_000];
    let mut asked = Vec::new();
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let reached = hasher.read_while(content.as_slice(), |hashed| {
        asked.push(hashed);
        asked.len() < 3
    });
    assert!(!reached.unwrap());
    assert!(asked.is_sorted() && asked.len() == 3 && asked[2] == hasher.hashed(), "{asked:?}");
    assert_eq!(hasher.finish(), Digest::sha256(&content[..usize::try_from(asked[2]).unwrap()]));
}

#[test]
fn does_not_print_its_state() {
    let mut hasher = Hasher::new(Algorithm::Sha512);
    hasher.update(b"secret");
    assert_eq!(format!("{hasher:?}"), "Hasher { algorithm: Sha512, hashed: 6, .. }");
}

proptest! {
    #[test]
    fn a_cut_anywhere_changes_nothing(content in prop::collection::vec(any::<u8>(), 0..1000), at: usize, long: bool) {
        let algorithm = if long { Algorithm::Sha512 } else { Algorithm::Sha256 };
        let (head, tail) = content.split_at(at % (content.len() + 1));
        let mut first = Hasher::new(algorithm);
        first.update(head);
        let mut second = Hasher::resume(&first.state().unwrap()).unwrap();
        prop_assert_eq!(second.hashed(), head.len() as u64);
        second.update(tail);
        prop_assert_eq!(second.finish(), Digest::of(algorithm, &content));
    }

    #[test]
    fn a_damaged_state_never_panics(
        content in prop::collection::vec(any::<u8>(), 0..300),
        damage in prop::collection::vec((any::<usize>(), any::<u8>()), 1..8),
        long: bool,
    ) {
        let mut hasher = Hasher::new(if long { Algorithm::Sha512 } else { Algorithm::Sha256 });
        hasher.update(&content);
        let mut kept = hasher.state().unwrap();
        for (at, byte) in damage {
            let at = at % kept.len();
            kept[at] = byte;
        }
        if let Ok(mut hasher) = Hasher::resume(&kept) {
            hasher.update(&content);
            let _ = hasher.finish();
        }
    }

    #[test]
    fn any_bytes_never_panic(format in 0_u8..4, kept in prop::collection::vec(any::<u8>(), 0..230)) {
        if let Ok(hasher) = Hasher::resume(&[&[format], &kept[..]].concat()) {
            let _ = hasher.finish();
        }
    }
}
