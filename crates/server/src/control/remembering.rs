//! Names that can pass to another owner. A trust policy may name a repository or project. The role remembers
//! its ids at the first exchange, and from then on opens only for these ids.

use gangplank_core::policy::{TrustPolicy, without_scheme};
use gangplank_core::role::Claims;
use gangplank_store::metadata::roles::Role;

use crate::oidc::{Verified, remembered};

/// The ids in a token that a role has to remember. The key of each consists of the issuer, the claim of the id,
/// and the name. A policy may trust many repositories, so one role may remember many ids.
pub(super) fn values(trust: &TrustPolicy, verified: &Verified) -> Claims {
    let mut values = Claims::new();
    for (claim, key) in keys(trust, verified) {
        if let Some(value) = text(verified, claim) {
            values.insert(key, value.to_owned());
        }
    }
    values
}

/// Whether a token lacks an id that the role remembers, or has another value for it. Returns the word for the
/// audit trail.
pub(super) fn changed(role: &Role, verified: &Verified) -> Option<&'static str> {
    keys(&role.trust, verified).into_iter().find_map(|(claim, key)| {
        let known = role.remembered.get(&key)?;
        (text(verified, claim) != Some(known)).then(|| word(&key))
    })
}

/// The word in the audit trail for a changed id.
pub(super) fn word(key: &str) -> &'static str {
    let is = |claim: &str| key.contains(&format!(":{claim} of "));
    match () {
        () if is("repository_id") => "repository_id changed",
        () if is("repository_owner_id") => "repository_owner_id changed",
        () if is("project_id") => "project_id changed",
        () => "namespace_id changed",
    }
}

/// The claims whose ids count, each with the key under which the role remembers it.
fn keys(trust: &TrustPolicy, verified: &Verified) -> Vec<(&'static str, String)> {
    let named = ["repository", "project_path"].into_iter().filter(|claim| trust.names_claim(claim));
    let issuer = without_scheme(&verified.issuer);
    let counts = remembered(named).into_iter().filter_map(|claim| {
        let (name, is_owner) = match claim {
            "repository_id" => ("repository", false),
            "repository_owner_id" => ("repository", true),
            "project_id" => ("project_path", false),
            _ => ("project_path", true),
        };
        let name = text(verified, name)?;
        let of = if is_owner { name.rsplit_once('/').map_or(name, |(owner, _)| owner) } else { name };
        Some((claim, format!("{issuer}:{claim} of {of}")))
    });
    counts.collect()
}

fn text<'a>(verified: &'a Verified, claim: &str) -> Option<&'a str> {
    verified.claims.get(claim).and_then(|claim| claim.as_str())
}
