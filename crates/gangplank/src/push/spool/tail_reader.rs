//! A file that is read while it is still being written.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::system::read_exact_at;

#[derive(Debug, Default)]
struct State {
    written: u64,
    is_whole: bool,
}

#[derive(Debug)]
struct Shared {
    file: Arc<File>,
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }
}

/// The writing end. Dropping it marks the end of the file.
#[derive(Debug)]
pub(crate) struct Writer(Arc<Shared>);

/// The reading end. It waits for bytes that are not there yet.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    shared: Arc<Shared>,
    at: u64,
}

/// Both ends of an empty file: one writes, and the other reads along.
pub(crate) fn tail(file: File) -> (Writer, Reader) {
    let shared = Arc::new(Shared { file: Arc::new(file), state: Mutex::default(), changed: Condvar::new() });
    (Writer(Arc::clone(&shared)), Reader { shared, at: 0 })
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = (&*self.0.file).write(bytes)?;
        self.0.change(|state| state.written += written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.change(|state| state.is_whole = true);
    }
}

impl Reader {
    /// The file.
    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.shared.file)
    }

    /// Waits until the file has `length` bytes, or will never have them. Returns its length.
    pub(crate) fn wait_for(&self, length: u64) -> u64 {
        let state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_waiting = |state: &mut State| state.written < length && !state.is_whole;
        self.shared.changed.wait_while(state, is_waiting).unwrap_or_else(PoisonError::into_inner).written
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let there = self.wait_for(self.at + 1);
        let left = usize::try_from(there.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let length = left.min(buffer.len());
        read_exact_at(&self.shared.file, &mut buffer[..length], self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(_) => None,
        };
        self.at = at.ok_or_else(|| io::Error::other("this position is not known yet"))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_waits_for_the_writer_and_sees_its_end() {
        let (mut writer, mut reader) = tail(tempfile::tempfile().unwrap());
        let waiting = std::thread::spawn(move || {
            let mut read = Vec::new();
            reader.seek(SeekFrom::Start(2)).unwrap();
            reader.read_to_end(&mut read).unwrap();
            (read, reader.wait_for(100))
        });
        for piece in [b"one", b"two"] {
            std::thread::sleep(std::time::Duration::from_millis(5));
            writer.write_all(piece).unwrap();
        }
        drop(writer);
        assert_eq!(waiting.join().unwrap(), (b"etwo".to_vec(), 6));
    }
}
