//! A verified caller: who it is, what it may do, and what the logins that it makes are narrowed to; and the client that it
//! calls with. An operation gets these and no request, so whatever can say as much can make a call.

use std::net::IpAddr;
use std::sync::Arc;

use gangplank_core::policy::Permissions;
use gangplank_core::{AccessKeyId, LoginLimits, Principal, Region, Tenant, Time};
use gangplank_store::metadata::access_keys::AccessKey;
use gangplank_store::metadata::role_sessions::{Credential, FoundSession};
use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName, USER_AGENT};

use crate::app::App;

/// A verified caller.
#[derive(Clone)]
pub(crate) struct Caller {
    /// Where it acts: in its account, in the region that it signed for.
    pub(crate) tenant: Tenant,
    pub(crate) principal: Principal,
    credential: Credential,
}

impl Caller {
    /// Whoever signs with an access key.
    pub(super) fn of_key(key: Arc<AccessKey>, region: Region) -> Self {
        let tenant = Tenant { account: key.account.clone(), region };
        Self { tenant, principal: key.principal(), credential: Credential::AccessKey(key) }
    }

    /// A session of a role.
    pub(super) fn of_session(found: Arc<FoundSession>, region: Region) -> Self {
        let tenant = Tenant { account: found.session.account.clone(), region };
        Self { tenant, principal: found.session.principal(), credential: Credential::Session(found) }
    }

    /// The access key or the temporary key that it has.
    pub(crate) fn key(&self) -> &AccessKeyId {
        match &self.credential {
            Credential::AccessKey(key) => &key.id,
            Credential::Session(found) => &found.session.key,
        }
    }

    /// When its key ends by itself, if it does.
    pub(crate) fn key_ends_at(&self) -> Option<Time> {
        match &self.credential {
            Credential::AccessKey(key) => key.expires_at,
            Credential::Session(found) => Some(found.session.expires_at),
        }
    }

    /// The policies that say what it may do. Without any it may do whatever an access key may.
    pub(super) fn permissions(&self) -> Option<Permissions<'_>> {
        match &self.credential {
            // Whoever administers the server is not limited.
            Credential::AccessKey(key) if key.is_root => None,
            Credential::AccessKey(key) => key
                .permission
                .as_ref()
                .map(|it| Permissions { identity: std::slice::from_ref(it.policy()), session: None }),
            Credential::Session(found) => {
                let identity =
                    found.role.as_ref().map(|role| std::slice::from_ref(&**role.permission.policy()));
                // Of a role that is gone nothing is left.
                let identity = identity.unwrap_or_default();
                Some(Permissions { identity, session: found.session.policy.as_deref() })
            }
        }
    }

    /// Whether it may do less than an access key may. Then it makes and changes no access keys and no roles.
    pub(super) fn is_limited(&self) -> bool {
        match &self.credential {
            Credential::AccessKey(key) => !key.is_root && key.is_limited(),
            Credential::Session(_) => true,
        }
    }

    /// What its logins are narrowed to.
    pub(super) fn limits(&self) -> Option<&LoginLimits> {
        match &self.credential {
            Credential::AccessKey(key) => Some(&key.limits),
            Credential::Session(found) => found.role.as_ref().map(|role| &role.limits),
        }
    }

    /// Whether its calls are taken from this address.
    pub(crate) fn is_usable_from(&self, address: IpAddr) -> bool {
        self.limits().is_none_or(|limits| limits.reach.has_address(address))
    }

    /// When its logins end at the latest, however long they may live.
    pub(super) fn logins_end_at(&self) -> Option<Time> {
        match &self.credential {
            Credential::AccessKey(key) => key.expires_at,
            // A role that says how long its logins live says so also beyond its sessions.
            Credential::Session(found) => {
                let limits = found.role.as_ref().map(|role| &role.limits);
                let has_a_life = limits.is_some_and(|limits| limits.max_life.is_some());
                (!has_a_life).then_some(found.session.expires_at)
            }
        }
    }

    /// When its session began, if it is one.
    pub(super) fn session_began_at(&self) -> Option<Time> {
        match &self.credential {
            Credential::AccessKey(_) => None,
            Credential::Session(found) => Some(found.session.created_at),
        }
    }
}

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
