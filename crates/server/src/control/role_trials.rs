//! Explains whether a token opens a role, for `role try`. Nothing is issued, and nothing is remembered.

use gangplank_api::gangplank::{RoleCheck, TryRoleRequest, TryRoleResult};
use gangplank_core::SessionName;
use gangplank_core::policy::{
    ConditionTrial, Effect, Explanation, Fact, Token, Trial, Truth, without_scheme,
};
use gangplank_store::metadata::roles::Role;

use super::assuming::Bearer;
use super::{Context, Result, remembering, roles};
use crate::oidc::Verified;

/// The session name of a trial.
const SESSION: &str = "role-try";

pub(super) async fn run(context: &Context<'_>, input: TryRoleRequest) -> Result<TryRoleResult> {
    let app = context.app;
    let role = roles::require(context, &input.role_name).await?;
    let verified =
        app.issuers.verify(input.identity_token.expose(), app.clock.now(), app.clock.steady()).await;
    let verified = match verified {
        Ok(verified) => verified,
        Err(refused) => {
            return Ok(TryRoleResult { reason: Some(refused.to_string()), ..TryRoleResult::default() });
        }
    };
    let call = context.call;
    let bearer = Bearer { app, client: call.client, request_id: call.request_id, action: call.action };
    let session = SessionName::parse(SESSION).map_err(anyhow::Error::from)?;
    let facts = bearer.facts(&verified, &session);
    let explanation =
        role.trust.explain(&Token { account: &role.account, issuer: &verified.issuer, facts: &facts });
    let reason = reason(&role, &verified, &explanation);
    Ok(TryRoleResult {
        trusted: reason.is_none(),
        reason,
        checks: checks(&role, &verified, &explanation),
        claims: Some(claims(&verified)),
    })
}

/// The reason why the token does not open the role. `None` if it does.
fn reason(role: &Role, verified: &Verified, explanation: &Explanation) -> Option<String> {
    if !role.enabled {
        return Some("The role is disabled.".to_owned());
    }
    if !explanation.allowed {
        let denies =
            explanation.statements.iter().find(|trial| trial.effect == Effect::Deny && trial.applies);
        return Some(match denies {
            Some(trial) => format!("Statement {} of the trust policy denies it.", trial.index + 1),
            None => "No statement of the trust policy allows it.".to_owned(),
        });
    }
    remembering::changed(role, verified).map(|what| format!("{what} since the role was first assumed."))
}

fn checks(role: &Role, verified: &Verified, explanation: &Explanation) -> Vec<RoleCheck> {
    let issuers: Vec<&str> = role.trust.issuers().collect();
    let mut checks = Vec::new();
    for trial in &explanation.statements {
        let check = check(trial);
        checks.push(RoleCheck {
            subject: "iss".to_owned(),
            operator: "StringEquals".to_owned(),
            wanted: issuers.get(trial.index).map(|issuer| vec![(*issuer).to_owned()]).unwrap_or_default(),
            found: Some(without_scheme(&verified.issuer).to_owned()),
            holds: trial.target == Truth::Yes,
            ..check.clone()
        });
        checks.extend(trial.conditions.iter().map(|condition| of_condition(check.clone(), condition)));
    }
    checks
}

fn check(trial: &Trial) -> RoleCheck {
    RoleCheck {
        effect: if trial.effect == Effect::Allow { "Allow" } else { "Deny" }.to_owned(),
        statement: i32::try_from(trial.index + 1).unwrap_or(i32::MAX),
        ..RoleCheck::default()
    }
}

fn of_condition(check: RoleCheck, condition: &ConditionTrial) -> RoleCheck {
    RoleCheck {
        subject: condition.claim.clone().unwrap_or_else(|| condition.key.clone()),
        operator: condition.operator.clone(),
        wanted: condition.wanted.clone(),
        found: condition.found.as_ref().map(|fact| match fact {
            Fact::One(text) => text.clone(),
            Fact::Many(texts) | Fact::Alternatives(texts) => texts.join(", "),
            Fact::Opaque => "something that is no text".to_owned(),
        }),
        holds: condition.holds == Truth::Yes,
        ..check
    }
}

/// The claims with plain values, and the audiences that count.
fn claims(verified: &Verified) -> std::collections::BTreeMap<String, String> {
    let plain =
        verified.claims.iter().filter_map(|(name, claim)| Some((name.clone(), claim.as_str()?.to_owned())));
    plain.chain([("aud".to_owned(), verified.audiences.join(", "))]).collect()
}
