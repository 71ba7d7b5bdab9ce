//! As whom a client calls: an access key, the program that may be asked for one, or a role.

use std::path::PathBuf;
use std::process::Command;

use gangplank_api::Secret;
use serde::Deserialize;

use super::settings::Unresolved;
use crate::cli::words;
use crate::system::child;
use crate::terminal::foreign;

/// As whom calls are signed.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// The holder of an access key.
    Key(Credentials),
    /// A role, for whoever holds an identity token.
    Role(WebIdentity),
}

/// A role, and where the identity token is that opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebIdentity {
    /// The ARN of the role.
    pub(crate) role_arn: String,
    /// The file of the token, read anew for each session; without it, the CI that runs this job is asked.
    pub(crate) token_file: Option<PathBuf>,
    /// How the session is to be called.
    pub(crate) session_name: Option<String>,
}

/// What signs a call.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    /// The public half.
    pub(crate) access_key_id: String,
    /// The half that signs.
    pub(crate) secret_access_key: Secret,
    /// What comes with temporary keys.
    pub(crate) session_token: Option<Secret>,
}

/// What such a program prints: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Option<Secret>,
}

/// Asks the program that `credential_process` names.
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
    // What was printed is never shown: it may be a secret all the same.
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
