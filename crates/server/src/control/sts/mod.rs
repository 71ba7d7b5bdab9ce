//! The part of the Security Token Service that Lightsail's clients need: AWS's query protocol on the same
//! listener.

mod assume_role;

use std::net::IpAddr;

use gangplank_api::sts::{
    AssumeRoleWithWebIdentity, CONTENT_TYPE, CallerIdentity, Operation, Parameters, StsError, StsErrorCode,
};
use gangplank_api::{ApiError, ErrorCode};
use gangplank_core::{EventKind, Origin};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use super::assuming::Bearer;
use super::authenticate::{self, Look};
use super::caller::{Caller, Client};
use super::failure::Failure;
use super::spoken::Service;
use crate::app::App;
use crate::http::connection::Connection;
use crate::http::record::{self, Record};
use crate::http::response::Answer;
use crate::http::small_body::SmallBody;
use crate::http::unverified::Share;
use crate::refusals::Refusal;

type Result<T> = std::result::Result<T, StsError>;

/// A call that is being answered.
struct Call<'a> {
    app: &'a App,
    record: &'a Record,
    client: &'a Client,
    request_id: &'a str,
    /// The caller that signed it. `None` for an unsigned call.
    caller: Option<Caller>,
}

/// Answers one request.
pub(super) async fn answer(
    app: &App,
    record: &Record,
    connection: &Connection,
    head: &Parts,
    body: Incoming,
    request_id: &str,
) -> Answer {
    let peer = record.peer;
    let client = Client::of(app, peer, &head.headers);
    let call = Call { app, record, client: &client, request_id, caller: None };
    let answered = if is_unsigned(head) {
        match read_unsigned(app, peer, body).await {
            Ok(body) => call.run(&body).await,
            Err(error) => Err(error),
        }
    } else {
        // The signed operations of STS change nothing.
        match authenticate::identify(app, peer, Service::Sts, Look::Cached, head, body).await {
            Ok((caller, body)) => {
                connection.guest.is_known();
                record.is_of(&caller.principal, &caller.tenant);
                Call { caller: Some(caller), ..call }.run(&body).await
            }
            Err(failure) => Err(failure.error.into()),
        }
    };
    // This has no effect if the operation was already recorded.
    record.is_for(record::Service::Sts, "none");
    match answered {
        Ok(body) => Answer::new(StatusCode::OK).body(CONTENT_TYPE, body),
        Err(error) => {
            record.is_refused(error.code.as_str(), &error.message);
            refuse(&error, request_id)
        }
    }
}

fn refuse(error: &StsError, request_id: &str) -> Answer {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let answer = Answer::new(status).body(CONTENT_TYPE, error.body(request_id)).because(&error.message);
    match error.code {
        StsErrorCode::ServiceUnavailable => answer.header(RETRY_AFTER, "5"),
        StsErrorCode::RequestEntityTooLarge | StsErrorCode::RequestTimeout => answer.close(),
        _ => answer,
    }
}

/// Whether a call has no trace of a signature. Parameters in a query are never read: every proxy would log an
/// identity token there.
fn is_unsigned(head: &Parts) -> bool {
    head.method == Method::POST && head.uri.query().is_none() && !head.headers.contains_key(AUTHORIZATION)
}

/// Reads the body of an unsigned call, in the memory for unverified bodies.
async fn read_unsigned(app: &App, peer: IpAddr, body: Incoming) -> Result<SmallBody<Share>> {
    let limit = Service::Sts.body_limit(app);
    let read = app.unverified.read(peer, body, limit, app.limits.body_stall).await;
    read.map_err(|unread| Failure::from(unread).error.into())
}

impl Call<'_> {
    /// Runs the operation that the body names.
    async fn run(&self, body: &[u8]) -> Result<Vec<u8>> {
        let asked =
            Parameters::parse(body).and_then(|parameters| Ok((Operation::of(&parameters)?, parameters)));
        let (operation, parameters) = asked.inspect_err(|error| self.count_refusal(None, error))?;
        self.record.is_for(record::Service::Sts, operation.name());
        let answered = match (operation, &self.caller) {
            (Operation::GetCallerIdentity, Some(caller)) if !caller.is_usable_from(self.client.address) => {
                let who = caller.principal.arn(&caller.tenant.account);
                let message = format!("Calls of {who} are not taken from {}.", self.client.address);
                Err(ApiError::access_denied(message).into())
            }
            (Operation::GetCallerIdentity, Some(caller)) => Ok(identity(caller).body(self.request_id)),
            (Operation::GetCallerIdentity, None) => {
                let message = "Request is missing Authentication Token";
                Err(ApiError::new(ErrorCode::MissingAuthenticationTokenException, message).into())
            }
            (Operation::AssumeRoleWithWebIdentity, _) => {
                let Self { app, client, request_id, .. } = *self;
                let action = operation.name();
                let bearer = Bearer { app, client, request_id, action };
                let asked = AssumeRoleWithWebIdentity::read(&parameters)
                    .inspect_err(|error| self.count_refusal(Some(action), error))?;
                // The exchange counts its own refusals, in the account of the role.
                let assumed = assume_role::answer(&bearer, &asked).await?;
                self.record.has_changed(None);
                return Ok(assumed);
            }
        };
        answered.inspect_err(|error| self.count_refusal(Some(operation.name()), error))
    }

    /// Counts a refusal. Of an unknown caller every refusal is counted, of a known caller only "access
    /// denied".
    fn count_refusal(&self, action: Option<&'static str>, error: &StsError) {
        let caller = self.caller.as_ref();
        let kind = match caller {
            None => EventKind::CallRefused,
            Some(_) if error.code == StsErrorCode::AccessDenied => EventKind::RequestRefused,
            Some(_) => return,
        };
        let owner = caller.map(|caller| caller.principal.owner());
        let origin = self.app.origin_of(self.client.address, self.client.user_agent.as_deref(), owner, None);
        let origin = Origin { request: Some(self.request_id.to_owned()), ..origin };
        let refused = Refusal { kind, action, reason: error.code.as_str() };
        self.app.count_refusal(refused, origin, caller.map(|caller| caller.tenant.clone()));
    }
}

/// The identity of the caller. Learning it needs no permission.
fn identity(caller: &Caller) -> CallerIdentity {
    let (principal, account) = (&caller.principal, &caller.tenant.account);
    CallerIdentity {
        arn: principal.arn(account),
        user_id: principal.user_id(account),
        account: account.to_string(),
    }
}
