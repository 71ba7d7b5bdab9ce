//! The requests of other replicas, at the listener that is only for them.

pub(crate) mod logs;
pub(crate) mod proof;

use std::net::SocketAddr;

use hyper::body::{Body as _, Incoming};
use hyper::{Request, Response, StatusCode};

use crate::app::App;
use crate::endpoint;
use crate::http::body::AnswerBody;
use crate::http::connection::Connection;
use crate::http::record::{Record, Service};
use crate::http::response::Answer;
use crate::http::turns::Turn;
use proof::Errand;

/// Answers a request at the listener for other replicas. A request without a valid proof gets the same short
/// refusal in every case.
pub(crate) async fn answer(
    app: &App,
    record: &Record,
    peer: SocketAddr,
    connection: &Connection,
    mut request: Request<Incoming>,
    turn: Turn,
) -> Response<AnswerBody> {
    match proof::take(&app.master, app.clock.agreed(), &mut request) {
        Some(Errand::Visit) => {
            connection.guest.is_known();
            record.is_for(Service::Endpoint, "Relay");
            endpoint::answer_relayed(app, peer, connection, request, (turn, record.id)).await
        }
        Some(Errand::Log) if request.body().is_end_stream() => {
            connection.guest.is_known();
            record.is_for(Service::Endpoint, "RelayLog");
            logs::answer(app, request.uri()).await
        }
        _ => {
            record.is_for(Service::Endpoint, "Unproven");
            let refusal =
                Answer::new(StatusCode::FORBIDDEN).body("text/plain; charset=utf-8", "403 Forbidden\n");
            let mut response = refusal.close().into_response();
            proof::mark(&mut response);
            response
        }
    }
}
