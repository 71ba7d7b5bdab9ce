//! Policies: who may become a role, and what a role, an access key or a session may do.
//!
//! The language is IAM's, so that what people have for Amazon is usable here, and it is evaluated as IAM does: what no
//! statement allows is denied, and one that denies is stronger than all that allow (IAM user guide, "Grammar of the
//! JSON policy language" and "Policy evaluation logic"). Reading is stricter than IAM's. What could never match, such
//! as an operation, a condition key or a resource that this server does not have, is a mistake of whoever wrote it,
//! and is refused when the policy is made. A policy that was taken never fails when it is asked: what cannot be
//! decided then, such as a claim that is a list where a text is wanted, allows nothing, and denies where it might.
//!
//! - [`PermissionPolicy`] and [`Permissions`]: what may be done, by a policy of its own or a [`Preset`].
//! - [`TrustPolicy`]: whose tokens open a role; [`Trusted`] makes one of what people say.
//! - [`Facts`]: what is known of a request.
//! - [`Explanation`]: either decision with all that led to it.

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
