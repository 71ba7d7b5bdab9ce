//! Exchanges an identity token for a session of a role.
//!
//! The token is checked completely before the role is looked up. So a caller without a valid token learns
//! nothing about roles. A missing role and a role that does not trust the token get the same answer.

use std::sync::Arc;
use std::time::Duration;

use gangplank_core::policy::{Facts, PermissionPolicy, PolicyError, Token};
use gangplank_core::role::{self, DEFAULT_SESSION, TokenHash};
use gangplank_core::{EventKind, Origin, Region, SecretAccessKey, SessionName, Tenant};
use gangplank_store::metadata::role_sessions::{FoundSession, NewSession, RoleSession, SessionMade};
use gangplank_store::metadata::roles::Role;

use super::failure::Failure;
use super::{Client, kept_claims, remembering};
use crate::app::App;
use crate::oidc::{self, Verified};
use crate::refusals::Refusal;
use crate::sealing::random_bytes;

/// A call that is proven by an identity token and not by a signature.
#[derive(Clone, Copy)]
pub(super) struct Bearer<'a> {
    pub(super) app: &'a App,
    pub(super) client: &'a Client,
    pub(super) request_id: &'a str,
    /// The name of the requested operation.
    pub(super) action: &'static str,
}

/// Why no session was made.
#[derive(Debug)]
pub(super) enum Refused {
    /// The token was not accepted.
    Token(oidc::Refused),
    /// The role does not exist, is disabled, or does not trust this token from this address.
    NotTrusted,
    /// The requested life exceeds the role's longest session, given here.
    TooLong(Duration),
    /// The session's policy cannot be parsed.
    Policy(PolicyError),
    /// The address has been refused too often.
    TooMany,
    /// The server failed.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// A role that trusts a token.
pub(super) struct Trusted {
    pub(super) role: Role,
    pub(super) verified: Verified,
}

/// A session that is not stored yet, with its secrets in plain text.
pub(super) struct Begun {
    pub(super) secret: SecretAccessKey,
    pub(super) token: String,
    new: NewSession,
}

impl Bearer<'_> {
    /// Checks that the token opens the role with this ARN.
    ///
    /// # Errors
    /// If the token does not open the role. The reason is recorded in the audit trail of the role's account.
    pub(super) async fn trust(
        &self,
        token: &str,
        role_arn: &str,
        session: &SessionName,
    ) -> Result<Trusted, Refused> {
        let trusted = self.try_trust(token, role_arn, session).await;
        match &trusted {
            Err(Refused::Token(oidc::Refused::IdpCommunicationError(_)) | Refused::Failed(_)) | Ok(_) => {
                trusted
            }
            // A caller with a valid token never gets this refusal, because the token is checked first.
            Err(_) if self.app.failed_exchanges.count(self.client.address) => trusted,
            Err(_) => Err(Refused::TooMany),
        }
    }

    async fn try_trust(
        &self,
        token: &str,
        role_arn: &str,
        session: &SessionName,
    ) -> Result<Trusted, Refused> {
        let app = self.app;
        let (now, steady) = (app.clock.now(), app.clock.steady());
        let verified = app.issuers.verify(token, now, steady).await.map_err(|refused| {
            self.count_refusal(None, word(&refused));
            Refused::Token(refused)
        })?;
        let named = role::parse_arn(role_arn);
        let role = match &named {
            Some((account, name)) => app.metadata.role(account, name).await?,
            None => None,
        };
        let Some(role) = role else {
            self.count_refusal(None, "NoSuchRole");
            return Err(Refused::NotTrusted);
        };
        match self.why_not(&role, &verified, session) {
            None => Ok(Trusted { role, verified }),
            Some(why) => {
                self.count_refusal(Some(&role), why);
                Err(Refused::NotTrusted)
            }
        }
    }

    fn why_not(&self, role: &Role, verified: &Verified, session: &SessionName) -> Option<&'static str> {
        let facts = self.facts(verified, session);
        let token = Token { account: &role.account, issuer: &verified.issuer, facts: &facts };
        if !role.enabled {
            Some("RoleDisabled")
        } else if !role.limits.reach.has_address(self.client.address) {
            Some("SourceNetwork")
        } else if !role.trust.trusts(&token) {
            Some("TrustPolicy")
        } else {
            remembering::changed(role, verified)
        }
    }

    /// The facts that a trust policy may ask for.
    pub(super) fn facts(&self, verified: &Verified, session: &SessionName) -> Facts {
        let app = self.app;
        let mut facts = Facts::new()
            .at(app.clock.now())
            .with("aws:SourceIp", self.client.address.to_string())
            .with("aws:SecureTransport", app.is_tls.to_string())
            .with("sts:RoleSessionName", session.as_str());
        if let Some(agent) = self.client.plain_user_agent() {
            facts = facts.with("aws:UserAgent", agent);
        }
        let audiences = app.issuers.audiences(&verified.issuer).unwrap_or_default();
        facts.add_claims(&verified.issuer, &verified.members, audiences);
        facts
    }

    /// Begins a session. It lives as long as requested. Without a request it lives an hour, or as long as the
    /// role allows if that is shorter.
    ///
    /// # Errors
    /// If the requested life exceeds the role's longest session, or if the policy cannot be parsed.
    pub(super) fn begin(
        &self,
        trusted: Trusted,
        name: SessionName,
        duration: Option<Duration>,
        policy: Option<&str>,
    ) -> Result<Begun, Refused> {
        let Trusted { role, verified } = trusted;
        if duration.is_some_and(|asked| asked > role.max_session) {
            self.count_refusal(Some(&role), "DurationSeconds");
            return Err(Refused::TooLong(role.max_session));
        }
        let policy = policy.map(PermissionPolicy::parse_session).transpose().map_err(Refused::Policy)?;
        let key = role::session_key(random_bytes()?);
        let secret = secret()?;
        let token = format!("gps_{}", hex::encode(random_bytes::<32>()?));
        let now = self.app.clock.now();
        let new = NewSession {
            sealed_secret: self.app.master.seal_secret(&key, &secret)?,
            key,
            token: TokenHash::of(&token),
            name,
            policy,
            claims: kept_claims::of(&verified),
            remember: remembering::values(&role.trust, &verified),
            created_at: now,
            expires_at: now.plus(duration.unwrap_or(DEFAULT_SESSION.min(role.max_session))),
            role,
        };
        Ok(Begun { secret, token, new })
    }

    /// Stores a session. Its keys work from then on.
    ///
    /// # Errors
    /// If the role has changed since it was checked, or remembers other ids for the names in the token.
    pub(super) async fn keep(&self, begun: &Begun) -> Result<(), Refused> {
        let new = &begun.new;
        let origin = Origin { session: Some(new.key.clone()), ..self.origin(Some(&new.role)) };
        let quota = self.app.quotas.role_sessions;
        match self.app.metadata.insert_session(&origin, new.clone(), quota).await? {
            SessionMade::Made => {
                let (role, session, peer) = (new.role.name.as_str(), new.name.as_str(), self.client.address);
                tracing::info!(account = %new.role.account, role, session, key = %new.key, %peer, "a role was assumed");
                Ok(())
            }
            SessionMade::RoleChanged => {
                self.count_refusal(Some(&new.role), "RoleChanged");
                Err(Refused::NotTrusted)
            }
            SessionMade::RemembersTooMuch => {
                self.count_refusal(Some(&new.role), "RemembersTooMuch");
                Err(Refused::NotTrusted)
            }
            SessionMade::RemembersAnother { key, .. } => {
                self.count_refusal(Some(&new.role), remembering::word(&key));
                Err(Refused::NotTrusted)
            }
        }
    }

    fn origin(&self, role: Option<&Role>) -> Origin {
        let Client { address, user_agent, .. } = self.client;
        let origin = self.app.origin_of(*address, user_agent.as_deref(), role.map(Role::owner), None);
        Origin { request: Some(self.request_id.to_owned()), ..origin }
    }

    /// Counts a refusal, in the account of the role if the role exists.
    fn count_refusal(&self, role: Option<&Role>, reason: &'static str) {
        let refused = Refusal { kind: EventKind::CallRefused, action: Some(self.action), reason };
        let tenant =
            role.map(|role| Tenant { account: role.account.clone(), region: Region::default_region() });
        self.app.count_refusal(refused, self.origin(role), tenant);
    }
}

impl Begun {
    /// The session as a look-up returns it once it is stored.
    pub(super) fn found(&self) -> Arc<FoundSession> {
        let new = &self.new;
        let session = RoleSession {
            key: new.key.clone(),
            sealed_secret: new.sealed_secret.clone(),
            token: new.token,
            account: new.role.account.clone(),
            role: new.role.id.clone(),
            role_name: new.role.name.clone(),
            name: new.name.clone(),
            policy: new.policy.clone().map(Arc::new),
            claims: new.claims.clone(),
            created_at: new.created_at,
            expires_at: new.expires_at,
        };
        Arc::new(FoundSession { session, role: Some(new.role.clone()) })
    }
}

/// A secret of only letters and digits. A widely used GitHub action requests new credentials until the secret
/// has no other characters.
fn secret() -> anyhow::Result<SecretAccessKey> {
    for _ in 0..1_000 {
        let secret = SecretAccessKey::generate(random_bytes()?);
        if secret.expose().bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(secret);
        }
    }
    anyhow::bail!("the system's random bytes are not random")
}

/// The word for a refusal in the audit trail.
fn word(refused: &oidc::Refused) -> &'static str {
    match refused {
        oidc::Refused::InvalidIdentityToken(_) => "InvalidIdentityToken",
        oidc::Refused::ExpiredToken(_) => "ExpiredToken",
        oidc::Refused::IdpCommunicationError(_) => "IDPCommunicationError",
        oidc::Refused::ValidationError(_) => "ValidationError",
    }
}
