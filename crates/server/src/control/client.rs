//! What a call tells of the client that makes it, beside who signs it. An operation gets this and no request, so whatever
//! can say as much can make a call.

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName, USER_AGENT};

use crate::app::App;

/// What tells a call from another, the same for every attempt at it.
const INVOCATION_ID: HeaderName = HeaderName::from_static("amz-sdk-invocation-id");

/// The client of a call. All but the address is what it says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// Where it is.
    pub(super) address: IpAddr,
    /// Whether the call came over TLS.
    pub(super) is_secure: bool,
    /// What it calls itself.
    pub(super) user_agent: Option<String>,
    /// The host that it called.
    pub(super) host: Option<String>,
    /// What tells this call from another, the same for every attempt at it.
    pub(super) invocation: Option<String>,
}

impl Client {
    /// The client at this address, as the head of its request tells it.
    pub(crate) fn of(app: &App, address: IpAddr, headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let user_agent = headers.get(USER_AGENT);
        Self {
            address,
            is_secure: app.is_secure(headers),
            user_agent: user_agent.map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned()),
            host: text(HOST),
            invocation: text(INVOCATION_ID).filter(|id| (1..=128).contains(&id.len())),
        }
    }

    /// What it calls itself, as policies can ask of it: in ASCII.
    pub(super) fn plain_user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref().filter(|agent| agent.is_ascii())
    }
}
