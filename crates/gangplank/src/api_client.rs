//! Calls the control API: signed AWS JSON 1.1, with retries that the server can recognise.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow, bail};
use gangplank_api::{Request, encode};
use gangplank_core::SecretAccessKey;
use gangplank_sigv4::Credentials;
use reqwest::Url;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
const ATTEMPTS: u32 = 3;
const TIMEOUT: Duration = Duration::from_mins(1);

/// A server, and the access key to call it with.
#[derive(Debug)]
pub(crate) struct ApiClient {
    http: reqwest::Client,
    endpoint: Url,
    region: String,
    access_key_id: String,
    secret: SecretAccessKey,
    /// What may be the matter if the server cannot be reached.
    hint: Option<String>,
}

impl ApiClient {
    pub(crate) fn new(
        endpoint: &str,
        region: String,
        access_key_id: String,
        secret: SecretAccessKey,
        hint: Option<String>,
    ) -> Result<Self> {
        let endpoint = Url::parse(endpoint).ok().filter(Url::has_host).with_context(|| {
            format!("{endpoint:?} is no address of a server; it looks like http://host:port")
        })?;
        let http = client(&endpoint).timeout(TIMEOUT).build()?;
        Ok(Self { http, endpoint, region, access_key_id, secret, hint })
    }

    /// Calls an operation.
    ///
    /// # Errors
    /// If the server cannot be reached, or refuses: the error then carries its exception and words.
    pub(crate) async fn call<I>(&self, input: &I) -> Result<I::Output>
    where
        I: Request + Serialize,
        I::Output: DeserializeOwned,
    {
        let body = encode(input);
        // The same on every attempt: a repeated registration is then made once.
        let invocation = uuid::Uuid::new_v4().to_string();
        let mut attempt = 1;
        loop {
            let sent = self.send(I::OPERATION.as_str(), &body, &invocation, attempt).await;
            match sent {
                Ok(response) if response.status().is_success() => {
                    let answer = response.bytes().await?;
                    return serde_json::from_slice(&answer).context("the server's answer cannot be read");
                }
                Ok(response) if !response.status().is_server_error() || attempt == ATTEMPTS => {
                    return Err(refusal(I::OPERATION.name(), response).await);
                }
                Err(error) if attempt == ATTEMPTS => return Err(self.unreachable(&error)),
                _ => tokio::time::sleep(Duration::from_millis(100) * attempt).await,
            }
            attempt += 1;
        }
    }

    /// The cause alone: what it is wrapped in repeats the address.
    fn unreachable(&self, error: &anyhow::Error) -> anyhow::Error {
        let (endpoint, cause) = (&self.endpoint, error.root_cause());
        match &self.hint {
            Some(hint) => anyhow!("cannot reach {endpoint}: {cause}; {hint}"),
            None => anyhow!("cannot reach {endpoint}: {cause}"),
        }
    }

    async fn send(
        &self,
        target: &str,
        body: &[u8],
        invocation: &str,
        attempt: u32,
    ) -> Result<reqwest::Response> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let host = host(&self.endpoint);
        let headers = [("host", host.as_str()), ("content-type", CONTENT_TYPE), ("x-amz-target", target)];
        let request = gangplank_sigv4::Request {
            method: "POST",
            path: self.endpoint.path(),
            query: None,
            headers: headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect(),
        };
        let credentials = Credentials {
            access_key_id: &self.access_key_id,
            secret_access_key: self.secret.expose(),
            session_token: None,
        };
        let hash: [u8; 32] = Sha256::digest(body).into();
        let now = i64::try_from(now)?;
        let signed = gangplank_sigv4::sign(&request, &credentials, &self.region, "lightsail", now, &hash);
        let mut call = self
            .http
            .post(self.endpoint.clone())
            .header("amz-sdk-invocation-id", invocation)
            .header("amz-sdk-request", format!("attempt={attempt}; max={ATTEMPTS}"))
            .body(body.to_vec());
        for (name, value) in headers {
            call = call.header(name, value);
        }
        for (name, value) in signed {
            call = call.header(name, value);
        }
        Ok(call.send().await?)
    }
}

/// A client for a server. To one on this machine no proxy leads, whatever the environment says.
fn client(server: &Url) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder();
    let host = server.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if here { builder.no_proxy() } else { builder }
}

/// The `Host` header for a URL: the port only where it is not the scheme's own.
fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

/// What the server said, as an error for the person at the terminal.
async fn refusal(operation: &str, response: reqwest::Response) -> anyhow::Error {
    let status = response.status();
    let body: Value = match response.bytes().await.map(|bytes| serde_json::from_slice(&bytes)) {
        Ok(Ok(body)) => body,
        _ => return anyhow!("the server answered {operation} with {status}; is it a gangplank server?"),
    };
    let member = |name: &str| body.get(name).and_then(Value::as_str);
    let code = member("__type").or_else(|| member("code")).unwrap_or("an error");
    let message = member("message").unwrap_or_default();
    match member("tip") {
        Some(tip) => anyhow!("{operation} was refused with {code}: {message} {tip}"),
        None => anyhow!("{operation} was refused with {code}: {message}"),
    }
}

/// Refuses an answer that lacks a member which every server sends.
pub(crate) fn present<T>(member: Option<T>, name: &str) -> Result<T> {
    match member {
        Some(member) => Ok(member),
        None => bail!("the server's answer has no {name}"),
    }
}
