//! The endpoints of the registry API.

use crate::{Algorithm, Digest, Reference, RepositoryName, Tag};

/// One request to the Distribution API, with all parameters of its method and URL, checked. The comments give the
/// specification's number of the endpoint ("Endpoints"), if it has one. [`route`](crate::route) makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// end-1: whether this is a registry, and whether the login is accepted.
    CheckVersion,
    /// Lists repositories. It is from Docker's registry API; the specification has no such endpoint.
    Catalog {
        /// The largest number of entries.
        n: Option<usize>,
        /// Only entries that sort after this one.
        last: Option<String>,
    },
    /// end-2: whether the blob exists.
    HeadBlob {
        /// The repository.
        repository: RepositoryName,
        /// The digest of the blob.
        digest: Digest,
    },
    /// end-2: the blob's bytes.
    GetBlob {
        /// The repository.
        repository: RepositoryName,
        /// The digest of the blob.
        digest: Digest,
    },
    /// end-10: removes the blob from the repository.
    DeleteBlob {
        /// The repository.
        repository: RepositoryName,
        /// The digest of the blob.
        digest: Digest,
    },
    /// end-4a, end-4b and end-11: begins the upload of a blob.
    StartUpload {
        /// The repository.
        repository: RepositoryName,
        /// If given, the body of the request is the whole blob, with this digest.
        digest: Option<Digest>,
        /// If given, the registry may already have this blob, and only adds it to the repository.
        mount: Option<Digest>,
        /// The repository that has it; any if absent. It has no meaning without `mount`.
        from: Option<RepositoryName>,
        /// The algorithm of the digest that will name the blob.
        algorithm: Option<Algorithm>,
    },
    /// end-13: how much of the upload was received.
    UploadStatus {
        /// The repository.
        repository: RepositoryName,
        /// The id of the upload session, as in its URL.
        session: String,
    },
    /// end-5: the next chunk of a blob.
    UploadChunk {
        /// The repository.
        repository: RepositoryName,
        /// The id of the upload session, as in its URL.
        session: String,
    },
    /// end-6: the last chunk of a blob, which may be empty.
    FinishUpload {
        /// The repository.
        repository: RepositoryName,
        /// The id of the upload session, as in its URL.
        session: String,
        /// The digest of the whole blob.
        digest: Digest,
    },
    /// Ends the upload and forgets its bytes.
    CancelUpload {
        /// The repository.
        repository: RepositoryName,
        /// The id of the upload session, as in its URL.
        session: String,
    },
    /// end-3: whether the manifest exists.
    HeadManifest {
        /// The repository.
        repository: RepositoryName,
        /// The tag or the digest of the manifest.
        reference: Reference,
    },
    /// end-3: the manifest's bytes.
    GetManifest {
        /// The repository.
        repository: RepositoryName,
        /// The tag or the digest of the manifest.
        reference: Reference,
    },
    /// end-7: stores a manifest.
    PutManifest {
        /// The repository.
        repository: RepositoryName,
        /// The tag that it gets, or the digest that it must have.
        reference: Reference,
        /// Further tags for the manifest, each once. Empty if `reference` is a tag.
        tags: Vec<Tag>,
    },
    /// end-9: removes a tag or a manifest from the repository.
    DeleteManifest {
        /// The repository.
        repository: RepositoryName,
        /// The tag, or the digest of the manifest.
        reference: Reference,
    },
    /// end-8: lists tags.
    ListTags {
        /// The repository.
        repository: RepositoryName,
        /// The largest number of entries.
        n: Option<usize>,
        /// Only entries that sort after this one.
        last: Option<String>,
    },
    /// end-12: lists the manifests whose subject is this one.
    ListReferrers {
        /// The repository.
        repository: RepositoryName,
        /// The digest of that manifest.
        digest: Digest,
        /// Only manifests with this artifact type.
        artifact_type: Option<String>,
        /// Only entries after this mark, which an earlier page gave.
        last: Option<String>,
    },
}

impl Endpoint {
    /// Its name for people and for labels of metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Endpoint::CheckVersion => "CheckVersion",
            Endpoint::Catalog { .. } => "Catalog",
            Endpoint::HeadBlob { .. } => "HeadBlob",
            Endpoint::GetBlob { .. } => "GetBlob",
            Endpoint::DeleteBlob { .. } => "DeleteBlob",
            Endpoint::StartUpload { .. } => "StartUpload",
            Endpoint::UploadStatus { .. } => "UploadStatus",
            Endpoint::UploadChunk { .. } => "UploadChunk",
            Endpoint::FinishUpload { .. } => "FinishUpload",
            Endpoint::CancelUpload { .. } => "CancelUpload",
            Endpoint::HeadManifest { .. } => "HeadManifest",
            Endpoint::GetManifest { .. } => "GetManifest",
            Endpoint::PutManifest { .. } => "PutManifest",
            Endpoint::DeleteManifest { .. } => "DeleteManifest",
            Endpoint::ListTags { .. } => "ListTags",
            Endpoint::ListReferrers { .. } => "ListReferrers",
        }
    }

    /// The repository of the request, which decides whether the caller may make it.
    pub fn repository(&self) -> Option<&RepositoryName> {
        match self {
            Endpoint::CheckVersion | Endpoint::Catalog { .. } => None,
            Endpoint::HeadBlob { repository, .. }
            | Endpoint::GetBlob { repository, .. }
            | Endpoint::DeleteBlob { repository, .. }
            | Endpoint::StartUpload { repository, .. }
            | Endpoint::UploadStatus { repository, .. }
            | Endpoint::UploadChunk { repository, .. }
            | Endpoint::FinishUpload { repository, .. }
            | Endpoint::CancelUpload { repository, .. }
            | Endpoint::HeadManifest { repository, .. }
            | Endpoint::GetManifest { repository, .. }
            | Endpoint::PutManifest { repository, .. }
            | Endpoint::DeleteManifest { repository, .. }
            | Endpoint::ListTags { repository, .. }
            | Endpoint::ListReferrers { repository, .. } => Some(repository),
        }
    }
}
