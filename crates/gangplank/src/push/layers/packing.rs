//! Recognises compression by the first bytes.

use crate::push::source::content::Content;

/// The compression of a layer or an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// Not compressed: a tar archive, or no archive at all.
    Plain,
    Gzip,
    Zstd,
    /// Compressed in a way that this program cannot read. Holds the name of a program that can read it.
    Other(&'static str),
}

/// The offset and text of the mark in a tar archive.
const MARK: (usize, &[u8]) = (257, b"ustar");
/// The number of first bytes that are needed to recognise it.
pub(crate) const HEAD: usize = MARK.0 + MARK.1.len();

impl Packing {
    /// Recognises the compression in the first bytes.
    pub(crate) fn of(head: &[u8]) -> Self {
        match head {
            // A tar archive begins with a file's name, which may look like anything.
            head if head.get(MARK.0..HEAD) == Some(MARK.1) => Self::Plain,
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Other("bzip2"),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Other("xz"),
            [0x04, 0x22, 0x4d, 0x18, ..] | [0x02, 0x21, 0x4c, 0x18, ..] => Self::Other("lz4"),
            _ => Self::Plain,
        }
    }

    /// Recognises the compression of some content.
    pub(crate) fn of_content(content: &Content) -> std::io::Result<Self> {
        Ok(Self::of(&content.read_at(0, HEAD)?))
    }

    /// The name of the program that decompresses it.
    pub(crate) fn program(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
            Self::Other(name) => Some(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell() {
        for (head, packing) in [
            (&b"\x1f\x8b\x08"[..], Packing::Gzip),
            (b"\x28\xb5\x2f\xfd", Packing::Zstd),
            (b"\x50\x2a\x4d\x18", Packing::Zstd),
            (b"BZh91AY", Packing::Other("bzip2")),
            (b"\xfd7zXZ\0", Packing::Other("xz")),
            (b"\x04\x22\x4d\x18", Packing::Other("lz4")),
            (b"BZhello", Packing::Plain),
            (b"", Packing::Plain),
        ] {
            assert_eq!(Packing::of(head), packing, "{head:?}");
        }
        let mut archive = b"BZh9".to_vec();
        archive.resize(257, 0);
        archive.extend_from_slice(b"ustar");
        assert_eq!(Packing::of(&archive), Packing::Plain);
    }
}
