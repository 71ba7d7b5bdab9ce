//! Listing tags.

use gangplank_oci::{OciError, RepositoryName, location};
use hyper::StatusCode;
use hyper::header::LINK;
use serde_json::json;

use super::{Context, DEFAULT_REPOSITORY, Result};
use crate::http::response::Answer;

/// The longest page; a client that wants more follows the link.
pub(super) const MAX_PAGE: usize = 10_000;

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

/// Cuts a list that was read one longer than a page; says what to go on after, if there is more.
pub(super) fn cut(mut names: Vec<String>, page: usize) -> (Vec<String>, Option<String>) {
    let more = names.len() > page;
    names.truncate(page);
    let last = names.last().filter(|_| more).cloned();
    (names, last)
}

/// The `Link` header that leads to the next page.
pub(super) fn next(location: &str) -> String {
    format!("<{location}>; rel=\"next\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_whether_there_is_another() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(cut(names(&["a", "b", "c"]), 2), (names(&["a", "b"]), Some("b".to_owned())));
        assert_eq!(cut(names(&["a", "b"]), 2), (names(&["a", "b"]), None));
        assert_eq!(cut(names(&["a"]), 0), (Vec::new(), None));
    }
}
