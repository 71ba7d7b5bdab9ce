//! The calls that nobody signs: what they bring is their proof, a token or a password.

use std::net::IpAddr;

use gangplank_api::gangplank::Operation;
use gangplank_api::{decode, encode};
use hyper::body::Incoming;
use hyper::http::request::Parts;

use super::spoken::Service;
use super::{Result, TARGET, body, exchange, own_login};
use crate::app::App;

/// Such an operation.
#[derive(Clone, Copy)]
pub(super) enum Unsigned {
    /// A login for an identity token.
    Exchange,
    /// The end of a login, for its password.
    RevokeOwn,
}

/// Which of them a call asks for, if it does.
pub(super) fn meant(head: &Parts) -> Option<Unsigned> {
    let asked = head.headers.get(TARGET)?.as_bytes();
    let is = |operation: Operation| asked == operation.target().as_bytes();
    match () {
        () if is(Operation::ExchangeIdentityToken) => Some(Unsigned::Exchange),
        () if is(Operation::RevokeOwnRegistryLogin) => Some(Unsigned::RevokeOwn),
        () => None,
    }
}

/// Answers one. A signature that it may have is not looked at.
///
/// # Errors
/// If the body is none of its, or proves nothing.
pub(super) async fn answer(
    app: &App,
    peer: IpAddr,
    operation: Unsigned,
    head: &Parts,
    body: Incoming,
    request_id: &str,
) -> Result<Vec<u8>> {
    // As much as STS reads of whoever is not known.
    let limit = Service::Sts.body_limit(app);
    body::check_length(limit, &body)?;
    let body = body::read(app, peer, limit, body).await?;
    Ok(match operation {
        Unsigned::Exchange => encode(&exchange::answer(app, peer, head, decode(&body)?, request_id).await?),
        Unsigned::RevokeOwn => encode(&own_login::revoke(app, peer, head, decode(&body)?, request_id).await?),
    })
}
