//! The database to connect to, and the way to connect.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Result, StoreError};

/// The time limit for opening a connection.
pub(super) const CONNECT: Duration = Duration::from_secs(3);

/// After this time without data, a probe asks whether the other host is still there.
const SILENT: Duration = Duration::from_secs(10);

/// The pause between two probes, and the number of unanswered probes after which the connection ends.
const PROBE: Duration = Duration::from_secs(5);
const PROBES: u32 = 3;

/// If sent data stays unacknowledged for this time, the connection ends.
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// Limits of a session. The server ends a transaction whose client is gone, and so releases its locks.
pub(super) const LIMITS: [(&str, &str); 7] = [
    ("statement_timeout", "15s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("client_connection_check_interval", "5s"),
];

/// A PostgreSQL database and how to reach it.
#[derive(Clone)]
pub struct Target {
    /// How to reach each of its hosts.
    pub(super) hosts: Vec<Config>,
    pub(super) tls: MakeRustlsConnect,
    pub(super) statements: Statements,
}

/// The password is not shown.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.to_string();
        f.debug_struct("Target")
            .field("place", &place)
            .field("statements", &self.statements)
            .finish_non_exhaustive()
    }
}

/// The URL without its password and options.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        for (at, host) in self.hosts.iter().enumerate() {
            let name = match host.get_hosts().first() {
                Some(Host::Tcp(name)) => name.clone(),
                Some(Host::Unix(path)) => path.display().to_string(),
                None => String::new(),
            };
            f.write_str(if at == 0 { "" } else { "," })?;
            f.write_str(&name)?;
            if let Some(port) = host.get_ports().first().filter(|port| **port != 5432) {
                write!(f, ":{port}")?;
            }
        }
        let name = self.hosts.first().and_then(|host| host.get_dbname().or_else(|| host.get_user()));
        write!(f, "/{}", name.unwrap_or_default())
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
        let mut config = Config::from_str(&url)
            .map_err(|error| StoreError::unusable(format!("the database's URL: {}", because(&error))))?;
        if config.get_hosts().is_empty() {
            return Err(StoreError::unusable("the database's URL names no host"));
        }
        let is_here = config.get_hosts().iter().all(is_here)
            && config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback);
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
            .keepalives_interval(PROBE)
            .keepalives_retries(PROBES)
            .tcp_user_timeout(UNACKNOWLEDGED)
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name("gangplank");
        }
        if statements == Statements::Prepared {
            // A pooler refuses these options. There each transaction sets the limits that it can set.
            let limits: Vec<String> = LIMITS.map(|(name, value)| format!("-c {name}={value}")).into();
            let given = config.get_options().map(str::to_owned);
            config.options(given.into_iter().chain(limits).collect::<Vec<_>>().join(" "));
        }
        let hosts = each_host(&config)?;
        Ok(Self { hosts, tls: MakeRustlsConnect::new(tls(roots.as_deref())?), statements })
    }
}

impl Target {
    /// A target for sessions with other limits, if the server is told limits.
    pub(super) fn with_limits(&self, limits: &[(&str, &str)]) -> Self {
        let mut other = self.clone();
        if self.statements == Statements::Prepared {
            for host in &mut other.hosts {
                let own = limits.iter().map(|(name, value)| format!("-c {name}={value}"));
                let all: Vec<String> = host.get_options().map(str::to_owned).into_iter().chain(own).collect();
                host.options(all.join(" "));
            }
        }
        other
    }
}

/// A separate configuration for each host, so that the hosts can be asked one by one.
fn each_host(all: &Config) -> Result<Vec<Config>> {
    let (hosts, addresses, ports) = (all.get_hosts(), all.get_hostaddrs(), all.get_ports());
    let fits = |count: usize| count <= 1 || count == hosts.len();
    if !fits(ports.len()) || !(addresses.is_empty() || addresses.len() == hosts.len()) {
        return Err(StoreError::unusable("the database's URL names as many ports and addresses as hosts"));
    }
    let one = |(at, host): (usize, &Host)| {
        let mut one = Config::new();
        one.ssl_mode(all.get_ssl_mode())
            .ssl_negotiation(all.get_ssl_negotiation())
            .channel_binding(all.get_channel_binding())
            .target_session_attrs(all.get_target_session_attrs())
            .keepalives(all.get_keepalives())
            .keepalives_idle(all.get_keepalives_idle());
        match host {
            Host::Tcp(name) => one.host(name),
            Host::Unix(path) => one.host_path(path),
        };
        if let Some(address) = addresses.get(at) {
            one.hostaddr(*address);
        }
        if let Some(port) = ports.get(at).or(ports.first()) {
            one.port(*port);
        }
        let text = |given: Option<&str>| given.map(str::to_owned);
        if let Some(user) = text(all.get_user()) {
            one.user(user);
        }
        if let Some(password) = all.get_password() {
            one.password(password);
        }
        if let Some(name) = text(all.get_dbname()) {
            one.dbname(name);
        }
        if let Some(options) = text(all.get_options()) {
            one.options(options);
        }
        if let Some(name) = text(all.get_application_name()) {
            one.application_name(name);
        }
        if let Some(time) = all.get_connect_timeout() {
            one.connect_timeout(*time);
        }
        if let Some(time) = all.get_tcp_user_timeout() {
            one.tcp_user_timeout(*time);
        }
        if let Some(time) = all.get_keepalives_interval() {
            one.keepalives_interval(time);
        }
        if let Some(count) = all.get_keepalives_retries() {
            one.keepalives_retries(count);
        }
        one
    };
    Ok(hosts.iter().enumerate().map(one).collect())
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

/// An error with its causes. The message of the error itself says little.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn modes(url: &str) -> Vec<SslMode> {
        Target::parse(url).unwrap().hosts.iter().map(Config::get_ssl_mode).collect()
    }

    #[test]
    fn whoever_is_not_on_this_machine_is_reached_over_tls() {
        for url in
            ["postgres://u@127.0.0.1/d", "postgres://u@localhost/d", "postgres://u@%2Frun%2Fpostgresql/d"]
        {
            assert_eq!(modes(url), [SslMode::Disable], "{url}");
        }
        for url in
            ["postgres://u@192.0.2.1/d", "postgres://u@localhost/d?hostaddr=192.0.2.1", "postgres://u@db/d"]
        {
            assert_eq!(modes(url), [SslMode::Require], "{url}");
            let separator = if url.contains('?') { '&' } else { '?' };
            for mode in ["disable", "allow", "prefer"] {
                assert!(Target::parse(&format!("{url}{separator}sslmode={mode}")).is_err(), "{url} {mode}");
            }
        }
        assert_eq!(modes("postgres://u@localhost,db/d"), [SslMode::Require; 2]);
    }

    #[test]
    fn each_host_has_its_own_port() {
        let target = Target::parse("postgres://u:secret@one:5433,two:5434/d").unwrap();
        let hosts: Vec<_> = target.hosts.iter().map(|host| (host.get_hosts(), host.get_ports())).collect();
        let name = |name: &str| Host::Tcp(name.to_owned());
        assert_eq!(hosts, [(&[name("one")][..], &[5433][..]), (&[name("two")][..], &[5434][..])]);
        assert!(target.hosts.iter().all(|host| host.get_password() == Some(b"secret")));
        assert!(!format!("{target:?}").contains("secret"));
    }

    #[test]
    fn a_pooler_gets_no_options_at_the_start_of_a_session() {
        let options = |url| Target::parse(url).unwrap().hosts[0].get_options().map(str::to_owned);
        assert_eq!(options("postgres://u@localhost/d?prepared-statements=false"), None);
        assert!(options("postgres://u@localhost/d").unwrap().contains("statement_timeout=15s"));
        let both = options("postgres://u@localhost/d?options=-c%20work_mem=8MB").unwrap();
        assert!(both.contains("work_mem=8MB") && both.contains("lock_timeout=5s"), "{both}");
    }
}
