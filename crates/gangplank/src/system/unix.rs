//! Linux and macOS.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

pub(crate) use gangplank_store::durable_file::{folder_of, sync_folder};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Fills a buffer with the bytes of a file from `offset` on.
///
/// # Errors
/// If the file ends before the buffer is full, or cannot be read.
pub(crate) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
}

/// The permissions of a file.
pub(crate) fn mode(file: &Metadata) -> u32 {
    file.mode()
}

/// Sets the permissions of a file.
///
/// # Errors
/// If the file belongs to another user.
pub(crate) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}

/// Makes a new file accessible to its owner only.
pub(crate) fn only_for_owner(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// Opens a file to read without blocking. Opening a pipe, which may have taken the file's place, would wait for a
/// writer.
///
/// # Errors
/// If it cannot be opened.
pub(crate) fn open_at_once(path: &Path) -> io::Result<File> {
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    File::options().read(true).custom_flags(flags).open(path)
}

/// The size of the file's disk and its free space, in bytes.
///
/// # Errors
/// If the file system does not say.
pub(crate) fn room(file: &File) -> io::Result<Option<(u64, u64)>> {
    let disk = rustix::fs::fstatvfs(file)?;
    Ok(Some((disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize)))
}

/// The width of the terminal at standard output, in columns.
pub(crate) fn terminal_width() -> Option<usize> {
    rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col))
}

/// Runs `ask` while the terminal does not show the input.
///
/// # Errors
/// If the terminal's settings cannot be changed.
pub(crate) fn unshown<T>(ask: impl FnOnce() -> T) -> io::Result<T> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &silent)?;
    let answer = ask();
    tcsetattr(&stdin, OptionalActions::Flush, &before).ok();
    Ok(answer)
}

/// Makes another name of the program: a link.
///
/// # Errors
/// If the link cannot be made.
pub(crate) fn name_program(program: &Path, name: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(program, name)
}

/// Whether files can be made in a folder.
pub(crate) fn is_writable(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

/// The folder where podman looks for logins if no variable names one.
pub(crate) fn podman_folder() -> PathBuf {
    PathBuf::from(format!("/run/containers/{}", rustix::process::getuid().as_raw()))
}

/// Receives each Ctrl-C, from the moment at which this value is made.
pub(crate) struct Interrupts(Signal);

impl Interrupts {
    /// Handles Ctrl-C from now on.
    ///
    /// # Errors
    /// If a handler cannot be set up.
    pub(crate) fn hear() -> io::Result<Self> {
        signal(SignalKind::interrupt()).map(Self)
    }

    /// Waits for the next Ctrl-C.
    pub(crate) async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// Ends when the other side of standard output is closed: a pipe, a socket or a terminal. If standard output is
/// a file, this never ends.
pub(crate) async fn reader_gone() {
    let own = io::stdout().as_fd().try_clone_to_owned();
    // The file stays blocking, because other code prints to it.
    let watched = own.and_then(Sender::from_owned_fd_unchecked);
    if let Ok(stdout) = watched
        && stdout.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// Prevents core dumps of this process. Where the system allows it, also keeps other processes of the same user from
/// reading its memory. The resource limit alone is not enough: the kernel ignores it if core dumps are piped to a
/// program.
///
/// # Errors
/// If the system refuses.
pub(crate) fn forbid_core_dumps() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}
