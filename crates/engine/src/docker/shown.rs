//! The parts of the engine's answers about containers and images that we use.

use std::collections::HashMap;

use serde::Deserialize;

use super::client::Client;
use super::failure::Trouble;
use super::raw;

/// A container in a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    pub(super) id: String,
    #[serde(rename = "ImageID", default)]
    pub(super) image: String,
    #[serde(default)]
    pub(super) labels: Option<HashMap<String, String>>,
}

/// A container.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Shown {
    pub(super) id: String,
    pub(super) state: State,
    #[serde(default)]
    pub(super) config: Config,
    #[serde(default)]
    pub(super) host_config: HostConfig,
    #[serde(default)]
    pub(super) network_settings: NetworkSettings,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct State {
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) running: bool,
    #[serde(default)]
    pub(super) exit_code: i64,
    #[serde(rename = "OOMKilled", default)]
    pub(super) is_out_of_memory: bool,
    #[serde(default)]
    pub(super) error: String,
    #[serde(default)]
    pub(super) started_at: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Config {
    #[serde(default)]
    pub(super) labels: Option<HashMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HostConfig {
    #[serde(default)]
    pub(super) network_mode: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NetworkSettings {
    #[serde(default)]
    pub(super) networks: Option<HashMap<String, Endpoint>>,
    #[serde(default)]
    pub(super) ports: Option<HashMap<String, Option<Vec<Binding>>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Endpoint {
    #[serde(rename = "IPAddress", default)]
    pub(super) address: String,
    #[serde(default)]
    pub(super) gateway: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Binding {
    #[serde(default)]
    pub(super) host_ip: String,
    #[serde(default)]
    pub(super) host_port: String,
}

/// All containers that a filter finds.
pub(super) async fn list(
    client: &Client,
    filters: Option<&HashMap<String, Vec<String>>>,
) -> Result<Vec<Listed>, Trouble> {
    let filters = filters.and_then(|filters| serde_json::to_string(filters).ok());
    let filters = filters.map(|filters| format!("&filters={}", raw::escaped(&filters))).unwrap_or_default();
    raw::get(client, format!("/containers/json?all=true{filters}")).await
}

/// A container with an id or name. `None` if there is none.
pub(super) async fn look(client: &Client, id: &str) -> Result<Option<Shown>, Trouble> {
    match raw::get(client, format!("/containers/{id}/json")).await {
        Ok(shown) => Ok(Some(shown)),
        Err(trouble) if trouble.is(404) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// An image in a list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedImage {
    pub(super) id: String,
    #[serde(default)]
    pub(super) repo_tags: Option<Vec<String>>,
    #[serde(default)]
    pub(super) repo_digests: Option<Vec<String>>,
}

impl ListedImage {
    /// Its names, with tags and with digests.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.repo_tags.iter().chain(&self.repo_digests).flatten().map(String::as_str)
    }
}

/// All images.
pub(super) async fn images(client: &Client) -> Result<Vec<ListedImage>, Trouble> {
    raw::get(client, "/images/json".to_owned()).await
}
