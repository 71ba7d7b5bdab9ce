//! Image indexes that the server makes from manifests that it has.

use crate::macros::structure;
use crate::pattern::{DIGEST as DIGEST_FORM, NOT_BLANK};
use crate::{ApiError, Range, Shape};

const DIGEST: Shape = Shape::text("ImageDigest", Range::ANY, &DIGEST_FORM);
const DIGESTS: Shape = Shape::list(&DIGEST);
const REPOSITORY: Shape = Shape::text("RepositoryName", Range { min: Some(1), max: Some(255) }, &NOT_BLANK);
const TAG: Shape = Shape::text("ImageTag", Range { min: Some(1), max: Some(128) }, &NOT_BLANK);
const TAGS: Shape = Shape::list(&TAG);

/// The most manifests that one call puts together.
const MAX_DIGESTS: usize = 100;

structure! {
    /// The image index to make, from manifests in the repository.
    pub struct CreateImageIndexRequest: Default, check check_create {
        /// The repository that has the manifests, and gets the index.
        "repository" repository: String as &REPOSITORY,
        /// The tags to set to the index.
        "tags" tags: Option<Vec<String>> as &TAGS,
        /// The digests of the manifests, 1 to 100. If one is an index, its entries are used.
        "digests" digests: Vec<String> as &DIGESTS,
    }
}

structure! {
    /// The image index that was made.
    pub struct CreateImageIndexResult: Default {
        /// The digest of the index.
        "digest" digest: String as &DIGEST,
        /// The media type of the index: OCI's, unless all its manifests are Docker's.
        "mediaType" media_type: String,
        /// The size of the index in bytes.
        "size" size: i32,
    }
}

fn check_create(request: &CreateImageIndexRequest) -> Result<(), ApiError> {
    if (1..=MAX_DIGESTS).contains(&request.digests.len()) {
        return Ok(());
    }
    Err(ApiError::invalid_input(format!(
        "digests has {} entries; give 1 to {MAX_DIGESTS}.",
        request.digests.len()
    )))
}
