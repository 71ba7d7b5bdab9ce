//! Answers from outside, none of which is trusted to end: how long they may be, and how long each part may take.

use std::time::Duration;

use reqwest::Response;
use tokio::time::{Instant, timeout};

use crate::aws::call_failure::root_cause;

/// The longest answer that is read, in bytes.
pub(crate) const LONGEST: usize = 8 * 1024 * 1024;
/// How much of an error's body is read, in bytes.
pub(crate) const LONGEST_ERROR: usize = 64 * 1024;
/// How long a connection may take.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// How long the first byte of an answer may take.
pub(crate) const FIRST_BYTE: Duration = Duration::from_mins(1);
/// The same, where much has to be done before it.
pub(crate) const FIRST_BYTE_AFTER_WORK: Duration = Duration::from_mins(15);
/// How long there may be nothing between two parts of a body.
pub(crate) const BETWEEN: Duration = Duration::from_mins(1);
/// How long an answer that is kept in memory may take in all.
const WHOLE: Duration = Duration::from_mins(5);
/// How often something is tried that takes its whole time and gets nowhere.
pub(crate) const SLOW_TRIES: u32 = 3;

/// Why an answer was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    /// It is longer than any answer.
    #[error("its answer is longer than {} MiB, so it was not read on", LONGEST >> 20)]
    TooLong,
    /// It did not come to its end in time.
    #[error("its answer did not come to an end in time")]
    TooSlow,
    /// Nothing more of it came.
    #[error("nothing more of its answer came for {} s", BETWEEN.as_secs())]
    Silent,
    /// It broke off.
    #[error("its answer broke off: {}", root_cause(.0))]
    Cut(reqwest::Error),
}

/// All of an answer.
pub(crate) async fn whole(answer: Response) -> Result<Vec<u8>, Unread> {
    let (body, is_whole) = read(answer, LONGEST).await?;
    if is_whole { Ok(body) } else { Err(Unread::TooLong) }
}

/// As much of an error's body as is read; none, if it cannot be.
pub(crate) async fn of_error(answer: Response) -> Vec<u8> {
    read(answer, LONGEST_ERROR).await.map(|(body, _)| body).unwrap_or_default()
}

/// A body up to a limit, and whether that is all of it.
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
