//! Images of a running engine, through its HTTP API: Docker's own, and Podman's that is like it.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use reqwest::{Certificate, Client, Identity, Response};
use serde_json::Value;

use super::engine_address::{Address, addresses};
use super::kept::{Kept, keep};
use super::platform::{Platform, Platforms};
use super::progress::Progress;
use crate::call_failure::root_cause;

const PATIENCE: Duration = Duration::from_secs(10);
/// The first version of the API in which an export can be of one platform.
const WITH_PLATFORM: (u32, u32) = (1, 48);

/// Exports an image into a file: an engine's stream can be read only once, and tells only at its end what the image
/// is made of.
pub(super) async fn export(name: &str, platforms: &Platforms, progress: &Arc<Progress>) -> Result<Kept> {
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
        let inspected = refuse_failure(answer).await?.bytes().await?;
        if let Some(wanted) = platforms.required()
            && api < WITH_PLATFORM
        {
            refuse_other_platform(name, &inspected, wanted)?;
        }
        let mut path = format!("images/{name}/get");
        // An engine refuses a platform that it does not have.
        if let Some(platform) = platforms.required()
            && api >= WITH_PLATFORM
        {
            path.push_str("?platform=");
            path.push_str(&in_url(platform));
        }
        return receive(refuse_failure(engine.get(&path).await?).await?, progress).await;
    }
    bail!("{}", asked.join("; "))
}

/// Refuses an image of another platform before all of it is exported. Engines of this kind have one of each.
fn refuse_other_platform(name: &str, inspected: &[u8], wanted: &Platform) -> Result<()> {
    let inspected: Value = serde_json::from_slice(inspected).unwrap_or_default();
    let text = |member: &str| inspected[member].as_str().unwrap_or_default().to_owned();
    let there = Platform { os: text("Os"), architecture: text("Architecture"), variant: None };
    let there = Platform { variant: Some(text("Variant")).filter(|variant| !variant.is_empty()), ..there };
    ensure!(
        there.architecture.is_empty() || wanted.takes(&there),
        "the engine's {name} is an image for {there}, not for {wanted}; pull that one first"
    );
    Ok(())
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

async fn receive(mut answer: Response, progress: &Arc<Progress>) -> Result<Kept> {
    // A few pieces in between, so that neither side waits for the other at every one.
    let (pieces, stream) = sync_channel(16);
    let progress = Arc::clone(progress);
    let keeping =
        tokio::task::spawn_blocking(move || keep(Pieces { stream, current: Bytes::new() }, &progress));
    loop {
        let piece = match answer.chunk().await {
            Ok(Some(piece)) => Ok(piece),
            Ok(None) => break,
            Err(error) => {
                Err(io::Error::other(format!("the engine's export broke off: {}", root_cause(&error))))
            }
        };
        let pieces = pieces.clone();
        // Nobody takes it: what is wrong is said below.
        if tokio::task::spawn_blocking(move || pieces.send(piece)).await?.is_err() {
            break;
        }
    }
    drop(pieces);
    keeping.await?
}

/// Pieces as they come, to be read as one stream.
struct Pieces {
    stream: Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.stream.recv() {
                Ok(piece) => self.current = piece?,
                Err(_) => return Ok(0),
            }
        }
        let length = self.current.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.current.split_to(length));
        Ok(length)
    }
}
