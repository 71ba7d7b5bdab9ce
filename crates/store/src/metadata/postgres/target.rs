//! Which database, and how it is reached.

use std::net::IpAddr;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Result, StoreError};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);

/// A host that says nothing for so long is asked whether it is there.
const SILENT: Duration = Duration::from_secs(10);

/// What was sent and not taken for so long ends a connection.
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// Limits of a session. The server ends a transaction whose client is gone, and with it its locks.
pub(super) const LIMITS: [(&str, &str); 6] = [
    ("statement_timeout", "15s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
];

/// A PostgreSQL database, and how it is reached.
#[derive(Clone)]
pub struct Target {
    pub(super) config: tokio_postgres::Config,
    pub(super) tls: MakeRustlsConnect,
    pub(super) statements: Statements,
}

/// Whether statements are prepared once for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Statements {
    /// They are, and the session is the program's own.
    Prepared,
    /// They are not: a pooler may give each transaction another session.
    Unnamed,
}

impl Target {
    /// Reads `postgres://user:password@host:port/name`, with the options of libpq behind it, and two more:
    /// `prepared-statements=false` for a pooler that gives each transaction another session, and `sslrootcert=FILE`.
    ///
    /// Passwords and rows go over TLS, with the host's name verified, unless the host is this machine.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] that says what cannot be read. It never holds the password.
    pub fn parse(url: &str) -> Result<Self> {
        let (url, statements) = without(url, "prepared-statements");
        let (url, roots) = without(&url, "sslrootcert");
        let (url, mode) = without(&url, "sslmode");
        let statements = match statements.as_deref() {
            None | Some("true") => Statements::Prepared,
            Some("false") => Statements::Unnamed,
            Some(_) => return Err(StoreError::unusable("prepared-statements is `true` or `false`")),
        };
        let mut config = tokio_postgres::Config::from_str(&url)
            .map_err(|error| StoreError::unusable(format!("the database's URL: {}", because(&error))))?;
        if config.get_hosts().is_empty() {
            return Err(StoreError::unusable("the database's URL names no host"));
        }
        let is_here = config.get_hosts().iter().all(is_here);
        config.ssl_mode(match mode.as_deref() {
            None | Some("disable") if is_here => SslMode::Disable,
            None | Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
            Some(mode) => {
                let why = "a database on another machine is reached over TLS alone";
                return Err(StoreError::unusable(format!("sslmode={mode}: {why}")));
            }
        });
        config
            .connect_timeout(CONNECT)
            .keepalives_idle(SILENT)
            .tcp_user_timeout(UNACKNOWLEDGED)
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name("gangplank");
        }
        if statements == Statements::Prepared {
            // A pooler refuses options, so there each transaction sets what can be set in one.
            let limits: Vec<String> = LIMITS.map(|(name, value)| format!("-c {name}={value}")).into();
            config.options(limits.join(" "));
        }
        Ok(Self { config, tls: MakeRustlsConnect::new(tls(roots.as_deref())?), statements })
    }
}

/// Takes an option out of a URL's query.
fn without(url: &str, name: &str) -> (String, Option<String>) {
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let mut value = None;
    let rest: Vec<&str> = query
        .split('&')
        .filter(|option| match option.split_once('=') {
            Some((key, given)) if key == name => {
                value = Some(given.replace("%2F", "/"));
                false
            }
            _ => true,
        })
        .collect();
    let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    (url, value)
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|it: IpAddr| it.is_loopback()),
    }
}

fn tls(roots: Option<&str>) -> Result<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(StoreError::unusable)?;
    let Some(file) = roots else {
        let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(builder.crypto_provider()));
        let verifier = Arc::new(verifier.map_err(StoreError::unusable)?);
        return Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth());
    };
    let explain = |why: &dyn std::fmt::Display| StoreError::unusable(format!("sslrootcert {file}: {why}"));
    let mut store = rustls::RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(file).map_err(|error| explain(&error))? {
        store.add(root.map_err(|error| explain(&error))?).map_err(|error| explain(&error))?;
    }
    Ok(builder.with_root_certificates(store).with_no_client_auth())
}

/// An error with what caused it: the message alone says little.
pub(super) fn because(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        said.push_str(": ");
        said.push_str(&error.to_string());
        source = error.source();
    }
    said
}
