//! Errors of calls, sorted by what the caller can do.

use std::fmt;

/// The result of a call.
pub type Result<T> = std::result::Result<T, Error>;

/// The error of a call. After [`Error::NoAnswer`] and some refusals, the call may have taken effect.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The server refused the call.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// No complete answer came: the server is out of reach, is silent, or broke off.
    #[error("{call}: no answer from {server}: {why}")]
    NoAnswer {
        /// The name of the call.
        call: &'static str,
        /// The endpoint.
        server: String,
        /// The error of the connection.
        why: String,
    },
    /// The answer does not have the form that S3 prescribes.
    #[error("{call}: not an answer of S3: {why}")]
    NotS3 {
        /// The name of the call.
        call: &'static str,
        /// The difference from the form.
        why: String,
    },
    /// No source gave an access key.
    #[error("no credentials for S3: {0}")]
    Credentials(String),
    /// The file to upload cannot be read.
    #[error("cannot read what is to be uploaded: {0}")]
    Payload(String),
    /// The server did not answer a moment ago, so it is not called yet.
    #[error("{server} did not answer a moment ago, and is asked again soon")]
    Resting {
        /// The endpoint.
        server: String,
    },
    /// Too many calls wait for an answer, so this one was not sent.
    #[error("too many calls to {server} wait for an answer")]
    Crowded {
        /// The endpoint.
        server: String,
    },
}

/// The server's answer to a refused call.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The name of the call.
    pub call: &'static str,
    /// The status of the answer. It can be 200: joining parts can fail after the head of the answer was sent.
    pub status: u16,
    /// S3's code, such as `NoSuchKey`. Empty if the answer has none, as after a HEAD.
    pub code: String,
    /// The server's message.
    pub message: String,
    /// The server's clock at the answer, in Unix seconds.
    pub date: Option<i64>,
    /// The region of the bucket, if the server says that the request was signed for another.
    pub region: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, status, code, message, region, .. } = self;
        write!(f, "{call}: the S3 server answers {status}")?;
        for said in [code, message].into_iter().filter(|said| !said.is_empty()) {
            write!(f, " {said}")?;
        }
        region.as_ref().map_or(Ok(()), |region| write!(f, " (the bucket is in the region {region})"))
    }
}

impl Error {
    /// The refusal, if the server answered.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether the server answered with one of these codes.
    pub fn is_code(&self, codes: &[&str]) -> bool {
        self.refusal().is_some_and(|refusal| codes.contains(&refusal.code.as_str()))
    }

    /// Whether the server answered with this status.
    pub fn is_status(&self, status: u16) -> bool {
        self.refusal().is_some_and(|refusal| refusal.status == status)
    }

    /// Whether the upload does not exist. Older versions of Ceph answer `NoSuchKey`. Any other 404 proves
    /// nothing: the bucket may be missing, or a proxy may have answered.
    pub fn is_no_upload(&self) -> bool {
        self.is_code(&["NoSuchUpload", "NoSuchKey"])
    }

    /// Whether the same call may succeed later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::NoAnswer { .. } | Self::Resting { .. } | Self::Crowded { .. } | Self::NotS3 { .. } => true,
            Self::Refused(refusal) => refusal.may_pass(),
            Self::Credentials(_) | Self::Payload(_) => false,
        }
    }

    /// The kind of failure, in one of a few words for metrics. `None` for answers that are not failures: an
    /// object is missing, or a condition of the call is not met.
    pub fn kind(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoAnswer { .. } => "no-answer",
            Self::NotS3 { .. } => "not-s3",
            Self::Credentials(_) => "credentials",
            Self::Payload(_) => "payload",
            Self::Resting { .. } => "resting",
            Self::Crowded { .. } => "crowded",
            Self::Refused(_) if self.is_full() => "full",
            Self::Refused(refusal) if refusal.is_slow_down() => "slow-down",
            Self::Refused(refusal) => match refusal.status {
                404 | 409 | 412 | 416 => return None,
                500.. => "server-error",
                _ => "refused",
            },
        })
    }

    /// Whether the bucket is full.
    pub fn is_full(&self) -> bool {
        let codes = ["QuotaExceeded", "XMinioStorageFull", "InsufficientCapacity", "EntityTooLargeForQuota"];
        self.is_code(&codes) || self.is_status(507)
    }
}

impl Refusal {
    /// Whether the server asks for fewer requests.
    pub(crate) fn is_slow_down(&self) -> bool {
        matches!(self.status, 429 | 503) || matches!(self.code.as_str(), "SlowDown" | "RequestLimitExceeded")
    }

    fn may_pass(&self) -> bool {
        // Neither 507 nor 501 passes by itself.
        matches!(self.status, 408 | 429 | 500 | 502 | 503 | 504)
            || matches!(
                self.code.as_str(),
                "InternalError" | "SlowDown" | "ServiceUnavailable" | "RequestTimeout" | "OperationAborted"
            )
    }
}

/// Turns a server's text into one short line without control characters, for people and the log.
pub(crate) fn plain(text: &str) -> String {
    const LONGEST: usize = 300;
    let line: String =
        text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(LONGEST).collect();
    line.trim().to_owned()
}
