//! The digest of a compressed layer's uncompressed content. It shows layers that are cut off, or that differ from the
//! configuration, before anybody registers the image.

use std::io::{self, BufRead, BufReader, Read};

use gangplank_oci::{Algorithm, Digest, Hasher};
use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

use super::packing::Packing;

/// Decompresses `packed` to its end and returns the digest of the content. Blocks.
pub(crate) fn digest(packing: Packing, packed: impl Read, algorithm: Algorithm) -> io::Result<Digest> {
    let mut hasher = Hasher::new(algorithm);
    match packing {
        Packing::Plain => hash(packed, &mut hasher)?,
        Packing::Gzip => hash(flate2::read::MultiGzDecoder::new(packed), &mut hasher)?,
        Packing::Zstd => unzstd(packed, &mut hasher)?,
        Packing::Other(name) => return Err(io::Error::other(format!("it is compressed with {name}"))),
    }
    Ok(hasher.finish())
}

fn hash(mut from: impl Read, hasher: &mut Hasher) -> io::Result<()> {
    let mut piece = vec![0; 256 * 1024];
    loop {
        let length = from.read(&mut piece)?;
        if length == 0 {
            return Ok(());
        }
        hasher.update(&piece[..length]);
    }
}

/// A file may have several frames. Some of them have to be skipped.
fn unzstd(packed: impl Read, hasher: &mut Hasher) -> io::Result<()> {
    let mut packed = BufReader::with_capacity(256 * 1024, packed);
    while !packed.fill_buf()?.is_empty() {
        match StreamingDecoder::new(&mut packed) {
            Ok(frame) => hash(frame, hasher)?,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length, ..
            })) => {
                let length = u64::from(length);
                if io::copy(&mut (&mut packed).take(length), &mut io::sink())? < length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Err(error) => return Err(io::Error::other(error)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn gzip_and_zstd_are_unpacked_to_their_end() {
        let whole = |packing, packed: &[u8]| digest(packing, packed, Algorithm::Sha256);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"some words").unwrap();
        let gzip = gzip.finish().unwrap();
        let twice = [gzip.clone(), gzip.clone()].concat();
        assert_eq!(whole(Packing::Gzip, &twice).unwrap(), Digest::sha256(b"some wordssome words"));
        assert!(whole(Packing::Gzip, &gzip[..gzip.len() - 3]).is_err());
        // A frame with one uncompressed block, a frame to be skipped, and the first frame again.
        let frame = b"\x28\xb5\x2f\xfd\x20\x05\x29\0\0words";
        let frames = [&frame[..], b"\x50\x2a\x4d\x18\x02\0\0\0xx", frame].concat();
        assert_eq!(whole(Packing::Zstd, &frames).unwrap(), Digest::sha256(b"wordswords"));
        assert!(whole(Packing::Zstd, &frames[..frames.len() - 2]).is_err());
    }
}
