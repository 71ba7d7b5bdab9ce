//! The limits of the machine, measured in the same run. No push can be faster than its hash and its disk.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use sha2::{Digest as _, Sha256};

use crate::content::RandomFile;
use crate::meter::thread_seconds;

const PIECE: usize = 1 << 20;

/// One limit.
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    pub(crate) bytes: u64,
    pub(crate) elapsed: Duration,
    /// Processor seconds of the working thread.
    pub(crate) cpu: f64,
}

/// Measures all limits. Each is the median of `runs` measurements.
pub(crate) fn measure(file: &RandomFile, home: &Path, runs: usize) -> Result<Vec<Limit>> {
    let mut limits = Vec::new();
    for (name, one) in WORK {
        let mut found = Vec::new();
        for _ in 0..runs {
            file.warm_memory()?;
            found.push(one(file, home)?);
        }
        found.sort_by_key(|(elapsed, _)| *elapsed);
        let (elapsed, cpu) = found.swap_remove(runs / 2);
        limits.push(Limit { name, bytes: file.size, elapsed, cpu });
    }
    Ok(limits)
}

type Measured = Result<(Duration, f64)>;

type Work = fn(&RandomFile, &Path) -> Measured;

const WORK: [(&str, Work); 4] = [
    ("SHA-256 of the file, one thread", hash),
    ("write + fdatasync", write_and_sync),
    ("loopback receiver, one thread: hash, write, sync", receive_all),
    ("loopback receiver that throws away", receive_nothing),
];

fn hash(file: &RandomFile, _: &Path) -> Measured {
    let before = thread_seconds()?;
    let (_, elapsed) = file.hash()?;
    Ok((elapsed, thread_seconds()? - before))
}

fn write_and_sync(file: &RandomFile, home: &Path) -> Measured {
    let piece = crate::content::random(PIECE)?;
    let copy = home.join("copy");
    let before = thread_seconds()?;
    let start = Instant::now();
    let mut out = File::create(&copy)?;
    let mut left = file.size;
    while left > 0 {
        let length = left.min(PIECE as u64);
        out.write_all(&piece[..usize::try_from(length)?])?;
        left -= length;
    }
    out.sync_data()?;
    let measured = (start.elapsed(), thread_seconds()? - before);
    std::fs::remove_file(copy)?;
    Ok(measured)
}

fn receive_all(file: &RandomFile, home: &Path) -> Measured {
    let copy = home.join("copy");
    let (to, size) = (copy.clone(), file.size);
    let measured = received(file, move |mut stream| {
        let (mut out, mut hash, mut piece, mut left) =
            (File::create(&to)?, Sha256::new(), vec![0; PIECE], size);
        while left > 0 {
            let read = stream.read(&mut piece)?;
            ensure!(read > 0, "the sender stopped");
            hash.update(&piece[..read]);
            out.write_all(&piece[..read])?;
            left -= read as u64;
        }
        std::hint::black_box(hash.finalize());
        out.sync_data()?;
        Ok(())
    });
    std::fs::remove_file(copy)?;
    measured
}

fn receive_nothing(file: &RandomFile, _: &Path) -> Measured {
    let size = file.size;
    received(file, move |mut stream| {
        let (mut piece, mut left) = (vec![0; PIECE], size);
        while left > 0 {
            let read = stream.read(&mut piece)?;
            ensure!(read > 0, "the sender stopped");
            left -= read as u64;
        }
        Ok(())
    })
}

/// Sends the file to a thread that receives it. Waits until the thread has answered.
fn received(file: &RandomFile, receive: impl FnOnce(TcpStream) -> Result<()> + Send + 'static) -> Measured {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let receiver = std::thread::spawn(move || {
        let (stream, _) = listener.accept()?;
        let mut answer = stream.try_clone()?;
        let before = thread_seconds()?;
        receive(stream)?;
        answer.write_all(b"!")?;
        Ok::<f64, anyhow::Error>(thread_seconds()? - before)
    });
    let mut stream = TcpStream::connect(address)?;
    let start = Instant::now();
    // From a file to a socket, this uses sendfile(2).
    std::io::copy(&mut file.open()?, &mut stream)?;
    stream.read_exact(&mut [0])?;
    let elapsed = start.elapsed();
    let cpu = receiver.join().map_err(|_| anyhow!("the receiver panicked"))??;
    Ok((elapsed, cpu))
}
