//! The thread that has the kernel write what files have collected, so that their last sync is short.

use std::fs::File;
use std::num::NonZeroU64;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};

/// How many requests wait. What is more is left out: it is written when the file is synced.
const WAITING: usize = 64;

/// Begins to write parts of files, on a thread of its own: handing pages to the disk is work, and waits when
/// the disk has enough to do.
#[derive(Default)]
pub(super) struct WriteBack {
    /// `None` if the thread could not be started.
    parts: OnceLock<Option<SyncSender<Part>>>,
}

/// So many bytes of a file, from a place on.
struct Part {
    file: Arc<File>,
    from: u64,
    length: NonZeroU64,
}

impl WriteBack {
    /// Begins to write `length` bytes of `file` that were written at `from`. It is no more than advice: what
    /// counts is the sync in the end.
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

/// Of pages that are not yet written, this starts the writing, and keeps them.
#[cfg(target_os = "linux")]
fn begin(Part { file, from, length }: &Part) {
    let _ = rustix::fs::fadvise(&**file, *from, Some(*length), rustix::fs::Advice::DontNeed);
}

/// Another kernel is not told: it begins when it likes.
#[cfg(not(target_os = "linux"))]
fn begin(Part { file, from, length }: &Part) {
    let _ = (file, from, length);
}
