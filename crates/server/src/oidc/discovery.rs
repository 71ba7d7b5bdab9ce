//! Discovers the keys of an issuer: its discovery document says where they are.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use gangplank_api::strict_json;
use reqwest::Url;
use serde_json::Value;

use super::fetch::Fetcher;
use super::issuer_url::IssuerUrl;
use super::key_set::KeySet;

/// Fetches the discovery document of an issuer, and the keys that it names.
pub(super) async fn fetch_keys(issuer: &IssuerUrl, ca_file: Option<PathBuf>) -> Result<KeySet> {
    let fetcher = Fetcher::in_background(ca_file).await?;
    let document = fetcher.get(issuer.discovery()?).await?;
    let address = address_of_keys(issuer, &document).context("cannot use the discovery document")?;
    let keys = fetcher.get(address.clone()).await?;
    KeySet::read(&keys).with_context(|| format!("cannot use what {address} answers: it"))
}

/// The address of the keys in a discovery document.
///
/// # Errors
/// If the document belongs to another issuer, or if the server may fetch nothing from the address.
fn address_of_keys(issuer: &IssuerUrl, document: &[u8]) -> Result<Url> {
    let document = strict_json(document).context("it is no JSON")?;
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    let named = text("issuer").context("it does not say whose it is (issuer)")?;
    ensure!(
        named == issuer.as_str(),
        "it is that of the issuer {named:?}; configure that URL if it is meant"
    );
    issuer.address_of_keys(text("jwks_uri").context("it does not say where the keys are (jwks_uri)")?)
}
