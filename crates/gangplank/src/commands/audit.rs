//! `gangplank audit`: shows who did what, from where.

mod columns;
mod follow;
mod source;

use std::cmp::Reverse;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use gangplank_api::Timestamp;
use gangplank_api::gangplank::{AuditEvent, AuditEventKind, ListAuditEventsRequest};
use gangplank_core::AccountId;
use gangplank_oci::{Digest, RepositoryName};

use self::columns::EVENTS;
use self::source::Source;
use crate::aws::connection::Connection;
use crate::aws::pages::Pages;
#[cfg(unix)]
use crate::serving::shared_store::SharedArgs;
use crate::terminal::listing::Form;
use crate::terminal::output::{is_enough, timestamp};
use crate::values::{timestamp, whole_number};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only events of this account, for a root key [default: all accounts that the access key may see]
    #[arg(long, value_parser = account)]
    account: Option<String>,
    /// Only events from this time on: 2026-11-25, 2026-11-25T09:00:00Z, 30m, 1h or 7d for that long ago, today,
    /// yesterday; days are those of UTC
    #[arg(long, value_name = "MOMENT", value_parser = timestamp::read, allow_hyphen_values = true)]
    since: Option<Timestamp>,
    /// Only events before this time
    #[arg(long, value_name = "MOMENT", value_parser = timestamp::read, allow_hyphen_values = true)]
    until: Option<Timestamp>,
    /// Only events of this kind
    #[arg(long, value_name = "KIND", value_parser = kinds(), ignore_case = true)]
    kind: Option<AuditEventKind>,
    /// Only events in which this access key acted, itself or by its logins, or was changed
    #[arg(long, value_name = "ID")]
    access_key_id: Option<String>,
    /// Only events in which this role acted, by its sessions or their logins, or was changed; also refused tokens
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    /// Only events in which this registry login acted, or was changed
    #[arg(long, value_name = "ID", value_parser = login)]
    login: Option<String>,
    /// Only events in this repository
    #[arg(long, value_name = "NAME", value_parser = repository)]
    repository: Option<String>,
    /// Only events about the content with this digest
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    digest: Option<String>,
    /// Only events about this: an image such as :web.app.7, a container service, an access key, a role
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// Only events that this address caused
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// The number of events to show, the newest first
    #[arg(long, value_name = "N", default_value = "100", value_parser = limit, allow_hyphen_values = true)]
    limit: usize,
    /// Keep showing new events, the newest last, until the command is stopped or its output is closed
    #[arg(long, short, conflicts_with = "until")]
    follow: bool,
    /// How events are shown; a JSON object for each with --follow [default: table on a terminal, text elsewhere]
    #[arg(long, value_name = "FORM")]
    output: Option<Form>,
    #[command(flatten)]
    connection: Connection,
    #[cfg(unix)]
    #[command(flatten)]
    shared: SharedArgs,
}

/// The largest page that the API gives.
const PAGE: usize = 1_000;

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    if let (Some(since), Some(until)) = (args.since, args.until)
        && since.0 >= until.0
    {
        bail!("nothing is between --since, {}, and --until, {}", timestamp(since), timestamp(until));
    }
    let source = args.source().await?;
    let form = Form::chosen(args.output, Form::Text);
    let request = ListAuditEventsRequest {
        account: args.account,
        since: args.since,
        until: args.until,
        kind: args.kind,
        access_key_id: args.access_key_id,
        role_name: args.role,
        subject: args.subject,
        registry_login_id: args.login,
        repository: args.repository,
        digest: args.digest,
        address: args.address,
        max_results: None,
        next_token: None,
    };
    let shown = if args.follow {
        follow::run(&source, request, args.limit, form).await
    } else {
        EVENTS.show(form, &events(&source, request, args.limit).await?)
    };
    match shown {
        Err(error) if is_enough(&error) => {}
        shown => shown?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Args {
    /// The server, or the database that is named in place of one.
    async fn source(&self) -> Result<Source> {
        #[cfg(unix)]
        if let Some(rows) = self.shared.rows(gangplank_store::open::Mode::Read)? {
            return Ok(Source::Database(rows.rows().await?.metadata));
        }
        Ok(Source::Server(Box::new(self.connection.client()?)))
    }
}

/// The newest `limit` events, ordered by the time that each shows, the newest first.
async fn events(
    source: &Source,
    mut request: ListAuditEventsRequest,
    limit: usize,
) -> Result<Vec<AuditEvent>> {
    let (mut events, mut pages) = (Vec::new(), Pages::default());
    while events.len() < limit {
        request.max_results = i32::try_from((limit - events.len()).min(PAGE)).ok();
        let page = source.page(&request).await?;
        pages.count(page.audit_events.len())?;
        events.extend(page.audit_events);
        request.next_token = page.next_token;
        if request.next_token.is_none() {
            break;
        }
    }
    // Some events are counted for a while before they are recorded. Such an event may come after events with a later
    // time.
    events.sort_by_key(|event| Reverse((event.at.0, number(event))));
    Ok(events)
}

/// The number of an event. Later events have larger numbers.
fn number(event: &AuditEvent) -> i64 {
    event.id.parse().unwrap_or_default()
}

fn account(text: &str) -> Result<String, String> {
    AccountId::parse(text).map(|account| account.as_str().to_owned()).map_err(|error| error.to_string())
}

fn kinds() -> impl TypedValueParser<Value = AuditEventKind> {
    PossibleValuesParser::new(AuditEventKind::VALUES).try_map(|word| {
        let known = AuditEventKind::VALUES.iter().find(|known| known.eq_ignore_ascii_case(&word));
        known.and_then(|known| AuditEventKind::parse(known)).ok_or("no kind of event has this name")
    })
}

fn login(text: &str) -> Result<String, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        Ok(text.to_owned())
    } else {
        Err("a login's id is a number, which `gangplank registry-login list` shows".to_owned())
    }
}

fn repository(text: &str) -> Result<String, String> {
    RepositoryName::parse(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

fn digest(text: &str) -> Result<String, String> {
    let form = || {
        "a digest is sha256: and 64 hexadecimal digits, as a push or `gangplank audit` shows it".to_owned()
    };
    text.parse::<Digest>().map(|digest| digest.to_string()).map_err(|_| form())
}

fn limit(text: &str) -> Result<usize, String> {
    let limit = whole_number::read(text)?;
    if limit > 0 { Ok(limit) } else { Err("it is a number of events, 1 or more".to_owned()) }
}
