//! `gangplank audit`: shows who did what, from where.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use gangplank_api::Timestamp;
use gangplank_api::gangplank::{AuditEvent, AuditEventKind, ListAuditEventsRequest};
use gangplank_core::AccountId;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::lightsail;
use crate::output::{Form, is_enough, moment, print, text};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: Connection,
    /// Only events of this account, for a root key [default: all that the access key may see]
    #[arg(long, value_parser = account)]
    account: Option<String>,
    /// Only events of this moment and later, such as 2026-11-25 or 2026-11-25T09:00:00Z
    #[arg(long, value_name = "MOMENT", value_parser = parse_moment)]
    since: Option<Timestamp>,
    /// Only events before this moment
    #[arg(long, value_name = "MOMENT", value_parser = parse_moment)]
    until: Option<Timestamp>,
    /// Only events of this kind, such as `ManifestPushed`
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<AuditEventKind>,
    /// Only what this access key did, itself or by its logins, or what was done to it
    #[arg(long, value_name = "ID")]
    access_key_id: Option<String>,
    /// Only what this registry login did, or what was done to it
    #[arg(long, value_name = "ID")]
    login: Option<String>,
    /// Only what happened in this repository
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// Only what was done to this content
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    /// Only what came from this address
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// How many events to show at the most, the newest first
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// How events are shown
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    output: Form,
}

/// The longest page of the API.
const PAGE: usize = 1_000;

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let client = args.connection.client()?;
    let mut request = ListAuditEventsRequest {
        account: args.account,
        since: args.since,
        until: args.until,
        kind: args.kind,
        access_key_id: args.access_key_id,
        registry_login_id: args.login,
        repository: args.repository,
        digest: args.digest,
        address: args.address,
        max_results: None,
        next_token: None,
    };
    let (mut left, mut events) = (args.limit, Vec::new());
    while left > 0 {
        request.max_results = i32::try_from(left.min(PAGE)).ok();
        let page = client.call(&request).await?;
        left = left.saturating_sub(page.audit_events.len());
        match args.output {
            Form::Text => {
                for event in &page.audit_events {
                    match text(&line(event)?) {
                        Err(error) if is_enough(&error) => return Ok(ExitCode::SUCCESS),
                        written => written?,
                    }
                }
            }
            Form::Json => events.extend(page.audit_events),
        }
        request.next_token = page.next_token;
        if request.next_token.is_none() {
            break;
        }
    }
    if args.output == Form::Json {
        let shown: Result<Vec<Value>> = events.iter().map(shown).collect();
        print(&json!({ "auditEvents": shown? }))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(event: &AuditEvent) -> Result<Value> {
    let mut shown = serde_json::to_value(event)?;
    shown["at"] = moment(event.at).into();
    Ok(shown)
}

/// When and what, and then whatever else is known.
fn line(event: &AuditEvent) -> Result<String> {
    let Value::Object(members) = serde_json::to_value(event)? else { return Ok(String::new()) };
    let mut line = format!("{} {}", moment(event.at), event.kind);
    for (name, value) in members {
        let is_said = ["id", "at", "kind"].contains(&name.as_str()) || name == "count" && value == 1;
        if !is_said {
            let value = value.as_str().map_or_else(|| value.to_string(), quoted);
            write!(line, " {name}={value}")?;
        }
    }
    line.push('\n');
    Ok(line)
}

/// A value in quotes if it could be taken for more than one.
fn quoted(value: &str) -> String {
    if value.contains([' ', '"', '=']) || value.is_empty() { format!("{value:?}") } else { value.to_owned() }
}

fn account(text: &str) -> Result<String, String> {
    AccountId::parse(text).map(|account| account.as_str().to_owned()).map_err(|error| error.to_string())
}

fn kind(word: &str) -> Result<AuditEventKind, String> {
    let known = || format!("the kinds are {}", AuditEventKind::VALUES.join(", "));
    AuditEventKind::parse(word).ok_or_else(known)
}

fn parse_moment(text: &str) -> Result<Timestamp, String> {
    let moment = lightsail::moment::read(&text.into());
    let refusal = || "this is no moment; one looks like 2026-11-25 or 2026-11-25T09:00:00Z".to_owned();
    moment.map(|micros| Timestamp(micros.div_euclid(1_000))).ok_or_else(refusal)
}
