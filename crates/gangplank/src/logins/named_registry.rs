//! Whether a server may say whose login is written: by naming a registry it chooses which of a person's logins are
//! replaced, and which registry is sent the new one.

use anyhow::{Result, ensure};

use super::registries::Registries;
use crate::aws::api_client::ApiClient;
use crate::aws::connection::Connection;

/// Refuses a registry that the server names and nothing of the person's does: neither the server's address, nor
/// `said`, nor a profile, nor the data directory of a server of their own.
pub(crate) fn check(
    connection: &Connection,
    client: &ApiClient,
    registry: &str,
    said: Option<&str>,
) -> Result<()> {
    ensure!(
        is_named(connection, client, registry, said)?,
        "the server at {} names the registry {registry:?}, which is neither its own address nor one that a profile \
         has; nothing was changed. If that is right, say --registry {registry}",
        client.endpoint()
    );
    Ok(())
}

/// Whether something of the person's names a registry.
pub(crate) fn is_named(
    connection: &Connection,
    client: &ApiClient,
    registry: &str,
    said: Option<&str>,
) -> Result<bool> {
    let own = connection.data_dir.is_some() && connection.endpoint_url.is_none();
    if own || said == Some(registry) || is_address(client, registry) {
        return Ok(true);
    }
    let Some(profile) = Registries::open_to_use()?.profile(registry).map(Connection::of_profile) else {
        return Ok(false);
    };
    // The profile of another server says nothing of this one.
    Ok(profile.client().is_ok_and(|other| other.endpoint() == client.endpoint()))
}

/// Whether a registry is at the server's address; the scheme's own port may be said or not.
fn is_address(client: &ApiClient, registry: &str) -> bool {
    let endpoint = client.endpoint();
    let usual = endpoint.port_or_known_default().unwrap_or_default();
    registry == client.host() || registry == format!("{}:{usual}", endpoint.host_str().unwrap_or_default())
}
