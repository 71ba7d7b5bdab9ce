//! A token on request, as GitHub and Forgejo give it out: the job's environment has an address and a bearer token for
//! it (<https://docs.github.com/en/actions/reference/security/oidc>).

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use gangplank_api::Secret;
use reqwest::Url;
use serde::Deserialize;

use crate::aws::api_client;
use crate::aws::call_failure::root_cause;
use crate::http::{answers, retry};

/// The longest time for the CI's answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request for a token.
#[derive(Debug, PartialEq)]
pub(super) struct Request {
    url: Url,
    bearer: Secret,
}

#[derive(Deserialize)]
struct Answer {
    value: String,
}

impl Request {
    /// Prepares a request for a token with an audience.
    ///
    /// # Errors
    /// If the address is no URL.
    pub(super) fn new(url: &str, bearer: Secret, audience: &str) -> Result<Self> {
        let mut url = api_client::address(url)?;
        url.query_pairs_mut().append_pair("audience", audience);
        Ok(Self { url, bearer })
    }

    /// Sends the request. Tries again for as long as another attempt may help.
    pub(super) async fn send(&self) -> Result<String> {
        let http = api_client::plain(&self.url).timeout(PATIENCE).build()?;
        let mut attempt = 1;
        loop {
            let last = attempt == retry::ATTEMPTS;
            let call = http.get(self.url.clone()).bearer_auth(self.bearer.expose());
            match call.send().await {
                Ok(answer) if last || !answer.status().is_server_error() => return read(answer).await,
                Err(error) if last => bail!("the CI cannot be asked for a token: {}", root_cause(&error)),
                _ => tokio::time::sleep(retry::pause(attempt)).await,
            }
            attempt += 1;
        }
    }
}

/// Reads the token in an answer. An error never shows the answer, which may hold a secret.
async fn read(answer: reqwest::Response) -> Result<String> {
    let status = answer.status();
    if !status.is_success() {
        bail!("the CI gave no token: it answered {}", status.as_u16());
    }
    let body = answers::whole(answer).await.context("the CI gave no token")?;
    let answer: Answer = serde_json::from_slice(&body).ok().context("the CI's answer holds no token")?;
    Ok(answer.value)
}
