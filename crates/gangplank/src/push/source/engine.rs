//! Images of a running engine, through Docker's HTTP API, which Podman has, too.

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
use super::platform::{Platform, Platforms};
use crate::aws::api_client;
use crate::aws::call_failure::root_cause;
use crate::http::answers;
use crate::push::progress::Progress;
use crate::push::spool::spooled::{Spooled, spool};
use crate::terminal::foreign;

const PATIENCE: Duration = answers::CONNECT;
/// The first version of the API that can export a single platform.
const WITH_PLATFORM: (u32, u32) = (1, 48);

/// Exports an image into a file. An engine's stream can be read only once, and its list of contents comes last.
pub(crate) async fn export(name: &str, platforms: &Platforms, progress: &Arc<Progress>) -> Result<Spooled> {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b);
    let begins_right = !name.starts_with(['.', '/', '-', ':', '@'])
        && !name.split('/').any(|part| matches!(part, "" | ".."));
    ensure!(!name.is_empty() && begins_right && name.bytes().all(known), "{name:?} is no name of an image");
    let mut asked = Vec::new();
    let addresses = addresses()?;
    let among_several = addresses.len() > 1;
    for address in addresses {
        let engine = Engine::at(&address)?;
        let api = match engine.ping().await {
            Ok(api) => api,
            Err(error) => {
                asked.push(format!("no engine answers at {} ({}): {error:#}", address.url, address.named_by));
                continue;
            }
        };
        let Some((name, inspected)) = engine.find(name).await? else {
            asked.push(format!("no image {name:?} is in the engine at {}", address.url));
            continue;
        };
        if among_several {
            progress.say(format_args!("{name} is taken from the engine at {}.", address.url));
        }
        if let Some(wanted) = platforms.required()
            && api < WITH_PLATFORM
        {
            refuse_other_platform(&name, &inspected, wanted)?;
        }
        let mut path = format!("images/{name}/get");
        // An engine refuses to export a platform that it does not have.
        if let Some(platform) = platforms.required()
            && api >= WITH_PLATFORM
        {
            path.push_str("?platform=");
            path.push_str(&in_url(platform));
        }
        // Some engines collect everything before they send the first byte.
        let step = progress.begin("image", "waiting for the engine", None);
        let answer = engine.get(&path, answers::FIRST_BYTE_AFTER_WORK).await;
        drop(step);
        let answer = answer.with_context(|| engine.named())?;
        return receive(refuse_failure(answer).await?, progress).await;
    }
    bail!("{}", asked.join("; "))
}

/// Refuses an image of the wrong platform before it is exported. Engines without this parameter have one platform of
/// each image.
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

/// The platform as JSON, escaped for a query.
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

/// The names that an engine would take `name` for, in its order. A name without a tag means `latest`, as for `docker
/// push`, although an export would have all its tags. Only an id has no tag.
fn meanings(name: &str) -> Vec<String> {
    let last = name.rsplit('/').next().unwrap_or_default();
    let hex = |text: &str| text.len() >= 4 && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if last.contains(':') || name.contains('@') || name.len() == 64 && hex(name) {
        return vec![name.to_owned()];
    }
    let mut meanings = vec![format!("{name}:latest")];
    if hex(name) {
        meanings.push(name.to_owned());
    }
    meanings
}

struct Engine {
    http: Client,
    base: String,
    address: String,
}

impl Engine {
    fn at(address: &Address) -> Result<Self> {
        let (scheme, rest) = address.url.split_once("://").unwrap_or_default();
        let builder = match (scheme, &address.certificates) {
            ("https", None) => Client::builder().no_proxy(),
            _ => api_client::here(),
        };
        let builder = builder.connect_timeout(answers::CONNECT);
        let (builder, base) = match (scheme, &address.certificates) {
            #[cfg(unix)]
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
        Ok(Self {
            http: builder.build()?,
            base: base.trim_end_matches('/').to_owned(),
            address: address.url.clone(),
        })
    }

    /// Whether the engine answers, and the version of its API.
    async fn ping(&self) -> Result<(u32, u32)> {
        let answer = self.get("_ping", PATIENCE).await?;
        let version = answer.headers().get("api-version").and_then(|value| value.to_str().ok());
        let (major, minor) = version.unwrap_or_default().split_once('.').unwrap_or_default();
        Ok((major.parse().unwrap_or(0), minor.parse().unwrap_or(0)))
    }

    fn named(&self) -> String {
        format!("the engine at {}", self.address)
    }

    /// The engine's name for an image, and the engine's description of it.
    async fn find(&self, name: &str) -> Result<Option<(String, Vec<u8>)>> {
        for name in meanings(name) {
            let answer = self.get(&format!("images/{name}/json"), answers::FIRST_BYTE).await;
            let answer = answer.with_context(|| self.named())?;
            if answer.status().as_u16() == 404 {
                continue;
            }
            let inspected = answers::whole(refuse_failure(answer).await?).await;
            return Ok(Some((name, inspected.with_context(|| self.named())?)));
        }
        Ok(None)
    }

    async fn get(&self, path: &str, patience: Duration) -> Result<Response> {
        let answer = self.http.get(format!("{}/{path}", self.base)).send();
        let answer = tokio::time::timeout(patience, answer).await;
        let answer = answer.with_context(|| format!("it gave no answer for {} s", patience.as_secs()))?;
        answer.map_err(|error| anyhow::anyhow!("{}", root_cause(&error)))
    }
}

async fn refuse_failure(answer: Response) -> Result<Response> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let body: Value = serde_json::from_slice(&answers::of_error(answer).await).unwrap_or_default();
    let message = body["message"].as_str().unwrap_or("it did not say why");
    bail!("the engine answered {}: {}", status.as_u16(), foreign::words(message))
}

async fn receive(mut answer: Response, progress: &Arc<Progress>) -> Result<Spooled> {
    // A short queue, so that neither side waits at every piece.
    let (pieces, stream) = sync_channel(16);
    let progress = Arc::clone(progress);
    let keeping =
        tokio::task::spawn_blocking(move || spool(Pieces { stream, current: Bytes::new() }, &progress));
    loop {
        let piece = match tokio::time::timeout(answers::BETWEEN, answer.chunk()).await {
            Ok(Ok(Some(piece))) => Ok(piece),
            Ok(Ok(None)) => break,
            Ok(Err(error)) => {
                Err(io::Error::other(format!("the engine's export broke off: {}", root_cause(&error))))
            }
            Err(_) => Err(io::Error::other("the engine's export stood still for too long")),
        };
        let is_last = piece.is_err();
        let pieces = pieces.clone();
        // The receiver has failed, and its error is reported below.
        if tokio::task::spawn_blocking(move || pieces.send(piece)).await?.is_err() || is_last {
            break;
        }
    }
    drop(pieces);
    keeping.await?
}

/// Pieces that arrive one by one, read as one stream.
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
