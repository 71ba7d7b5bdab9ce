//! One network for each tenant: its services reach each other there, and no other tenant's.

use std::time::Duration;

use bollard::models::NetworkCreateRequest;
use bollard::query_parameters::ListNetworksOptionsBuilder;
use tokio::sync::{Mutex, RwLock, RwLockReadGuard};

use super::client::Client;
use super::failure::Trouble;
use super::{labels, names, shown};

/// How long until a network is tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// Makes networks, one at a time: engines make several of one name when they are asked at once.
#[derive(Default)]
pub(super) struct Networks {
    making: Mutex<()>,
    /// Held for reading while a network is about to be used, for writing while unused ones go.
    in_use: RwLock<()>,
}

/// A network that stays as long as this is held.
pub(super) struct Held<'a> {
    pub(super) id: String,
    _stays: RwLockReadGuard<'a, ()>,
}

impl Networks {
    /// The network of a tenant, made if there is none.
    pub(super) async fn hold(&self, client: &Client, owner: &str, tenant: &str) -> Result<Held<'_>, Trouble> {
        let stays = self.in_use.read().await;
        let _one_at_a_time = self.making.lock().await;
        let id = match find(client, owner, tenant).await? {
            Some(id) => id,
            None => make(client, owner, tenant).await?,
        };
        Ok(Held { id, _stays: stays })
    }

    /// Removes the network of a tenant if nothing of the tenant is left. If a start is under way, it stays.
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

/// The oldest one, should there be several.
async fn find(client: &Client, owner: &str, tenant: &str) -> Result<Option<String>, Trouble> {
    let filters = labels::filter(owner, &[(labels::TENANT, tenant)]);
    let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let found = client.call(|engine| async move { engine.list_networks(Some(options)).await }).await?;
    let oldest = found.into_iter().min_by(|a, b| (&a.created, &a.id).cmp(&(&b.created, &b.id)));
    Ok(oldest.and_then(|network| network.id))
}

/// Tries again when the engine stumbles: Podman does over interfaces that go while it looks for a free range.
async fn make(client: &Client, owner: &str, tenant: &str) -> Result<String, Trouble> {
    let wanted = NetworkCreateRequest {
        name: names::of_network(owner, tenant),
        driver: Some("bridge".to_owned()),
        labels: Some(labels::of_network(owner, tenant)),
        ..NetworkCreateRequest::default()
    };
    let mut tries_left = 2;
    loop {
        let wanted = wanted.clone();
        match client.call(|engine| async move { engine.create_network(wanted).await }).await {
            Err(trouble) if tries_left > 0 && trouble.is(500) => {
                tries_left -= 1;
                tracing::debug!(%trouble, "the engine could not make a network");
                tokio::time::sleep(PAUSE).await;
            }
            made => return made.map(|made| made.id),
        }
    }
}
