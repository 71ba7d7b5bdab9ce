//! The state of an upload, as this blob store keeps it in the row of the session.

use gangplank_s3::{Crc64, Part};
use serde::{Deserialize, Serialize};

use crate::blobs::{Checkpoint, ContentKey};
use crate::{Result, StoreError};

/// The first byte of the stored state: the version of the format. An upload with an unknown version is over.
const FORMAT: u8 = 1;

/// Bytes of an unfinished part, under a separate key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) key: ContentKey,
    pub(super) length: u64,
    /// The checksum that the bytes must have when they are read back.
    pub(super) crc: Crc64,
}

/// The progress of an upload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The size of its parts in bytes, as it was when the upload began.
    pub(super) part: u64,
    /// The multipart upload, if one was begun.
    pub(super) upload: Option<Upload>,
    /// The parts that count: the parts from the first one on, up to the first gap.
    pub(super) parts: Vec<Part>,
    /// The bytes after these parts.
    pub(super) tails: Vec<Tail>,
}

/// A multipart upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) id: String,
    /// Whether its parts have CRC-64/NVME checksums.
    pub(super) has_crc: bool,
}

/// The stored form of a [`State`]. All its parts have the same size: the last part is never in it.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(rename = "p")]
    part: u64,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    upload: Option<String>,
    #[serde(rename = "c", default)]
    has_crc: bool,
    #[serde(rename = "e", default)]
    etags: Vec<String>,
    #[serde(rename = "x", default)]
    crcs: Vec<Crc64>,
    #[serde(rename = "t", default)]
    tails: Vec<(u64, Crc64)>,
}

impl State {
    /// The state of new content.
    fn beginning(part: u64) -> Self {
        Self { part, ..Self::default() }
    }

    /// How many bytes the parts have.
    pub(super) fn in_parts(&self) -> u64 {
        self.parts.iter().map(|part| part.length).sum()
    }

    /// How many bytes the tails have.
    pub(super) fn in_tails(&self) -> u64 {
        self.tails.iter().map(|tail| tail.length).sum()
    }

    /// Reads the state from a checkpoint.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if no writer can continue from it.
    pub(super) fn read(checkpoint: &Checkpoint, part: u64) -> Result<Self> {
        let state = match checkpoint.opaque.split_first() {
            None => Some(Self::beginning(part)),
            Some((&FORMAT, text)) => {
                serde_json::from_slice(text).ok().and_then(|it| Self::of(it, checkpoint))
            }
            Some(_) => None,
        };
        state.filter(|state| state.in_parts() + state.in_tails() == checkpoint.received).ok_or_else(|| {
            StoreError::damaged("the state of a half upload cannot be gone on with".to_owned())
        })
    }

    /// The id of the multipart upload that a checkpoint names, even if no writer can continue from it.
    pub(super) fn upload_of(checkpoint: &Checkpoint) -> Option<String> {
        let (format, text) = checkpoint.opaque.split_first()?;
        if *format != FORMAT {
            return None;
        }
        serde_json::from_slice::<Written>(text).ok()?.upload
    }

    fn of(written: Written, checkpoint: &Checkpoint) -> Option<Self> {
        let Written { part, upload, has_crc, etags, crcs, tails } = written;
        let crcs_fit = crcs.len() == if has_crc { etags.len() } else { 0 };
        let upload_fits = upload.is_some() || etags.is_empty();
        if !crcs_fit || !upload_fits || part == 0 || tails.len() != checkpoint.keys.len() {
            return None;
        }
        let mut crcs = crcs.into_iter();
        let parts = etags.into_iter().map(|etag| Part { etag, length: part, crc: crcs.next() }).collect();
        let tails = checkpoint.keys.iter().zip(tails);
        let tails = tails.map(|(key, (length, crc))| Tail { key: key.clone(), length, crc });
        let upload = upload.map(|id| Upload { id, has_crc });
        Some(Self { part, upload, parts, tails: tails.collect() })
    }

    /// Makes a checkpoint after `received` bytes with this state of their hash.
    pub(super) fn checkpoint(&self, received: u64, hash_state: Vec<u8>) -> Checkpoint {
        let written = Written {
            part: self.part,
            upload: self.upload.as_ref().map(|upload| upload.id.clone()),
            has_crc: self.upload.as_ref().is_some_and(|upload| upload.has_crc),
            etags: self.parts.iter().map(|part| part.etag.clone()).collect(),
            crcs: self.parts.iter().filter_map(|part| part.crc).collect(),
            tails: self.tails.iter().map(|tail| (tail.length, tail.crc)).collect(),
        };
        let keys = self.tails.iter().map(|tail| tail.key.clone()).collect();
        Checkpoint { received, hash_state, keys, opaque: written.bytes() }
    }

    /// A checkpoint to abort a multipart upload of which only the id is known.
    pub(super) fn to_cancel(upload: String) -> Checkpoint {
        let upload = Some(Upload { id: upload, has_crc: false });
        let state = Self { part: 1, upload, ..Self::default() };
        Checkpoint::to_cancel(state.checkpoint(0, Vec::new()).opaque)
    }
}

impl Written {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        // Texts and numbers can always be serialized.
        bytes.extend(serde_json::to_vec(self).unwrap_or_default());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use gangplank_oci::{Algorithm, Hasher};

    use super::*;

    fn state(has_crc: bool) -> State {
        let part = |text: &str| Part {
            etag: format!("\"{text}\""),
            length: 100,
            crc: has_crc.then(|| Crc64::of(text.as_bytes())),
        };
        State {
            part: 100,
            upload: Some(Upload { id: "an/upload+id==".to_owned(), has_crc }),
            parts: vec![part("one"), part("two")],
            tails: [30, 7]
                .map(|length| Tail { key: ContentKey::unused(), length, crc: Crc64::of(&[0]) })
                .to_vec(),
        }
    }

    fn hash(bytes: usize) -> Vec<u8> {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(&vec![0; bytes]);
        hasher.state().unwrap()
    }

    #[test]
    fn a_state_is_read_as_it_was_written() {
        for has_crc in [true, false] {
            let state = state(has_crc);
            let checkpoint = state.checkpoint(237, hash(237));
            assert_eq!(State::read(&checkpoint, 5).unwrap(), state);
            assert_eq!(State::upload_of(&checkpoint).as_deref(), Some("an/upload+id=="));
        }
        let beginning = Checkpoint::beginning(Algorithm::Sha256);
        assert_eq!(State::read(&beginning, 5).unwrap(), State { part: 5, ..State::default() });
        let found = State::to_cancel("id".to_owned());
        assert_eq!(State::upload_of(&found).as_deref(), Some("id"));
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let good = state(true).checkpoint(237, hash(237));
        let with = |change: fn(&mut Checkpoint)| {
            let mut checkpoint = good.clone();
            change(&mut checkpoint);
            State::read(&checkpoint, 5)
        };
        assert!(with(|_| {}).is_ok());
        for bad in [
            with(|it| it.received = 236),
            with(|it| drop(it.keys.pop())),
            with(|it| it.opaque[0] = 2),
            with(|it| it.opaque.truncate(it.opaque.len() - 1)),
            with(|it| it.opaque.truncate(1)),
            with(|it| it.opaque.clear()),
        ] {
            assert!(matches!(bad, Err(StoreError::Damaged(_))), "{bad:?}");
        }
    }
}
