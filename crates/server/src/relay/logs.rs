//! Pages of containers' logs, from the replica whose disk has them. The replica that received the call has
//! authorised its caller.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gangplank_core::{AccountId, LogFilter, Time};
use gangplank_store::logs::{LogLine, LogName, LogPage, PageLimits, Pipe, Position, Wanted};
use http_body_util::{BodyExt as _, Limited};
use hyper::header::{HOST, HeaderValue};
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper::{Request, Response, StatusCode, Uri};
use serde::{Deserialize, Serialize};

use super::proof::{self, Errand};
use crate::app::App;
use crate::endpoint::upload::Sent;
use crate::http::body::AnswerBody;
use crate::http::response::Answer;

/// The path that begins the target of a request for a page. The request itself follows in the target, because
/// the proof covers the target.
const PATH: &str = "/log/";

/// The longest time for an answer. The other replica may have to read a whole log.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer, in bytes. A page has at most 1 MiB of text, and a character may take six bytes.
const LONGEST: usize = 8 << 20;

/// The replica with the log gave no answer.
#[derive(Debug)]
pub(crate) struct Away;

/// A question for a page.
#[derive(Debug, Serialize, Deserialize)]
struct Question {
    account: String,
    service: String,
    container: String,
    start: Option<i64>,
    end: Option<i64>,
    filter: String,
    from: Option<String>,
}

/// A page.
#[derive(Debug, Serialize, Deserialize)]
struct Page {
    /// The time and the text of each line.
    lines: Vec<(i64, String)>,
    next: Option<String>,
}

/// Asks another replica for a page of a log. `None` if it has no such log. `filter` is the text of the filter in
/// `wanted`.
///
/// # Errors
/// If the replica gives no answer.
pub(crate) async fn ask(
    app: &App,
    replica: &Authority,
    account: &AccountId,
    log: &LogName,
    wanted: &Wanted,
    filter: &str,
) -> Result<Option<LogPage>, Away> {
    let question = Question {
        account: account.to_string(),
        service: log.service.clone(),
        container: log.container.clone(),
        start: wanted.start.map(|start| start.0),
        end: wanted.end.map(|end| end.0),
        filter: filter.to_owned(),
        from: wanted.from.map(Position::to_text),
    };
    let page = tokio::time::timeout(PATIENCE, fetch(app, replica, &question)).await;
    let page = page.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer in time")));
    page.map_err(|error| {
        tracing::warn!(%replica, %error, "a replica gave no answer about the log of a service");
        Away
    })
}

async fn fetch(app: &App, replica: &Authority, question: &Question) -> anyhow::Result<Option<LogPage>> {
    let target = format!("{PATH}{}", URL_SAFE_NO_PAD.encode(serde_json::to_vec(question)?));
    let uri = Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(replica.clone())
        .path_and_query(PathAndQuery::try_from(target)?)
        .build()?;
    let mut request = Request::new(Sent::Nothing);
    *request.uri_mut() = uri;
    request.headers_mut().insert(HOST, HeaderValue::from_str(replica.as_str())?);
    proof::add(&app.master, app.clock.agreed(), Errand::Log, &mut request);
    let response = app.endpoint.replicas.request(request).await?;
    if response.status() != StatusCode::OK {
        anyhow::bail!("it answered {}", response.status());
    }
    let body =
        Limited::new(response.into_body(), LONGEST).collect().await.map_err(anyhow::Error::from_boxed)?;
    let page: Option<Page> = serde_json::from_slice(&body.to_bytes())?;
    Ok(page.map(|page| LogPage {
        lines: page
            .lines
            .into_iter()
            .map(|(at, text)| LogLine { at: Time(at), node: String::new(), pipe: Pipe::Output, text })
            .collect(),
        next: page.next.as_deref().and_then(Position::parse),
    }))
}

/// Answers a question of another replica.
pub(super) async fn answer(app: &App, uri: &Uri) -> Response<AnswerBody> {
    let Some((account, log, wanted)) = asked(uri) else {
        return Answer::new(StatusCode::BAD_REQUEST).into_response();
    };
    let page = match app.logs.page(&account, &log, wanted).await {
        Ok(page) => page,
        Err(error) => {
            tracing::warn!(%error, "cannot read the log of a container for another replica");
            return Answer::new(StatusCode::SERVICE_UNAVAILABLE).into_response();
        }
    };
    let page = page.map(|page| Page {
        lines: page.lines.into_iter().map(|line| (line.at.0, line.text)).collect(),
        next: page.next.map(Position::to_text),
    });
    match serde_json::to_vec(&page) {
        Ok(text) => Answer::new(StatusCode::OK).body("application/json", text).into_response(),
        Err(_) => Answer::new(StatusCode::INTERNAL_SERVER_ERROR).into_response(),
    }
}

fn asked(uri: &Uri) -> Option<(AccountId, LogName, Wanted)> {
    let text = URL_SAFE_NO_PAD.decode(uri.path().strip_prefix(PATH)?).ok()?;
    let Question { account, service, container, start, end, filter, from } =
        serde_json::from_slice(&text).ok()?;
    let wanted = Wanted {
        start: start.map(Time),
        end: end.map(Time),
        filter: LogFilter::parse(&filter).ok()?,
        from: from.map(|from| Position::parse(&from).ok_or(())).transpose().ok()?,
        limits: PageLimits::default(),
    };
    Some((AccountId::parse(&account).ok()?, LogName { service, container }, wanted))
}
