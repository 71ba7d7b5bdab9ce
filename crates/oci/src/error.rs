//! Errors of the registry.

use serde_json::{Value, json};

use crate::excerpt::Excerpt;
use crate::{Digest, ManifestError};

/// Error codes of the distribution specification ("Error Codes"), and older ones that registries and clients share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The repository has no such blob.
    BlobUnknown,
    /// A chunk does not continue the upload.
    BlobUploadInvalid,
    /// The upload session does not exist, or belongs to another caller.
    BlobUploadUnknown,
    /// A digest is malformed, has an unknown algorithm, or does not match the content.
    DigestInvalid,
    /// A manifest references content that the repository does not have.
    ManifestBlobUnknown,
    /// The manifest is not valid.
    ManifestInvalid,
    /// The repository has no such manifest.
    ManifestUnknown,
    /// The text is no name of a repository.
    NameInvalid,
    /// There is no such repository, or no such endpoint.
    NameUnknown,
    /// The content does not have the announced size, or is too large.
    SizeInvalid,
    /// There are no credentials, or they are not accepted.
    Unauthorized,
    /// The credentials are accepted, but may not do this.
    Denied,
    /// The registry does not do this.
    Unsupported,
    /// There were too many requests. A later one may succeed.
    TooManyRequests,
    /// The text is no tag. From Docker's registry.
    TagInvalid,
    /// `n` is not a number. From Docker's registry.
    PaginationNumberInvalid,
    /// An error of the server, which only its operator can mend.
    Unknown,
    /// An error of the server or a backend. The same request may succeed later.
    Unavailable,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 18] = [
        Self::BlobUnknown,
        Self::BlobUploadInvalid,
        Self::BlobUploadUnknown,
        Self::DigestInvalid,
        Self::ManifestBlobUnknown,
        Self::ManifestInvalid,
        Self::ManifestUnknown,
        Self::NameInvalid,
        Self::NameUnknown,
        Self::SizeInvalid,
        Self::Unauthorized,
        Self::Denied,
        Self::Unsupported,
        Self::TooManyRequests,
        Self::TagInvalid,
        Self::PaginationNumberInvalid,
        Self::Unknown,
        Self::Unavailable,
    ];

    /// The code in its wire form.
    pub const fn as_str(self) -> &'static str {
        match self {
            ErrorCode::BlobUnknown => "BLOB_UNKNOWN",
            ErrorCode::BlobUploadInvalid => "BLOB_UPLOAD_INVALID",
            ErrorCode::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            ErrorCode::DigestInvalid => "DIGEST_INVALID",
            ErrorCode::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            ErrorCode::ManifestInvalid => "MANIFEST_INVALID",
            ErrorCode::ManifestUnknown => "MANIFEST_UNKNOWN",
            ErrorCode::NameInvalid => "NAME_INVALID",
            ErrorCode::NameUnknown => "NAME_UNKNOWN",
            ErrorCode::SizeInvalid => "SIZE_INVALID",
            ErrorCode::Unauthorized => "UNAUTHORIZED",
            ErrorCode::Denied => "DENIED",
            ErrorCode::Unsupported => "UNSUPPORTED",
            ErrorCode::TooManyRequests => "TOOMANYREQUESTS",
            ErrorCode::TagInvalid => "TAG_INVALID",
            ErrorCode::PaginationNumberInvalid => "PAGINATION_NUMBER_INVALID",
            ErrorCode::Unknown => "UNKNOWN",
            ErrorCode::Unavailable => "UNAVAILABLE",
        }
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal: the status and the body of an answer. The caller sees the message, so it must have no path, no secret
/// and nothing that the caller does not already know.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct OciError {
    /// The code, for programs.
    pub code: ErrorCode,
    /// The status of the answer.
    pub status: u16,
    /// The message, for people.
    pub message: String,
    /// More information, for programs. Clients print it after the message, so it does not repeat the message.
    pub detail: Option<Box<Value>>,
    /// The methods that the endpoint allows.
    allow: Option<Box<str>>,
}

impl OciError {
    /// A refusal without detail.
    pub fn new(code: ErrorCode, status: u16, message: impl Into<String>) -> OciError {
        OciError { code, status, message: message.into(), detail: None, allow: None }
    }

    /// Adds a detail.
    #[must_use]
    pub fn with_detail(self, detail: Value) -> OciError {
        OciError { detail: Some(Box::new(detail)), ..self }
    }

    /// Adds a reason to the message.
    #[must_use]
    pub fn because(self, why: &str) -> OciError {
        OciError { message: format!("{}: {why}", self.message), ..self }
    }

    /// The body of the answer, `application/json`: `{"errors":[{"code","message","detail"}]}`, without `detail` if
    /// there is none.
    pub fn body(&self) -> Vec<u8> {
        let mut error = json!({ "code": self.code.as_str(), "message": self.message });
        if let Some(detail) = &self.detail {
            error["detail"].clone_from(detail);
        }
        json!({ "errors": [error] }).to_string().into_bytes()
    }

    /// The value of the `Allow` header that a 405 must carry (RFC 9110, section 15.5.6).
    pub fn allow(&self) -> Option<&str> {
        self.allow.as_deref()
    }

    /// 404: the repository has no such blob.
    pub fn blob_unknown(digest: &Digest) -> OciError {
        Self::new(ErrorCode::BlobUnknown, 404, "blob unknown to registry")
            .with_detail(json!({ "digest": digest }))
    }

    /// 400: this request cannot continue the upload.
    pub fn blob_upload_invalid(message: impl Into<String>) -> OciError {
        Self::new(ErrorCode::BlobUploadInvalid, 400, message)
    }

    /// 416: a chunk does not begin where the session ends, or its length is not the announced one.
    pub fn blob_upload_range(message: impl Into<String>) -> OciError {
        Self::new(ErrorCode::BlobUploadInvalid, 416, message)
    }

    /// 404: there is no such upload session.
    pub fn blob_upload_unknown() -> OciError {
        Self::new(ErrorCode::BlobUploadUnknown, 404, "blob upload unknown to registry")
    }

    /// 400: a digest is not valid.
    pub fn digest_invalid(message: impl Into<String>) -> OciError {
        Self::new(ErrorCode::DigestInvalid, 400, message)
    }

    /// 400: the content does not match its digest.
    pub fn digest_mismatch(given: &Digest, computed: &Digest) -> OciError {
        Self::digest_invalid("provided digest did not match uploaded content")
            .with_detail(json!({ "given": given, "computed": computed }))
    }

    /// 400: a manifest references content that the repository does not have.
    pub fn manifest_blob_unknown(digest: &Digest) -> OciError {
        Self::new(
            ErrorCode::ManifestBlobUnknown,
            400,
            format!("manifest references {digest}, which is not here"),
        )
    }

    /// 400: the manifest is not valid.
    pub fn manifest_invalid(message: impl Into<String>) -> OciError {
        Self::new(ErrorCode::ManifestInvalid, 400, message)
    }

    /// 413: a manifest has more than `limit` bytes.
    pub fn manifest_too_large(limit: u64) -> OciError {
        Self::new(ErrorCode::ManifestInvalid, 413, format!("a manifest has at most {limit} bytes"))
    }

    /// 404: the repository has no such manifest.
    pub fn manifest_unknown() -> OciError {
        Self::new(ErrorCode::ManifestUnknown, 404, "manifest unknown")
    }

    /// 400: the text is no name of a repository.
    pub fn name_invalid(message: impl Into<String>) -> OciError {
        Self::new(ErrorCode::NameInvalid, 400, message)
    }

    /// 404: there is no such repository.
    pub fn name_unknown() -> OciError {
        Self::new(ErrorCode::NameUnknown, 404, "repository name not known to registry")
    }

    /// 404: there is no such endpoint.
    pub fn endpoint_unknown() -> OciError {
        Self::new(ErrorCode::NameUnknown, 404, "this is not an endpoint of the registry API")
    }

    /// 405: the endpoint does not allow this method. `allow` lists the allowed methods.
    pub fn method_not_allowed(method: &str, allow: &str) -> OciError {
        let message = format!("{} is not supported here, only {allow}", Excerpt(method));
        Self { allow: Some(allow.into()), ..Self::unsupported(message) }
    }

    /// 405: the registry does not support this.
    pub fn unsupported(message: impl Into<String>) -> OciError {
        Self::new(ErrorCode::Unsupported, 405, message)
    }

    /// 400: the content does not have the announced size.
    pub fn size_invalid(message: impl Into<String>) -> OciError {
        Self::new(ErrorCode::SizeInvalid, 400, message)
    }

    /// 413: a blob has more than `limit` bytes.
    pub fn blob_too_large(limit: u64) -> OciError {
        Self::new(ErrorCode::SizeInvalid, 413, format!("a blob has at most {limit} bytes"))
    }

    /// 416: a reader asked for bytes that a blob of this `size` does not have.
    pub fn range_not_satisfiable(size: u64) -> OciError {
        Self::new(ErrorCode::SizeInvalid, 416, format!("the requested range lies outside the {size} bytes"))
    }

    /// 401: there are no credentials, or they are not accepted. The answer needs a `WWW-Authenticate` header.
    pub fn unauthorized(message: impl Into<String>) -> OciError {
        Self::new(ErrorCode::Unauthorized, 401, message)
    }

    /// 403: the credentials are accepted, but may not do this.
    pub fn denied(message: impl Into<String>) -> OciError {
        Self::new(ErrorCode::Denied, 403, message)
    }

    /// 429: there were too many requests. The answer needs a `Retry-After` header.
    pub fn too_many_requests(message: impl Into<String>) -> OciError {
        Self::new(ErrorCode::TooManyRequests, 429, message)
    }

    /// 400: the text is no tag.
    pub fn tag_invalid(message: impl Into<String>) -> OciError {
        Self::new(ErrorCode::TagInvalid, 400, message)
    }

    /// 400: `n` is not a number.
    pub fn pagination_number_invalid() -> OciError {
        Self::new(ErrorCode::PaginationNumberInvalid, 400, "n must be a number, zero or more")
    }

    /// 500: a fault of the registry itself.
    pub fn unknown() -> OciError {
        Self::new(ErrorCode::Unknown, 500, "internal error")
    }

    /// 503: an error of a backend. The same request may succeed later. The answer needs a `Retry-After` header.
    pub fn unavailable() -> OciError {
        Self::new(ErrorCode::Unavailable, 503, "the registry cannot do this at the moment, try again")
    }

    /// 507: the registry has no space left.
    pub fn insufficient_storage() -> OciError {
        Self::new(ErrorCode::Unavailable, 507, "the registry has no space left")
    }
}

impl From<ManifestError> for OciError {
    fn from(error: ManifestError) -> OciError {
        OciError::manifest_invalid(error.to_string())
    }
}
