//! Chooses the claims of a token that are stored with its session. They trace an image to the job that made it.

use gangplank_core::role::{Claims, MOST_CLAIM_BYTES};

use crate::oidc::Verified;

/// The claims that identify a job and its source, in the words of well-known issuers. The most useful come
/// first.
const TELLING: &[&str] = &[
    "iss",
    "sub",
    "repository",
    "project_path",
    "ref",
    "sha",
    "run_id",
    "jti",
    "repository_id",
    "repository_owner_id",
    "project_id",
    "namespace_id",
    "run_attempt",
    "event_name",
    "workflow_ref",
    "job_workflow_ref",
    "environment",
    "actor",
    "ref_path",
    "pipeline_id",
    "job_id",
    "user_login",
    "organization_slug",
    "pipeline_slug",
    "build_number",
    "build_branch",
    "build_commit",
    "oidc.circleci.com/project-id",
    "oidc.circleci.com/job-id",
    "oidc.circleci.com/vcs-origin",
    "oidc.circleci.com/vcs-ref",
    "kubernetes.io/namespace",
    "kubernetes.io/serviceaccount/name",
    "kubernetes.io/pod/name",
];

/// The longest stored value, in bytes.
const LONGEST: usize = 1_024;

/// The claims of a token that are worth storing.
pub(super) fn of(verified: &Verified) -> Claims {
    let mut kept = Claims::new();
    let mut left = MOST_CLAIM_BYTES;
    for name in TELLING {
        let Some(value) = verified.claims.get(*name).and_then(|claim| claim.as_str()) else { continue };
        let size = name.len() + value.len();
        if value.is_empty() || value.len() > LONGEST || size > left {
            continue;
        }
        left -= size;
        kept.insert((*name).to_owned(), value.to_owned());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::Claim;

    #[test]
    fn what_tells_is_kept_and_no_more_than_there_is_room_for() {
        let mut verified = Verified {
            issuer: "https://ci.example".to_owned(),
            subject: "s".to_owned(),
            audiences: Vec::new(),
            claims: crate::oidc::Claims::new(),
            members: serde_json::Map::new(),
        };
        for (name, value) in [("sub", "s"), ("sha", "abc"), ("secret", "x"), ("ref", "")] {
            verified.claims.insert(name.to_owned(), Claim::Text(value.to_owned()));
        }
        verified.claims.insert("run_id".to_owned(), Claim::Number("7".to_owned()));
        let kept = of(&verified);
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["run_id", "sha", "sub"]);
        for name in TELLING {
            verified.claims.insert((*name).to_owned(), Claim::Text("x".repeat(LONGEST)));
        }
        let kept = of(&verified);
        let bytes: usize = kept.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(bytes <= MOST_CLAIM_BYTES && kept.contains_key("iss"), "{bytes}");
    }
}
