//! Whether anybody reads on what a command prints without end.

use std::os::fd::AsFd as _;

use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;

/// Ends when the reader of a pipe, a socket or a terminal goes away; never for a file.
pub(crate) async fn reader_gone() {
    let own = std::io::stdout().as_fd().try_clone_to_owned();
    // Not made non-blocking: what is printed goes the usual way.
    let watched = own.and_then(Sender::from_owned_fd_unchecked);
    if let Ok(stdout) = watched
        && stdout.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}
