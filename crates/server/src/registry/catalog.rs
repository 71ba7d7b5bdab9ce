//! Lists repositories. The OCI specification has no such request, but migration tools send it.

use gangplank_oci::location;
use hyper::StatusCode;
use hyper::header::LINK;
use serde_json::json;

use super::page::{MAX_PAGE, cut, next};
use super::{Context, Result};
use crate::http::response::Answer;

/// `GET /v2/_catalog`: the tenant's repositories in byte order, one page at a time.
pub(super) async fn list(context: &Context<'_>, n: Option<usize>, last: Option<&str>) -> Result<Answer> {
    let page = n.unwrap_or(MAX_PAGE).min(MAX_PAGE);
    let found = context.app.metadata.repositories(&context.grant.tenant, last, page + 1).await?;
    let (repositories, more) = cut(found, page);
    let body = context.held(json!({ "repositories": repositories }).to_string().into())?;
    let answer = Answer::new(StatusCode::OK).body("application/json", body);
    Ok(match more {
        Some(last) => answer.header(LINK, next(&location::catalog(page, &last))),
        None => answer,
    })
}
