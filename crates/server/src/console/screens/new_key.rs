//! Makes an access key. The secret is only shown on the page that follows.

use std::time::Duration;

use gangplank_api::gangplank::{AccessKey, CreateAccessKeyRequest, PermissionPreset};
use gangplank_api::{ApiError, ErrorCode, Timestamp};
use gangplank_console::{Command, Copied, FilledKey, KeyMade, Moment, NewKey, Screen};
use hyper::StatusCode;

use super::super::answers::page;
use super::super::trouble::refused;
use super::super::visit::{Visit, shown};
use crate::http::response::Answer;

const DAY: u64 = 86_400;

/// Shows the form.
pub(super) fn ask(visit: &Visit<'_>) -> Answer {
    shown(&form(visit, FilledKey::default(), None))
}

/// Makes the key of the form.
pub(super) async fn make(visit: &Visit<'_>) -> Answer {
    let answer = match wanted(visit) {
        Ok(request) => visit.call(&request).await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(made) => shown(&made_page(visit, made.access_key)),
        Err(error) if error.code == ErrorCode::InvalidInputException => {
            page(StatusCode::BAD_REQUEST, &form(visit, filled(visit), Some(error.message)))
        }
        Err(error) => refused(visit, error, Some(visit.place().path("access-keys"))),
    }
}

fn form(visit: &Visit<'_>, filled: FilledKey, refusal: Option<String>) -> NewKey {
    let place = visit.place();
    NewKey {
        frame: visit.frame("Make an access key", Screen::AccessKeys),
        refusal,
        action: place.path("access-keys/new"),
        back: place.path("access-keys"),
        is_root: visit.caller.principal.is_administrator(),
        filled,
    }
}

/// The values of the form, to be shown again.
fn filled(visit: &Visit<'_>) -> FilledKey {
    let text = |name| visit.asked.form.get(name).unwrap_or_default().to_owned();
    FilledKey {
        description: text("description"),
        preset: text("preset"),
        services: text("services"),
        repositories: text("repositories"),
        networks: text("networks"),
        days: text("days"),
        account: text("account"),
        root: visit.asked.form.get("root").is_some(),
    }
}

/// The call that the form asks for.
fn wanted(visit: &Visit<'_>) -> Result<CreateAccessKeyRequest, ApiError> {
    let form = &visit.asked.form;
    let list = |name| {
        let names = form.get(name)?.split(',').map(str::trim).filter(|name| !name.is_empty());
        Some(names.map(str::to_owned).collect::<Vec<_>>()).filter(|names| !names.is_empty())
    };
    let ends = form.get("days").map(|days| match days.parse::<u32>() {
        Ok(days @ 1..=36_500) => {
            let life = Duration::from_secs(u64::from(days) * DAY);
            Ok(Timestamp(visit.asked.app.clock.now().plus(life).0))
        }
        _ => Err(ApiError::invalid_input("A key ends after 1 to 36500 days, given as a whole number.")),
    });
    // A key without a preset may do everything. A key with the preset `all` could not make other keys.
    let preset =
        match form.get("preset") {
            None | Some("all") => None,
            Some(name) => Some(PermissionPreset::parse(name).ok_or_else(|| {
                ApiError::invalid_input("What it may do is none of those that are offered.")
            })?),
        };
    Ok(CreateAccessKeyRequest {
        account: form.get("account").map(str::to_owned),
        root: form.get("root").map(|_| true),
        preset,
        policy: None,
        services: list("services"),
        repositories: list("repositories"),
        source_networks: list("networks"),
        max_login_seconds: None,
        expires_at: ends.transpose()?,
        description: form.get("description").map(str::to_owned),
    })
}

fn made_page(visit: &Visit<'_>, key: AccessKey) -> KeyMade {
    let place = visit.place();
    let command =
        format!("gangplank configure --endpoint-url {} --region {}", visit.endpoint(), place.region);
    KeyMade {
        frame: visit.frame(format!("The key {}", key.access_key_id), Screen::AccessKeys),
        id: Copied::whole(key.access_key_id, "access key id"),
        secret: Copied::whole(key.secret_access_key.expose(), "secret access key"),
        account: key.account,
        ends: key.expires_at.map(|end| Moment(end.0)),
        command: Command::new("Set up a machine with it, which asks for both", command),
        back: place.path("access-keys"),
    }
}
