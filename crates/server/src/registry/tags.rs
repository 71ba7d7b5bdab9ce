//! Listing tags.

use gangplank_oci::{OciError, RepositoryName, location};
use hyper::StatusCode;
use hyper::header::LINK;
use serde_json::json;

use super::page::{MAX_PAGE, cut, next};
use super::{Context, DEFAULT_REPOSITORY, Result};
use crate::http::response::Answer;

/// `GET …/tags/list`: in byte order, a page at a time.
pub(super) async fn list(
    context: &Context<'_>,
    repository: &RepositoryName,
    n: Option<usize>,
    last: Option<&str>,
) -> Result<Answer> {
    let page = n.unwrap_or(MAX_PAGE).min(MAX_PAGE);
    let found = context.app.metadata.tags(&context.grant.tenant, repository, last, page + 1).await?;
    let tags = match found {
        Some(tags) => tags,
        None if repository.as_str() == DEFAULT_REPOSITORY => Vec::new(),
        None => return Err(OciError::name_unknown().into()),
    };
    let (tags, more) = cut(tags, page);
    let answer = Answer::new(StatusCode::OK)
        .body("application/json", json!({ "name": repository.as_str(), "tags": tags }).to_string());
    Ok(match more {
        Some(last) => answer.header(LINK, next(&location::tags(repository, page, &last))),
        None => answer,
    })
}
