//! The signed control API: Lightsail's container operations and our own in AWS JSON 1.1, and those operations
//! of STS that clients need ([`sts`]). Calls of other services are refused in their own protocols
//! ([`unserved`]).
//!
//! Every operation goes the same way. First the signature is verified. Then the body is parsed and validated
//! against the description of the operation. Then the caller is authorized for the things that the body names.
//! Only then the operation acts.

mod about;
mod access_keys;
mod assuming;
mod audit;
mod authenticate;
mod authorize;
mod caller;
mod certificates;
mod collection;
pub(crate) mod collection_wire;
pub(crate) mod console_calls;
mod console_links;
mod container_service;
mod deployment_wire;
mod deployments;
mod exchange;
mod failure;
mod health;
mod image_configuration;
mod image_indexes;
mod image_origins;
mod images;
mod issue_login;
mod kept_claims;
mod limits_wire;
mod log_token;
mod manifests;
mod metric_data;
mod observations;
mod operations;
mod own_login;
mod page;
mod permit;
mod registry_logins;
mod remembering;
mod repositories;
mod role_sessions;
mod role_trials;
mod roles;
mod service_refusals;
mod services;
mod spoken;
mod sts;
mod tags;
mod unserved;
mod unsigned;

use std::net::IpAddr;

use gangplank_api::sts::{self as sts_api, StsError};
use gangplank_api::{ApiError, ErrorCode, Target};
use gangplank_core::{EventKind, Origin, Owner, Tenant};
use gangplank_store::metadata::Invocation;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderName, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{Request, StatusCode};

use crate::app::App;
use crate::http::connection::Connection;
use crate::http::record::{self, Record};
use crate::http::response::Answer;
use crate::refusals::Refusal;
pub use audit::audit_events;
use authenticate::Look;
use authorize::Found;
pub(crate) use caller::{Caller, Client};
use failure::Failure;
use spoken::Service;
pub(crate) use spoken::Spoken;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

type Result<T> = std::result::Result<T, Failure>;

/// A call of a verified caller.
struct Call<'a> {
    app: &'a App,
    caller: Caller,
    /// The name of the requested operation.
    action: &'static str,
    /// The client of the caller.
    client: &'a Client,
    request_id: &'a str,
    /// Whether the web console made the call.
    by_console: bool,
}

impl Call<'_> {
    /// The origin of the call, for the audit trail.
    fn origin(&self) -> Origin {
        let owner = Some(self.caller.principal.owner());
        let Client { address, user_agent, .. } = self.client;
        let origin = self.app.origin_of(*address, user_agent.as_deref(), owner, None);
        let session = self.caller.principal.session().cloned();
        let (by_console, request) = (self.by_console, Some(self.request_id.to_owned()));
        Origin { session, by_console, request, ..origin }
    }

    /// The caller's ARN.
    fn who(&self) -> String {
        self.caller.principal.arn(&self.caller.tenant.account)
    }

    /// Counts that the call was refused.
    fn count_refusal(&self, reason: &'static str) {
        let refused = Refusal { kind: EventKind::RequestRefused, action: Some(self.action), reason };
        self.app.count_refusal(refused, self.origin(), Some(self.caller.tenant.clone()));
    }
}

/// The facts that an operation gets besides its input.
struct Context<'a> {
    app: &'a App,
    /// The caller's account, and the region that the call is signed for.
    tenant: &'a Tenant,
    /// The existing things among those that the input names.
    found: Found,
    call: &'a Call<'a>,
}

impl Context<'_> {
    /// The origin of the call, for the audit trail.
    fn origin(&self) -> Origin {
        self.call.origin()
    }

    /// The owner of the things that the call makes.
    fn owner(&self) -> Owner {
        self.call.caller.principal.owner()
    }

    /// The address of the client.
    fn peer(&self) -> IpAddr {
        self.call.client.address
    }

    /// The id of the call, the same for every attempt at it. `None` if the client sends none.
    fn invocation(&self) -> Option<Invocation> {
        let id = self.call.client.invocation.clone()?;
        Some(Invocation { owner: self.owner(), id })
    }

    /// The registry's address for a login. It is the configured one, or the `Host` of the call if none is
    /// configured.
    fn registry(&self) -> String {
        let called = || self.call.client.host.clone().unwrap_or_default();
        self.app.public_address.clone().unwrap_or_else(called)
    }
}

/// Answers a call in its protocol.
pub(crate) async fn answer(
    app: &App,
    record: &Record,
    connection: &Connection,
    spoken: Spoken,
    request: Request<Incoming>,
) -> Answer {
    let (head, body) = request.into_parts();
    let request_id = record.id.to_string();
    let answer = match spoken {
        Spoken::Served(Service::Lightsail) => {
            answer_json(app, record, connection, &head, body, &request_id).await
        }
        Spoken::Served(Service::Sts) => sts::answer(app, record, connection, &head, body, &request_id).await,
        Spoken::Unserved { service, protocol } => {
            unserved::refuse(app, record, &head.headers, &service, protocol, &request_id)
        }
    };
    answer.header(REQUEST_ID, request_id)
}

async fn answer_json(
    app: &App,
    record: &Record,
    connection: &Connection,
    head: &Parts,
    body: Incoming,
    request_id: &str,
) -> Answer {
    let answered = run_json(app, record, connection, head, body, request_id).await;
    match answered {
        Ok(body) => Answer::new(StatusCode::OK).body(CONTENT_TYPE, body),
        Err(Failure { error, quota }) => {
            record.is_over_quota(quota);
            record.is_refused(error.code.as_str(), &error.message);
            refuse(&error)
        }
    }
}

async fn run_json(
    app: &App,
    record: &Record,
    connection: &Connection,
    head: &Parts,
    body: Incoming,
    request_id: &str,
) -> Result<Vec<u8>> {
    let named = head.headers.get(TARGET).and_then(|target| target.to_str().ok()).unwrap_or_default();
    let target = Target::parse(named);
    record.is_for(
        match target {
            Some(Target::Gangplank(_)) => record::Service::Gangplank,
            Some(Target::Lightsail(_)) | None => record::Service::Lightsail,
        },
        target.map_or("none", Target::name),
    );
    let client = Client::of(app, record.peer, &head.headers);
    if let Some(target) = target.filter(|target| !target.is_signed()) {
        return unsigned::answer(app, record, target, &client, body, request_id).await;
    }
    let look = if target.is_some_and(Target::only_reads) { Look::Cached } else { Look::Now };
    let (caller, body) =
        authenticate::identify(app, record.peer, Service::Lightsail, look, head, body).await?;
    connection.guest.is_known();
    record.is_of(&caller.principal, &caller.tenant);
    let Some(target) = target else {
        let shown: String = named.chars().take(64).collect();
        let message = format!("X-Amz-Target {shown:?} names no operation of this server.");
        return Err(ApiError::unknown_operation(message).into());
    };
    let call = Call { app, caller, action: target.name(), client: &client, request_id, by_console: false };
    let done = operations::run(&call, target, &body).await?;
    if !target.only_reads() {
        record.has_changed(None);
    }
    Ok(done)
}

/// Refuses a malformed request, in the form that API clients read.
pub(crate) fn refuse_unread<B>(
    record: &Record,
    request: &Request<B>,
    status: StatusCode,
    text: &str,
) -> Answer {
    let code = match status {
        _ if request.headers().get_all(AUTHORIZATION).iter().nth(1).is_some() => {
            ErrorCode::IncompleteSignatureException
        }
        StatusCode::URI_TOO_LONG | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            ErrorCode::RequestEntityTooLarge
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => ErrorCode::UnknownOperationException,
        _ => ErrorCode::InvalidInputException,
    };
    let error = ApiError::new(code, text);
    let request_id = record.id.to_string();
    record.is_refused(code.as_str(), text);
    let answer = in_the_form_of(request, status, error, &request_id);
    answer.header(REQUEST_ID, request_id).because(text).close()
}

/// Refuses a request that was not looked at, in the form that API clients read.
pub(crate) fn refuse_as<B>(request: &Request<B>, error: &ApiError) -> Answer {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let request_id = uuid::Uuid::now_v7().to_string();
    in_the_form_of(request, status, error.clone(), &request_id).header(REQUEST_ID, request_id)
}

/// An error in the form of the protocol that a request speaks.
fn in_the_form_of<B>(request: &Request<B>, status: StatusCode, error: ApiError, request_id: &str) -> Answer {
    match Spoken::of(request) {
        Some(Spoken::Unserved { service, protocol }) => {
            unserved::answer(&protocol.unserved(&service, request_id))
        }
        Some(Spoken::Served(Service::Sts)) => {
            Answer::new(status).body(sts_api::CONTENT_TYPE, StsError::from(error).body(request_id))
        }
        Some(Spoken::Served(Service::Lightsail)) | None => {
            let code = error.code;
            Answer::new(status).body(CONTENT_TYPE, error.body()).header(ERROR_TYPE, code.as_str())
        }
    }
}

fn refuse(error: &ApiError) -> Answer {
    let code = error.code;
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let answer = Answer::new(status)
        .body(CONTENT_TYPE, error.body())
        .header(ERROR_TYPE, code.as_str())
        .because(&error.message);
    match code {
        ErrorCode::ServiceUnavailable => answer.header(RETRY_AFTER, "5"),
        ErrorCode::RequestEntityTooLarge | ErrorCode::RequestTimeoutException => answer.close(),
        _ => answer,
    }
}
