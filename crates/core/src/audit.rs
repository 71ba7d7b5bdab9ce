//! The kinds of events in the audit trail, and the origin of an event.

use std::net::IpAddr;

use crate::access_key::AccessKeyId;
use crate::principal::{Owner, Principal};
use crate::registry_login::LoginId;
use crate::time::Time;

/// Passes the list of event kinds to another macro. A kind is named only here.
#[macro_export]
macro_rules! event_kinds {
    ($then:ident! { $($head:tt)* }) => {
        $then! {
            $($head)* {
                /// A registry login was made.
                LoginIssued,
                /// The registry refused a login, or credentials that do not have the form of a login.
                LoginRefused,
                /// A registry login was ended before its time.
                LoginRevoked,
                /// The API refused a signature.
                CallRefused,
                /// A known caller or login asked for something that it may not do.
                RequestRefused,
                /// A manifest was put, which ends a push.
                ManifestPushed,
                /// A manifest was deleted, with every tag on it.
                ManifestDeleted,
                /// A tag was deleted, and its manifest was kept.
                TagDeleted,
                /// A blob was deleted from a repository.
                BlobDeleted,
                /// A manifest was registered on a container service.
                ImageRegistered,
                /// A registered image was deleted.
                ImageDeleted,
                /// A registry login read a manifest for the first time.
                ImagePulled,
                /// Garbage was collected because somebody asked for it.
                CollectGarbage,
                /// A container service was made.
                ServiceCreated,
                /// A container service was changed: its power, scale, domain names, or whether it is disabled.
                UpdateContainerService,
                /// A container service was deleted, with its images and pull logins.
                ServiceDeleted,
                /// A deployment was made for a container service.
                CreateContainerServiceDeployment,
                /// A deployment became active: its containers answer from now on.
                DeploymentActivated,
                /// A deployment never became active.
                DeploymentFailed,
                /// A container service was given tags.
                TagResource,
                /// Tags were taken from a container service.
                UntagResource,
                /// An access key was made.
                AccessKeyCreated,
                /// A disabled access key was enabled.
                AccessKeyEnabled,
                /// An access key was disabled, and with it its logins.
                AccessKeyDisabled,
                /// An access key was deleted, and with it its logins.
                AccessKeyDeleted,
                /// A role was made.
                CreateRole,
                /// A role was changed, or enabled, or disabled, which ended its sessions and logins for good.
                UpdateRole,
                /// A role was deleted, and with it its sessions and logins.
                DeleteRole,
                /// A session of a role was ended before its time, and with it its logins.
                RevokeRoleSession,
                /// A session of a role was given out for an identity token.
                AssumeRoleWithWebIdentity,
                /// A one-time link to the web console was made.
                CreateConsoleLink,
                /// Somebody signed in to the web console, by a link or by an access key.
                ConsoleSignedIn,
                /// Somebody signed out of the web console, in one browser or everywhere.
                ConsoleSignedOut,
                /// The web console refused a link or an access key.
                ConsoleRefused,
                /// The oldest events of one share of the trail were forgotten, because there were too many.
                EventsForgotten,
            }
        }
    };
}

macro_rules! declare {
    ({ $($(#[doc = $doc:literal])+ $name:ident,)+ }) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $($(#[doc = $doc])+ $name,)+
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }
        }
    };
}

event_kinds!(declare! {});

impl EventKind {
    /// Kinds that change nothing. Anybody can cause any number of them.
    pub const REFUSALS: [Self; 4] =
        [Self::LoginRefused, Self::CallRefused, Self::RequestRefused, Self::ConsoleRefused];

    /// The kind with a name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }

    /// The share of an account's trail in which events of this kind count.
    pub fn share(self) -> Share {
        match self {
            kind if Self::REFUSALS.contains(&kind) => Share::Refusals,
            Self::ManifestPushed => Share::Pushes,
            Self::LoginIssued
            | Self::ImagePulled
            | Self::AssumeRoleWithWebIdentity
            | Self::CreateConsoleLink
            | Self::ConsoleSignedIn
            | Self::ConsoleSignedOut => Share::Logins,
            Self::EventsForgotten => Share::Forgotten,
            _ => Share::Rest,
        }
    }
}

/// A share of an account's trail. Events of one share never displace those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Share {
    /// Manifests that were put, and tags that they moved.
    Pushes,
    /// Refused calls and requests.
    Refusals,
    /// Logins and sessions that were made, and pulls.
    Logins,
    /// All other events: registrations, deletions, keys, services.
    Rest,
    /// Records of forgotten events: one event for each of the other shares.
    Forgotten,
}

impl Share {
    /// Every share.
    pub const ALL: [Self; 5] = [Self::Pushes, Self::Refusals, Self::Logins, Self::Rest, Self::Forgotten];

    /// The name that is stored with an event.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pushes => "pushes",
            Self::Refusals => "refusals",
            Self::Logins => "logins",
            Self::Rest => "rest",
            Self::Forgotten => "forgotten",
        }
    }

    /// The largest number of its events in a trail of `most` events. `None` for no limit.
    pub const fn of(self, most: u64) -> Option<u64> {
        match self {
            Self::Pushes => Some(most / 2),
            Self::Refusals => Some(most / 10),
            Self::Logins | Self::Rest => Some(most / 5),
            Self::Forgotten => None,
        }
    }
}

/// How much of a `User-Agent` is stored, in bytes.
const MAX_USER_AGENT: usize = 256;

/// The origin of an action: the principal, the address and the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The time of the wall clock.
    pub at: Time,
    /// The steady time.
    pub steady: Time,
    /// The principal, which acts itself or by its login. `None` if it is not known.
    pub owner: Option<Owner>,
    /// The registry login.
    pub login: Option<LoginId>,
    /// The temporary key of the role's session that acts, itself or by its login.
    pub session: Option<AccessKeyId>,
    /// The client's address. `None` for work on the server's machine itself.
    pub address: Option<IpAddr>,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// Whether the action came from the web console.
    pub by_console: bool,
    /// The id of the request. A request makes at most one change, so no two events have the same id.
    pub request: Option<String>,
}

impl Origin {
    /// The origin of an action on the server's machine, by somebody with access to the data directory.
    pub fn local(now: Time) -> Self {
        let owner = Some(Principal::Server.owner());
        Self {
            at: now,
            steady: now,
            owner,
            login: None,
            session: None,
            address: None,
            user_agent: None,
            by_console: false,
            request: None,
        }
    }

    /// An unknown origin without an address.
    pub fn unknown(at: Time, steady: Time) -> Self {
        Self {
            at,
            steady,
            owner: None,
            login: None,
            session: None,
            address: None,
            user_agent: None,
            by_console: false,
            request: None,
        }
    }

    /// A `User-Agent` in the form to be stored: not too long, and without characters that control a terminal.
    pub fn shortened(user_agent: &str) -> String {
        user_agent.chars().filter(|it| (' '..='~').contains(it)).take(MAX_USER_AGENT).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_word() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(EventKind::parse("loginissued"), None);
    }

    #[test]
    fn refusals_have_a_share_of_their_own() {
        let refusals = EventKind::ALL.iter().filter(|kind| kind.as_str().ends_with("Refused"));
        assert!(refusals.clone().all(|kind| kind.share() == Share::Refusals));
        assert_eq!(refusals.count(), EventKind::REFUSALS.len());
    }

    #[test]
    fn shares_are_a_whole_together() {
        let parts: Vec<_> = Share::ALL.iter().map(|share| share.of(1_000)).collect();
        assert_eq!(parts, [Some(500), Some(100), Some(200), Some(200), None]);
        for share in Share::ALL {
            assert!(EventKind::ALL.iter().any(|kind| kind.share() == share), "{share:?}");
        }
    }

    #[test]
    fn a_user_agent_is_short_and_harmless() {
        assert_eq!(Origin::shortened("docker/20.10 \u{1b}[31m\u{9b}(linux)"), "docker/20.10 [31m(linux)");
        assert_eq!(Origin::shortened(&"a".repeat(9_000)).len(), MAX_USER_AGENT);
    }
}
