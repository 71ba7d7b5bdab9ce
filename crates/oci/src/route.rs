//! Finds the [`Endpoint`] of a method and a path.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::excerpt::Excerpt;
use crate::query::{Query, Repeated, decode};
use crate::range::number;
use crate::{
    Algorithm, Digest, Endpoint, ErrorCode, OciError, Reference, ReferenceError, RepositoryName, Tag,
};

/// How many different tags the query of one PUT may give a manifest.
pub const MAX_TAGS_PER_PUT: usize = 100;

/// The longest name of an upload session, in bytes.
const MAX_SESSION_LENGTH: usize = 64;

/// Finds the endpoint of a request's method, path and query.
///
/// `path` is as it came: percent-encoded, not normalised, and beginning with `/v2`. `query` is the text after the
/// `?`. The repository's name is found from the right, because its components may themselves be called `blobs`,
/// `manifests` or `tags`. The name is not decoded, because nothing in its grammar needs encoding. Only the last
/// segment (for a digest's colon) and the query are decoded, once. Unknown parameters are ignored.
///
/// # Errors
///
/// If several apply, the first of these:
///
/// - 404 if the endpoint does not exist;
/// - 405 if the endpoint does not allow the method;
/// - 400 `NAME_INVALID` if the repository's name is not valid;
/// - 400 `DIGEST_INVALID` if a digest is malformed, unsupported, missing or repeated;
/// - 404 `MANIFEST_UNKNOWN` if the reference is neither a tag nor a digest, or 400 if the method is PUT;
/// - 404 `BLOB_UPLOAD_UNKNOWN` if the text cannot be the id of a session;
/// - 400 `PAGINATION_NUMBER_INVALID` if `n` is not a number.
pub fn route(method: &str, path: &str, query: Option<&str>) -> Result<Endpoint, OciError> {
    let resource = Resource::find(path).ok_or_else(OciError::endpoint_unknown)?;
    let query = Query::new(query);
    match (resource, method) {
        (Resource::Base, "GET" | "HEAD") => Ok(Endpoint::CheckVersion),
        (Resource::Catalog, "GET") => {
            Ok(Endpoint::Catalog { n: page_size(query)?, last: text(query, "last") })
        }

        (Resource::Blob(name, digest), "HEAD") => {
            Ok(Endpoint::HeadBlob { repository: repository(name)?, digest: blob_digest(digest)? })
        }
        (Resource::Blob(name, digest), "GET") => {
            Ok(Endpoint::GetBlob { repository: repository(name)?, digest: blob_digest(digest)? })
        }
        (Resource::Blob(name, digest), "DELETE") => {
            Ok(Endpoint::DeleteBlob { repository: repository(name)?, digest: blob_digest(digest)? })
        }

        (Resource::Uploads(name), "POST") => start_upload(name, query),
        (Resource::Upload(name, session), "GET") => {
            Ok(Endpoint::UploadStatus { repository: repository(name)?, session: upload_session(session)? })
        }
        (Resource::Upload(name, session), "PATCH") => {
            Ok(Endpoint::UploadChunk { repository: repository(name)?, session: upload_session(session)? })
        }
        (Resource::Upload(name, session), "PUT") => Ok(Endpoint::FinishUpload {
            repository: repository(name)?,
            session: upload_session(session)?,
            digest: query_digest(query, "digest")?.ok_or_else(|| {
                OciError::digest_invalid("the query must say `digest=`, the digest of the whole blob")
            })?,
        }),
        (Resource::Upload(name, session), "DELETE") => {
            Ok(Endpoint::CancelUpload { repository: repository(name)?, session: upload_session(session)? })
        }

        (Resource::Manifest(name, reference), "HEAD") => Ok(Endpoint::HeadManifest {
            repository: repository(name)?,
            reference: known_reference(reference)?,
        }),
        (Resource::Manifest(name, reference), "GET") => Ok(Endpoint::GetManifest {
            repository: repository(name)?,
            reference: known_reference(reference)?,
        }),
        (Resource::Manifest(name, reference), "PUT") => put_manifest(name, reference, query),
        (Resource::Manifest(name, reference), "DELETE") => Ok(Endpoint::DeleteManifest {
            repository: repository(name)?,
            reference: known_reference(reference)?,
        }),

        (Resource::Tags(name), "GET") => {
            let repository = repository(name)?;
            Ok(Endpoint::ListTags { repository, n: page_size(query)?, last: text(query, "last") })
        }
        (Resource::Referrers(name, digest), "GET") => {
            let (repository, digest) = (repository(name)?, blob_digest(digest)?);
            let (artifact_type, last) = (text(query, "artifactType"), text(query, "last"));
            Ok(Endpoint::ListReferrers { repository, digest, artifact_type, last })
        }

        (resource, method) => Err(OciError::method_not_allowed(method, resource.methods())),
    }
}

/// A path in parts, not checked yet: the repository's name and the last segment.
#[derive(Clone, Copy)]
enum Resource<'p> {
    Base,
    Catalog,
    Tags(&'p str),
    Manifest(&'p str, &'p str),
    Blob(&'p str, &'p str),
    Uploads(&'p str),
    Upload(&'p str, &'p str),
    Referrers(&'p str, &'p str),
}

impl<'p> Resource<'p> {
    fn find(path: &'p str) -> Option<Resource<'p>> {
        let path = match path.strip_prefix("/v2")? {
            "" | "/" => return Some(Resource::Base),
            "/_catalog" => return Some(Resource::Catalog),
            path => path.strip_prefix('/')?,
        };
        let (path, last) = path.rsplit_once('/')?;
        let (name, kind) = path.rsplit_once('/')?;
        match (kind, last) {
            ("tags", "list") => Some(Resource::Tags(name)),
            ("manifests", reference) => Some(Resource::Manifest(name, reference)),
            ("referrers", digest) => Some(Resource::Referrers(name, digest)),
            ("blobs", "uploads") => Some(Resource::Uploads(name)),
            ("blobs", digest) => Some(Resource::Blob(name, digest)),
            ("uploads", last) => match (name.strip_suffix("/blobs")?, last) {
                (name, "") => Some(Resource::Uploads(name)),
                (name, session) => Some(Resource::Upload(name, session)),
            },
            _ => None,
        }
    }

    /// The methods that [`route`] has an arm for.
    fn methods(self) -> &'static str {
        match self {
            Resource::Base => "GET, HEAD",
            Resource::Catalog | Resource::Tags(_) | Resource::Referrers(..) => "GET",
            Resource::Manifest(..) => "GET, HEAD, PUT, DELETE",
            Resource::Blob(..) => "GET, HEAD, DELETE",
            Resource::Uploads(_) => "POST",
            Resource::Upload(..) => "GET, PATCH, PUT, DELETE",
        }
    }
}

fn start_upload(name: &str, query: Query<'_>) -> Result<Endpoint, OciError> {
    Ok(Endpoint::StartUpload {
        repository: repository(name)?,
        digest: query_digest(query, "digest")?,
        mount: query_digest(query, "mount")?,
        // Some clients send `from=` when they do not know a repository.
        from: match only(query, "from")? {
            Some(from) if !from.is_empty() => Some(repository(&from)?),
            _ => None,
        },
        algorithm: match only(query, "digest-algorithm")? {
            Some(identifier) => Some(Algorithm::parse(&identifier).ok_or_else(|| {
                let message = format!("{} is not supported, use sha256 or sha512", Excerpt(&identifier));
                OciError::digest_invalid(message)
            })?),
            None => None,
        },
    })
}

fn put_manifest(name: &str, reference: &str, query: Query<'_>) -> Result<Endpoint, OciError> {
    let repository = repository(name)?;
    let reference = parse_reference(reference).map_err(|(error, reference)| {
        let message = format!("{}: {error}", Excerpt(&reference));
        match error {
            ReferenceError::Tag(_) => OciError::tag_invalid(message),
            ReferenceError::Digest(_) => OciError::digest_invalid(message),
        }
    })?;
    // If the path has a tag, the specification gives `tag` parameters no meaning.
    let tags = if reference.digest().is_some() { further_tags(query)? } else { Vec::new() };
    Ok(Endpoint::PutManifest { repository, reference, tags })
}

fn further_tags(query: Query<'_>) -> Result<Vec<Tag>, OciError> {
    let mut tags = Vec::new();
    let mut seen = HashSet::new();
    for tag in query.all("tag") {
        let tag =
            Tag::parse(&tag).map_err(|error| OciError::tag_invalid(format!("{}: {error}", Excerpt(&tag))))?;
        if seen.insert(tag.clone()) {
            tags.push(tag);
        }
        if tags.len() > MAX_TAGS_PER_PUT {
            let message = format!("a manifest can be given at most {MAX_TAGS_PER_PUT} tags at once");
            return Err(OciError::new(ErrorCode::TagInvalid, 414, message));
        }
    }
    Ok(tags)
}

fn repository(name: &str) -> Result<RepositoryName, OciError> {
    RepositoryName::parse(name).map_err(|error| OciError::name_invalid(format!("{}: {error}", Excerpt(name))))
}

fn blob_digest(segment: &str) -> Result<Digest, OciError> {
    parse_digest(&decode(segment))
}

fn query_digest(query: Query<'_>, name: &'static str) -> Result<Option<Digest>, OciError> {
    only(query, name)?.map(|digest| parse_digest(&digest)).transpose()
}

fn parse_digest(text: &str) -> Result<Digest, OciError> {
    Digest::parse(text).map_err(|error| OciError::digest_invalid(format!("{}: {error}", Excerpt(text))))
}

/// A parameter of an upload that must not be given twice.
fn only<'q>(query: Query<'q>, name: &'static str) -> Result<Option<Cow<'q, str>>, OciError> {
    query.only(name).map_err(|Repeated| {
        let message = format!("the query must not say `{name}` twice");
        if name == "from" { OciError::name_invalid(message) } else { OciError::digest_invalid(message) }
    })
}

/// The reference of a manifest to read. A text that is neither tag nor digest names no manifest, so it is not found.
fn known_reference(segment: &str) -> Result<Reference, OciError> {
    parse_reference(segment).map_err(|_| OciError::manifest_unknown())
}

fn parse_reference(segment: &str) -> Result<Reference, (ReferenceError, Cow<'_, str>)> {
    let decoded = decode(segment);
    Reference::parse(&decoded).map_err(|error| (error, decoded))
}

fn upload_session(segment: &str) -> Result<String, OciError> {
    let valid = segment.len() <= MAX_SESSION_LENGTH
        && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if valid { Ok(segment.to_owned()) } else { Err(OciError::blob_upload_unknown()) }
}

fn page_size(query: Query<'_>) -> Result<Option<usize>, OciError> {
    let Some(n) = query.first("n").filter(|n| !n.is_empty()) else { return Ok(None) };
    let n = number(&n).ok_or_else(OciError::pagination_number_invalid)?;
    Ok(Some(usize::try_from(n).unwrap_or(usize::MAX)))
}

/// A text to compare with stored names. A control character, which a database may refuse, is replaced by another
/// character that no stored name has.
fn text(query: Query<'_>, name: &'static str) -> Option<String> {
    let value = query.first(name).filter(|value| !value.is_empty())?;
    Some(value.replace(char::is_control, "\u{fffd}"))
}
