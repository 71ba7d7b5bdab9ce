//! Whether a server is believed when it names its registry. The name decides which of a person's logins is replaced,
//! and which registry later gets the new login.

use anyhow::{Result, ensure};

use super::registries::Registries;
use crate::aws::api_client::ApiClient;
use crate::aws::connection::Connection;

/// Refuses a registry that only the server names. It has to be at the server's address, or be named by the option
/// (`said`), by a profile, or by the data directory of a server on this machine.
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

/// Whether the person's own configuration names a registry.
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
    // The profile of another server does not count for this server.
    Ok(profile.client().is_ok_and(|other| other.endpoint() == client.endpoint()))
}

/// Whether a registry is at the server's address. The default port may be written or left out.
fn is_address(client: &ApiClient, registry: &str) -> bool {
    let endpoint = client.endpoint();
    let usual = endpoint.port_or_known_default().unwrap_or_default();
    registry == client.host() || registry == format!("{}:{usual}", endpoint.host_str().unwrap_or_default())
}
