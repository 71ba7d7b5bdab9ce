//! Images of a running engine, through its HTTP API: Docker's own, and Podman's that is like it.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::{Certificate, Client, Identity, Response};
use serde_json::Value;

use super::engine_address::{Address, addresses};
use super::platform::{Platform, Platforms};
use super::scratch;
use crate::call_failure::root_cause;

const PATIENCE: Duration = Duration::from_secs(10);
/// The first version of the API in which an export can be of one platform.
const WITH_PLATFORM: (u32, u32) = (1, 48);

/// Exports an image into a file without a name. It is written to disk because an engine's stream can
/// be read only once, and tells only at its end what the image is made of.
pub(super) async fn export(name: &str, platforms: &Platforms) -> Result<File> {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b);
    ensure!(!name.is_empty() && name.bytes().all(known), "{name:?} is no name of an image");
    let mut asked = Vec::new();
    for address in addresses()? {
        let engine = Engine::at(&address)?;
        let api = match engine.ping().await {
            Ok(api) => api,
            Err(error) => {
                asked.push(format!("no engine answers at {} ({}): {error:#}", address.url, address.named_by));
                continue;
            }
        };
        let answer = engine.get(&format!("images/{name}/json")).await?;
        if answer.status().as_u16() == 404 {
            asked.push(format!("no image {name:?} is in the engine at {}", address.url));
            continue;
        }
        refuse_failure(answer).await?;
        let mut path = format!("images/{name}/get");
        // An engine refuses a platform that it does not have.
        if let Some(platform) = platforms.required()
            && api >= WITH_PLATFORM
        {
            path.push_str("?platform=");
            path.push_str(&in_url(platform));
        }
        return keep(refuse_failure(engine.get(&path).await?).await?).await;
    }
    bail!("{}", asked.join("; "))
}

/// The platform as JSON, as a query's value.
fn in_url(platform: &Platform) -> String {
    let mut json = serde_json::json!({ "os": platform.os, "architecture": platform.architecture });
    if let Some(variant) = &platform.variant {
        json["variant"] = variant.as_str().into();
    }
    let json = json.to_string();
    let encoded = json.bytes().map(|b| match b {
        b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    });
    encoded.collect()
}

struct Engine {
    http: Client,
    base: String,
}

impl Engine {
    fn at(address: &Address) -> Result<Self> {
        let builder = Client::builder().no_proxy().connect_timeout(PATIENCE);
        let (scheme, rest) = address.url.split_once("://").unwrap_or_default();
        let (builder, base) = match (scheme, &address.certificates) {
            ("unix", _) => (builder.unix_socket(Path::new(rest)), "http://localhost".to_owned()),
            ("tcp" | "http" | "https", Some(folder)) => {
                let read = |name: &str| {
                    let path = folder.join(name);
                    std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
                };
                let identity = [read("cert.pem")?, read("key.pem")?].concat();
                let builder = builder
                    .tls_certs_only(Certificate::from_pem_bundle(&read("ca.pem")?)?)
                    .identity(Identity::from_pem(&identity)?);
                (builder, format!("https://{rest}"))
            }
            ("https", None) => (builder, format!("https://{rest}")),
            ("tcp" | "http", None) => (builder, format!("http://{rest}")),
            _ => bail!(
                "{} of {} is no address that can be reached; it looks like unix:///path or tcp://host:port",
                address.url,
                address.named_by
            ),
        };
        Ok(Self { http: builder.build()?, base: base.trim_end_matches('/').to_owned() })
    }

    /// Whether it is there, and the version of its API.
    async fn ping(&self) -> Result<(u32, u32)> {
        let answer =
            tokio::time::timeout(PATIENCE, self.get("_ping")).await.context("it took too long")??;
        let version = answer.headers().get("api-version").and_then(|value| value.to_str().ok());
        let (major, minor) = version.unwrap_or_default().split_once('.').unwrap_or_default();
        Ok((major.parse().unwrap_or(0), minor.parse().unwrap_or(0)))
    }

    async fn get(&self, path: &str) -> Result<Response> {
        let answer = self.http.get(format!("{}/{path}", self.base)).send().await;
        answer.map_err(|error| anyhow::anyhow!("{}", root_cause(&error)))
    }
}

async fn refuse_failure(answer: Response) -> Result<Response> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let body: Value = serde_json::from_slice(&answer.bytes().await?).unwrap_or_default();
    bail!("the engine answered {status}: {}", body["message"].as_str().unwrap_or_default())
}

async fn keep(mut answer: Response) -> Result<File> {
    let mut file = scratch::file()?;
    while let Some(piece) = answer.chunk().await.context("the engine's export broke off")? {
        file = tokio::task::spawn_blocking(move || file.write_all(&piece).map(|()| file))
            .await?
            .context("cannot write to a temporary file; set TMPDIR to a directory with room")?;
    }
    Ok(file)
}
