//! HTTP/1.1 connections, plain or over TLS, kept open for further requests.

use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::deadlines::{CONNECT, IDLE, UNSEEN};
use crate::error::plain;
use crate::sending::Sending;

/// The HTTP client.
pub(crate) type Http = Client<HttpsConnector<HttpConnector>, Sending>;

/// The reason why no connection can be made.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(String);

/// Makes an HTTP client that trusts the certificates of a file, or those of the system. Reads files.
pub(crate) fn connect_with(ca_file: Option<&Path>) -> Result<Http, Unusable> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| Unusable(format!("cannot set up TLS: {error}")))?;
    let tls = config.with_root_certificates(roots(ca_file)?).with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.set_keepalive(Some(Duration::from_secs(15)));
    tcp.set_keepalive_interval(Some(Duration::from_secs(5)));
    tcp.set_keepalive_retries(Some(3));
    #[cfg(target_os = "linux")]
    tcp.set_tcp_user_timeout(Some(UNSEEN));
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(64)
        .build(connector))
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, Unusable> {
    let mut roots = RootCertStore::empty();
    let Some(file) = ca_file else {
        // A system without certificates is no error: some servers have no TLS.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    let refused = |why: String| Unusable(format!("cannot use the certificates of {}: {why}", file.display()));
    let read = CertificateDer::pem_file_iter(file).map_err(|error| refused(error.to_string()))?;
    for certificate in read {
        let certificate = certificate.map_err(|error| refused(error.to_string()))?;
        roots.add(certificate).map_err(|error| refused(error.to_string()))?;
    }
    if roots.is_empty() { Err(refused("it has no PEM certificate".to_owned())) } else { Ok(roots) }
}

/// An error of a connection and its causes, in one line.
pub(crate) fn causes(error: &hyper_util::client::legacy::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !said.contains(&next) {
            said = format!("{said}: {next}");
        }
        cause = error.source();
    }
    plain(&said)
}
