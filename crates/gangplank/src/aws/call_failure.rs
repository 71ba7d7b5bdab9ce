//! How a call of the control API fails.

use std::fmt;

use gangplank_api::ErrorCode;
use gangplank_api::lightsail::Operation;
use reqwest::Url;
use serde_json::{Map, Value};

use crate::http::answers::Unread;
use crate::http::tls_errors;
use crate::terminal::foreign;

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallFailure {
    /// The server refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No answer came.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// What answers there wants TLS.
    #[error("cannot reach {0}: what answers there speaks TLS; try https://")]
    WantsTls(Url),
    /// Something else than a server of ours answered.
    #[error("{0}")]
    Stranger(String),
    /// There is no identity token to call with, or it cannot be had.
    #[error("{0}")]
    NoToken(String),
    /// The answer is none that the operation has.
    #[error("the server's answer to {0} cannot be read; is it a gangplank server?")]
    Unreadable(&'static str),
}

impl CallFailure {
    /// Whether the same call may be answered otherwise in a while: the server is away, or says that it cannot now.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.status >= 500 || refusal.retries.is_some(),
            Self::Unreachable(unreachable) => unreachable.cause.may_pass(),
            // As a proxy answers while its server restarts.
            Self::Stranger(_) => true,
            Self::WantsTls(_) | Self::NoToken(_) | Self::Unreadable(_) => false,
        }
    }

    /// Whether an error is the server's refusal under this name.
    pub(crate) fn is_refused_with(&self, code: ErrorCode) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == code.as_str())
    }
}

/// What a server said when it refused.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{operation} was refused with {}: {}", foreign::words(code), self.words())]
pub(crate) struct Refusal {
    /// The name of the operation.
    pub(crate) operation: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The id that the server gave the request.
    pub(crate) request_id: Option<String>,
    /// The name of the error; the status where it has none.
    pub(crate) code: String,
    /// The server's words, as they came; ours, where it was no server of this API.
    pub(crate) message: String,
    /// What to do next, if somebody knows.
    pub(crate) tip: Option<String>,
    /// How often the call was repeated, where no repetition was left.
    pub(crate) retries: Option<u32>,
    /// All that the body says.
    pub(crate) body: Map<String, Value>,
}

impl Refusal {
    /// Whether the service model of Lightsail knows the error.
    pub(crate) fn is_modelled(&self) -> bool {
        ErrorCode::parse(&self.code)
            .is_some_and(|code| Operation::ALL.iter().any(|operation| operation.errors().contains(&code)))
    }

    /// The message, and the hint at what to do next.
    fn words(&self) -> String {
        foreign::words(&with_tip(&self.message, self.tip.as_deref()))
    }
}

/// A message, and the hint at what to do next as a sentence of its own.
pub(crate) fn with_tip(message: &str, tip: Option<&str>) -> String {
    match tip {
        Some(tip) if message.ends_with(['.', '!', '?']) => format!("{message} {tip}"),
        Some(tip) => format!("{message}. {tip}"),
        None => message.to_owned(),
    }
}

/// No answer came.
#[derive(Debug, thiserror::Error)]
#[error("cannot reach {endpoint}: {cause}{}", self.hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default())]
pub(crate) struct Unreachable {
    /// The address.
    pub(crate) endpoint: Url,
    /// Why not.
    // Not called `source`: it is shown above, and would be shown again.
    pub(crate) cause: Cause,
    /// What may be the matter.
    pub(crate) hint: Option<String>,
}

impl Unreachable {
    /// `hint` says what the caller knows may be the matter, where the cause does not tell more.
    pub(crate) fn new(endpoint: &Url, cause: Cause, hint: Option<&str>) -> Self {
        // What is wrong with TLS is told with what to do about it.
        let is_told = matches!(&cause, Cause::Request(cause) if tls_errors::explain(cause).is_some());
        let hint = hint.filter(|_| !is_told);
        let hint = hint_of(endpoint.scheme(), &cause.to_string()).or(hint).map(str::to_owned);
        Self { endpoint: endpoint.clone(), cause, hint }
    }
}

/// Why no answer came.
#[derive(Debug)]
pub(crate) enum Cause {
    /// There was none.
    Request(reqwest::Error),
    /// There was one that was not read to its end.
    Answer(Unread),
}

impl Cause {
    /// Whether the same call may go well in a moment.
    pub(crate) fn may_pass(&self) -> bool {
        !matches!(self, Self::Answer(Unread::TooLong | Unread::TooSlow))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(cause) if cause.is_timeout() => f.write_str("no answer came in time"),
            Self::Request(cause) => f.write_str(&root_cause(cause)),
            Self::Answer(why) => write!(f, "{why}"),
        }
    }
}

/// What to do about a cause that was told in words of HTTP: something listens there, but not so.
fn hint_of(scheme: &str, cause: &str) -> Option<&'static str> {
    let speaks_tls = scheme == "http" && cause.contains("invalid HTTP version");
    speaks_tls.then_some("it may speak TLS; try https://")
}

/// Whether an answer says, in the words of a server that we know, that it was to be asked by TLS.
pub(crate) fn wants_tls(status: u16, body: &[u8]) -> bool {
    const WORDS: [&str; 3] = [
        "This port speaks TLS",
        "Client sent an HTTP request to an HTTPS server",
        "The plain HTTP request was sent to HTTPS port",
    ];
    let body = || String::from_utf8_lossy(body);
    status == 400 && WORDS.iter().any(|words| body().contains(words))
}

/// The innermost cause: the one that tells a person something.
pub(crate) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    if let Some(words) = tls_errors::explain(error) {
        return words;
    }
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
