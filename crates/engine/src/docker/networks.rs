//! One network for each tenant. The tenant's services reach each other there, and cannot reach the services of
//! other tenants.

use std::time::Duration;

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use bollard::query_parameters::ListNetworksOptionsBuilder;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, RwLock, RwLockReadGuard};

use super::client::Client;
use super::failure::Trouble;
use super::{labels, names, shown};

/// The pause before another attempt to make a network.
const PAUSE: Duration = Duration::from_millis(200);

/// Makes networks, one at a time. If an engine gets several requests for one name at once, it makes several networks.
#[derive(Default)]
pub(super) struct Networks {
    making: Mutex<()>,
    /// This lock is held for reading while a network is about to be used, and for writing while unused ones are
    /// removed.
    in_use: RwLock<()>,
}

/// A network that is not removed while this value exists.
pub(super) struct Held<'a> {
    pub(super) id: String,
    _stays: RwLockReadGuard<'a, ()>,
}

impl Networks {
    /// The network of a tenant. Makes it if it does not exist.
    pub(super) async fn hold(&self, client: &Client, owner: &str, tenant: &str) -> Result<Held<'_>, Trouble> {
        let stays = self.in_use.read().await;
        let _one_at_a_time = self.making.lock().await;
        let id = match find(client, owner, tenant).await? {
            Some(id) => id,
            None => make(client, owner, tenant).await?,
        };
        Ok(Held { id, _stays: stays })
    }

    /// Removes the network of a tenant if nothing of the tenant is left. During a start it stays.
    pub(super) async fn drop_unused(
        &self,
        client: &Client,
        owner: &str,
        tenant: &str,
    ) -> Result<(), Trouble> {
        let Ok(_nobody_starts) = self.in_use.try_write() else { return Ok(()) };
        let filters = labels::filter(owner, &[(labels::TENANT, tenant)]);
        let left = shown::list(client, Some(&filters)).await?;
        if !left.is_empty() {
            return Ok(());
        }
        let Some(id) = find(client, owner, tenant).await? else { return Ok(()) };
        client.call(|engine| async move { engine.remove_network(&id).await }).await
    }
}

/// The network of a tenant. If there are several, the oldest one.
async fn find(client: &Client, owner: &str, tenant: &str) -> Result<Option<String>, Trouble> {
    let filters = labels::filter(owner, &[(labels::TENANT, tenant)]);
    let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let found = client.call(|engine| async move { engine.list_networks(Some(options)).await }).await?;
    let oldest = found.into_iter().min_by(|a, b| (&a.created, &a.id).cmp(&(&b.created, &b.id)));
    Ok(oldest.and_then(|network| network.id))
}

/// The range for networks when the engine has used up all of its own ranges, which happens in Docker after about
/// thirty. The range is reserved for measurements between networks (RFC 2544), so no site has machines there.
const RANGE: [u8; 2] = [198, 18];

/// How many ranges are tried. Another network may use one of them.
const OWN_RANGES: u16 = 32;

/// Makes a network. Tries again after an error: Podman fails if interfaces disappear while it looks for a free
/// range.
async fn make(client: &Client, owner: &str, tenant: &str) -> Result<String, Trouble> {
    let wanted = NetworkCreateRequest {
        name: names::of_network(owner, tenant),
        driver: Some("bridge".to_owned()),
        labels: Some(labels::of_network(owner, tenant)),
        ..NetworkCreateRequest::default()
    };
    let create = |wanted: NetworkCreateRequest| {
        client.call(|engine| async move { engine.create_network(wanted).await })
    };
    let mut tries_left = 2;
    loop {
        match create(wanted.clone()).await {
            Err(trouble) if trouble.says(&["address pool"]) => {
                tracing::debug!(%trouble, "the engine has no range left for a network");
                break;
            }
            Err(trouble) if tries_left > 0 && trouble.is(500) => {
                tries_left -= 1;
                tracing::debug!(%trouble, "the engine could not make a network");
                tokio::time::sleep(PAUSE).await;
            }
            made => return made.map(|made| made.id),
        }
    }
    let mut attempt = 0;
    loop {
        let config = IpamConfig { subnet: Some(own_range(&wanted.name, attempt)), ..IpamConfig::default() };
        let ipam = Ipam { config: Some(vec![config]), ..Ipam::default() };
        match create(NetworkCreateRequest { ipam: Some(ipam), ..wanted.clone() }).await {
            Err(trouble) if attempt < OWN_RANGES && trouble.says(&["overlap"]) => attempt += 1,
            made => return made.map(|made| made.id),
        }
    }
}

/// A range for the network of this name. Each attempt gives another one.
fn own_range(name: &str, attempt: u16) -> String {
    let hash = Sha256::digest(format!("{name} {attempt}"));
    format!("{}.{}.{}.0/24", RANGE[0], RANGE[1] + (hash[0] & 1), hash[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_our_own_are_many_and_stay_where_no_site_is() {
        let ranges: std::collections::BTreeSet<_> =
            (0..200).map(|attempt| own_range("gp-x", attempt)).collect();
        assert!(ranges.len() > 150, "{}", ranges.len());
        assert!(ranges.iter().all(|range| range.starts_with("198.18.") || range.starts_with("198.19.")));
        assert_eq!(own_range("gp-x", 0), own_range("gp-x", 0));
    }
}
