//! The root access key for the first start. It is given only by variables: too many people can read a file of
//! options, and everybody on the machine can see a flag.

use anyhow::{Context as _, Result, bail};
use gangplank_core::{AccessKeyId, SecretAccessKey};

const ID: &str = "GANGPLANK_ROOT_ACCESS_KEY_ID";
const SECRET: &str = "GANGPLANK_ROOT_SECRET_ACCESS_KEY";
/// The variable with the path of a file that holds the secret. Container platforms hand secrets over in files,
/// because more people can see an environment.
const FILE: &str = "GANGPLANK_ROOT_SECRET_ACCESS_KEY_FILE";

/// The key, if the variables give one.
pub(super) fn of_environment() -> Result<Option<(AccessKeyId, SecretAccessKey)>> {
    let secret = match (variable(SECRET), variable(FILE)) {
        (Some(_), Some(_)) => bail!("{SECRET} and {FILE} are both set: unset one of them"),
        (Some(secret), None) => Some((SECRET, secret)),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(&path);
            let text = text.with_context(|| format!("{FILE}: cannot read {path}"))?;
            Some((FILE, text.trim_end_matches(['\r', '\n']).to_owned()))
        }
        (None, None) => None,
    };
    match (variable(ID), secret) {
        (Some(id), Some((from, secret))) => {
            let id = AccessKeyId::parse(&id).context(ID)?;
            Ok(Some((id, SecretAccessKey::parse(&secret).context(from)?)))
        }
        (None, None) => Ok(None),
        _ => bail!("{ID} and {SECRET}, or {FILE}, belong together"),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
