//! Hashing that can be interrupted and resumed.

use std::fmt;
use std::io::{self, ErrorKind, Read};

use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest as _, Sha256, Sha512};

use crate::{Algorithm, Digest};

/// The first byte of a saved state: the algorithm, and the format of `sha2` 0.11. If a later `sha2` writes another
/// format, it gets new numbers. Then old states are refused, and not misread.
const SHA256_STATE: u8 = 1;
const SHA512_STATE: u8 = 2;

/// The offset at which `sha2` saves the number of compressed blocks. The number of buffered bytes follows.
const SHA256_BLOCKS: usize = 32;
const SHA512_BLOCKS: usize = 64;

/// How much is read at once, in bytes: so little that it is still in the processor's cache when it is hashed.
const PIECE: usize = 256 << 10;

/// Computes a [`Digest`] of bytes that arrive in pieces, over several requests and processes. Between two pieces only
/// [`Hasher::state`] has to be saved.
#[derive(Clone)]
pub struct Hasher {
    hashed: u64,
    state: State,
}

#[derive(Clone)]
enum State {
    Sha256(Sha256),
    Sha512(Sha512),
}

/// The reason for which a saved state cannot be resumed. The bytes must be hashed again from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// The first byte names no format of this version.
    #[error("the kept state of the hash has an unknown format")]
    UnknownFormat,
    /// The length is wrong, or the state contradicts itself.
    #[error("the kept state of the hash is damaged")]
    Damaged,
}

impl Hasher {
    /// A hasher without any bytes.
    pub fn new(algorithm: Algorithm) -> Hasher {
        let state = match algorithm {
            Algorithm::Sha256 => State::Sha256(Sha256::new()),
            Algorithm::Sha512 => State::Sha512(Sha512::new()),
        };
        Hasher { hashed: 0, state }
    }

    /// Adds the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.hashed = self.hashed.saturating_add(piece.len() as u64);
        match &mut self.state {
            State::Sha256(hash) => hash.update(piece),
            State::Sha512(hash) => hash.update(piece),
        }
    }

    /// Adds all remaining bytes of a reader. Returns their number. Blocks as the reader does.
    ///
    /// # Errors
    /// If the reader fails. The bytes before that are hashed.
    pub fn read_from(&mut self, reader: impl Read) -> io::Result<u64> {
        let before = self.hashed;
        self.read_while(reader, |_| true)?;
        Ok(self.hashed - before)
    }

    /// Adds bytes of a reader, while `goes_on` returns true. It is called after each piece, with the number of
    /// bytes hashed. Returns whether the reader's end was reached.
    ///
    /// # Errors
    /// If the reader fails. The bytes before that are hashed.
    pub fn read_while(
        &mut self,
        mut reader: impl Read,
        mut goes_on: impl FnMut(u64) -> bool,
    ) -> io::Result<bool> {
        let mut piece = vec![0; PIECE];
        loop {
            match reader.read(&mut piece) {
                Ok(0) => return Ok(true),
                Ok(read) => self.update(&piece[..read]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if !goes_on(self.hashed) {
                return Ok(false);
            }
        }
    }

    /// The digest of all pieces.
    pub fn finish(self) -> Digest {
        match self.state {
            State::Sha256(hash) => Digest::from_sha256(hash.finalize().into()),
            State::Sha512(hash) => Digest::from_sha512(hash.finalize().into()),
        }
    }

    /// The hash function.
    pub const fn algorithm(&self) -> Algorithm {
        match self.state {
            State::Sha256(_) => Algorithm::Sha256,
            State::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// The number of bytes hashed, including those before a [`Hasher::resume`]. Compare it with the saved offset
    /// after resuming.
    pub const fn hashed(&self) -> u64 {
        self.hashed
    }

    /// The input for [`Hasher::resume`], at most 217 bytes: a format byte, the number of bytes hashed, and the state
    /// of `sha2`. It contains up to 127 of the last bytes hashed, so it is as secret as they are. `None` if the
    /// algorithm cannot be interrupted. Both present algorithms can be interrupted.
    pub fn state(&self) -> Option<Vec<u8>> {
        let mut kept = Vec::with_capacity(217);
        let format = match self.state {
            State::Sha256(_) => SHA256_STATE,
            State::Sha512(_) => SHA512_STATE,
        };
        kept.push(format);
        kept.extend_from_slice(&self.hashed.to_le_bytes());
        match &self.state {
            State::Sha256(hash) => kept.extend_from_slice(&hash.serialize()),
            State::Sha512(hash) => kept.extend_from_slice(&hash.serialize()),
        }
        Some(kept)
    }

    /// Resumes at the point where [`Hasher::state`] was taken.
    pub fn resume(kept: &[u8]) -> Result<Hasher, ResumeError> {
        let (&format, kept) = kept.split_first().ok_or(ResumeError::UnknownFormat)?;
        let damaged = ResumeError::Damaged;
        match format {
            SHA256_STATE => {
                let (hashed, state) = kept.split_first_chunk().ok_or(damaged)?;
                let hashed = u64::from_le_bytes(*hashed);
                require_progress(hashed, state, SHA256_BLOCKS..SHA256_BLOCKS + 8, 64)?;
                let state = SerializedState::<Sha256>::try_from(state).map_err(|_| damaged)?;
                let state = State::Sha256(Sha256::deserialize(&state).map_err(|_| damaged)?);
                Ok(Hasher { hashed, state })
            }
            SHA512_STATE => {
                let (hashed, state) = kept.split_first_chunk().ok_or(damaged)?;
                let hashed = u64::from_le_bytes(*hashed);
                require_progress(hashed, state, SHA512_BLOCKS..SHA512_BLOCKS + 16, 128)?;
                let state = SerializedState::<Sha512>::try_from(state).map_err(|_| damaged)?;
                let state = State::Sha512(Sha512::deserialize(&state).map_err(|_| damaged)?);
                Ok(Hasher { hashed, state })
            }
            _ => Err(ResumeError::UnknownFormat),
        }
    }
}

/// Checks that the state of `sha2` fits the number of bytes saved beside it. A damaged block count could otherwise
/// overflow inside `sha2`, which would panic.
fn require_progress(
    hashed: u64,
    state: &[u8],
    blocks: std::ops::Range<usize>,
    block: u64,
) -> Result<(), ResumeError> {
    /// More bytes than any blob has, and far below the overflow of a count of bits.
    const FARTHEST: u64 = 1 << 56;

    let buffered = state.get(blocks.end).ok_or(ResumeError::Damaged)?;
    let (count, zeros) = state.get(blocks).and_then(<[u8]>::split_first_chunk).ok_or(ResumeError::Damaged)?;
    let agrees = hashed < FARTHEST
        && u64::from_le_bytes(*count) == hashed / block
        && zeros.iter().all(|byte| *byte == 0)
        && u64::from(*buffered) == hashed % block;
    if agrees { Ok(()) } else { Err(ResumeError::Damaged) }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher")
            .field("algorithm", &self.algorithm())
            .field("hashed", &self.hashed)
            .finish_non_exhaustive()
    }
}
