//! Identities of a client: an access key, a program that prints one, or a role.

use std::path::PathBuf;
use std::process::Command;

use gangplank_api::Secret;
use serde::Deserialize;

use super::settings::Unresolved;
use crate::cli::words;
use crate::system::child;
use crate::terminal::foreign;

/// The identity that signs calls.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// An access key.
    Key(Credentials),
    /// A role that an identity token opens.
    Role(WebIdentity),
}

/// A role, and the place of its identity token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebIdentity {
    /// The ARN of the role.
    pub(crate) role_arn: String,
    /// The file of the token, which is read for each session. Without a file, the CI that runs this job is asked.
    pub(crate) token_file: Option<PathBuf>,
    /// The name for the session.
    pub(crate) session_name: Option<String>,
}

/// An access key with its secret.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    /// The public half.
    pub(crate) access_key_id: String,
    /// The secret half, which signs.
    pub(crate) secret_access_key: Secret,
    /// The token that belongs to a temporary key.
    pub(crate) session_token: Option<Secret>,
}

/// The output of a program that prints an access key:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Option<Secret>,
}

/// Runs the program of `credential_process`, and reads the access key that it prints.
pub(crate) fn from_process(command: &str) -> Result<Credentials, Unresolved> {
    let failed = |why: &str| {
        Unresolved::Process(format!("Error when retrieving credentials from custom-process: {why}"))
    };
    let words = words::split(command).ok_or_else(|| failed("a quote in the command is not closed"))?;
    let [program, arguments @ ..] = words.as_slice() else { return Err(failed("the command is empty")) };
    let done = child::run(Command::new(program).args(arguments), None);
    let done = done.map_err(|error| failed(&error.to_string()))?;
    if !done.status.success() {
        return Err(failed(&foreign::words(String::from_utf8_lossy(&done.stderr).trim())));
    }
    // The output is not shown even if it cannot be read: it may hold a secret.
    let printed: Printed = serde_json::from_slice(&done.stdout)
        .map_err(|_| failed("the output is not the JSON of credentials"))?;
    if printed.version != 1 {
        return Err(failed(&format!(
            "Unsupported version '{}' for credential process provider, supported versions: 1",
            printed.version
        )));
    }
    Ok(Credentials {
        access_key_id: printed.access_key_id,
        secret_access_key: printed.secret_access_key,
        session_token: printed.session_token.filter(|token| !token.expose().is_empty()),
    })
}
