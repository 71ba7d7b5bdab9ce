//! The ways in which a call can fail, each with the exit status that version 2 of the AWS CLI gives it.

use serde_json::{Map, Value};

use crate::aws::call_failure::Refusal;

/// The reason for which there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line cannot be parsed. The usage is shown after the reason.
    Usage(String),
    /// No option takes these arguments. The usage is shown before the arguments.
    UnknownOptions(Vec<String>),
    /// An argument is not allowed.
    Parameter(String),
    /// The environment or a file is incomplete or wrong. The first text is the kind of error.
    Configuration(&'static str, String),
    /// The server refused. The map has the members that the service model gives this error, in the model's order.
    Service(Box<Refusal>, Map<String, Value>),
    /// Any other error, such as a server that cannot be reached.
    Other(String),
}

impl Failure {
    /// The exit status: 252 for the command line, 253 for the configuration, 254 for a refusal, 255 otherwise.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::UnknownOptions(_) | Self::Parameter(_) => 252,
            Self::Configuration(..) => 253,
            Self::Service(..) => 254,
            Self::Other(_) => 255,
        }
    }

    /// The error for a parameter that cannot be parsed.
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

    /// The message, without the error's name.
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
