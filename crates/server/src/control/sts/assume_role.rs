//! Temporary keys for whoever holds an identity token.

use gangplank_api::sts::{AssumeRoleWithWebIdentity, AssumedRole, Parameters, StsError};

/// Answers a call.
///
/// # Errors
/// If a parameter is not of the form that it has to have, or the role is not to be assumed.
pub(super) fn answer(parameters: &Parameters, request_id: &str) -> Result<Vec<u8>, StsError> {
    let asked = AssumeRoleWithWebIdentity::read(parameters)?;
    assume(&asked).map(|assumed| assumed.body(request_id))
}

/// Decides who may assume a role. There are no roles yet, and of one that is not there AWS says this too. Whoever asks
/// makes this server ask nobody.
fn assume(_asked: &AssumeRoleWithWebIdentity) -> Result<AssumedRole, StsError> {
    Err(StsError::not_trusted())
}
