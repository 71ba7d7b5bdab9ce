//! Limits for answers from outside: their size, and the time that each part may take. No server is trusted to end an
//! answer.

use std::time::Duration;

use reqwest::Response;
use tokio::time::{Instant, timeout};

use crate::aws::call_failure::root_cause;

/// The largest answer that is read, in bytes.
pub(crate) const LONGEST: usize = 8 * 1024 * 1024;
/// How much is read of an error's body, in bytes.
pub(crate) const LONGEST_ERROR: usize = 64 * 1024;
/// The longest wait for a connection.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// The longest wait for the first byte of an answer.
pub(crate) const FIRST_BYTE: Duration = Duration::from_mins(1);
/// The longest wait for the first byte if the server has much work to do before it.
pub(crate) const FIRST_BYTE_AFTER_WORK: Duration = Duration::from_mins(15);
/// The longest pause between two parts of a body.
pub(crate) const BETWEEN: Duration = Duration::from_mins(1);
/// The longest time for an answer that is kept in memory.
const WHOLE: Duration = Duration::from_mins(5);
/// After this many attempts that used up their whole time without progress, there is no further attempt.
pub(crate) const SLOW_TRIES: u32 = 3;

/// The reason for which an answer was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    /// It is larger than any answer of our server.
    #[error("its answer is longer than {} MiB, so it was not read on", LONGEST >> 20)]
    TooLong,
    /// It did not end in time.
    #[error("its answer did not end in time")]
    TooSlow,
    /// It stopped in the middle.
    #[error("nothing more of its answer came for {} s", BETWEEN.as_secs())]
    Silent,
    /// The connection ended before the answer did.
    #[error("its answer broke off: {}", root_cause(.0))]
    Cut(reqwest::Error),
}

/// Reads a whole answer.
pub(crate) async fn whole(answer: Response) -> Result<Vec<u8>, Unread> {
    let (body, is_whole) = read(answer, LONGEST).await?;
    if is_whole { Ok(body) } else { Err(Unread::TooLong) }
}

/// Reads the beginning of an error's body. Empty if it cannot be read.
pub(crate) async fn of_error(answer: Response) -> Vec<u8> {
    read(answer, LONGEST_ERROR).await.map(|(body, _)| body).unwrap_or_default()
}

/// Reads a body up to a limit. Returns whether that is the whole body.
async fn read(mut answer: Response, limit: usize) -> Result<(Vec<u8>, bool), Unread> {
    let end = Instant::now() + WHOLE;
    let mut body = Vec::new();
    loop {
        let patience = BETWEEN.min(end.saturating_duration_since(Instant::now()));
        let late = || if Instant::now() < end { Unread::Silent } else { Unread::TooSlow };
        let piece = timeout(patience, answer.chunk()).await.map_err(|_| late())?;
        let Some(piece) = piece.map_err(Unread::Cut)? else { return Ok((body, true)) };
        let left = limit - body.len();
        body.extend_from_slice(&piece[..piece.len().min(left)]);
        if piece.len() > left {
            return Ok((body, false));
        }
    }
}
