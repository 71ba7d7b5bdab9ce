//! CRC-64/NVME: a checksum that S3 servers can verify for a part and for a whole object.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crc_fast::{CrcAlgorithm, Digest, checksum, checksum_combine};
use serde::{Deserialize, Serialize};

/// A CRC-64/NVME and the number of its bytes, so that it can be joined with the CRC of further bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crc64 {
    value: u64,
    length: u64,
}

impl Crc64 {
    /// The CRC of no bytes.
    pub const EMPTY: Self = Self { value: 0, length: 0 };

    /// The CRC of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self { value: checksum(CrcAlgorithm::Crc64Nvme, bytes), length: bytes.len() as u64 }
    }

    /// The CRC of these bytes, followed by the bytes of `behind`.
    #[must_use]
    pub fn and(self, behind: Self) -> Self {
        let value = checksum_combine(CrcAlgorithm::Crc64Nvme, self.value, behind.value, behind.length);
        Self { value, length: self.length + behind.length }
    }

    /// The value of S3's header: base64 of the eight bytes, the highest first.
    pub fn header(self) -> String {
        BASE64_STANDARD.encode(self.value.to_be_bytes())
    }
}

/// Computes a CRC piece by piece.
pub struct Crc64Hasher {
    digest: Digest,
    length: u64,
}

impl Default for Crc64Hasher {
    fn default() -> Self {
        Self { digest: Digest::new(CrcAlgorithm::Crc64Nvme), length: 0 }
    }
}

impl Crc64Hasher {
    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.length += bytes.len() as u64;
    }

    /// The CRC of all bytes so far.
    pub fn finish(&self) -> Crc64 {
        Crc64 { value: self.digest.finalize(), length: self.length }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_catalogue_s_check_value_comes_out() {
        let crc = Crc64::of(b"123456789");
        assert_eq!(crc.value, 0xae8b_1486_0a79_9888);
        assert_eq!(crc.header(), "rosUhgp5mIg=");
        assert_eq!(Crc64::of(b""), Crc64::EMPTY);
    }

    proptest! {
        #[test]
        fn parts_join_to_the_whole(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 0..6)) {
            let joined = parts.iter().fold(Crc64::EMPTY, |crc, part| crc.and(Crc64::of(part)));
            let mut hasher = Crc64Hasher::default();
            for part in &parts {
                hasher.update(part);
            }
            prop_assert_eq!(joined, Crc64::of(&parts.concat()));
            prop_assert_eq!(joined, hasher.finish());
        }
    }
}
