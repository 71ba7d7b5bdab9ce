//! The registry: the OCI Distribution API under `/v2/`, for holders of registry logins.
//!
//! Every request goes the same way: authenticate, read the URL, ask the grant, act. A caller without a valid
//! login learns nothing, not even whether a URL exists.

mod authenticate;
mod blobs;
mod catalog;
pub(crate) mod failed_logins;
pub(crate) mod finished_uploads;
pub(crate) mod gathered;
mod ingest;
mod intake;
mod manifests;
mod mount;
mod page;
mod publish;
mod readable;
mod referrers;
mod refusal;
pub(crate) mod room;
mod tags;
mod upload_append;
mod upload_session;
mod upload_whole;
mod uploads;

use std::net::IpAddr;

use bytes::Bytes;
use gangplank_core::{Access, Action, EventKind, Grant, LoginId, Origin, Scope};
use gangplank_oci::{Endpoint, ErrorCode, OciError, Reference, RepositoryName};
use gangplank_store::metadata::acting;
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, StatusCode};

use crate::app::App;
use crate::http::connection::Connection;
use crate::http::hygiene::Violation;
use crate::http::large_answers::FREE;
use crate::http::own_thread::OwnThread;
use crate::http::record::{Record, Service};
use crate::http::response::Answer;
use crate::refusals;
use authenticate::Refused;
use mount::Mount;
use refusal::Refusal;

/// The repository that always exists. `lightsailctl` pushes to it.
const DEFAULT_REPOSITORY: &str = "sr";

/// Clients recognize a registry by this header.
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// The header with the digest of the content.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// The header with the request's id, for questions to the operator.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

type Result<T> = std::result::Result<T, Refusal>;

/// The facts that a handler gets besides its own arguments.
struct Context<'a> {
    app: &'a App,
    grant: &'a Grant,
    /// The action that the grant has to allow. `None` if every login may send the request.
    asked: Option<Action>,
    /// How much of this action the grant allows.
    access: Access,
    /// The reason for a denial, in words.
    if_denied: &'static str,
    /// The address of the client.
    peer: IpAddr,
    /// The thread that the connection moves to for a large body.
    thread: &'a OwnThread,
    head: &'a Parts,
    record: &'a Record,
}

impl Context<'_> {
    /// The origin of the request, for the audit trail.
    fn origin(&self) -> Origin {
        let (owner, login) = (Some(self.grant.owner.clone()), Some(self.grant.login));
        let origin = self.app.origin(self.peer, &self.head.headers, owner, login);
        Origin { request: Some(self.record.id.to_string()), session: self.grant.session.clone(), ..origin }
    }

    /// Refuses a request that this login may not send, and counts the refusal.
    fn deny(&self) -> Refusal {
        let why = self.if_denied;
        self.count_refusal(why);
        // Docker 20.10 retries after a `DENIED` that has exactly the customary text: five times in 50 seconds.
        // The appended reason prevents that.
        OciError::denied("requested access to the resource is denied").because(why).into()
    }

    /// Checks again that the login has not ended. A body can take long to arrive, and a login that ended
    /// meanwhile must store nothing.
    ///
    /// # Errors
    /// If the login has ended, or if the store fails.
    async fn confirm(&self) -> Result<()> {
        let granted = authenticate::grant(self.app, self.peer, &self.head.headers).await;
        granted.map(drop).map_err(|refused| refused.refusal)
    }

    /// The bytes of an answer, with their part of the memory for large answers.
    ///
    /// # Errors
    /// If earlier answers to this login use all of its part.
    fn held(&self, bytes: Vec<u8>) -> Result<Bytes> {
        if bytes.len() <= FREE {
            return Ok(bytes.into());
        }
        let room = self.app.large_answers.take(self.grant.login, bytes.len());
        Ok(room.ok_or_else(Refusal::busy)?.of(bytes))
    }

    /// The id of a login that can only push. Such a login sees only what it put itself.
    fn pusher(&self) -> Option<LoginId> {
        (!self.grant.scope.pull).then_some(self.grant.login)
    }

    /// Counts that the login's request was refused because the login does not allow it.
    fn count_refusal(&self, reason: &'static str) {
        let action = self.asked.map(Action::as_str);
        let refused = refusals::Refusal { kind: EventKind::RequestRefused, action, reason };
        self.app.count_refusal(refused, self.origin(), Some(self.grant.tenant.clone()));
    }
}

/// Answers one request.
pub(crate) async fn answer(
    app: &App,
    record: &Record,
    connection: &Connection,
    request: Request<Incoming>,
) -> Answer {
    let (head, body) = request.into_parts();
    let answer = match serve(app, record, connection, &head, body).await {
        Ok(answer) => answer,
        Err(refusal) => refusal.noted(record).into_answer(),
    };
    ours(record, answer)
}

/// Adds the headers that every answer of the registry has.
fn ours(record: &Record, answer: Answer) -> Answer {
    answer
        .header(API_VERSION, "registry/2.0")
        .header(REQUEST_ID, record.id.hyphenated().encode_lower(&mut [0; 36]))
}

/// Refuses a malformed request, in the form that registry clients read.
pub(crate) fn refuse_unread(record: &Record, violation: &Violation) -> Answer {
    let code = if violation.is_path { ErrorCode::NameInvalid } else { ErrorCode::Unsupported };
    let error = OciError::new(code, violation.status.as_u16(), violation.text);
    record.is_for(Service::Registry, "none");
    ours(record, Refusal::from(error).noted(record).into_answer()).close()
}

async fn serve(
    app: &App,
    record: &Record,
    connection: &Connection,
    head: &Parts,
    body: Incoming,
) -> Result<Answer> {
    let peer = record.peer;
    let asked = gangplank_oci::route(head.method.as_str(), head.uri.path(), head.uri.query());
    record.is_for(Service::Registry, asked.as_ref().map_or("none", Endpoint::name));
    let grant = match authenticate::grant(app, peer, &head.headers).await {
        Ok(grant) => grant,
        Err(Refused { ended_push: Some(why), refusal }) => {
            let unknown = asked.ok().and_then(|endpoint| wordless(&endpoint));
            return Err(unknown.map_or(refusal, |unknown| unknown.because(why).into()));
        }
        Err(Refused { refusal, .. }) => return Err(refusal),
    };
    connection.guest.is_known();
    app.metrics.used(grant.scope);
    let answered = {
        // Pinned in place, since the future is too large to be moved.
        let answering = std::pin::pin!(act(app, record, &grant, connection, head, (asked, body)));
        app.processor_shares.run(grant.login, std::pin::pin!(acting::with(grant.login, answering))).await
    };
    record.is_of_login(grant);
    answered
}

/// Does what the login asks for.
async fn act(
    app: &App,
    record: &Record,
    grant: &Grant,
    connection: &Connection,
    head: &Parts,
    (asked, body): (std::result::Result<Endpoint, OciError>, Incoming),
) -> Result<Answer> {
    let (endpoint, peer) = (asked?, record.peer);
    if let Some(repository) = endpoint.repository() {
        check_name(head, repository)?;
    }
    let asks = asks(&endpoint);
    let access = access(grant, &asks, peer);
    let asked = asks.first().map(|(action, _)| *action);
    let if_denied = why_denied(grant, peer, &asks);
    let thread = &connection.thread;
    let context = Context { app, grant, asked, access, if_denied, peer, thread, head, record };
    if access == Access::Denied {
        let denied = context.deny();
        return match endpoint {
            // No pull begins with this request.
            Endpoint::HeadBlob { digest, .. } => {
                Err(OciError::blob_unknown(&digest).because(if_denied).into())
            }
            _ => Err(denied),
        };
    }
    match endpoint {
        Endpoint::CheckVersion => Ok(Answer::new(StatusCode::OK).body("application/json", "{}")),
        Endpoint::Catalog { n, last } => catalog::list(&context, n, last.as_deref()).await,
        Endpoint::HeadBlob { repository, digest } => blobs::head(&context, &repository, &digest).await,
        Endpoint::GetBlob { repository, digest } => blobs::get(&context, &repository, &digest).await,
        Endpoint::DeleteBlob { repository, digest } => blobs::delete(&context, &repository, &digest).await,
        Endpoint::StartUpload { repository, digest: Some(digest), mount: None, .. } => {
            uploads::whole(&context, &repository, &digest, body).await
        }
        Endpoint::StartUpload { repository, mount, from, algorithm, .. } => {
            let mount = mount.map(|digest| Mount { digest, from });
            uploads::start(&context, &repository, mount, algorithm).await
        }
        Endpoint::UploadStatus { repository, session } => {
            uploads::status(&context, &repository, &session).await
        }
        Endpoint::UploadChunk { repository, session } => {
            uploads::chunk(&context, &repository, &session, body).await
        }
        Endpoint::FinishUpload { repository, session, digest } => {
            uploads::finish(&context, &repository, &session, &digest, body).await
        }
        Endpoint::CancelUpload { repository, session } => {
            uploads::cancel(&context, &repository, &session).await
        }
        Endpoint::HeadManifest { repository, reference } => {
            manifests::head(&context, &repository, &reference).await
        }
        Endpoint::GetManifest { repository, reference } => {
            manifests::get(&context, &repository, &reference).await
        }
        Endpoint::PutManifest { repository, reference, tags } => {
            manifests::put(&context, &repository, reference, tags, body).await
        }
        Endpoint::DeleteManifest { repository, reference } => {
            manifests::delete(&context, &repository, &reference).await
        }
        Endpoint::ListTags { repository, n, last } => {
            tags::list(&context, &repository, n, last.as_deref()).await
        }
        Endpoint::ListReferrers { repository, digest, artifact_type, last } => {
            let (artifact_type, last) = (artifact_type.as_deref(), last.as_deref());
            referrers::list(&context, &repository, &digest, artifact_type, last).await
        }
    }
}

/// The answer to a refused `HEAD`. An answer to `HEAD` has no body, so it cannot give a reason. A client that
/// is told "not found" continues with a POST or PUT, and the refusal of that can give the reason.
fn wordless(endpoint: &Endpoint) -> Option<OciError> {
    match endpoint {
        Endpoint::HeadBlob { digest, .. } => Some(OciError::blob_unknown(digest)),
        Endpoint::HeadManifest { .. } => Some(OciError::manifest_unknown()),
        _ => None,
    }
}

/// Why the grant does not allow a request.
fn why_denied(grant: &Grant, peer: IpAddr, asks: &[(Action, &str)]) -> &'static str {
    let is_within = |repository| grant.reach.as_ref().is_none_or(|reach| reach.has_repository(repository));
    match (grant.scope, &grant.service) {
        _ if !grant.is_usable_from(peer) => "this login may not be used from this address",
        (_, None) if !asks.iter().all(|(_, repository)| is_within(repository)) => {
            "this login is not for this repository; whoever made it was given others (--repository)"
        }
        (Scope::PUSH, _) => "this login can only push",
        (_, Some(_)) => "this login can only pull the images registered on its service",
        _ => "this login was not made for it",
    }
}

/// How much the grant allows of a request: the access to the first thing asked, or none if any is denied.
fn access(grant: &Grant, asks: &[(Action, &str)], peer: IpAddr) -> Access {
    let mut accesses = asks.iter().map(|(action, repository)| grant.access(*action, repository, peer));
    let usable = if grant.is_usable_from(peer) { Access::Allowed } else { Access::Denied };
    let first = accesses.next().unwrap_or(usable);
    if accesses.any(|access| access == Access::Denied) { Access::Denied } else { first }
}

/// The actions that the grant has to allow, each with its repository. Empty if every login may send the
/// request.
fn asks(endpoint: &Endpoint) -> Vec<(Action, &str)> {
    let action = match endpoint {
        Endpoint::CheckVersion => return Vec::new(),
        Endpoint::HeadBlob { .. } => Action::HeadBlob,
        Endpoint::GetBlob { .. } => Action::GetBlob,
        Endpoint::StartUpload { repository, mount: Some(_), from: Some(from), .. } => {
            // A mount reveals whether the other repository has the blob.
            return vec![(Action::Upload, repository.as_str()), (Action::HeadBlob, from.as_str())];
        }
        Endpoint::StartUpload { .. }
        | Endpoint::UploadStatus { .. }
        | Endpoint::UploadChunk { .. }
        | Endpoint::FinishUpload { .. }
        | Endpoint::CancelUpload { .. } => Action::Upload,
        Endpoint::HeadManifest { .. } => Action::HeadManifest,
        Endpoint::GetManifest { reference: Reference::Digest(_), .. } => Action::GetManifestByDigest,
        Endpoint::GetManifest { reference: Reference::Tag(_), .. } => Action::GetManifestByTag,
        Endpoint::PutManifest { .. } => Action::PutManifest,
        Endpoint::Catalog { .. } => Action::ListRepositories,
        Endpoint::ListTags { .. } => Action::ListTags,
        Endpoint::ListReferrers { .. } => Action::ListReferrers,
        Endpoint::DeleteBlob { .. } | Endpoint::DeleteManifest { .. } => Action::Delete,
    };
    vec![(action, endpoint.repository().map_or("", RepositoryName::as_str))]
}

/// Checks the length of the name. Clients cut references at 255 characters, host included (OCI Distribution,
/// "Pulling manifests").
fn check_name(head: &Parts, repository: &RepositoryName) -> Result<()> {
    let host = head.headers.get(HOST).map_or(0, HeaderValue::len);
    if host + 1 + repository.as_str().len() > RepositoryName::MAX_LENGTH {
        return Err(OciError::name_invalid("host and repository name together are longer than 255").into());
    }
    Ok(())
}
