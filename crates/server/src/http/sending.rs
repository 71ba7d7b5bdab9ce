//! Parts of files that the kernel sends by itself, without a copy in this process.
//!
//! hyper can only write bytes that are in memory. So a body gives hyper placeholders in place of a file's bytes, and
//! adds the part of the file to a queue. The socket recognises a placeholder by its address. In its place the socket
//! sends bytes of the first part in the queue. hyper keeps the order and the count of bytes, because each byte of a
//! placeholder stands for one byte of the file.

use std::collections::VecDeque;
use std::fs::File;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::{Buf, Bytes};

/// The most bytes of one part.
pub(super) const LONGEST: usize = 1 << 20;

/// The bytes of all placeholders. Nobody reads these bytes, so they take up addresses but no memory.
static PLACEHOLDER: OnceLock<Vec<u8>> = OnceLock::new();

/// A piece of a body.
pub(crate) enum Piece {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A placeholder for this many bytes of a file. The socket sends the bytes.
    Placeholder(usize),
}

/// The parts of files that one connection is to send, in order.
#[derive(Default)]
pub(super) struct Parts(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    parts: VecDeque<(Arc<File>, Range<u64>)>,
    /// Whether the last part of the last body has been added.
    ends: bool,
}

impl Parts {
    /// Adds a part at the end of the queue. Returns a placeholder for it.
    pub(super) fn add(&self, file: &Arc<File>, part: Range<u64>) -> Piece {
        let length = usize::try_from(part.end - part.start).unwrap_or_default();
        let mut queue = self.lock();
        queue.parts.push_back((Arc::clone(file), part));
        queue.ends = false;
        Piece::Placeholder(length)
    }

    /// Sends at most `most` bytes of the first part. `send` sends them, and returns the number of bytes that it has
    /// sent.
    pub(super) fn send<E>(
        &self,
        most: usize,
        send: impl FnOnce(&File, &mut u64, usize) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let mut queue = self.lock();
        let Some((file, part)) = queue.parts.front_mut() else { return Ok(0) };
        let length = usize::try_from(part.end - part.start).unwrap_or(usize::MAX).min(most);
        let sent = send(file, &mut part.start.clone(), length)?;
        part.start += sent as u64;
        if part.is_empty() {
            queue.parts.pop_front();
        }
        Ok(sent)
    }

    /// Records that the body adds no more parts. Returns whether some are still to be sent.
    pub(super) fn end(&self) -> bool {
        let mut queue = self.lock();
        queue.ends = true;
        !queue.parts.is_empty()
    }

    /// Whether all parts of all bodies are sent.
    pub(super) fn are_sent(&self) -> bool {
        let queue = self.lock();
        queue.ends && queue.parts.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether these bytes are a placeholder for bytes of a file.
pub(super) fn is_placeholder(bytes: &[u8]) -> bool {
    PLACEHOLDER.get().is_some_and(|place| place.as_ptr_range().contains(&bytes.as_ptr()))
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Placeholder(left) => *left,
        }
    }

    fn chunk(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Placeholder(left) => &PLACEHOLDER.get_or_init(|| vec![0; LONGEST])[..LONGEST.min(*left)],
        }
    }

    fn advance(&mut self, bytes: usize) {
        match self {
            Self::Bytes(held) => held.advance(bytes),
            Self::Placeholder(left) => *left = left.saturating_sub(bytes),
        }
    }
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_sent_in_order_and_whole() {
        let (parts, file) = (Parts::default(), Arc::new(tempfile::tempfile().unwrap()));
        let mut pieces = [parts.add(&file, 5..15), parts.add(&file, 100..103)];
        let mut sent = Vec::new();
        for piece in &mut pieces {
            while piece.has_remaining() {
                assert!(is_placeholder(piece.chunk()));
                let came = parts.send(piece.chunk().len(), |_, at, length| {
                    let length = length.min(4);
                    sent.extend(*at..*at + length as u64);
                    Ok::<_, ()>(length)
                });
                piece.advance(came.unwrap());
            }
        }
        assert!(!parts.are_sent() && !parts.end() && parts.are_sent());
        assert!(sent.into_iter().eq((5..15).chain(100..103)));
        assert_eq!(parts.send(1, |_, _, _| Err(())), Ok(0), "nothing is left");
        assert!(!is_placeholder(Piece::from(Bytes::from_static(&[0; 8])).chunk()));
    }
}
