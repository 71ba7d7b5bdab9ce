//! Compresses a layer on all processors. The result is the same every time.
//!
//! Blocks of a fixed size are compressed independently and joined in one gzip member (RFC 1952). So the result
//! depends on the input only, and not on the machine or its number of processors. When an image is pushed again, the
//! registry already has its layers. The result also depends on the versions of flate2 and zlib-rs, so Cargo.toml pins
//! them exactly.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use flate2::{Compress, Compression, Crc, FlushCompress};

/// The size of a block, in bytes. The result depends on it.
const BLOCK: usize = 512 * 1024;
/// The compression level: nearly as small as the slow levels, and several times as fast. The result depends on it.
const LEVEL: u32 = 4;
/// How much of a block is compressed to see whether it is worth it, in bytes. The result depends on it.
const PROBE: usize = 32 * 1024;
/// Beyond this, more workers cost more memory than they save time.
const MOST_WORKERS: usize = 8;
/// The head of the gzip member, without name and time, and with an unknown system, so that it never changes.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// The last deflate block, which is empty.
const END: [u8; 2] = [3, 0];

type Task = (Vec<u8>, SyncSender<Vec<u8>>);

/// Compresses `input` into `output`.
pub(crate) fn compress(input: &mut dyn Read, output: &mut (dyn Write + Send)) -> io::Result<()> {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
    let (tasks, waiting) = sync_channel::<Task>(1);
    let (order, in_order) = sync_channel::<Receiver<Vec<u8>>>(workers + 1);
    let waiting = Mutex::new(waiting);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| work(&waiting));
        }
        let writer = scope.spawn(move || write(&in_order, output));
        let fed = feed(input, tasks, order);
        let output = writer.join().map_err(|_| io::Error::other("a worker ended early"))??;
        let (crc, length) = fed?;
        output.write_all(&END)?;
        output.write_all(&crc.to_le_bytes())?;
        output.write_all(&length.to_le_bytes())
    })
}

/// Cuts the input into blocks and passes them to the workers. Returns the checksum, and the length modulo 2^32.
fn feed(
    mut input: &mut dyn Read,
    tasks: SyncSender<Task>,
    order: SyncSender<Receiver<Vec<u8>>>,
) -> io::Result<(u32, u32)> {
    let mut crc = Crc::new();
    loop {
        let mut block = Vec::with_capacity(BLOCK);
        (&mut input).take(BLOCK as u64).read_to_end(&mut block)?;
        if block.is_empty() {
            return Ok((crc.sum(), crc.amount()));
        }
        crc.update(&block);
        let (done, result) = sync_channel(1);
        // No worker is left because the writer has failed. The writer's error is reported.
        if order.send(result).is_err() || tasks.send((block, done)).is_err() {
            return Ok((0, 0));
        }
    }
}

fn work(waiting: &Mutex<Receiver<Task>>) {
    let mut deflate = Compress::new(Compression::new(LEVEL), false);
    loop {
        let task = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((block, done)) = task else { return };
        // The writer has failed, so nobody waits for this result.
        let _ = done.send(packed(&mut deflate, &block));
    }
}

/// A block as deflate data. It ends at a byte boundary, so that the next one can follow.
fn packed(deflate: &mut Compress, block: &[u8]) -> Vec<u8> {
    if is_dense(deflate, block) { stored(block) } else { deflated(deflate, block) }
}

/// Whether a block cannot be made smaller, because it is compressed already: all bytes are about equally frequent,
/// and a trial hardly shrinks. Compressing such blocks would take most of the time.
fn is_dense(deflate: &mut Compress, block: &[u8]) -> bool {
    if block.len() < 4 * PROBE {
        return false;
    }
    let mut counts = [0_u32; 256];
    for byte in block {
        counts[usize::from(*byte)] += 1;
    }
    let even = block.len() / 256;
    if counts.iter().any(|count| (*count as usize) < even / 4) {
        return false;
    }
    let middle = block.len() / 2;
    deflated(deflate, &block[middle..middle + PROBE]).len() > PROBE / 100 * 97
}

/// A block in deflate's "stored" form, which is not compressed.
fn stored(block: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(block.len() + block.len() / 1000 + 16);
    for part in block.chunks(usize::from(u16::MAX)) {
        let length = u16::try_from(part.len()).unwrap_or(u16::MAX);
        stored.push(0);
        stored.extend_from_slice(&length.to_le_bytes());
        stored.extend_from_slice(&(!length).to_le_bytes());
        stored.extend_from_slice(part);
    }
    stored
}

/// A block, compressed as deflate data.
fn deflated(deflate: &mut Compress, block: &[u8]) -> Vec<u8> {
    deflate.reset();
    let mut packed = Vec::with_capacity(block.len() / 2 + 1024);
    loop {
        let read = usize::try_from(deflate.total_in()).unwrap_or(block.len());
        // Compression has no error if the output has enough space.
        let _ = deflate.compress_vec(&block[read..], &mut packed, FlushCompress::Sync);
        if packed.len() < packed.capacity() {
            return packed;
        }
        packed.reserve(packed.capacity());
    }
}

fn write<'o>(
    in_order: &Receiver<Receiver<Vec<u8>>>,
    output: &'o mut (dyn Write + Send),
) -> io::Result<&'o mut (dyn Write + Send)> {
    output.write_all(&HEAD)?;
    for result in in_order {
        let packed = result.recv().map_err(|_| io::Error::other("a worker ended early"))?;
        output.write_all(&packed)?;
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn compressed(input: &[u8]) -> Vec<u8> {
        let mut output = Vec::new();
        compress(&mut &input[..], &mut output).unwrap();
        output
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u32;
        std::iter::repeat_with(move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(length)
        .collect()
    }

    #[test]
    fn what_is_packed_is_unpacked_as_it_was() {
        let inputs = [
            Vec::new(),
            b"a".to_vec(),
            vec![0; BLOCK],
            noise(BLOCK + 1),
            noise(3 * BLOCK),
            [noise(PROBE * 4), vec![0; BLOCK]].concat(),
            vec![7; 5 * BLOCK],
        ];
        for input in inputs {
            let output = compressed(&input);
            assert_eq!(output, compressed(&input), "the same every time");
            let mut unpacked = Vec::new();
            // There is one gzip member, because some readers ignore all after the first.
            flate2::read::GzDecoder::new(&output[..]).read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, input);
        }
    }

    /// Records with a counter, its scrambled digits and a repeated text; then data that cannot be compressed; then
    /// zeros. 13 blocks, the last one incomplete.
    fn sample() -> Vec<u8> {
        let mut sample = Vec::new();
        for record in 0..100_000_u32 {
            let scrambled = record.wrapping_mul(2_654_435_761);
            sample.extend_from_slice(
                format!("{record} {scrambled:08x} usr/share/doc/{}\n", scrambled >> 27).as_bytes(),
            );
        }
        sample.extend(noise(4 * BLOCK));
        sample.resize(12 * BLOCK + 12345, 0);
        sample
    }

    #[test]
    fn the_bytes_are_those_of_every_earlier_version() {
        let output = compressed(&sample());
        // If these bytes change, every layer that was pushed before is pushed again. Change them only if that is
        // worth it.
        assert_eq!(
            gangplank_oci::Digest::sha256(&output).to_string(),
            "sha256:1b7792ba3eb9808a7e27c75135135bb22a67f4f6870e10635ae6a3bc38b23157"
        );
    }

    #[test]
    fn what_gets_no_smaller_is_stored_and_what_does_is_not() {
        let mut noise = vec![0; BLOCK];
        getrandom::fill(&mut noise).unwrap();
        let length = compressed(&noise).len();
        assert!((BLOCK..BLOCK + 100).contains(&length), "{length}");
        // These bytes are as evenly distributed as random ones, but they repeat.
        let part = noise[..PROBE / 2].to_vec();
        assert!(compressed(&part.repeat(BLOCK / part.len())).len() < BLOCK / 4);
    }

    #[test]
    fn a_reader_that_fails_is_heard() {
        struct Failing;
        impl io::Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let error = compress(&mut Failing, &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "broken");
    }
}
