//! The rights of a registry login.
//!
//! This is the promise of the project in one match: a push login reads only what it put itself. It may read back its
//! own manifests and configurations, because clients tag, sign and index them. It never reads layers. These rules
//! were found by trying real clients. The registry turns them into status codes.

use std::net::IpAddr;
use std::sync::Arc;

use crate::access_key::AccessKeyId;
use crate::container_service::ServiceId;
use crate::login_limits::Reach;
use crate::principal::Owner;
use crate::registry_login::{LoginId, Scope};
use crate::tenant::Tenant;
use crate::time::Time;

/// A verified login: its owner, its rights and its limits.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The login itself.
    pub login: LoginId,
    /// The account and region that it is confined to.
    pub tenant: Tenant,
    /// The owner of the login. Upload sessions belong to the owner, so a renewed login continues them.
    pub owner: Owner,
    /// The actions that it is for.
    pub scope: Scope,
    /// Set for a pull login: the only service whose registered images it reads.
    pub service: Option<ServiceGrant>,
    /// The limits on repositories and addresses. `None` for no limits.
    pub reach: Option<Arc<Reach>>,
    /// The temporary key of the role's session that made it, if one did.
    pub session: Option<AccessKeyId>,
    /// When the login ends, by the wall clock.
    pub expires_at: Time,
}

/// The service that a pull login was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceGrant {
    /// The service's number, so that an old login does not open a new service with the same name.
    pub id: ServiceId,
    /// The service's name, which is the repository to pull from.
    pub name: String,
}

/// An action of a request in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask whether a blob exists.
    HeadBlob,
    /// Read a blob.
    GetBlob,
    /// Start, continue, query, finish or cancel an upload; mount a blob.
    Upload,
    /// Ask whether a manifest exists.
    HeadManifest,
    /// Read a manifest named by its digest.
    GetManifestByDigest,
    /// Read a manifest named by a tag.
    GetManifestByTag,
    /// Put a manifest.
    PutManifest,
    /// List a repository's tags.
    ListTags,
    /// List the referrers of a manifest.
    ListReferrers,
    /// List the repositories.
    ListRepositories,
    /// Delete a blob, a manifest or a tag.
    Delete,
}

impl Action {
    /// Its name in the audit trail.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HeadBlob => "HeadBlob",
            Self::GetBlob => "GetBlob",
            Self::Upload => "Upload",
            Self::HeadManifest => "HeadManifest",
            Self::GetManifestByDigest => "GetManifestByDigest",
            Self::GetManifestByTag => "GetManifestByTag",
            Self::PutManifest => "PutManifest",
            Self::ListTags | Self::ListReferrers | Self::ListRepositories => "List",
            Self::Delete => "Delete",
        }
    }
}

/// Whether a login may do something, and with which content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It may.
    Allowed,
    /// Only manifests that this login put, by digest or under a tag that it set. Others are treated as missing.
    OwnManifests,
    /// Only configurations of images that this login uploaded.
    OwnConfigurations,
    /// All blobs, except configurations that this login did not upload. Such configurations are treated as
    /// missing.
    KnownBlobs,
    /// Only images that are registered on the login's service.
    ServiceImages,
    /// It may not.
    Denied,
}

impl Grant {
    /// Whether the login may be used from this address.
    pub fn is_usable_from(&self, address: IpAddr) -> bool {
        self.reach.as_ref().is_none_or(|reach| reach.has_address(address))
    }

    /// Whether it is limited to some repositories. Then a mount has to name the repository that has the blob.
    pub fn is_bound_to_repositories(&self) -> bool {
        self.reach.as_ref().is_some_and(|reach| !reach.repositories.is_empty())
    }

    /// Decides `action` on `repository` (empty for the catalogue), for a client at `address`.
    ///
    /// A pull login reads the repository of its service, even if its list of repositories does not have it.
    pub fn access(&self, action: Action, repository: &str, address: IpAddr) -> Access {
        if let Some(reach) = &self.reach
            && !(reach.has_address(address) && (self.service.is_some() || reach.has_repository(repository)))
        {
            return Access::Denied;
        }
        if let Some(service) = &self.service {
            return service_access(service, action, repository);
        }
        let Scope { push, pull, delete } = self.scope;
        match action {
            Action::Upload | Action::PutManifest if push => Access::Allowed,
            Action::HeadBlob
            | Action::GetBlob
            | Action::HeadManifest
            | Action::GetManifestByDigest
            | Action::GetManifestByTag
            | Action::ListTags
            | Action::ListReferrers
            | Action::ListRepositories
                if pull =>
            {
                Access::Allowed
            }
            Action::HeadBlob if push => Access::KnownBlobs,
            Action::GetBlob if push => Access::OwnConfigurations,
            Action::HeadManifest
            | Action::GetManifestByDigest
            | Action::GetManifestByTag
            | Action::ListReferrers
                if push =>
            {
                Access::OwnManifests
            }
            Action::Delete if delete => Access::Allowed,
            _ => Access::Denied,
        }
    }
}

fn service_access(service: &ServiceGrant, action: Action, repository: &str) -> Access {
    match action {
        Action::HeadBlob
        | Action::GetBlob
        | Action::HeadManifest
        | Action::GetManifestByDigest
        | Action::GetManifestByTag
        | Action::ListTags
            if repository == service.name =>
        {
            Access::ServiceImages
        }
        _ => Access::Denied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::RepositoryPattern;
    use crate::tenant::{AccountId, Region};

    const ALL: [Action; 11] = [
        Action::HeadBlob,
        Action::GetBlob,
        Action::Upload,
        Action::HeadManifest,
        Action::GetManifestByDigest,
        Action::GetManifestByTag,
        Action::PutManifest,
        Action::ListTags,
        Action::ListReferrers,
        Action::ListRepositories,
        Action::Delete,
    ];

    fn grant(scope: Scope, service: Option<&str>) -> Grant {
        Grant {
            login: LoginId(1),
            tenant: Tenant { account: AccountId::root(), region: Region::default_region() },
            owner: Owner::server(),
            scope,
            service: service.map(|name| ServiceGrant { id: ServiceId(1), name: name.to_owned() }),
            reach: None,
            session: None,
            expires_at: Time(0),
        }
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn a_push_login_only_pushes() {
        let push = grant(Scope::PUSH, None);
        let expected = |action| match action {
            Action::Upload | Action::PutManifest => Access::Allowed,
            Action::HeadBlob => Access::KnownBlobs,
            Action::GetBlob => Access::OwnConfigurations,
            Action::HeadManifest
            | Action::GetManifestByDigest
            | Action::GetManifestByTag
            | Action::ListReferrers => Access::OwnManifests,
            _ => Access::Denied,
        };
        for action in ALL {
            assert_eq!(push.access(action, "sr", HERE), expected(action), "{action:?}");
        }
    }

    #[test]
    fn a_pull_login_reads_its_service_and_nothing_else() {
        let pull = grant(Scope::PULL, Some("web"));
        for action in ALL {
            assert_eq!(pull.access(action, "sr", HERE), Access::Denied, "{action:?}");
            let own = pull.access(action, "web", HERE);
            assert!(matches!(own, Access::ServiceImages | Access::Denied), "{action:?}");
        }
        for action in [Action::ListReferrers, Action::ListRepositories] {
            assert_eq!(pull.access(action, "web", HERE), Access::Denied);
        }
        assert_eq!(pull.access(Action::ListTags, "web", HERE), Access::ServiceImages);
        assert_eq!(pull.access(Action::GetBlob, "web", HERE), Access::ServiceImages);
    }

    #[test]
    fn an_operator_login_does_everything() {
        let operator = grant(Scope { push: true, pull: true, delete: true }, None);
        for action in ALL {
            assert_eq!(operator.access(action, "any/name", HERE), Access::Allowed, "{action:?}");
        }
    }

    fn narrowed(grant: Grant, repositories: &[&str], networks: &[&str]) -> Grant {
        let patterns = repositories.iter().map(|text| RepositoryPattern::parse(text).unwrap()).collect();
        let networks = networks.iter().map(|text| text.parse().unwrap()).collect();
        Grant { reach: Some(Arc::new(Reach::of(patterns, networks))), ..grant }
    }

    #[test]
    fn a_narrowed_login_does_the_same_within_its_repositories_and_nothing_elsewhere() {
        let operator = Scope { push: true, pull: true, delete: true };
        for scope in [Scope::PUSH, Scope::PULL, operator] {
            let (whole, narrow) = (grant(scope, None), narrowed(grant(scope, None), &["sr", "team/*"], &[]));
            for action in ALL {
                for repository in ["sr", "team/app"] {
                    let expected = whole.access(action, repository, HERE);
                    assert_eq!(narrow.access(action, repository, HERE), expected, "{action:?}");
                }
                for repository in ["srx", "team/app/debug", ""] {
                    assert_eq!(narrow.access(action, repository, HERE), Access::Denied, "{action:?}");
                }
            }
        }
        assert!(narrowed(grant(operator, None), &["sr"], &[]).is_bound_to_repositories());
        assert!(!narrowed(grant(operator, None), &[], &["192.0.2.0/24"]).is_bound_to_repositories());
        assert!(!grant(operator, None).is_bound_to_repositories());
        let pull = narrowed(grant(Scope::PULL, Some("web")), &["sr"], &[]);
        assert_eq!(pull.access(Action::GetBlob, "web", HERE), Access::ServiceImages);
    }

    #[test]
    fn a_login_that_is_bound_to_networks_does_nothing_from_elsewhere() {
        for service in [None, Some("web")] {
            let bound = narrowed(grant(Scope::PULL, service), &[], &["192.0.2.0/24"]);
            let inside = "192.0.2.7".parse().unwrap();
            assert!(bound.is_usable_from(inside) && !bound.is_usable_from(HERE));
            assert_ne!(bound.access(Action::GetBlob, "web", inside), Access::Denied);
            for action in ALL {
                assert_eq!(bound.access(action, "web", HERE), Access::Denied, "{action:?}");
            }
        }
    }

    #[test]
    fn no_scope_reaches_beyond_its_words() {
        for action in ALL {
            assert_eq!(grant(Scope::default(), None).access(action, "sr", HERE), Access::Denied);
        }
        let delete = grant(Scope { delete: true, ..Scope::default() }, None);
        assert_eq!(delete.access(Action::Delete, "sr", HERE), Access::Allowed);
        assert_eq!(delete.access(Action::GetBlob, "sr", HERE), Access::Denied);
    }
}
