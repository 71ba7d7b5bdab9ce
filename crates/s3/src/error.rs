//! Why a call failed, by what can be done about it.

use std::fmt;

/// The result of a call.
pub type Result<T> = std::result::Result<T, Error>;

/// A call failed. After [`Error::NoAnswer`] and some refusals it is unknown whether it took effect.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The server answered, and the answer is no.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// No whole answer came: the server is not reached, is silent, or went away in the middle.
    #[error("{call}: no answer from {server}: {why}")]
    NoAnswer {
        /// Which call.
        call: &'static str,
        /// The endpoint.
        server: String,
        /// What the connection said.
        why: String,
    },
    /// An answer came that S3 would not give.
    #[error("{call}: not an answer of S3: {why}")]
    NotS3 {
        /// Which call.
        call: &'static str,
        /// Where it differs.
        why: String,
    },
    /// Nobody says as whom to call.
    #[error("no credentials for S3: {0}")]
    Credentials(String),
    /// What is to be sent cannot be read.
    #[error("cannot read what is to be uploaded: {0}")]
    Payload(String),
    /// The server was out of reach a moment ago, and is not asked again yet.
    #[error("{server} did not answer a moment ago, and is asked again soon")]
    Resting {
        /// The endpoint.
        server: String,
    },
}

/// What a server said when it refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Which call.
    pub call: &'static str,
    /// The status code of the answer. It can be 200: an end of a multipart upload fails after its head was sent.
    pub status: u16,
    /// S3's word for it, such as `NoSuchKey`. Empty where the answer has none, as that to a HEAD.
    pub code: String,
    /// The server's sentence.
    pub message: String,
    /// The server's clock at the answer, in Unix seconds.
    pub date: Option<i64>,
    /// The region that the bucket is in, where a server says that it is not the one that was asked for.
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
    /// What the server said, if it answered.
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

    /// Whether there is no such upload. Ceph's older servers say `NoSuchKey`.
    pub fn is_no_upload(&self) -> bool {
        self.is_code(&["NoSuchUpload", "NoSuchKey"]) || self.is_status(404)
    }

    /// Whether the same call may well succeed a little later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::NoAnswer { .. } | Self::Resting { .. } | Self::NotS3 { .. } => true,
            Self::Refused(refusal) => refusal.may_pass(),
            Self::Credentials(_) | Self::Payload(_) => false,
        }
    }

    /// Whether the bucket has no room.
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
        // 507 and 501 stay as they are.
        matches!(self.status, 408 | 429 | 500 | 502 | 503 | 504)
            || matches!(
                self.code.as_str(),
                "InternalError" | "SlowDown" | "ServiceUnavailable" | "RequestTimeout" | "OperationAborted"
            )
    }
}

/// What a server says, cut to a line that can be shown and logged.
pub(crate) fn plain(text: &str) -> String {
    const LONGEST: usize = 300;
    let line: String =
        text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(LONGEST).collect();
    line.trim().to_owned()
}
