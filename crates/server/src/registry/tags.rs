//! Listing tags.

use std::collections::BTreeSet;

use gangplank_core::Access;
use gangplank_oci::{OciError, RepositoryName, location};
use hyper::StatusCode;
use hyper::header::LINK;
use serde_json::json;

use super::page::{MAX_PAGE, cut, next};
use super::{Context, DEFAULT_REPOSITORY, Result, readable};
use crate::http::response::Answer;

/// `GET …/tags/list`: the tags in byte order, one page at a time. A registered image can be pulled by its name,
/// so registered names are listed, too.
pub(super) async fn list(
    context: &Context<'_>,
    repository: &RepositoryName,
    n: Option<usize>,
    last: Option<&str>,
) -> Result<Answer> {
    let page = n.unwrap_or(MAX_PAGE).min(MAX_PAGE);
    let names = registered(context, repository).await?;
    let tags = if context.access == Access::ServiceImages {
        names.unwrap_or_default()
    } else {
        let tags = context.app.metadata.tags(&context.grant.tenant, repository, last, page + 1).await?;
        match (tags, names) {
            (None, None) if repository.as_str() != DEFAULT_REPOSITORY => {
                return Err(OciError::name_unknown().into());
            }
            (tags, names) => tags.into_iter().chain(names).flatten().collect(),
        }
    };
    let behind = tags.into_iter().filter(|name| last.is_none_or(|last| name.as_str() > last));
    let tags: BTreeSet<String> = behind.collect();
    let tags = tags.into_iter().take(page + 1).collect();
    let (tags, more) = cut(tags, page);
    let body = context.held(json!({ "name": repository.as_str(), "tags": tags }).to_string().into())?;
    let answer = Answer::new(StatusCode::OK).body("application/json", body);
    Ok(match more {
        Some(last) => answer.header(LINK, next(&location::tags(repository, page, &last))),
        None => answer,
    })
}

/// The names `LABEL.NUMBER` that are registered on the service with the repository's name. `None` if there is
/// no such service. A service may have few images, so this reads all of them.
async fn registered(context: &Context<'_>, repository: &RepositoryName) -> Result<Option<Vec<String>>> {
    let service = match &context.grant.service {
        Some(service) => Some(service.id),
        None => readable::service(context, repository).await?,
    };
    let Some(service) = service else { return Ok(None) };
    let images = context.app.metadata.images(&context.grant.tenant, service).await?;
    Ok(images.map(|images| images.into_iter().map(|image| image.name.version()).collect()))
}
