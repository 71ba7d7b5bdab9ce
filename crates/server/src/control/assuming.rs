//! From an identity token to a session of a role: whose token it is, whether the role trusts it, and what is kept of it.
//!
//! The order is one: first all that the token says by itself, then the role. So whoever has no good token learns nothing
//! of roles, and of a role that is not there what of one that does not trust.

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
use crate::random;
use crate::refusals::Refusal;

/// Where a call comes from that a token and not a key signs for.
#[derive(Clone, Copy)]
pub(super) struct Bearer<'a> {
    pub(super) app: &'a App,
    pub(super) client: &'a Client,
    pub(super) request_id: &'a str,
    /// The operation that is asked for.
    pub(super) action: &'static str,
}

/// Why there is no session.
#[derive(Debug)]
pub(super) enum Refused {
    /// The token is no good.
    Token(oidc::Refused),
    /// There is no such role, or it does not trust the token, or not now, or not from there.
    NotTrusted,
    /// The role's sessions live so long at the most.
    TooLong(Duration),
    /// The policy of the session cannot be read.
    Policy(PolicyError),
    /// The address has been refused too often.
    TooMany,
    /// The server cannot.
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

/// A session that is not kept yet, with its secrets in clear.
pub(super) struct Begun {
    pub(super) secret: SecretAccessKey,
    pub(super) token: String,
    new: NewSession,
}

impl Bearer<'_> {
    /// Whether the token opens the role that the ARN names.
    ///
    /// # Errors
    /// If it does not; why is noted in the account of the role.
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
            // A right token is never refused for it: it was looked at first.
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

    /// What a trust policy may ask.
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

    /// Begins a session: as long as is asked, or an hour, or as long as the role's may be.
    ///
    /// # Errors
    /// If it is asked to live longer than the role's may, or its policy cannot be read.
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
        let key = role::session_key(random::bytes()?);
        let secret = secret()?;
        let token = format!("gps_{}", hex::encode(random::bytes::<32>()?));
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

    /// Keeps a session, which opens from then on.
    ///
    /// # Errors
    /// If the role is not as it was when it was asked, or remembers another first token.
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

    /// Counts a refusal, in the account of the role if there is one.
    fn count_refusal(&self, role: Option<&Role>, reason: &'static str) {
        let refused = Refusal { kind: EventKind::CallRefused, action: Some(self.action), reason };
        let tenant =
            role.map(|role| Tenant { account: role.account.clone(), region: Region::default_region() });
        self.app.count_refusal(refused, self.origin(role), tenant);
    }
}

impl Begun {
    /// The session as it is found once it is kept.
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

/// A secret of letters and digits: a well-known action asks anew until it gets one without other characters.
fn secret() -> anyhow::Result<SecretAccessKey> {
    for _ in 0..1_000 {
        let secret = SecretAccessKey::generate(random::bytes()?);
        if secret.expose().bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(secret);
        }
    }
    anyhow::bail!("the system's random bytes are not random")
}

/// The word for it in the audit trail.
fn word(refused: &oidc::Refused) -> &'static str {
    match refused {
        oidc::Refused::InvalidIdentityToken(_) => "InvalidIdentityToken",
        oidc::Refused::ExpiredToken(_) => "ExpiredToken",
        oidc::Refused::IdpCommunicationError(_) => "IDPCommunicationError",
        oidc::Refused::ValidationError(_) => "ValidationError",
    }
}
