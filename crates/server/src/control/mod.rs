//! The control API: AWS JSON 1.1, signed. Lightsail's container operations and our own.
//!
//! One way for every operation: the signature is verified before the body is looked at, then the
//! body is held against the operation's description, then the operation acts.

mod about;
mod access_keys;
mod audit;
mod authenticate;
mod body;
mod collection;
pub(crate) mod collection_wire;
mod container_service;
mod deployments;
mod failure;
mod images;
mod issue_login;
mod observations;
mod push_logins;
mod registry_logins;
mod services;
mod tags;

use std::net::IpAddr;

use gangplank_api::{
    ApiError, ErrorCode, Request as Described, Target, decode, encode, gangplank, lightsail,
};
use gangplank_core::{AccessKeyId, EventKind, Tenant};
use gangplank_store::metadata::{Invocation, Metadata};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HOST, HeaderName, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Request, StatusCode};

use crate::app::App;
use crate::http::response::Answer;
use crate::http::small_body::SmallBody;
use failure::Failure;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const INVOCATION_ID: HeaderName = HeaderName::from_static("amz-sdk-invocation-id");

type Result<T> = std::result::Result<T, Failure>;

/// A verified caller and what it may use.
struct Context<'a> {
    app: &'a App,
    /// Where it acts: its key's account, in the region it signed for.
    tenant: Tenant,
    access_key: AccessKeyId,
    /// Where the caller is.
    peer: IpAddr,
    head: &'a Parts,
}

impl Context<'_> {
    /// What tells this call from another, the same for every attempt at it.
    fn invocation(&self) -> Option<Invocation> {
        let id = self.head.headers.get(INVOCATION_ID)?.to_str().ok()?;
        let usable = (1..=128).contains(&id.len());
        usable.then(|| Invocation { access_key: self.access_key.clone(), id: id.to_owned() })
    }

    /// The rows, for changes that the audit trail tells of.
    fn noting(&self) -> Box<dyn Metadata> {
        let access_key = Some(self.access_key.clone());
        let app = self.app;
        app.metadata.on_behalf_of(app.origin(self.peer, &self.head.headers, access_key, None))
    }

    /// The address that a login is for: what the server was told, else what the caller called.
    fn registry(&self) -> String {
        let called = || self.head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        self.app.public_address.clone().unwrap_or_else(|| called().to_owned())
    }
}

/// Answers one request.
pub(crate) async fn answer(app: &App, peer: IpAddr, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let request_id = uuid::Uuid::new_v4().to_string();
    let (error, known) = match identify(app, peer, &head, body).await {
        Ok((caller, body)) => match serve(app, peer, &head, caller, &body).await {
            Ok(body) => {
                return Answer::new(StatusCode::OK).body(CONTENT_TYPE, body).header(REQUEST_ID, request_id);
            }
            Err(Failure(error)) => (error, true),
        },
        Err(Failure(error)) => (error, false),
    };
    let (code, reason) = (error.code, &error.message);
    if error.status() >= 500 {
        tracing::error!(%peer, request_id, %code, reason, "an API call failed");
    } else if known {
        tracing::info!(%peer, request_id, %code, reason, "refused an API call");
    } else {
        // Who is nobody may be refused without end: `refusals` counts them.
        tracing::debug!(%peer, request_id, %code, reason, "refused a caller of the API");
    }
    refuse(&error).header(REQUEST_ID, request_id)
}

/// Refuses what is not fit to be a call, in the form that callers read.
pub(crate) fn refuse_unread(headers: &HeaderMap, status: StatusCode, text: &str) -> Answer {
    let code = match status {
        _ if headers.get_all(AUTHORIZATION).iter().nth(1).is_some() => {
            ErrorCode::IncompleteSignatureException
        }
        StatusCode::URI_TOO_LONG | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            ErrorCode::RequestEntityTooLarge
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => ErrorCode::UnknownOperationException,
        _ => ErrorCode::InvalidInputException,
    };
    Answer::new(status)
        .body(CONTENT_TYPE, ApiError::new(code, text).body())
        .header(ERROR_TYPE, code.as_str())
        .header(REQUEST_ID, uuid::Uuid::new_v4().to_string())
        .close()
}

fn refuse(error: &ApiError) -> Answer {
    let code = error.code;
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let answer = Answer::new(status).body(CONTENT_TYPE, error.body()).header(ERROR_TYPE, code.as_str());
    match code {
        ErrorCode::ServiceUnavailable => answer.header(RETRY_AFTER, "5"),
        ErrorCode::RequestEntityTooLarge | ErrorCode::RequestTimeoutException => answer.close(),
        _ => answer,
    }
}

/// Finds out who calls, which needs the whole body.
async fn identify(
    app: &App,
    peer: IpAddr,
    head: &Parts,
    body: Incoming,
) -> Result<(authenticate::Caller, SmallBody)> {
    let refused = |stranger: authenticate::Stranger| {
        let origin = app.origin(peer, &head.headers, stranger.access_key, None);
        let reason = stranger.error.code.as_str();
        app.refusals.count(EventKind::CallRefused, origin, stranger.tenant, reason);
        stranger.error
    };
    body::check_length(app, &body)?;
    let claim = authenticate::claim(app, head).map_err(|error| refused(error.into()))?;
    let body = body::read(app, body).await?;
    let caller = authenticate::verify(app, &claim, &body).await?.map_err(refused)?;
    Ok((caller, body))
}

async fn serve(
    app: &App,
    peer: IpAddr,
    head: &Parts,
    caller: authenticate::Caller,
    body: &[u8],
) -> Result<Vec<u8>> {
    let target = head.headers.get(TARGET).and_then(|target| target.to_str().ok()).unwrap_or_default();
    let Some(target) = Target::parse(target) else {
        let shown: String = target.chars().take(64).collect();
        let message = format!("X-Amz-Target {shown:?} names no operation of this server.");
        return Err(ApiError::unknown_operation(message).into());
    };
    let context = Context { app, tenant: caller.tenant, access_key: caller.access_key, peer, head };
    tracing::debug!(%peer, tenant = %context.tenant, operation = target.name(), "API call");
    match target {
        Target::Lightsail(operation) => lightsail_operation(&context, operation, body).await,
        Target::Gangplank(operation) => own_operation(&context, operation, body).await,
    }
}

async fn lightsail_operation(
    context: &Context<'_>,
    operation: lightsail::Operation,
    body: &[u8],
) -> Result<Vec<u8>> {
    use lightsail::Operation as Op;
    match operation {
        Op::CreateContainerService => call(body, |input| services::create(context, input)).await,
        Op::GetContainerServices => call(body, |input| services::get(context, input)).await,
        Op::UpdateContainerService => call(body, |input| services::update(context, input)).await,
        Op::DeleteContainerService => call(body, |input| services::delete(context, input)).await,
        Op::GetContainerServicePowers => call(body, about::powers).await,
        Op::GetContainerAPIMetadata => call(body, about::metadata).await,
        Op::CreateContainerServiceRegistryLogin => {
            call(body, |input| push_logins::create(context, input)).await
        }
        Op::RegisterContainerImage => call(body, |input| images::register(context, input)).await,
        Op::GetContainerImages => call(body, |input| images::list(context, input)).await,
        Op::DeleteContainerImage => call(body, |input| images::delete(context, input)).await,
        Op::TagResource => call(body, |input| tags::tag(context, input)).await,
        Op::UntagResource => call(body, |input| tags::untag(context, input)).await,
        Op::CreateContainerServiceDeployment => call(body, |input| deployments::create(context, input)).await,
        Op::GetContainerServiceDeployments => call(body, |input| deployments::list(context, input)).await,
        Op::GetContainerLog => call(body, |input| observations::log(context, input)).await,
        Op::GetContainerServiceMetricData => call(body, |input| observations::metrics(context, input)).await,
    }
}

async fn own_operation(
    context: &Context<'_>,
    operation: gangplank::Operation,
    body: &[u8],
) -> Result<Vec<u8>> {
    use gangplank::Operation as Op;
    match operation {
        Op::CollectGarbage => call(body, |input| collection::collect(context, input)).await,
        Op::CreateAccessKey => call(body, |input| access_keys::create(context, input)).await,
        Op::ListAccessKeys => call(body, |input| access_keys::list(context, input)).await,
        Op::UpdateAccessKey => call(body, |input| access_keys::update(context, input)).await,
        Op::DeleteAccessKey => call(body, |input| access_keys::delete(context, input)).await,
        Op::ListAuditEvents => call(body, |input| audit::list(context, input)).await,
        Op::CreateRegistryLogin => call(body, |input| registry_logins::create(context, input)).await,
        Op::ListRegistryLogins => call(body, |input| registry_logins::list(context, input)).await,
        Op::RevokeRegistryLogin => call(body, |input| registry_logins::revoke(context, input)).await,
    }
}

/// Reads an operation's input, runs it, and writes its output.
async fn call<I, F>(body: &[u8], operation: impl FnOnce(I) -> F) -> Result<Vec<u8>>
where
    I: Described + serde::de::DeserializeOwned,
    I::Output: serde::Serialize,
    F: Future<Output = Result<I::Output>>,
{
    let input = decode(body)?;
    Ok(encode(&operation(input).await?))
}
