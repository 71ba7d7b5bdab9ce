//! One small HTTP request to a source of credentials.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::{Method, Request};
use serde::Deserialize;

use super::Keys;
use crate::clock;
use crate::connector::{self, Http};
use crate::deadlines::Progress;
use crate::error::plain;
use crate::payload::Payload;
use crate::sending::Sending;

/// How long a request may take altogether.
const LONGEST: Duration = Duration::from_secs(5);

/// The most bytes of an answer.
const LARGEST: usize = 256 << 10;

/// Sends a request. Returns the status and the body of the answer.
pub(super) async fn ask(
    http: &Http,
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: String,
) -> Result<(u16, String), String> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Sending::new(Payload::Bytes(Bytes::from(body)), Arc::new(Progress::begun()));
    let request = request.body(body).map_err(|error| format!("{url}: {error}"))?;
    let answered = async {
        let answer = http.request(request).await.map_err(|error| connector::causes(&error))?;
        let status = answer.status().as_u16();
        let body =
            Limited::new(answer.into_body(), LARGEST).collect().await.map_err(|error| error.to_string())?;
        let text = String::from_utf8(body.to_bytes().into()).map_err(|error| error.to_string())?;
        Ok::<_, String>((status, text))
    };
    let answered = tokio::time::timeout(LONGEST, answered).await;
    let answered = answered.unwrap_or_else(|_| Err(format!("no answer within {} s", LONGEST.as_secs())));
    answered.map_err(|why| format!("{url}: {}", plain(&why)))
}

/// The JSON of credentials, for containers and instances alike.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

/// Parses credentials in JSON. The error never quotes the text, which has a secret.
pub(super) fn keys(text: &str) -> Result<Keys, String> {
    let told: Told = serde_json::from_str(text).map_err(|_| "the answer has no credentials".to_owned())?;
    let expires = match told.expiration {
        Some(end) => {
            Some(clock::of_timestamp(&end).ok_or("the answer does not say when its credentials end")?)
        }
        None => None,
    };
    Ok(Keys {
        access_key_id: told.access_key_id,
        secret_access_key: told.secret_access_key,
        session_token: told.token.filter(|token| !token.is_empty()),
        expires,
    })
}
