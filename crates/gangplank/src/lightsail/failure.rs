//! How a call can fail, and the exit status that version 2 of the AWS CLI gives each way.

use serde_json::{Map, Value};

use crate::aws::call_failure::Refusal;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line cannot be read; the usage is shown after the reason.
    Usage(String),
    /// There are arguments that nothing takes; the usage is shown before them.
    UnknownOptions(Vec<String>),
    /// An argument was read and is not allowed.
    Parameter(String),
    /// The environment or a file lacks something or has something wrong; the first is the kind.
    Configuration(&'static str, String),
    /// The server refused; the members that the service model gives this error, in the order of the model.
    Service(Box<Refusal>, Map<String, Value>),
    /// Anything else, such as a server that cannot be reached.
    Other(String),
}

impl Failure {
    /// The exit status: 252 for the command line, 253 for the configuration, 254 for the service, 255 else.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::UnknownOptions(_) | Self::Parameter(_) => 252,
            Self::Configuration(..) => 253,
            Self::Service(..) => 254,
            Self::Other(_) => 255,
        }
    }

    /// A parameter that cannot be parsed.
    pub(crate) fn parsing(name: &str, why: impl std::fmt::Display) -> Self {
        Self::Parameter(format!("Error parsing parameter '{name}': {why}"))
    }

    /// The name of the error.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Usage(_) | Self::UnknownOptions(_) | Self::Parameter(_) => Some("ParamValidation"),
            Self::Configuration(code, _) => Some(code),
            Self::Service(refusal, _) => Some(&refusal.code),
            Self::Other(_) => None,
        }
    }

    /// What happened, in words, without its name.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Usage(message)
            | Self::Parameter(message)
            | Self::Configuration(_, message)
            | Self::Other(message) => message.clone(),
            Self::UnknownOptions(options) => format!("Unknown options: {}", options.join(", ")),
            Self::Service(refusal, _) => refusal.message.clone(),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.to_string())
    }
}
