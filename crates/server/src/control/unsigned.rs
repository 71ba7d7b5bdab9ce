//! The calls that nobody signs: what they bring is their proof, a token or a password.

use gangplank_api::gangplank::Operation;
use gangplank_api::{ApiError, Target, decode, encode};
use hyper::body::Incoming;

use super::spoken::Service;
use super::{Client, Result, body, exchange, own_login};
use crate::app::App;
use crate::http::record::Record;

/// Answers one. A signature that it may have is not looked at.
///
/// # Errors
/// If the body is none of its, or proves nothing.
pub(super) async fn answer(
    app: &App,
    record: &Record,
    target: Target,
    client: &Client,
    body: Incoming,
    request_id: &str,
) -> Result<Vec<u8>> {
    // As much as STS reads of whoever is not known.
    let limit = Service::Sts.body_limit(app);
    body::check_length(limit, &body)?;
    let body = body::read(app, client.address, limit, body).await?;
    Ok(match target {
        Target::Gangplank(Operation::ExchangeIdentityToken) => {
            encode(&exchange::answer(app, record, client, decode(&body)?, request_id).await?)
        }
        Target::Gangplank(Operation::RevokeOwnRegistryLogin) => {
            encode(&own_login::revoke(app, record, client, decode(&body)?, request_id).await?)
        }
        _ => return Err(ApiError::unknown_operation("This operation is signed.").into()),
    })
}
