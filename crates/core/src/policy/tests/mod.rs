//! Tests of the whole evaluator.

mod cases;
mod documents;
mod matrix;
mod naive;
mod operators;
mod trust;

use serde_json::{Value, json};

use super::*;

const TENANT: &str = "arn:aws:lightsail:us-east-1:000000000000:*";
const SERVICE: &str = "arn:aws:lightsail:us-east-1:000000000000:ContainerService/1-2";

/// A policy of these statements.
fn permission(statements: Value) -> Result<PermissionPolicy, PolicyError> {
    PermissionPolicy::parse(&json!({ "Version": "2012-10-17", "Statement": statements }).to_string())
}

fn decide(policy: &PermissionPolicy, action: Action, resource: &str, facts: &Facts) -> Result<(), Denial> {
    let request = Request { action, resource, facts };
    let permissions = Permissions { identity: std::slice::from_ref(policy), session: None };
    let decision = permissions.decide(&request);
    let explanation = permissions.explain(&request);
    assert_eq!(explanation.allowed, decision.is_ok(), "an explanation explains what was decided");
    let applies = |effect| explanation.statements.iter().any(|one| one.applies && one.effect == effect);
    assert_eq!(explanation.allowed, applies(Effect::Allow) && !applies(Effect::Deny));
    decision
}
