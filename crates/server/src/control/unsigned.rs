//! Calls without a signature. Their body contains the proof: a token or a password.

use gangplank_api::gangplank::Operation;
use gangplank_api::{ApiError, Target, decode, encode};
use hyper::body::Incoming;

use super::spoken::Service;
use super::{Client, Result, exchange, own_login};
use crate::app::App;
use crate::http::record::Record;

/// Answers an unsigned call. A signature is ignored if there is one.
///
/// # Errors
/// If the body does not fit the operation, or if its proof is not accepted.
pub(super) async fn answer(
    app: &App,
    record: &Record,
    target: Target,
    client: &Client,
    body: Incoming,
    request_id: &str,
) -> Result<Vec<u8>> {
    // The limit is the one for unsigned calls of STS.
    let limit = Service::Sts.body_limit(app);
    let body = app.unverified.read(client.address, body, limit, app.limits.body_stall).await?;
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
