//! Calls the control API: signed requests in AWS JSON 1.1. A repeated attempt has the same id, so that the server
//! recognises it.

mod answer;
mod session;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use gangplank_api::{Request, encode};
use reqwest::{Certificate, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub(crate) use self::answer::Answer;
use self::answer::answer_to;
use super::call_failure::{CallFailure, Cause, Unreachable, wants_tls};
use super::credentials::{Credentials, Identity};
use crate::http::retry::ATTEMPTS;
use crate::http::{answers, retry};
use crate::terminal::output;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
/// How long a call may take if the server has much work to do before it answers.
const LONG_WORK: Duration = Duration::from_hours(1);
/// If an attempt took longer than this, the user is told before the next one.
const NOTICEABLE: Duration = Duration::from_secs(5);

/// The options of calls.
#[derive(Clone, Debug)]
pub(crate) struct ClientOptions {
    /// A file of certificates to trust in place of the certificates of the system.
    pub(crate) ca_bundle: Option<PathBuf>,
    /// Whether certificates are checked.
    pub(crate) verify: bool,
    /// The longest wait for the next part of an answer; `None` for no limit.
    pub(crate) read_timeout: Option<Duration>,
    /// The longest wait for a connection; `None` for no limit.
    pub(crate) connect_timeout: Option<Duration>,
    /// How often a call is tried, the first time included.
    pub(crate) attempts: u32,
    /// Whether a long wait is reported on standard error.
    pub(crate) reports_waits: bool,
}

impl ClientOptions {
    /// Options for a call whose answer may take long.
    pub(crate) fn for_long_calls() -> Self {
        Self { read_timeout: Some(LONG_WORK), ..Self::default() }
    }
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            ca_bundle: None,
            verify: true,
            read_timeout: Some(answers::FIRST_BYTE),
            connect_timeout: Some(answers::CONNECT),
            attempts: ATTEMPTS,
            reports_waits: true,
        }
    }
}

/// A client of one server, with a signer.
#[derive(Debug)]
pub(crate) struct ApiClient {
    http: reqwest::Client,
    endpoint: Url,
    region: String,
    signer: Signer,
    attempts: u32,
    options: ClientOptions,
    /// A likely reason if the server cannot be reached.
    hint: Option<String>,
    /// Advice if the server does not know the key.
    key_hint: Option<String>,
}

/// The identity that signs calls.
#[derive(Debug)]
enum Signer {
    Nobody,
    Key(Credentials),
    Role(session::Sessions),
}

/// A caller, as a server knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Principal {
    /// The server's URL.
    pub(crate) endpoint: String,
    /// The region it acts in.
    pub(crate) region: String,
    /// The id of its access key, or the ARN of its role.
    pub(crate) access_key_id: String,
}

impl ApiClient {
    /// Makes a client. Without an identity its calls are not signed.
    pub(crate) fn new(
        endpoint: &str,
        region: String,
        identity: Option<Identity>,
        options: &ClientOptions,
    ) -> Result<Self> {
        let endpoint = address(endpoint)?;
        let http = configured(&endpoint, options)?;
        let http = match options.read_timeout {
            Some(timeout) => http.read_timeout(timeout),
            None => http,
        };
        Ok(Self {
            http: http.build()?,
            endpoint,
            region,
            signer: match identity {
                None => Signer::Nobody,
                Some(Identity::Key(credentials)) => Signer::Key(credentials),
                Some(Identity::Role(role)) => Signer::Role(session::Sessions::of(role)),
            },
            attempts: options.attempts,
            options: options.clone(),
            hint: None,
            key_hint: None,
        })
    }

    /// Adds a likely reason, which is shown if the server cannot be reached.
    pub(crate) fn with_hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }

    /// Adds advice, which is shown if the server does not know the key.
    pub(crate) fn with_key_hint(self, key_hint: Option<String>) -> Self {
        Self { key_hint, ..self }
    }

    /// The caller that the server sees behind this client.
    pub(crate) fn principal(&self) -> Principal {
        let name = match &self.signer {
            Signer::Nobody => String::new(),
            Signer::Key(credentials) => credentials.access_key_id.clone(),
            Signer::Role(sessions) => sessions.role_arn().to_owned(),
        };
        self.principal_of(name)
    }

    /// A caller of this name, at this server and in this region.
    pub(crate) fn principal_of(&self, access_key_id: String) -> Principal {
        Principal { endpoint: self.endpoint.to_string(), region: self.region.clone(), access_key_id }
    }

    /// The server's URL.
    pub(crate) fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// Makes a client for a registry. It trusts the system's certificates and those that this client trusts. It has
    /// no limit for the time that a body takes to send.
    pub(crate) fn http_for(&self, registry: &Url) -> Result<reqwest::Client> {
        let options = ClientOptions { ca_bundle: None, ..self.options.clone() };
        let mut http = configured(registry, &options)?;
        if let Some(bundle) = self.options.ca_bundle.as_ref().filter(|_| registry.scheme() == "https") {
            // The registry's certificate may come from another authority than the API's.
            http = http.tls_certs_merge(certificates(bundle)?);
        }
        Ok(http.build()?)
    }

    /// The server's `host[:port]`.
    pub(crate) fn host(&self) -> String {
        host(&self.endpoint)
    }

    /// Calls an operation.
    ///
    /// # Errors
    /// If the server cannot be reached, or refuses: then the error has the server's exception and message.
    pub(crate) async fn call<I>(&self, input: &I) -> Result<I::Output, CallFailure>
    where
        I: Request + Serialize,
        I::Output: DeserializeOwned,
    {
        let name = I::OPERATION.name();
        let answer = self.exchange(I::OPERATION.as_str(), &encode(input)).await?;
        if answer.is_success() {
            let read = serde_json::from_slice(&answer.body);
            return read.map_err(|_| {
                if answer.is_strange() { self.stranger(&answer) } else { CallFailure::Unreadable(name) }
            });
        }
        if self.endpoint.scheme() == "http" && wants_tls(answer.status, &answer.body) {
            return Err(CallFailure::WantsTls(self.endpoint.clone()));
        }
        if answer.is_strange() {
            return Err(self.stranger(&answer));
        }
        let mut refusal = answer.refusal(name);
        let is_of_key =
            matches!(refusal.code.as_str(), "UnrecognizedClientException" | "InvalidSignatureException");
        // A tip of the server's own is better than ours.
        if is_of_key && refusal.tip.is_none() {
            refusal.tip.clone_from(&self.key_hint);
        }
        Err(refusal.into())
    }

    fn stranger(&self, answer: &Answer) -> CallFailure {
        CallFailure::Stranger(format!("what answers at {} {}", self.endpoint, answer.strange()))
    }

    /// Sends a body to an operation. Tries again for as long as another attempt may help.
    ///
    /// # Errors
    /// If no answer comes, or if the call needs a role that cannot be assumed.
    pub(crate) async fn exchange(&self, target: &str, body: &[u8]) -> Result<Answer, CallFailure> {
        // The id stays the same for every attempt, so that a repeated registration registers once.
        let invocation = uuid::Uuid::new_v4().to_string();
        let mut attempt = 1;
        loop {
            let last = attempt == self.attempts;
            // A session may end between two attempts.
            let credentials = self.key().await?;
            let began = Instant::now();
            let outcome = self.send(target, body, &invocation, attempt, credentials.as_ref()).await;
            match outcome {
                Ok(answer) if !retry::is_worthwhile(answer.status, &answer.body) => return Ok(answer),
                Ok(answer) if last => return Ok(Answer { exhausted: Some(attempt - 1), ..answer }),
                Err(cause) if last || !cause.may_pass() => {
                    return Err(Unreachable::new(&self.endpoint, cause, self.hint.as_deref()).into());
                }
                outcome => {
                    let pause = retry::pause(attempt);
                    if self.options.reports_waits && began.elapsed() > NOTICEABLE {
                        let why =
                            outcome.err().map_or_else(|| "a fault".to_owned(), |cause| cause.to_string());
                        output::complain(format_args!(
                            "gangplank: {} after {} s from {}, again in {} s",
                            why,
                            began.elapsed().as_secs(),
                            self.host(),
                            pause.as_secs() + 1
                        ));
                    }
                    tokio::time::sleep(pause).await;
                }
            }
            attempt += 1;
        }
    }

    async fn send(
        &self,
        target: &str,
        body: &[u8],
        invocation: &str,
        attempt: u32,
        credentials: Option<&Credentials>,
    ) -> Result<Answer, Cause> {
        let host = host(&self.endpoint);
        let headers = [("host", host.as_str()), ("content-type", CONTENT_TYPE), ("x-amz-target", target)];
        let mut call = self
            .http
            .post(self.endpoint.clone())
            .header("amz-sdk-invocation-id", invocation)
            .header("amz-sdk-request", format!("attempt={attempt}; max={}", self.attempts))
            .body(body.to_vec());
        for (name, value) in headers {
            call = call.header(name, value);
        }
        for (name, value) in credentials.map(|key| self.signature(key, &headers, body)).unwrap_or_default() {
            call = call.header(name, value);
        }
        answer_to(call).await
    }

    /// The headers that sign a request.
    fn signature(
        &self,
        credentials: &Credentials,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Vec<(&'static str, String)> {
        let request = gangplank_sigv4::Request {
            method: "POST",
            path: self.endpoint.path(),
            query: self.endpoint.query(),
            headers: headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect(),
        };
        let credentials = gangplank_sigv4::Credentials {
            access_key_id: &credentials.access_key_id,
            secret_access_key: credentials.secret_access_key.expose(),
            session_token: credentials.session_token.as_ref().map(gangplank_api::Secret::expose),
        };
        let hash: [u8; 32] = Sha256::digest(body).into();
        let now = output::now().div_euclid(1_000);
        gangplank_sigv4::sign(&request, &credentials, &self.region, "lightsail", now, &hash)
    }
}

/// Reads the address of a server.
///
/// # Errors
/// If the text is no URL of `http` or `https`.
pub(crate) fn address(text: &str) -> Result<Url> {
    let speaks_http = |url: &Url| url.has_host() && matches!(url.scheme(), "http" | "https");
    let wanted = || format!("{text:?} is no address of a server; it looks like http://host:port");
    Url::parse(text).ok().filter(speaks_http).with_context(wanted)
}

/// Makes an HTTP client with the certificates and timeouts of the options.
pub(crate) fn configured(server: &Url, options: &ClientOptions) -> Result<reqwest::ClientBuilder> {
    // A signature is valid for one address, so redirections are not followed.
    let mut http = builder(server).redirect(reqwest::redirect::Policy::none());
    if let Some(timeout) = options.connect_timeout {
        http = http.connect_timeout(timeout);
    }
    if !options.verify {
        http = http.tls_danger_accept_invalid_certs(true);
    } else if let Some(bundle) = options.ca_bundle.as_ref().filter(|_| server.scheme() == "https") {
        http = http.tls_certs_only(certificates(bundle)?);
    }
    Ok(http)
}

fn certificates(bundle: &Path) -> Result<Vec<Certificate>> {
    let pem = std::fs::read(bundle).with_context(|| format!("cannot read {}", bundle.display()))?;
    Certificate::from_pem_bundle(&pem).with_context(|| format!("{} holds no certificates", bundle.display()))
}

/// Makes an HTTP client for a server that is not ours, such as a CI's.
pub(crate) fn plain(server: &Url) -> reqwest::ClientBuilder {
    builder(server).redirect(reqwest::redirect::Policy::none())
}

/// Makes an HTTP client for services on this machine that speak no TLS. It uses no proxy and no certificates, so it
/// also works on a system that has none.
pub(crate) fn here() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy().tls_certs_only([])
}

/// Begins an HTTP client. It uses no proxy for a server on this machine.
fn builder(server: &Url) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder();
    // Without this, the client could not be made on a system without certificates.
    let builder = if server.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
    let host = server.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if here { builder.no_proxy() } else { builder }
}

/// The `Host` header for a URL. The port is left out if it is the default of the scheme.
fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

/// Takes a member out of an answer, or refuses the answer if it lacks that member.
pub(crate) fn present<T>(member: Option<T>, name: &str) -> Result<T> {
    match member {
        Some(member) => Ok(member),
        None => bail!("the server's answer has no {name}"),
    }
}
