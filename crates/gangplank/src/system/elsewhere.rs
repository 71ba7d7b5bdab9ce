//! Windows, where files have no modes, folders are not synced, and a program gets its other names as copies.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::windows::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Fills a buffer with what a file has from `offset` on.
///
/// # Errors
/// If it has less, or cannot be read.
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

/// The permissions of a file: a person's own folders are theirs alone.
pub(crate) fn mode(_: &Metadata) -> u32 {
    0o600
}

/// Gives a file permissions, which it has none of.
///
/// # Errors
/// Never.
pub(crate) fn set_mode(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}

/// Lets a file that is made be its owner's alone, as it is in their own folders.
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

/// How many bytes the disk of a file has in all, and how many are free: nobody says.
///
/// # Errors
/// Never.
pub(crate) fn room(_: &File) -> io::Result<Option<(u64, u64)>> {
    Ok(None)
}

/// How many columns the terminal of standard output has: nobody says.
pub(crate) fn terminal_width() -> Option<usize> {
    None
}

/// Asks with a terminal that does not show what is typed.
///
/// # Errors
/// Always: a secret is not asked for where it would be shown.
pub(crate) fn unshown<T>(_: impl FnOnce() -> T) -> io::Result<T> {
    Err(io::Error::new(
        ErrorKind::Unsupported,
        "what is typed here would be shown; hand it over on standard input",
    ))
}

/// Makes another name of the program, a copy: links are for administrators.
///
/// # Errors
/// If it cannot be made.
pub(crate) fn name_program(program: &Path, name: &Path) -> io::Result<()> {
    fs::copy(program, name.with_extension("exe")).map(drop)
}

/// Whether files can be made in a folder.
pub(crate) fn is_writable(folder: &Path) -> bool {
    tempfile::tempfile_in(folder).is_ok()
}

/// Where podman looks for logins if nothing names a folder for a user's session: nowhere.
pub(crate) fn podman_folder() -> PathBuf {
    PathBuf::new()
}

/// The folder that a path is in: of a bare name, the current one.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes durable which entries a folder has, which is the file system's own affair.
///
/// # Errors
/// Never.
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Ctrl-C.
pub(crate) struct Interrupts(tokio::signal::windows::CtrlC);

impl Interrupts {
    /// Hears them from now on.
    ///
    /// # Errors
    /// If they cannot be heard.
    pub(crate) fn hear() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    /// Waits for one.
    pub(crate) async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// Ends when the reader of standard output goes away, which the next write finds out.
pub(crate) async fn reader_gone() {
    std::future::pending::<()>().await;
}

/// Lets no crash of this process be written down, as is the rule.
///
/// # Errors
/// Never.
pub(crate) fn forbid_core_dumps() -> io::Result<()> {
    Ok(())
}
