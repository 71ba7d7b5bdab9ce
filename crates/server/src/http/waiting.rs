//! The listeners while the store is out of reach at the start. The process is alive and not ready, and refuses
//! everything else in a form that clients read and try again.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use gangplank_api::{ApiError, ErrorCode};
use gangplank_oci::OciError;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::RETRY_AFTER;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::dispatch::is_registrys;
use super::health;
use super::response::Answer;
use crate::control;

/// The most connections at once. Each has one request.
const CONNECTIONS: usize = 256;

/// The longest time for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bodies up to this size are read, in bytes. A client that is still sending may miss the answer.
const SMALL: usize = 64 << 10;

/// The pause after a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(50);

/// The clients that may connect to a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visitors {
    /// Only operators. The answer tells them the fault.
    Operators,
    /// Any client. The answer does not tell it the fault.
    Anybody,
}

/// Answers on a listener until the future is dropped.
pub(crate) async fn refuse(listener: &TcpListener, tls: Option<&TlsAcceptor>, visitors: Visitors) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let tls = tls.cloned();
        tokio::spawn(async move {
            let _ = timeout(PATIENCE, serve(stream, tls, visitors)).await;
            drop(place);
        });
    }
}

async fn serve(stream: TcpStream, tls: Option<TlsAcceptor>, visitors: Visitors) -> io::Result<()> {
    match tls {
        Some(tls) => serve_http(tls.accept(stream).await?, visitors).await,
        None => serve_http(stream, visitors).await,
    }
    Ok(())
}

async fn serve_http(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, visitors: Visitors) {
    let service = service_fn(|request: Request<Incoming>| async move {
        let answer = answer(&request, visitors);
        let _ = Limited::new(request.into_body(), SMALL).collect().await;
        Ok::<_, Infallible>(answer.close().into_response())
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    // A client that disconnects has no need of an answer.
    let _ = connection.await;
}

fn answer<B>(request: &Request<B>, visitors: Visitors) -> Answer {
    let path = request.uri().path();
    if let Some(answer) = health::while_waiting(path, visitors == Visitors::Operators) {
        return answer;
    }
    let refused = if is_registrys(path) {
        Answer::new(StatusCode::SERVICE_UNAVAILABLE).body("application/json", OciError::unavailable().body())
    } else {
        let text = "The server's storage cannot be used now. Nothing was acknowledged; try again.";
        control::refuse_as(request, &ApiError::new(ErrorCode::ServiceUnavailable, text))
    };
    refused.header(RETRY_AFTER, "5")
}
