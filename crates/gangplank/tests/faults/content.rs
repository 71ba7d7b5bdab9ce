//! Content that is made from a number, so that a ledger does not have to store the bytes themselves.

use gangplank_oci::Digest;
use gangplank_testkit::Blob;

/// Numbers from a seed, always the same ones (`SplitMix64`).
#[derive(Clone, Debug)]
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Bytes made from a seed and a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Content {
    pub(crate) seed: u64,
    pub(crate) size: usize,
}

impl Content {
    pub(crate) fn bytes(self) -> Vec<u8> {
        let mut numbers = Numbers(self.seed);
        let mut bytes = Vec::with_capacity(self.size + 8);
        while bytes.len() < self.size {
            bytes.extend(numbers.next().to_le_bytes());
        }
        bytes.truncate(self.size);
        bytes
    }

    pub(crate) fn digest(self) -> String {
        Digest::sha256(&self.bytes()).to_string()
    }

    pub(crate) fn blob(self) -> Blob {
        Blob::new(self.bytes())
    }
}
