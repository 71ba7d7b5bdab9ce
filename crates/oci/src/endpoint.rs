//! What a request to the registry API asks for.

use crate::{Algorithm, Digest, Reference, RepositoryName, Tag};

/// One operation of the Distribution API with everything that its method and URL say, checked. The comments name
/// the specification's number of the endpoint ("Endpoints"), where it has one. Made by [`route`](crate::route).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// end-1: is this a registry, and am I logged in?
    CheckVersion,
    /// Which repositories are there? Docker's registry API; the specification has no such endpoint.
    Catalog {
        /// At most so many.
        n: Option<usize>,
        /// Only those that sort behind this.
        last: Option<String>,
    },
    /// end-2: is the blob here?
    HeadBlob {
        /// In which repository.
        repository: RepositoryName,
        /// Which blob.
        digest: Digest,
    },
    /// end-2: the blob's bytes.
    GetBlob {
        /// In which repository.
        repository: RepositoryName,
        /// Which blob.
        digest: Digest,
    },
    /// end-10: the repository shall no longer have the blob.
    DeleteBlob {
        /// In which repository.
        repository: RepositoryName,
        /// Which blob.
        digest: Digest,
    },
    /// end-4a, end-4b and end-11: a blob is to come.
    StartUpload {
        /// Into which repository.
        repository: RepositoryName,
        /// The body is the whole blob, of this digest.
        digest: Option<Digest>,
        /// The registry may have this blob already, and need only make it part of this repository.
        mount: Option<Digest>,
        /// Where it may have it; anywhere if absent. Says nothing without `mount`.
        from: Option<RepositoryName>,
        /// With which algorithm the blob will be addressed in the end.
        algorithm: Option<Algorithm>,
    },
    /// end-13: how far has the upload come?
    UploadStatus {
        /// Into which repository.
        repository: RepositoryName,
        /// Which upload.
        session: String,
    },
    /// end-5: the next piece of a blob.
    UploadChunk {
        /// Into which repository.
        repository: RepositoryName,
        /// Which upload.
        session: String,
    },
    /// end-6: the last piece of a blob, perhaps empty.
    FinishUpload {
        /// Into which repository.
        repository: RepositoryName,
        /// Which upload.
        session: String,
        /// The digest of the whole blob.
        digest: Digest,
    },
    /// Forget the upload.
    CancelUpload {
        /// Into which repository.
        repository: RepositoryName,
        /// Which upload.
        session: String,
    },
    /// end-3: is the manifest here?
    HeadManifest {
        /// In which repository.
        repository: RepositoryName,
        /// Which manifest.
        reference: Reference,
    },
    /// end-3: the manifest's bytes.
    GetManifest {
        /// In which repository.
        repository: RepositoryName,
        /// Which manifest.
        reference: Reference,
    },
    /// end-7: here is a manifest.
    PutManifest {
        /// Into which repository.
        repository: RepositoryName,
        /// The tag it gets, or the digest it must have.
        reference: Reference,
        /// Tags it also gets; only where `reference` is a digest. No tag twice.
        tags: Vec<Tag>,
    },
    /// end-9: the repository shall no longer have the tag, or the manifest.
    DeleteManifest {
        /// In which repository.
        repository: RepositoryName,
        /// Which tag or manifest.
        reference: Reference,
    },
    /// end-8: which tags are there?
    ListTags {
        /// In which repository.
        repository: RepositoryName,
        /// At most so many.
        n: Option<usize>,
        /// Only those that sort behind this.
        last: Option<String>,
    },
    /// end-12: which manifests have this one as their subject?
    ListReferrers {
        /// In which repository.
        repository: RepositoryName,
        /// Of which manifest.
        digest: Digest,
        /// Only those of this artifact type.
        artifact_type: Option<String>,
        /// Only those behind this mark, which an earlier page gave.
        last: Option<String>,
    },
}

impl Endpoint {
    /// Its name here, for people and for the labels of metrics.
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

    /// The repository that the operation is about, which is what decides whether the caller may.
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
