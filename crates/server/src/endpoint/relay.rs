//! Relays a visitor's request to the replica that runs the service.
//!
//! A service may move to another replica at any moment. The replica that no longer runs it says so, and the
//! other replicas learn within about a second where it runs. So the request waits a little, and the route is
//! looked up again.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::http::uri::{Authority, Scheme};
use hyper::{Response, StatusCode};
use tokio::time::{Instant, sleep};

use super::Endpoint;
use super::forward::{self, Answered, Failure, Message, ask_nodes};
use super::routes::Route;
use crate::app::App;
use crate::relay::proof::{self, Errand};

/// How long the search for the replica that runs the service may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The pause until the same replica is asked again.
const PAUSE: Duration = Duration::from_millis(250);

/// The other replica gives up first, so its answer says why.
const LEEWAY: Duration = Duration::from_secs(5);

/// How often the log says that a replica does not answer.
const SAID_EVERY: Duration = Duration::from_mins(1);

/// Asks the replica that runs the service, and others as long as repeating the request is safe.
pub(super) async fn ask(app: &App, host: &str, message: &Message) -> Result<Answered, Failure> {
    let begun = Instant::now();
    let mut has_repeated = false;
    loop {
        let Some(route) = app.routes.find(host) else { return Err(Failure::Away) };
        let failure = match &*route {
            Route::Elsewhere(replica) => match ask_replica(app, replica, message).await {
                Ok(response) => return Ok((response, None)),
                Err(failure) => failure,
            },
            // The service came here meanwhile, or it is not known yet whether it is still here.
            Route::Nodes(_) => match ask_nodes(app, host, Arc::clone(&route), message).await {
                Err(Failure::Moved) => Failure::Moved,
                answered => return answered,
            },
            Route::NoEndpoint | Route::Disabled => return Err(Failure::Away),
        };
        match failure {
            Failure::Unsent | Failure::Moved if begun.elapsed() < PATIENCE && message.take_back() => {
                let is_same = app.routes.find(host).is_some_and(|now| Arc::ptr_eq(&now, &route));
                if is_same {
                    sleep(PAUSE).await;
                }
            }
            Failure::Unsent | Failure::Moved => return Err(Failure::Away),
            Failure::Broken if message.may_repeat() && !has_repeated => has_repeated = true,
            failure => return Err(failure),
        }
    }
}

/// Asks one replica.
async fn ask_replica(
    app: &App,
    replica: &Authority,
    message: &Message,
) -> Result<Response<Incoming>, Failure> {
    let mut request = message.to(Scheme::HTTP, replica.clone()).ok_or(Failure::Away)?;
    proof::add(&app.master, app.clock.agreed(), Errand::Visit, &mut request);
    let asking = app.endpoint.replicas.request(request);
    let answered = forward::ask(asking, app.limits.answer + LEEWAY, replica, message).await;
    let mut response = answered.inspect_err(|failure| {
        if matches!(failure, Failure::Unsent) {
            app.endpoint.complain(replica, "it cannot be reached");
        }
    })?;
    match (response.status(), proof::unmark(&mut response)) {
        (StatusCode::MISDIRECTED_REQUEST, true) => Err(Failure::Moved),
        (_, true) => {
            let why = "it does not accept our proof; have both the same master key, and do both reach the database?";
            app.endpoint.complain(replica, why);
            Err(Failure::Moved)
        }
        (_, false) => Ok(response),
    }
}

impl Endpoint {
    /// Logs that a replica does not answer, but not for each request.
    fn complain(&self, replica: &Authority, why: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_none_or(|said| said.elapsed() >= SAID_EVERY) {
            *said = Some(Instant::now());
            tracing::warn!(%replica, "a replica runs a service and does not answer for it: {why}");
        }
    }
}
