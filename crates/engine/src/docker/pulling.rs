//! Pulls images. The engine answers with a stream of progress, which may end with an error.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bollard::Docker as Bollard;
use bytes::Bytes;
use futures_util::Stream;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, PROGRESS};
use super::facts::Program;
use super::failure::Trouble;
use super::raw;
use crate::Credentials;

/// The longest line of progress that is read, in bytes.
const LONGEST_LINE: usize = 1 << 20;

/// An image to pull.
pub(super) struct Pull<'a> {
    /// The full name of the image, with tag or digest.
    pub(super) reference: &'a str,
    /// The login, and the registry that it is for.
    pub(super) login: Option<(&'a Credentials, &'a str)>,
    pub(super) program: Program,
    /// Whether the registry may use plain HTTP or any certificate. Docker allows that by itself on loopback.
    pub(super) is_trusted: bool,
}

/// A line of progress. Podman puts errors into another member than Docker.
#[derive(Deserialize)]
struct Progress {
    error: Option<String>,
    #[serde(rename = "errorDetail")]
    detail: Option<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    message: Option<String>,
}

impl Pull<'_> {
    /// Pulls the image. An error during the pull is in the last line of an answer with status 200.
    pub(super) async fn run(&self, client: &Client) -> Result<(), Trouble> {
        let engine = client.engine().await?;
        let mut pending = Vec::new();
        let mut failure = None;
        Client::each(PROGRESS, self.answer(engine), |piece: Bytes| {
            pending.extend_from_slice(&piece);
            while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = pending.drain(..=end).collect();
                failure = failure_in(&line).or(failure.take());
            }
            if pending.len() > LONGEST_LINE {
                return Err(Trouble::told("the engine's progress has a line without an end".to_owned()));
            }
            Ok(())
        })
        .await?;
        match failure_in(&pending).or(failure) {
            Some(message) => Err(Trouble::told(message)),
            None => Ok(()),
        }
    }

    /// Sends the request. Returns the answer as a stream.
    fn answer(
        &self,
        engine: Bollard,
    ) -> impl Stream<Item = Result<Bytes, bollard::errors::Error>> + Unpin + use<> {
        let reference = raw::escaped(self.reference);
        // Podman's own API needs a version in the path. The API of Docker does not.
        let path = if self.program == Program::Podman && self.is_trusted {
            format!("/v4.0.0/libpod/images/pull?reference={reference}&tlsVerify=false")
        } else {
            format!("/images/create?fromImage={reference}")
        };
        let login = self.login.map(|(login, registry)| {
            let login = json!({
                "username": login.username,
                "password": login.password,
                "serveraddress": registry,
            });
            ("X-Registry-Auth", URL_SAFE.encode(login.to_string()))
        });
        raw::request(engine, "POST", path, login)
    }
}

fn failure_in(line: &[u8]) -> Option<String> {
    let progress: Progress = serde_json::from_slice(line).ok()?;
    progress.detail.and_then(|detail| detail.message).or(progress.error).filter(|message| !message.is_empty())
}

/// Whether the engine could not reach the registry. Then the image can be loaded from an archive.
pub(super) fn is_out_of_reach(trouble: &Trouble) -> bool {
    trouble.says(&[
        "connection refused",
        "no such host",
        "no route to host",
        "network is unreachable",
        "i/o timeout",
        "timed out",
        "deadline exceeded",
        "handshake timeout",
        "server gave http response to https client",
        "http: server gave",
        "x509:",
        "tls: ",
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_found_in_either_place() {
        assert_eq!(failure_in(br#"{"status":"Pulling"}"#), None);
        assert_eq!(failure_in(br#"{"errorDetail":{"message":"a"},"error":"b"}"#).as_deref(), Some("a"));
        assert_eq!(failure_in(br#"{"error":"b"}"#).as_deref(), Some("b"));
        assert_eq!(failure_in(br#"{"error":""}"#), None);
        assert_eq!(failure_in(b"no json"), None);
    }

    #[test]
    fn what_an_archive_makes_up_for_is_no_refusal() {
        let told = |message: &str| Trouble::told(message.to_owned());
        assert!(is_out_of_reach(&told("dial tcp 127.0.0.1:1: connect: connection refused")));
        assert!(is_out_of_reach(&told("http: server gave HTTP response to HTTPS client")));
        assert!(!is_out_of_reach(&told("unauthorized: the login is unknown")));
        assert!(!is_out_of_reach(&Trouble::Away("connection refused".to_owned())));
    }
}
