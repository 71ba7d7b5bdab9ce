//! The calls that nobody signs: what they bring is their proof, a token or a password.

use gangplank_api::gangplank::Operation;
use gangplank_api::{Target, decode, encode};
use hyper::body::Incoming;

use super::spoken::Service;
use super::{Client, Result, body, exchange, own_login};
use crate::app::App;
use crate::http::record::Record;

/// Such an operation.
#[derive(Clone, Copy)]
pub(super) enum Unsigned {
    /// A login for an identity token.
    Exchange,
    /// The end of a login, for its password.
    RevokeOwn,
}

/// Which of them a call asks for, if it does.
pub(super) fn meant(target: Option<Target>) -> Option<Unsigned> {
    match target {
        Some(Target::Gangplank(Operation::ExchangeIdentityToken)) => Some(Unsigned::Exchange),
        Some(Target::Gangplank(Operation::RevokeOwnRegistryLogin)) => Some(Unsigned::RevokeOwn),
        _ => None,
    }
}

/// Answers one. A signature that it may have is not looked at.
///
/// # Errors
/// If the body is none of its, or proves nothing.
pub(super) async fn answer(
    app: &App,
    record: &Record,
    operation: Unsigned,
    client: &Client,
    body: Incoming,
    request_id: &str,
) -> Result<Vec<u8>> {
    // As much as STS reads of whoever is not known.
    let limit = Service::Sts.body_limit(app);
    body::check_length(limit, &body)?;
    let body = body::read(app, client.address, limit, body).await?;
    Ok(match operation {
        Unsigned::Exchange => {
            encode(&exchange::answer(app, record, client, decode(&body)?, request_id).await?)
        }
        Unsigned::RevokeOwn => {
            encode(&own_login::revoke(app, record, client, decode(&body)?, request_id).await?)
        }
    })
}
