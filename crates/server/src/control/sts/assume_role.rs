//! Issues temporary keys for an identity token.

use gangplank_api::sts::{AssumeRoleWithWebIdentity, AssumedRole, StsError, StsErrorCode};
use gangplank_api::{Secret, Timestamp};
use gangplank_core::SessionName;

use super::super::assuming::{Bearer, Refused};
use crate::oidc::{self, Issuers};

/// Answers an `AssumeRoleWithWebIdentity` call.
///
/// # Errors
/// If the role cannot be assumed with this token.
pub(super) async fn answer(
    bearer: &Bearer<'_>,
    asked: &AssumeRoleWithWebIdentity,
) -> Result<Vec<u8>, StsError> {
    let assumed = assume(bearer, asked).await.map_err(|reason| {
        if let Refused::Failed(failure) = &reason {
            bearer.app.metrics.over_quota(failure.quota);
        }
        refused(reason)
    })?;
    Ok(assumed.body(bearer.request_id))
}

async fn assume(bearer: &Bearer<'_>, asked: &AssumeRoleWithWebIdentity) -> Result<AssumedRole, Refused> {
    let name = SessionName::parse(&asked.role_session_name).map_err(anyhow::Error::from)?;
    let trusted = bearer.trust(asked.web_identity_token.expose(), &asked.role_arn, &name).await?;
    let (issuer, subject) = (trusted.verified.issuer.clone(), trusted.verified.subject.clone());
    let audience = trusted.verified.audiences.first().cloned().unwrap_or_default();
    let begun = bearer.begin(trusted, name, asked.duration, asked.policy.as_deref())?;
    bearer.keep(&begun).await?;
    let found = begun.found();
    let session = &found.session;
    let (principal, account) = (session.principal(), &session.account);
    Ok(AssumedRole {
        audience,
        assumed_role_id: principal.user_id(account),
        arn: principal.arn(account),
        provider: Issuers::provider_arn(account, &issuer),
        access_key_id: session.key.as_str().to_owned(),
        secret_access_key: Secret::from(begun.secret.expose().to_owned()),
        session_token: Secret::from(begun.token),
        expiration: Timestamp(session.expires_at.0),
        subject,
    })
}

/// The error of STS for a refusal.
fn refused(refused: Refused) -> StsError {
    let error = |code, message: &str| StsError { code, message: message.to_owned() };
    match refused {
        Refused::Token(token) => {
            let code = match token {
                oidc::Refused::InvalidIdentityToken(_) => StsErrorCode::InvalidIdentityToken,
                oidc::Refused::ExpiredToken(_) => StsErrorCode::ExpiredTokenException,
                oidc::Refused::IdpCommunicationError(_) => StsErrorCode::IDPCommunicationError,
                oidc::Refused::ValidationError(_) => StsErrorCode::ValidationError,
            };
            error(code, token.words())
        }
        Refused::NotTrusted => StsError::not_trusted(),
        Refused::TooLong(most) => StsError::validation(format!(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role, which is {} s.",
            most.as_secs()
        )),
        Refused::Policy(fault) => error(StsErrorCode::MalformedPolicyDocument, &fault.to_string()),
        Refused::TooMany => error(StsErrorCode::Throttling, "Rate exceeded"),
        Refused::Failed(failure) => failure.error.into(),
    }
}
