//! A repository of a registry, spoken to with a login that is renewed when it ends.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use gangplank_oci::{Digest, Reference, RepositoryName, location};
use reqwest::{Client, RequestBuilder, Response, Url};
use serde_json::Value;

use super::image::Manifest;
use super::login::{Logins, Mint};
use crate::call_failure::root_cause;
use crate::retry;

/// How often something is tried without getting any further.
pub(super) const ATTEMPTS: u32 = 8;
/// What a login's end is called by registries that do not answer 401.
const ENDED: &str = "authorization token has expired";

/// A repository to push to.
pub(crate) struct Registry {
    pub(super) http: Client,
    base: Url,
    pub(super) repository: RepositoryName,
    logins: Logins,
}

/// Why a request was of no use.
pub(super) enum Fault {
    /// The same may go well in a moment.
    Passing { why: String, after: Option<Duration> },
    /// The registry does not want it.
    Refused { status: u16, why: String },
    /// It could not be tried.
    Hopeless(anyhow::Error),
}

impl Fault {
    pub(super) fn passing(why: impl Into<String>) -> Self {
        Self::Passing { why: why.into(), after: None }
    }

    pub(super) fn into_error(self) -> anyhow::Error {
        match self {
            Self::Passing { why, .. } => anyhow!("{why}"),
            Self::Refused { status, why } => anyhow!("the registry answered {status}: {why}"),
            Self::Hopeless(error) => error,
        }
    }
}

impl Registry {
    /// Asks for a login and finds the repository that images are pushed to with it.
    ///
    /// `endpoint` is the API's address: a registry on the same host is spoken to in the same way, another one by
    /// HTTPS; one on this machine also without, if it does not understand that. `http` makes the client for an
    /// address.
    pub(crate) async fn connect(
        endpoint: &Url,
        mint: Mint,
        http: impl Fn(&Url) -> Result<Client>,
    ) -> Result<Self> {
        let login = mint().await?;
        let (host, path) = login.registry.split_once('/').unwrap_or((&login.registry, ""));
        let named = Url::parse(&format!("http://{host}"))
            .with_context(|| format!("{host:?} is no address of a registry"))?;
        let name = named.host_str().unwrap_or_default();
        let bare = name.trim_matches(['[', ']']);
        let here = bare == "localhost" || bare.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        let scheme = match endpoint.host_str() {
            Some(same) if same == name && (!here || endpoint.port() == named.port()) => endpoint.scheme(),
            _ if here && !speaks_tls(host, &http).await? => "http",
            _ => "https",
        };
        let base = Url::parse(&format!("{scheme}://{host}"))?;
        let path = path.trim_matches('/');
        let repository = if path.is_empty() { "sr".to_owned() } else { format!("{path}/sr") };
        let repository = RepositoryName::parse(&repository)?;
        Ok(Self { http: http(&base)?, base, repository, logins: Logins::new(mint, login) })
    }

    /// The URL of a path, or of a `Location`.
    pub(super) fn url(&self, path: &str) -> Result<Url, Fault> {
        let url = self.base.join(path).ok();
        url.ok_or_else(|| Fault::Hopeless(anyhow!("the registry named {path:?}, which is no address")))
    }

    /// Sends a request with the login of the moment. A login that has ended is renewed, and the request can then be
    /// made again.
    pub(super) async fn send(&self, request: RequestBuilder, url: &Url) -> Result<Response, Fault> {
        let (which, login) = self.logins.current().await;
        // Another host gets no password: what it needs is in the address it was named by.
        let ours = url.origin() == self.base.origin();
        let request =
            if ours { request.basic_auth(&login.username, Some(login.password.expose())) } else { request };
        let answer = request.send().await.map_err(|error| Fault::passing(root_cause(&error)))?;
        let status = answer.status().as_u16();
        if status < 400 || status == 404 {
            self.note_taken(ours, which);
            return Ok(answer);
        }
        let after = answer.headers().get("retry-after").and_then(|after| after.to_str().ok()?.parse().ok());
        let after = after.map(|seconds: u64| Duration::from_secs(seconds.min(60)));
        let why = words(&answer.bytes().await.unwrap_or_default());
        let is_unknown = status == 401 || (status == 403 && why.contains(ENDED));
        if !is_unknown {
            self.note_taken(ours, which);
        } else if ours && self.logins.was_taken(which) {
            self.logins.renew(which).await.map_err(Fault::Hopeless)?;
            return Err(Fault::Passing {
                why: format!("the login ended: {why}"),
                after: Some(Duration::ZERO),
            });
        }
        if status >= 500 && status != 501 || status == 429 || status == 408 {
            return Err(Fault::Passing { why: format!("the registry answered {status}: {why}"), after });
        }
        Err(Fault::Refused { status, why })
    }

    fn note_taken(&self, ours: bool, which: u64) {
        if ours {
            self.logins.note_taken(which);
        }
    }

    /// Sends a request without a lasting body until there is an answer.
    pub(super) async fn ask(
        &self,
        url: &Url,
        request: impl Fn(Url) -> RequestBuilder,
    ) -> Result<Response, Fault> {
        let mut attempt = 1;
        loop {
            match self.send(request(url.clone()), url).await {
                Err(Fault::Passing { after, .. }) if attempt < ATTEMPTS => {
                    tokio::time::sleep(after.unwrap_or_else(|| retry::pause(attempt))).await;
                }
                other => return other,
            }
            attempt += 1;
        }
    }

    /// Whether a blob is there already.
    pub(super) async fn has(&self, digest: &Digest) -> Result<bool, Fault> {
        let url = self.url(&location::blob(&self.repository, digest))?;
        match self.ask(&url, |url| self.http.head(url)).await {
            Ok(answer) => Ok(answer.status().as_u16() == 200),
            // Some registries do not tell; then it is sent.
            Err(Fault::Refused { .. }) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Puts a manifest.
    pub(super) async fn put_manifest(
        &self,
        reference: &Reference,
        Manifest { media_type, bytes, .. }: &Manifest,
    ) -> Result<()> {
        let url = self.url(&location::manifest(&self.repository, reference)).map_err(Fault::into_error)?;
        let put = |url| self.http.put(url).header("content-type", media_type).body(bytes.clone());
        let answer = self.ask(&url, put).await.map_err(Fault::into_error).context("the manifest")?;
        let status = answer.status().as_u16();
        anyhow::ensure!(status == 201, "the registry answered {status} to the manifest, not 201");
        let told = answer.headers().get("docker-content-digest").and_then(|digest| digest.to_str().ok());
        let ours = Digest::sha256(bytes).to_string();
        anyhow::ensure!(
            told.is_none_or(|told| told == ours || told.starts_with("sha512:")),
            "the registry has another digest for the manifest than {ours}: it was changed on the way"
        );
        Ok(())
    }
}

/// Whether TLS is spoken at an address, be it with a certificate that nobody trusts.
async fn speaks_tls(host: &str, http: impl Fn(&Url) -> Result<Client>) -> Result<bool> {
    let url = Url::parse(&format!("https://{host}/"))?;
    match http(&url)?.head(url).timeout(Duration::from_secs(10)).send().await {
        Ok(_) => Ok(true),
        Err(error) => Ok(root_cause(&error).contains("certificate")),
    }
}

/// What an error's body says.
fn words(body: &[u8]) -> String {
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = &parsed["errors"][0];
    match (error["code"].as_str(), error["message"].as_str()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => String::from_utf8_lossy(body).chars().take(200).collect::<String>().trim().to_owned(),
    }
}
