//! A stream that is written to a file. A pipe, a decompressor or an engine can only be read from beginning to end,
//! and the list of contents comes last. Layers can still be compressed while the stream is read.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};

use super::tail_reader::{Reader, tail};
use super::temp_file::{self, Bounded};
use crate::push::layers::packing::{HEAD, Packing};
use crate::push::layers::staging::{self, Staged, Stop, peek};
use crate::push::progress::Progress;
use crate::push::source::content::Content;
use crate::push::source::tar_heads::{Head, Heads};

/// Smaller layers are not compressed here, because that is fast enough later.
const LEAST: u64 = 64 * 1024;
/// The offset and text of the mark in a tar archive.
const MARK: (u64, &[u8]) = (257, b"ustar");

/// A stream that was read to its end.
pub(crate) struct Spooled {
    pub(crate) file: File,
    /// The layers that were uncompressed, by their offset.
    pub(crate) staged: HashMap<u64, Staged>,
}

/// Writes a stream to a file, and decompresses it first. Blocks.
pub(crate) fn spool(stream: impl Read, progress: &Arc<Progress>) -> Result<Spooled> {
    let (head, mut stream) = peek(stream, HEAD)?;
    let file = temp_file::file()?;
    let (writer, reader) = tail(file.try_clone().context("cannot use a temporary file")?);
    let mut writer = Bounded::new(writer, &file)?;
    let stop = Stop::default();
    std::thread::scope(|scope| {
        let staging = scope.spawn(|| stage_layers(reader, progress, &stop));
        let step = progress.begin("image", "reading", None);
        let copied = match Packing::of(&head) {
            Packing::Plain => io::copy(&mut step.watch(&mut stream), &mut writer),
            Packing::Gzip => {
                io::copy(&mut flate2::read::MultiGzDecoder::new(step.watch(&mut stream)), &mut writer)
            }
            packing @ (Packing::Zstd | Packing::Other(_)) => {
                let program = packing.program().unwrap_or_default();
                bail!(
                    "is compressed with {program}: decompress it first, `{program} -dc FILE | gangplank push -`"
                )
            }
        };
        if copied.is_err() {
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        drop(writer);
        let staged = staging.join().unwrap_or_default();
        copied.map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull => error.into(),
            _ => anyhow::Error::new(error).context("cannot be read to its end; is it truncated?"),
        })?;
        Ok(Spooled { file, staged })
    })
}

/// Compresses each uncompressed layer as soon as it is there. Errors are ignored: the code that reads the
/// archive later reports them.
fn stage_layers(reader: Reader, progress: &Arc<Progress>, stop: &Stop) -> HashMap<u64, Staged> {
    let mut staged = HashMap::new();
    for Head { kind, start, size, .. } in Heads::of(reader.clone()).map_while(Result::ok) {
        if !kind.is_file() || size < LEAST {
            continue;
        }
        if start.checked_add(size).is_none_or(|end| reader.wait_for(end) < end) {
            break;
        }
        let content = Content::File { file: reader.file(), start, size };
        if !content.read_at(MARK.0, MARK.1.len()).is_ok_and(|mark| mark == MARK.1) {
            continue;
        }
        let step = progress.begin(format_args!("layer {}", staged.len() + 1), "reading", Some(size));
        match staging::stage_content(&content, stop, &|bytes| step.advance(bytes)) {
            Ok(layer) => staged.insert(start, layer),
            Err(_) => break,
        };
    }
    staged
}
