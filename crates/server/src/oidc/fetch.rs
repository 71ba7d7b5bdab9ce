//! One request to an issuer.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::header::ACCEPT;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Url};

/// The longest time for one document, from the look-up of the name to the last byte.
const LONGEST: Duration = Duration::from_secs(5);

/// The most bytes of one document.
pub(super) const LARGEST: usize = 1 << 20;

/// The type of a discovery document, and both types of a JWK set. Kubernetes sends its keys only if the second
/// is accepted.
const WANTED: &str = "application/json, application/jwk-set+json";

/// A client for one issuer. It follows no redirects and uses no proxy, so it only connects to the given
/// address.
pub(super) struct Fetcher(Client);

impl Fetcher {
    /// Makes a client that trusts the certificates in a file, or those of the system. Reads files.
    ///
    /// # Errors
    /// If the certificates cannot be read.
    pub(super) fn new(ca_file: Option<&Path>) -> Result<Self> {
        let builder = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0)
            .user_agent(concat!("gangplank/", env!("CARGO_PKG_VERSION")));
        let builder = match ca_file {
            Some(file) => builder.tls_certs_only(certificates(file)?),
            None => builder,
        };
        let shown = ca_file.map_or("of the system".into(), |file| format!("in {}", file.display()));
        Ok(Self(builder.build().with_context(|| format!("cannot use the certificates {shown}"))?))
    }

    /// Makes a client on a thread that may block.
    pub(super) async fn in_background(ca_file: Option<PathBuf>) -> Result<Self> {
        tokio::task::spawn_blocking(move || Self::new(ca_file.as_deref())).await?
    }

    /// Fetches a document.
    ///
    /// # Errors
    /// If the answer is not a 200, is too slow or is too large.
    pub(super) async fn get(&self, url: Url) -> Result<Vec<u8>> {
        let shown = url.clone();
        let answer = tokio::time::timeout(LONGEST, self.whole(url)).await;
        answer
            .unwrap_or_else(|_| Err(anyhow::anyhow!("takes longer than {} seconds", LONGEST.as_secs())))
            .with_context(|| format!("cannot fetch {shown}"))
    }

    async fn whole(&self, url: Url) -> Result<Vec<u8>> {
        let mut answer = self.0.get(url).header(ACCEPT, WANTED).send().await?;
        ensure!(answer.status().as_u16() == 200, "the answer is {}", answer.status());
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            ensure!(body.len() + piece.len() <= LARGEST, "the answer is larger than {LARGEST} bytes");
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}

fn certificates(file: &Path) -> Result<Vec<Certificate>> {
    let shown = file.display();
    let pem = std::fs::read(file).with_context(|| format!("cannot read {shown}"))?;
    let all =
        Certificate::from_pem_bundle(&pem).with_context(|| format!("{shown} holds no PEM certificates"))?;
    ensure!(!all.is_empty(), "{shown} holds no PEM certificate");
    Ok(all)
}
