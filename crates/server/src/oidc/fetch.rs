//! One request to an issuer.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::header::ACCEPT;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Url};

/// How long a document may take, from the look-up of the name to the last byte.
const LONGEST: Duration = Duration::from_secs(5);

/// Bytes of a document.
pub(super) const LARGEST: usize = 1 << 20;

/// A discovery document, and a JWK set by either of its names: Kubernetes has it by the second and refuses to send what is
/// not asked for.
const WANTED: &str = "application/json, application/jwk-set+json";

/// A client for one issuer. It follows no redirection and asks no proxy: it connects to what it is told to.
pub(super) struct Fetcher(Client);

impl Fetcher {
    /// A client that trusts the certificates of a file, or those of the system. Reads files.
    ///
    /// # Errors
    /// If they cannot be read.
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

    /// The same, away from the threads that must not block.
    pub(super) async fn in_background(ca_file: Option<PathBuf>) -> Result<Self> {
        tokio::task::spawn_blocking(move || Self::new(ca_file.as_deref())).await?
    }

    /// Fetches a document.
    ///
    /// # Errors
    /// For any answer but 200, and for one that is too slow or too large.
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
