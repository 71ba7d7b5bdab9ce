//! Which database to connect to, and how.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Result, StoreError};

/// The time limit for opening a connection.
const CONNECT: Duration = Duration::from_secs(3);

/// After such a silence a probe asks whether the other host is still there.
const SILENT: Duration = Duration::from_secs(10);

/// If sent data stays unacknowledged for so long, the connection ends.
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// Limits of a session. The server ends a transaction whose client is gone, and so releases its locks.
pub(super) const LIMITS: [(&str, &str); 6] = [
    ("statement_timeout", "15s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
];

/// A PostgreSQL database and how to reach it.
#[derive(Clone)]
pub struct Target {
    pub(super) config: tokio_postgres::Config,
    pub(super) tls: MakeRustlsConnect,
    pub(super) statements: Statements,
}

/// The password is not shown.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { config, statements, .. } = self;
        f.debug_struct("Target")
            .field("hosts", &config.get_hosts())
            .field("database", &config.get_dbname())
            .field("statements", statements)
            .finish_non_exhaustive()
    }
}

/// How statements are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Statements {
    /// Prepared once per session. The session belongs to this program.
    Prepared,
    /// Not prepared, because a pooler may use another session for each transaction.
    Unnamed,
}

impl Target {
    /// Reads a URL `postgres://user:password@host:port/name`, with libpq's options after `?` and two more.
    /// `prepared-statements=false` is for a pooler that uses another session for each transaction.
    /// `sslrootcert=FILE` names the roots of trust.
    ///
    /// Unless the database is on this machine, the connection uses TLS and verifies the host's name.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with the mistake in the URL. The message never contains the password.
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
            // A pooler refuses these options. There each transaction sets those limits that it can.
            let limits: Vec<String> = LIMITS.map(|(name, value)| format!("-c {name}={value}")).into();
            config.options(limits.join(" "));
        }
        Ok(Self { config, tls: MakeRustlsConnect::new(tls(roots.as_deref())?), statements })
    }
}

/// Removes an option from the query of a URL; returns the rest and the value.
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

/// An error with its causes. Its own message alone says little.
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
