//! Lists the referrers of a manifest: signatures, attestations, SBOMs.

use gangplank_oci::media_type::OCI_INDEX;
use gangplank_oci::{Digest, RepositoryName, location};
use gangplank_store::metadata::manifests::Referrer;
use hyper::StatusCode;
use hyper::header::{HeaderName, LINK};
use serde_json::{Value, json};

use super::page::next;
use super::{Context, Result};
use crate::http::response::Answer;

const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// `GET …/referrers/<digest>`: an index of the referrers, one page at a time. It is empty if there are none
/// (OCI Distribution, "Listing Referrers").
pub(super) async fn list(
    context: &Context<'_>,
    repository: &RepositoryName,
    digest: &Digest,
    artifact_type: Option<&str>,
    last: Option<&str>,
) -> Result<Answer> {
    let tenant = &context.grant.tenant;
    // A `last` that this server never gave out starts from the beginning.
    let after = last.and_then(|last| last.parse().ok()).unwrap_or(0);
    let put_by = context.pusher();
    let found =
        context.app.metadata.referrers(tenant, repository, digest, artifact_type, put_by, after).await?;
    let manifests: Vec<Value> = found.page.into_iter().map(descriptor).collect();
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests });
    let mut answer = Answer::new(StatusCode::OK).body(OCI_INDEX, context.held(index.to_string().into())?);
    if let Some(last) = found.more {
        answer = answer.header(LINK, next(&location::referrers(repository, digest, artifact_type, last)));
    }
    Ok(if artifact_type.is_some() { answer.header(FILTERS_APPLIED, "artifactType") } else { answer })
}

fn descriptor(referrer: Referrer) -> Value {
    let mut descriptor = json!({
        "mediaType": referrer.media_type,
        "digest": referrer.digest,
        "size": referrer.size,
    });
    if let Some(artifact_type) = referrer.artifact_type {
        descriptor["artifactType"] = artifact_type.into();
    }
    match serde_json::from_str(&referrer.annotations) {
        Ok(Value::Object(annotations)) if !annotations.is_empty() => {
            descriptor["annotations"] = annotations.into();
        }
        _ => {}
    }
    descriptor
}
