//! The reasons for which a call of the control API fails.

use std::fmt;

use gangplank_api::ErrorCode;
use gangplank_api::lightsail::Operation;
use reqwest::Url;
use serde_json::{Map, Value};

use crate::http::answers::Unread;
use crate::http::tls_errors;
use crate::terminal::foreign;

/// The reason for which a call has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallFailure {
    /// The server refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The server gave no answer.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The server at this address speaks TLS, and was called without it.
    #[error("cannot reach {0}: what answers there speaks TLS; try https://")]
    WantsTls(Url),
    /// The answer comes from another program than our server. The text explains it.
    #[error("{0}")]
    Stranger(String),
    /// No identity token was found, or the CI did not give one.
    #[error("{0}")]
    NoToken(String),
    /// The answer does not have the form of the operation's answers.
    #[error("the server's answer to {0} cannot be read; is it a gangplank server?")]
    Unreadable(&'static str),
}

impl CallFailure {
    /// Whether the same call may succeed later: the server is out of reach, or says that it cannot answer now.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.status >= 500 || refusal.retries.is_some(),
            Self::Unreachable(unreachable) => unreachable.cause.may_pass(),
            // A proxy answers in place of its server while the server restarts.
            Self::Stranger(_) => true,
            Self::WantsTls(_) | Self::NoToken(_) | Self::Unreadable(_) => false,
        }
    }

    /// Whether the server refused with this error.
    pub(crate) fn is_refused_with(&self, code: ErrorCode) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == code.as_str())
    }
}

/// A refusal of the server.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{operation} was refused with {}: {}", foreign::words(code), self.words())]
pub(crate) struct Refusal {
    /// The name of the operation.
    pub(crate) operation: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The id that the server gave the request.
    pub(crate) request_id: Option<String>,
    /// The name of the error, or the HTTP status if it has none.
    pub(crate) code: String,
    /// The server's message, or one of our own if the answer did not come from our server.
    pub(crate) message: String,
    /// Advice on what to do next, if there is any.
    pub(crate) tip: Option<String>,
    /// How often the call was repeated, if all repetitions were used up.
    pub(crate) retries: Option<u32>,
    /// All members of the body.
    pub(crate) body: Map<String, Value>,
}

impl Refusal {
    /// Whether the error is in Lightsail's service model.
    pub(crate) fn is_modelled(&self) -> bool {
        ErrorCode::parse(&self.code)
            .is_some_and(|code| Operation::ALL.iter().any(|operation| operation.errors().contains(&code)))
    }

    /// The message, with the advice.
    fn words(&self) -> String {
        foreign::message(&with_tip(&self.message, self.tip.as_deref()))
    }
}

/// Joins a message with advice, as two sentences.
pub(crate) fn with_tip(message: &str, tip: Option<&str>) -> String {
    match tip {
        Some(tip) if message.ends_with(['.', '!', '?']) => format!("{message} {tip}"),
        Some(tip) => format!("{message}. {tip}"),
        None => message.to_owned(),
    }
}

/// The error if a server gives no answer.
#[derive(Debug, thiserror::Error)]
#[error("cannot reach {endpoint}: {cause}{}", self.hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default())]
pub(crate) struct Unreachable {
    /// The URL of the server.
    pub(crate) endpoint: Url,
    /// The reason why there was no answer.
    // The field is not called `source`: then anyhow would print the cause a second time.
    pub(crate) cause: Cause,
    /// A likely reason.
    pub(crate) hint: Option<String>,
}

impl Unreachable {
    /// `hint` is a likely reason that the caller knows. It is shown if the cause itself gives no better one.
    pub(crate) fn new(endpoint: &Url, cause: Cause, hint: Option<&str>) -> Self {
        // The message about a TLS error already says what to do.
        let is_told = matches!(&cause, Cause::Request(cause) if tls_errors::explain(cause).is_some());
        let hint = hint.filter(|_| !is_told);
        let hint = hint_of(endpoint.scheme(), &cause.to_string()).or(hint).map(str::to_owned);
        Self { endpoint: endpoint.clone(), cause, hint }
    }
}

/// The reason for which no answer came.
#[derive(Debug)]
pub(crate) enum Cause {
    /// The request failed, and no answer began.
    Request(reqwest::Error),
    /// An answer began and was not read to its end.
    Answer(Unread),
}

impl Cause {
    /// Whether the same call may succeed in a moment.
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

/// Advice for an error in HTTP that another protocol explains.
fn hint_of(scheme: &str, cause: &str) -> Option<&'static str> {
    let speaks_tls = scheme == "http" && cause.contains("invalid HTTP version");
    speaks_tls.then_some("it may speak TLS; try https://")
}

/// Whether an answer says that the server wants TLS. The texts are those of well-known servers.
pub(crate) fn wants_tls(status: u16, body: &[u8]) -> bool {
    const WORDS: [&str; 3] = [
        "This port speaks TLS",
        "Client sent an HTTP request to an HTTPS server",
        "The plain HTTP request was sent to HTTPS port",
    ];
    let body = || String::from_utf8_lossy(body);
    status == 400 && WORDS.iter().any(|words| body().contains(words))
}

/// The message of the innermost cause, which says the most to a person.
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
