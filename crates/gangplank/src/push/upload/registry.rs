//! A repository of a registry. Its login is replaced when it ends.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use gangplank_oci::{Digest, Reference, RepositoryName, location};
use reqwest::{Client, RequestBuilder, Response, Url};
use serde_json::Value;

use super::login::{LoginProvider, Logins};
use super::tries::Tries;
use crate::aws::call_failure::root_cause;
use crate::http::answers;
use crate::push::progress::Step;
use crate::push::source::image::Manifest;
use crate::terminal::foreign;

/// The text by which some registries report an expired login in place of status 401.
const ENDED: &str = "authorization token has expired";

/// A repository to push to.
pub(crate) struct Registry {
    pub(crate) http: Client,
    base: Url,
    pub(crate) repository: RepositoryName,
    logins: Logins,
}

/// The reason for which a request failed.
pub(crate) enum Fault {
    /// Trying again may help.
    Passing(Passing),
    /// The registry refused.
    Refused { status: u16, why: String },
    /// The request could not be made at all.
    Hopeless(anyhow::Error),
}

/// An error after which trying again may help.
pub(crate) struct Passing {
    /// The error in our own words, without the registry's message.
    pub(crate) what: String,
    /// The error with the registry's message.
    pub(crate) why: String,
    /// The pause that the registry asks for.
    pub(crate) after: Option<Duration>,
    /// Whether there was an answer.
    pub(crate) is_answered: bool,
    /// Whether the attempt took long, or a further one will hardly help. In both cases only few attempts
    /// follow.
    pub(crate) is_slow: bool,
}

impl Fault {
    /// No byte came for a long time.
    pub(crate) fn slow(what: String) -> Self {
        Self::Passing(Passing { why: what.clone(), what, after: None, is_answered: false, is_slow: true })
    }

    fn unreachable(url: &Url, error: &reqwest::Error) -> Self {
        let cause = if error.is_timeout() { "it took too long".to_owned() } else { root_cause(error) };
        let what = format!("cannot reach {}: {cause}", address(url));
        // An unknown host name will hardly be known soon.
        let is_slow = error.is_timeout() || cause.contains("lookup");
        Self::Passing(Passing { why: what.clone(), what, after: None, is_answered: false, is_slow })
    }

    pub(crate) fn into_error(self) -> anyhow::Error {
        match self {
            Self::Passing(Passing { why, .. }) => anyhow!("{why}"),
            Self::Refused { status, why } => anyhow!("{}", answered(status, &why)),
            Self::Hopeless(error) => error,
        }
    }
}

fn answered(status: u16, why: &str) -> String {
    if why.is_empty() {
        format!("the registry answered {status}")
    } else {
        format!("the registry answered {status}: {why}")
    }
}

/// Resolves a path or URL from a registry's answer. It never leads from HTTPS to HTTP.
fn resolve(base: &Url, path: &str) -> Result<Url> {
    let url = base.join(path).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.with_context(|| format!("the registry named {path:?}, which is no address"))?;
    ensure!(
        base.scheme() != "https" || url.scheme() == "https",
        "the registry is spoken to by HTTPS and wants the image sent to http://{}, without TLS; if a proxy stands \
         before it, have that pass on X-Forwarded-Proto",
        address(&url)
    );
    Ok(url)
}

/// `host[:port]`.
fn address(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

impl Registry {
    /// Makes a login and finds the repository to push to.
    ///
    /// `endpoint` is the API's address. A registry on the same host uses the same scheme; any other uses HTTPS. A
    /// registry on this machine that does not speak HTTPS uses HTTP. `http` makes the client for an address.
    pub(crate) async fn connect(
        endpoint: &Url,
        provider: LoginProvider,
        http: impl Fn(&Url) -> Result<Client>,
    ) -> Result<Self> {
        let login = provider().await?;
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
        Ok(Self { http: http(&base)?, base, repository, logins: Logins::new(provider, login) })
    }

    /// The registry's name for pulling images: `host[:port]`.
    pub(crate) fn address(&self) -> String {
        address(&self.base)
    }

    /// The URL of a path or a `Location`.
    pub(crate) fn url(&self, path: &str) -> Result<Url, Fault> {
        resolve(&self.base, path).map_err(Fault::Hopeless)
    }

    /// Sends a request with the current login, and waits at most this long for an answer. A login that has ended is
    /// replaced; then the caller can try again.
    pub(crate) async fn send(
        &self,
        request: RequestBuilder,
        url: &Url,
        patience: Duration,
    ) -> Result<Response, Fault> {
        let (which, login) = self.logins.current().await;
        // Another host gets no password. Its URL has everything that it needs.
        let ours = url.origin() == self.base.origin();
        let request =
            if ours { request.basic_auth(&login.username, Some(login.password.expose())) } else { request };
        let answer = tokio::time::timeout(patience, request.send()).await;
        let answer = answer.map_err(|_| {
            Fault::slow(format!("{} gave no answer for {} s", address(url), patience.as_secs()))
        })?;
        let answer = answer.map_err(|error| Fault::unreachable(url, &error))?;
        let status = answer.status().as_u16();
        if status < 400 || status == 404 {
            if ours {
                self.logins.note_taken(which);
            }
            return Ok(answer);
        }
        let after = answer.headers().get("retry-after").and_then(|after| after.to_str().ok()?.parse().ok());
        let after = after.map(|seconds: u64| Duration::from_secs(seconds.min(60)));
        let why = words(status, &answers::of_error(answer).await);
        let is_unknown = status == 401 || (status == 403 && why.contains(ENDED));
        if !is_unknown {
            if ours {
                self.logins.note_taken(which);
            }
        } else if ours && self.logins.was_taken(which) {
            self.logins.renew(which).await.map_err(Fault::Hopeless)?;
            return Err(Fault::Passing(Passing {
                what: "the login ended".to_owned(),
                why: format!("the login ended: {why}"),
                after: Some(Duration::ZERO),
                is_answered: true,
                is_slow: false,
            }));
        }
        if status >= 500 && !matches!(status, 501 | 507) || status == 429 || status == 408 {
            return Err(Fault::Passing(Passing {
                what: answered(status, ""),
                why: answered(status, &why),
                after,
                is_answered: true,
                is_slow: false,
            }));
        }
        Err(Fault::Refused { status, why })
    }

    /// Sends a request until there is an answer. Its body is short, so it can be sent again. `step` shows waits.
    pub(crate) async fn ask(
        &self,
        url: &Url,
        step: &Step,
        request: impl Fn(Url) -> RequestBuilder,
    ) -> Result<Response, Fault> {
        let mut tries = Tries::default();
        loop {
            let fault = match self.send(request(url.clone()), url, answers::FIRST_BYTE).await {
                Err(Fault::Passing(fault)) => fault,
                other => return other,
            };
            let Ok(pause) = tries.failed(&fault) else { return Err(Fault::Passing(fault)) };
            step.pause(&fault.what, pause).await;
        }
    }

    /// Whether the registry has a blob.
    pub(crate) async fn has(&self, digest: &Digest, step: &Step) -> Result<bool, Fault> {
        let url = self.url(&location::blob(&self.repository, digest))?;
        match self.ask(&url, step, |url| self.http.head(url)).await {
            Ok(answer) => Ok(answer.status().as_u16() == 200),
            // Some registries cannot say. Then the blob is uploaded.
            Err(Fault::Refused { .. }) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Puts a manifest.
    pub(crate) async fn put_manifest(
        &self,
        reference: &Reference,
        Manifest { media_type, bytes, .. }: &Manifest,
        step: &Step,
    ) -> Result<()> {
        let url = self.url(&location::manifest(&self.repository, reference)).map_err(Fault::into_error)?;
        let put = |url| self.http.put(url).header("content-type", media_type).body(bytes.clone());
        let answer = self.ask(&url, step, put).await.map_err(Fault::into_error).context("the manifest")?;
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

/// Whether a host speaks TLS, even with an untrusted certificate.
async fn speaks_tls(host: &str, http: impl Fn(&Url) -> Result<Client>) -> Result<bool> {
    let url = Url::parse(&format!("https://{host}/"))?;
    match http(&url)?.head(url).timeout(Duration::from_secs(10)).send().await {
        Ok(_) => Ok(true),
        Err(error) => Ok(root_cause(&error).contains("certificate")),
    }
}

/// The message in an error's body, or an explanation if the body does not come from a registry.
fn words(status: u16, body: &[u8]) -> String {
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = &parsed["errors"][0];
    match (error["code"].as_str(), error["message"].as_str()) {
        (Some(code), Some(message)) => foreign::words(&format!("{code}: {message}")),
        (Some(code), None) => foreign::words(code),
        _ if status == 413 => {
            "a proxy before it takes no body of this size; raise its limit (nginx: client_max_body_size)"
                .to_owned()
        }
        _ => {
            let text = String::from_utf8_lossy(body);
            let text = text.trim();
            if text.starts_with('<') {
                return "what answers is a web server and no registry; is a proxy before it set up right?"
                    .to_owned();
            }
            foreign::words(&text.chars().take(200).collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_location_leads_away_from_tls() {
        let base = Url::parse("https://registry.example/").unwrap();
        assert!(resolve(&base, "/v2/").is_ok() && resolve(&base, "https://other.example/x").is_ok());
        for path in ["http://registry.example/v2/", "http://other.example/", "file:///x", "http://["] {
            assert!(resolve(&base, path).is_err(), "{path}");
        }
        assert!(resolve(&Url::parse("http://here/").unwrap(), "http://there/").is_ok());
    }

    #[test]
    fn an_error_is_told_in_one_line() {
        let json = br#"{"errors":[{"code":"DENIED","message":"no\n::add-mask::x"}]}"#;
        assert_eq!(words(403, json), "DENIED: no\\x0a::add-mask::x");
        assert!(words(502, b"<html>\n<head>").contains("is a proxy before it set up right"));
        assert!(words(413, b"<html>").contains("client_max_body_size"));
        assert_eq!(words(500, b" plain\nwords "), "plain\\x0awords");
    }
}
