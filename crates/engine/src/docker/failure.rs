//! The meaning of an engine's errors.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use bollard::errors::Error;

use crate::EngineError;

/// The error of a call, before its meaning for the caller is known.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The engine did not answer.
    Away(String),
    /// It answered with an error status and a message.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The engine's message.
        message: String,
    },
}

impl Trouble {
    /// An error that came after the answer had begun.
    pub(super) fn told(message: String) -> Self {
        Self::Answer { status: 500, message }
    }

    pub(super) fn slow(limit: Duration) -> Self {
        Self::Away(format!("it did not answer within {} seconds", limit.as_secs()))
    }

    pub(super) fn closed() -> Self {
        Self::Away("the server is stopping".to_owned())
    }

    pub(super) fn is(&self, wanted: u16) -> bool {
        matches!(self, Self::Answer { status, .. } if *status == wanted)
    }

    /// Whether its message has one of these texts.
    pub(super) fn says(&self, words: &[&str]) -> bool {
        match self {
            Self::Away(_) => false,
            Self::Answer { message, .. } => {
                let message = message.to_lowercase();
                words.iter().any(|word| message.contains(word))
            }
        }
    }

    /// The meaning of an error from pulling an image.
    pub(super) fn of_a_pull(self) -> EngineError {
        let status = match &self {
            Self::Away(reason) => return EngineError::Away(reason.clone()),
            Self::Answer { status, .. } => *status,
        };
        let words = tidy(&self.to_string());
        if self.says(DENIED) {
            EngineError::NoImage(words)
        } else if self.says(&["no space left"]) {
            EngineError::Refused(words)
        } else if self.says(UNREACHABLE) || status >= 500 {
            EngineError::RegistryAway(words)
        } else {
            EngineError::NoImage(words)
        }
    }
}

/// Messages of registries and engines about images that do not exist or are denied.
const DENIED: &[&str] = &[
    "unauthorized",
    "denied",
    "forbidden",
    "authentication required",
    "no basic auth credentials",
    "manifest unknown",
    "name unknown",
    "not found: manifest",
    "repository does not exist",
    "no matching manifest",
    "no image found in",
    "invalid reference",
    "server gave http response to https client",
    "x509:",
    "certificate",
    "unsupported media type",
];

/// Messages about registries that cannot be reached or have an error.
const UNREACHABLE: &[&str] = &[
    "connection refused",
    "connection reset",
    "no such host",
    "timeout",
    "timed out",
    "deadline exceeded",
    "no route to host",
    "network is unreachable",
    "unexpected http status: 5",
    "toomanyrequests",
    "too many requests",
    "eof",
];

/// Messages of an engine that stops while it answers.
const STOPPING: &[&str] = &[
    "shutting down",
    "transport is closing",
    "containerd.sock",
    "connection error: desc",
    "context canceled",
    "error while dialing",
];

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::DockerResponseServerError { status_code, message } => {
                let message = message.trim().to_owned();
                if status_code == 503 {
                    return Self::Away(message);
                }
                Self::Answer { status: status_code, message }
            }
            Error::DockerStreamError { error } => Self::told(error),
            Error::JsonDataError { message, .. } => {
                Self::told(format!("its answer cannot be understood: {message}"))
            }
            Error::SocketNotFoundError(_) => Self::Away("there is no such socket".to_owned()),
            other => Self::Away(root(&other)),
        }
    }
}

/// The last cause, which says the most. The earlier ones only say that a client had an error.
fn root(error: &Error) -> String {
    let mut last = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        last = error.to_string();
        cause = error.source();
    }
    last
}

impl From<Trouble> for EngineError {
    fn from(trouble: Trouble) -> Self {
        match &trouble {
            Trouble::Away(reason) => Self::Away(reason.clone()),
            Trouble::Answer { status: 500.., .. } if trouble.says(STOPPING) => {
                Self::Away(trouble.to_string())
            }
            Trouble::Answer { message, .. } => Self::Refused(tidy(message)),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(reason) => f.write_str(reason),
            Self::Answer { message, .. } => f.write_str(message),
        }
    }
}

/// An engine's message, without the names of its internal parts.
fn tidy(message: &str) -> String {
    let mut words = message.trim();
    for before in [
        "container process: ",
        "container process caused: ",
        "OCI runtime error: ",
        "Error response from daemon: ",
    ] {
        if let Some((_, after)) = words.split_once(before) {
            words = after;
        }
    }
    let words = words.strip_suffix(": unknown").unwrap_or(words).trim();
    if words.is_empty() { "the engine refused without a reason".to_owned() } else { words.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulled(status: u16, message: &str) -> EngineError {
        Trouble::Answer { status, message: message.to_owned() }.of_a_pull()
    }

    #[test]
    fn an_image_that_is_not_there_is_told_from_a_registry_that_is_not() {
        for (status, said) in [
            (500, "unauthorized: the registry login is unknown or was revoked"),
            (404, "pull access denied for x, repository does not exist or may require 'docker login'"),
            (404, "manifest for x:1 not found: manifest unknown: manifest unknown"),
            (500, "Get \"http://127.0.0.1:5000/v2/x/manifests/1\": no basic auth credentials"),
            (500, "initializing source docker://x: reading manifest 1 in x: manifest unknown"),
            (400, "invalid reference format"),
            (500, "no matching manifest for linux/amd64 in the manifest list entries"),
        ] {
            assert!(matches!(pulled(status, said), EngineError::NoImage(words) if words == said), "{said}");
        }
        for said in [
            "Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
            "Get \"https://registry.example/v2/\": dial tcp: lookup registry.example: no such host",
            "net/http: TLS handshake timeout",
            "received unexpected HTTP status: 503 Service Unavailable",
            "toomanyrequests: You have reached your pull rate limit",
            "unexpected EOF",
            "something that nobody foresaw",
        ] {
            assert!(matches!(pulled(500, said), EngineError::RegistryAway(words) if words == said), "{said}");
        }
    }

    #[test]
    fn words_of_the_runtime_are_shortened() {
        let said = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start \
                    container process: exec: \"/nope\": stat /nope: no such file or directory: unknown";
        let error = EngineError::from(Trouble::Answer { status: 400, message: said.to_owned() });
        assert_eq!(
            error,
            EngineError::Refused("exec: \"/nope\": stat /nope: no such file or directory".to_owned())
        );
    }
}
