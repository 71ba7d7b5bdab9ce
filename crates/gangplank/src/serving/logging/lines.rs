//! Lines of the log on their way to standard error. Code that logs never waits for the reader: a number of lines are
//! queued, and beyond that lines are dropped and counted.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// The longest queue, in lines.
const WAITING: usize = 10_000;

/// The shortest pause between two reports of dropped lines.
const SAID_EVERY: Duration = Duration::from_secs(1);

/// The longest wait for queued lines when the program ends.
const AT_THE_END: Duration = Duration::from_millis(500);

thread_local! {
    /// Whether this is the thread that writes. Its own lines do not go into the queue.
    static WRITES: Cell<bool> = const { Cell::new(false) };
}

/// Takes lines.
#[derive(Clone)]
pub(super) struct Lines {
    queue: SyncSender<Vec<u8>>,
    counts: Arc<Counts>,
    /// `None` if standard error is closed.
    out: Option<Arc<File>>,
}

#[derive(Default)]
struct Counts {
    taken: AtomicU64,
    written: AtomicU64,
    dropped: Arc<AtomicU64>,
}

impl Lines {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(super) fn start() -> io::Result<Self> {
        // Standard error is not written through `std::io::stderr`, because other code may hold its lock while it
        // blocks.
        let out = io::stderr().as_fd().try_clone_to_owned().map(|out| Arc::new(File::from(out))).ok();
        Self::to(out, WAITING)
    }

    fn to(out: Option<Arc<File>>, most: usize) -> io::Result<Self> {
        let (queue, waiting) = sync_channel(most);
        let counts = Arc::new(Counts::default());
        let writer = Writer { out: out.clone(), counts: Arc::clone(&counts), said: None, said_dropped: 0 };
        thread::Builder::new().name("log".to_owned()).spawn(move || writer.write_all(&waiting))?;
        Ok(Self { queue, counts, out })
    }

    /// The number of dropped lines.
    pub(super) fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.counts.dropped)
    }

    /// Waits a moment until the lines queued so far are written.
    pub(super) fn flush(&self) {
        let until = Instant::now() + AT_THE_END;
        while self.counts.are_waiting() && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Counts {
    fn are_waiting(&self) -> bool {
        self.written.load(Ordering::Acquire) < self.taken.load(Ordering::Acquire)
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

/// Each call has a whole line, as `tracing` writes it.
impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if WRITES.get() {
            put(self.out.as_deref(), line);
            return Ok(line.len());
        }
        self.counts.taken.fetch_add(1, Ordering::AcqRel);
        if self.queue.try_send(line.to_vec()).is_err() {
            self.counts.taken.fetch_sub(1, Ordering::AcqRel);
            self.counts.dropped.fetch_add(1, Ordering::AcqRel);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes lines to standard error.
struct Writer {
    out: Option<Arc<File>>,
    counts: Arc<Counts>,
    said: Option<Instant>,
    said_dropped: u64,
}

impl Writer {
    fn write_all(mut self, waiting: &Receiver<Vec<u8>>) {
        WRITES.set(true);
        while let Ok(line) = waiting.recv() {
            if !put(self.out.as_deref(), &line) {
                // Nobody would read a report of this failure either.
                self.said_dropped += 1;
                self.counts.dropped.fetch_add(1, Ordering::AcqRel);
            }
            self.counts.written.fetch_add(1, Ordering::AcqRel);
            self.say_what_was_dropped();
        }
    }

    fn say_what_was_dropped(&mut self) {
        let dropped = self.counts.dropped.load(Ordering::Acquire);
        let said_lately = self.said.is_some_and(|said| said.elapsed() < SAID_EVERY);
        if dropped == self.said_dropped || (said_lately && self.counts.are_waiting()) {
            return;
        }
        let lines = dropped - self.said_dropped;
        (self.said, self.said_dropped) = (Some(Instant::now()), dropped);
        tracing::warn!(lines, "dropped lines of the log, since nobody read them fast enough");
    }
}

/// Writes a line, and waits as long as that takes. Returns whether it succeeded.
fn put(out: Option<&File>, mut line: &[u8]) -> bool {
    let Some(mut out) = out else { return false };
    while !line.is_empty() {
        match out.write(line) {
            Ok(0) => return false,
            Ok(written) => line = &line[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Another process made the file non-blocking.
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(10)),
            Err(_) => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::fd::OwnedFd;

    use super::*;

    #[test]
    fn lines_that_nobody_takes_are_dropped_and_counted() {
        let (mut reader, writer) = io::pipe().unwrap();
        let lines = Lines::to(Some(Arc::new(File::from(OwnedFd::from(writer)))), 10).unwrap();
        let mut taken = 0;
        while lines.dropped().load(Ordering::Acquire) < 5 {
            assert_eq!((&lines).write(&[b'a'; 1_000]).unwrap(), 1_000);
            taken += 1_000;
        }
        taken -= 1_000 * usize::try_from(lines.dropped().load(Ordering::Acquire)).unwrap();
        let reading = thread::spawn(move || {
            let mut read = vec![0; taken];
            reader.read_exact(&mut read).unwrap();
            reader
        });
        drop(reading.join().unwrap());
        lines.flush();
        assert!(!lines.counts.are_waiting());
        // Nobody will ever read this line.
        assert_eq!((&lines).write(b"line").unwrap(), 4);
        lines.flush();
        assert_eq!(lines.dropped().load(Ordering::Acquire), 6);
    }
}
