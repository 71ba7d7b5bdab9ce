//! A verified caller, its permissions and the limits of its logins, and its client. An operation gets these and
//! no request. So a call of the console is like any other.

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
    /// The caller's account, and the region that the call is signed for.
    pub(crate) tenant: Tenant,
    pub(crate) principal: Principal,
    credential: Credential,
}

impl Caller {
    /// The holder of an access key.
    pub(super) fn of_key(key: Arc<AccessKey>, region: Region) -> Self {
        let tenant = Tenant { account: key.account.clone(), region };
        Self { tenant, principal: key.principal(), credential: Credential::AccessKey(key) }
    }

    /// A session of a role.
    pub(super) fn of_session(found: Arc<FoundSession>, region: Region) -> Self {
        let tenant = Tenant { account: found.session.account.clone(), region };
        Self { tenant, principal: found.session.principal(), credential: Credential::Session(found) }
    }

    /// The id of the caller's access key or temporary key.
    pub(crate) fn key(&self) -> &AccessKeyId {
        match &self.credential {
            Credential::AccessKey(key) => &key.id,
            Credential::Session(found) => &found.session.key,
        }
    }

    /// When the caller's key expires. `None` if it does not.
    pub(crate) fn key_ends_at(&self) -> Option<Time> {
        match &self.credential {
            Credential::AccessKey(key) => key.expires_at,
            Credential::Session(found) => Some(found.session.expires_at),
        }
    }

    /// The policies that limit the caller. `None` means everything that an access key may do.
    pub(super) fn permissions(&self) -> Option<Permissions<'_>> {
        match &self.credential {
            // A root key has no limits.
            Credential::AccessKey(key) if key.is_root => None,
            Credential::AccessKey(key) => key
                .permission
                .as_ref()
                .map(|it| Permissions { identity: std::slice::from_ref(it.policy()), session: None }),
            Credential::Session(found) => {
                let identity =
                    found.role.as_ref().map(|role| std::slice::from_ref(&**role.permission.policy()));
                // The role was deleted, so nothing is permitted.
                let identity = identity.unwrap_or_default();
                Some(Permissions { identity, session: found.session.policy.as_deref() })
            }
        }
    }

    /// Whether the caller may do less than an access key can. Such a caller makes and changes no access keys
    /// and no roles.
    pub(super) fn is_limited(&self) -> bool {
        match &self.credential {
            Credential::AccessKey(key) => !key.is_root && key.is_limited(),
            Credential::Session(_) => true,
        }
    }

    /// The limits of the caller's logins.
    pub(super) fn limits(&self) -> Option<&LoginLimits> {
        match &self.credential {
            Credential::AccessKey(key) => Some(&key.limits),
            Credential::Session(found) => found.role.as_ref().map(|role| &role.limits),
        }
    }

    /// Whether calls from this address are accepted.
    pub(crate) fn is_usable_from(&self, address: IpAddr) -> bool {
        self.limits().is_none_or(|limits| limits.reach.has_address(address))
    }

    /// The latest end of the caller's logins, whatever life they ask for. `None` if there is none.
    pub(super) fn logins_end_at(&self) -> Option<Time> {
        match &self.credential {
            Credential::AccessKey(key) => key.expires_at,
            // If a role limits the life of its logins, they may outlive its sessions.
            Credential::Session(found) => {
                let limits = found.role.as_ref().map(|role| &role.limits);
                let has_a_life = limits.is_some_and(|limits| limits.max_life.is_some());
                (!has_a_life).then_some(found.session.expires_at)
            }
        }
    }

    /// When the caller's session began. `None` for an access key.
    pub(super) fn session_began_at(&self) -> Option<Time> {
        match &self.credential {
            Credential::AccessKey(_) => None,
            Credential::Session(found) => Some(found.session.created_at),
        }
    }
}

/// Clients send the same id with every attempt at one call.
const INVOCATION_ID: HeaderName = HeaderName::from_static("amz-sdk-invocation-id");

/// The client of a call. The address is known; everything else is claimed by the client.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// The address of the client.
    pub(super) address: IpAddr,
    /// Whether the call came over TLS.
    pub(super) is_secure: bool,
    /// The client's `User-Agent`.
    pub(super) user_agent: Option<String>,
    /// The `Host` that the client called.
    pub(super) host: Option<String>,
    /// The id of the call, the same for every attempt at it.
    pub(super) invocation: Option<String>,
}

impl Client {
    /// The client at this address, with the claims in its headers.
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

    /// The `User-Agent` if it is ASCII, as policies compare it.
    pub(super) fn plain_user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref().filter(|agent| agent.is_ascii())
    }
}
