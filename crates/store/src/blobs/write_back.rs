//! A thread that lets the kernel write pages of growing files early, so that the final sync is short.

use std::fs::File;
use std::num::NonZeroU64;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};

/// How many requests may wait. Further ones are dropped: those pages are written by the final sync.
const WAITING: usize = 64;

/// Starts the writing of parts of files on a separate thread, because the call may have to wait for a busy
/// disk.
#[derive(Default)]
pub(super) struct WriteBack {
    /// `None` if the thread could not be started.
    parts: OnceLock<Option<SyncSender<Part>>>,
}

/// A part of a file: `length` bytes from `from` on.
struct Part {
    file: Arc<File>,
    from: u64,
    length: NonZeroU64,
}

impl WriteBack {
    /// Begins to write the `length` bytes of `file` from `from` on. This is only advice; the final sync
    /// decides.
    pub(super) fn begin(&self, file: &Arc<File>, from: u64, length: u64) {
        let Some(parts) = self.parts.get_or_init(start) else { return };
        if let Some(length) = NonZeroU64::new(length) {
            let _ = parts.try_send(Part { file: Arc::clone(file), from, length });
        }
    }
}

fn start() -> Option<SyncSender<Part>> {
    let (parts, waiting) = sync_channel(WAITING);
    let thread = std::thread::Builder::new().name("write-back".to_owned());
    thread.spawn(move || write_until_closed(&waiting)).ok()?;
    Some(parts)
}

fn write_until_closed(waiting: &Receiver<Part>) {
    while let Ok(part) = waiting.recv() {
        begin(&part);
    }
}

/// Linux begins to write the pages that are not written yet, and keeps them in memory.
#[cfg(target_os = "linux")]
fn begin(Part { file, from, length }: &Part) {
    let _ = rustix::fs::fadvise(&**file, *from, Some(*length), rustix::fs::Advice::DontNeed);
}

/// Other kernels get no advice.
#[cfg(not(target_os = "linux"))]
fn begin(Part { file, from, length }: &Part) {
    let _ = (file, from, length);
}
