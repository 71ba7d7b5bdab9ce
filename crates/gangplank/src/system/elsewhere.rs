//! Windows: files have no modes, folders are not synced, and the program's other names are copies.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::windows::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Fills a buffer with the bytes of a file from `offset` on.
///
/// # Errors
/// If the file ends before the buffer is full, or cannot be read.
pub(crate) fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match file.seek_read(buffer, offset) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                buffer = &mut buffer[read..];
                offset += read as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The permissions of a file. Here a folder protects the files in it, so a file has no permissions of its own.
pub(crate) fn mode(_: &Metadata) -> u32 {
    0o600
}

/// Sets the permissions of a file. There are none, so this does nothing.
///
/// # Errors
/// Never.
pub(crate) fn set_mode(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}

/// Makes a new file accessible to its owner only. Here the folder protects the file.
pub(crate) fn only_for_owner(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Opens a file to be read.
///
/// # Errors
/// If it cannot be opened.
pub(crate) fn open_at_once(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// The size of the file's disk and its free space, in bytes. Not known here.
///
/// # Errors
/// Never.
pub(crate) fn room(_: &File) -> io::Result<Option<(u64, u64)>> {
    Ok(None)
}

/// The width of the terminal at standard output, in columns. Not known here.
pub(crate) fn terminal_width() -> Option<usize> {
    None
}

/// Runs `ask` while the terminal does not show the input.
///
/// # Errors
/// Always, since a secret is not asked for where the terminal would show it.
pub(crate) fn unshown<T>(_: impl FnOnce() -> T) -> io::Result<T> {
    Err(io::Error::new(
        ErrorKind::Unsupported,
        "your typing would be visible here; pass it on standard input",
    ))
}

/// Makes another name of the program: a copy, since only administrators may make links.
///
/// # Errors
/// If the copy cannot be made.
pub(crate) fn name_program(program: &Path, name: &Path) -> io::Result<()> {
    fs::copy(program, name.with_extension("exe")).map(drop)
}

/// Whether files can be made in a folder.
pub(crate) fn is_writable(folder: &Path) -> bool {
    tempfile::tempfile_in(folder).is_ok()
}

/// The folder where podman looks for logins if no variable names one. These systems have no such folder.
pub(crate) fn podman_folder() -> PathBuf {
    PathBuf::new()
}

/// The folder of a path. For a bare name it is the current folder.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes the entries of a folder durable. Here the file system does that by itself.
///
/// # Errors
/// Never.
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Ctrl-C.
pub(crate) struct Interrupts(tokio::signal::windows::CtrlC);

impl Interrupts {
    /// Handles Ctrl-C from now on.
    ///
    /// # Errors
    /// If a handler cannot be set up.
    pub(crate) fn hear() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    /// Waits for the next Ctrl-C.
    pub(crate) async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// Ends when standard output is closed. Here only a failed write shows that, so it never ends.
pub(crate) async fn reader_gone() {
    std::future::pending::<()>().await;
}

/// Prevents core dumps of this process. They are off by default.
///
/// # Errors
/// Never.
pub(crate) fn forbid_core_dumps() -> io::Result<()> {
    Ok(())
}
