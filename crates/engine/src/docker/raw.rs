//! Calls with requests or answers of our own. The library is not enough where engines differ: it encodes logins in a
//! form that some engines do not read, it does not know each state of Podman's containers, and it cannot tell Podman
//! that a registry uses plain HTTP.

use bollard::{BollardRequest, Docker as Bollard};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use serde::de::DeserializeOwned;

use super::client::Client;
use super::failure::Trouble;

/// The largest answer that is read as a whole, in bytes.
const LARGEST: usize = 64 << 20;

/// Makes a request. Returns the answer as a stream. `path` includes the query.
pub(super) fn request(
    engine: Bollard,
    method: &'static str,
    path: String,
    header: Option<(&'static str, String)>,
) -> impl Stream<Item = Result<Bytes, bollard::errors::Error>> + Unpin + use<> {
    // The library's simplest streaming call, with the request replaced.
    let engine =
        engine.with_request_modifier(move |request| rewritten(request, method, &path, header.as_ref()));
    engine.export_image("any")
}

fn rewritten(
    mut request: BollardRequest,
    method: &str,
    path: &str,
    header: Option<&(&'static str, String)>,
) -> BollardRequest {
    let address = request.uri().to_string();
    let start = address.find("/images/").unwrap_or(address.len());
    if let Ok(uri) = format!("{}{path}", &address[..start]).parse() {
        *request.uri_mut() = uri;
    }
    if let Ok(method) = method.parse() {
        *request.method_mut() = method;
    }
    if let Some((name, value)) = header
        && let Ok(value) = value.parse()
    {
        request.headers_mut().insert(*name, value);
    }
    request
}

/// Gets a JSON document.
pub(super) async fn get<T: DeserializeOwned>(client: &Client, path: String) -> Result<T, Trouble> {
    serde_json::from_slice(&whole(client, "GET", path).await?)
        .map_err(|error| Trouble::told(format!("the engine's answer cannot be understood: {error}")))
}

/// Deletes something. Engines answer with a list or an empty body.
pub(super) async fn delete(client: &Client, path: String) -> Result<(), Trouble> {
    whole(client, "DELETE", path).await.map(drop)
}

async fn whole(client: &Client, method: &'static str, path: String) -> Result<Vec<u8>, Trouble> {
    let answer = client.call(|engine| async move {
        let mut pieces = request(engine, method, path, None);
        let mut answer = Vec::new();
        while let Some(piece) = pieces.next().await {
            answer.extend_from_slice(&piece?);
            if answer.len() > LARGEST {
                break;
            }
        }
        Ok(answer)
    });
    answer.await
}

/// A value, escaped for a query.
pub(super) fn escaped(value: &str) -> String {
    use std::fmt::Write as _;
    value.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/:@".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped() {
        assert_eq!(escaped("127.0.0.1:5000/web@sha256:ab"), "127.0.0.1:5000/web@sha256:ab");
        assert_eq!(escaped("a&b=c{\"é\"}"), "a%26b%3Dc%7B%22%C3%A9%22%7D");
    }
}
