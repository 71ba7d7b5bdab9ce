//! What a deployment runs, sealed at rest: values of environment variables are secrets.

use anyhow::{Context as _, Result};
use gangplank_core::deployment::Spec;

use crate::sealing::MasterKey;

/// Seals a spec of the service with this id.
///
/// # Errors
/// If the system has no random bytes.
pub(crate) fn seal(master: &MasterKey, service: &str, spec: &Spec) -> Result<Vec<u8>> {
    master.seal(&context(service), &serde_json::to_vec(spec)?)
}

/// Opens a spec of the service with this id.
///
/// # Errors
/// If it was sealed with another key or for another service.
pub(crate) fn open(master: &MasterKey, service: &str, sealed: &[u8]) -> Result<Spec> {
    let opened = master.open(&context(service), sealed)?;
    serde_json::from_slice(&opened).context("a sealed deployment does not read back")
}

/// Binds a spec to its service, so that rows cannot be swapped.
fn context(service: &str) -> String {
    format!("deployment of {service}")
}
