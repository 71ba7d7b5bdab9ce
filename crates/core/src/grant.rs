//! What the holder of a registry login may do.
//!
//! This is the promise of the project in one match: a push login reads nothing that it did not
//! itself put. What it put it may read back, since clients tag it, sign it and make indexes of it; only layers
//! never come back. The answers were settled with the real clients; the status codes they become are
//! the registry's affair.

use crate::container_service::ServiceId;
use crate::principal::Owner;
use crate::registry_login::{LoginId, Scope};
use crate::tenant::Tenant;
use crate::time::Time;

/// A verified login: who, for what, until when.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The login itself.
    pub login: LoginId,
    /// The walls it works within.
    pub tenant: Tenant,
    /// Whose login it is. Upload sessions belong to this owner, so a renewed login goes on with them.
    pub owner: Owner,
    /// What it is for.
    pub scope: Scope,
    /// Set on a pull login: the one service whose registered images it reads.
    pub service: Option<ServiceGrant>,
    /// When it ends.
    pub expires_at: Time,
}

/// The service that a pull login was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceGrant {
    /// The service itself, so that a new service of the same name is not opened by an old login.
    pub id: ServiceId,
    /// The name, which is the repository it pulls from.
    pub name: String,
}

/// Something a request wants to do in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask whether a blob is there.
    HeadBlob,
    /// Read a blob.
    GetBlob,
    /// Start, feed, ask after, finish or cancel an upload; mount a blob.
    Upload,
    /// Ask whether a manifest is there.
    HeadManifest,
    /// Read a manifest named by its digest.
    GetManifestByDigest,
    /// Read a manifest named by a tag.
    GetManifestByTag,
    /// Put a manifest.
    PutManifest,
    /// List a repository's tags.
    ListTags,
    /// List what is about a manifest.
    ListReferrers,
    /// List the repositories.
    ListRepositories,
    /// Delete a blob, a manifest or a tag.
    Delete,
}

impl Action {
    /// The word for it, in the audit trail.
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

/// The decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Go ahead.
    Allowed,
    /// Only manifests that this very login put, by digest or under a tag that it set; others are as good as absent.
    OwnManifests,
    /// Only configurations of images that this very login uploaded.
    OwnConfigurations,
    /// All blobs but configurations that this very login did not upload, which are as good as absent.
    KnownBlobs,
    /// Only what is registered on the login's service.
    ServiceImages,
    /// No.
    Denied,
}

impl Grant {
    /// Decides `action` on `repository` (empty for the catalogue).
    pub fn access(&self, action: Action, repository: &str) -> Access {
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
            expires_at: Time(0),
        }
    }

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
            assert_eq!(push.access(action, "sr"), expected(action), "{action:?}");
        }
    }

    #[test]
    fn a_pull_login_reads_its_service_and_nothing_else() {
        let pull = grant(Scope::PULL, Some("web"));
        for action in ALL {
            assert_eq!(pull.access(action, "sr"), Access::Denied, "{action:?}");
            let own = pull.access(action, "web");
            assert!(matches!(own, Access::ServiceImages | Access::Denied), "{action:?}");
        }
        for action in [Action::ListReferrers, Action::ListRepositories] {
            assert_eq!(pull.access(action, "web"), Access::Denied);
        }
        assert_eq!(pull.access(Action::ListTags, "web"), Access::ServiceImages);
        assert_eq!(pull.access(Action::GetBlob, "web"), Access::ServiceImages);
    }

    #[test]
    fn an_operator_login_does_everything() {
        let operator = grant(Scope { push: true, pull: true, delete: true }, None);
        for action in ALL {
            assert_eq!(operator.access(action, "any/name"), Access::Allowed, "{action:?}");
        }
    }

    #[test]
    fn no_scope_reaches_beyond_its_words() {
        for action in ALL {
            assert_eq!(grant(Scope::default(), None).access(action, "sr"), Access::Denied);
        }
        let delete = grant(Scope { delete: true, ..Scope::default() }, None);
        assert_eq!(delete.access(Action::Delete, "sr"), Access::Allowed);
        assert_eq!(delete.access(Action::GetBlob, "sr"), Access::Denied);
    }
}
