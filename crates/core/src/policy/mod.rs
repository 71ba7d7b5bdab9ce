//! Policies: who may assume a role, and the permissions of roles, access keys and sessions.
//!
//! The language is IAM's, so that policies written for Amazon work here. It is evaluated as IAM does: an action is
//! denied if no statement allows it, or if one denies it (IAM user guide, "Grammar of the JSON policy language" and
//! "Policy evaluation logic"). Reading is stricter than IAM's. If an operation, a condition key or a resource does
//! not exist on this server, a statement about it could never apply. That is a mistake, and the policy is refused
//! when it is made. A policy that was accepted never fails later. Some comparisons cannot be decided, such as a
//! list with a text. Then an `Allow` does not apply, and a `Deny` does.
//!
//! - [`PermissionPolicy`] and [`Permissions`]: permitted actions, by a policy or a [`Preset`].
//! - [`TrustPolicy`]: the tokens that open a role. [`Trusted`] makes such a policy from the name of a
//!   repository, a project or a service account.
//! - [`Facts`]: the facts of a request.
//! - [`Explanation`]: a decision with all its reasons.

mod action;
mod arn;
mod claims;
mod condition;
mod conditions;
mod document;
mod explanation;
mod facts;
mod fault;
mod key;
mod operator;
mod pattern;
mod permission;
mod pins;
mod preset;
mod reading;
mod repository;
mod statement;
#[cfg(test)]
mod tests;
mod trust;
mod trusted;
mod truth;
mod value;

pub use action::{Action, ResourceType};
pub use arn::{provider_arn, without_scheme};
pub use explanation::{ConditionTrial, Explanation, PolicyKind, Trial};
pub use facts::{Fact, Facts};
pub use fault::PolicyError;
pub use permission::{
    Denial, MOST_CHARACTERS, MOST_SESSION_CHARACTERS, PermissionPolicy, Permissions, Request,
};
pub use preset::{Limits, Preset};
pub use repository::{BadRepositoryPattern, RepositoryPattern};
pub use statement::Effect;
pub use trust::{Issuer, Token, TrustPolicy};
pub use trusted::{BadName, Trusted};
pub use truth::Truth;
