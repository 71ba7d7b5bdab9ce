//! What `gangplank serve` can be told: by a flag, an environment variable or a TOML file, in that
//! order of precedence.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use gangplank_core::{AccessKeyId, Leases, Quotas, Region, SecretAccessKey, tenant};
use gangplank_server::{AuditKept, Collection, Config, Limits, Network, TlsFiles};
use serde::Deserialize;

use crate::length_of_time::LengthOfTime;
use crate::logging::Format;

const DEFAULT_LISTEN: &str = "127.0.0.1:5000";
const DEFAULT_DATA_DIR: &str = "gangplank-data";

/// Declares the options once: the flag, the environment variable and the key in the file.
macro_rules! options {
    ($($(#[$attribute:meta])* $field:ident: $kind:ty, $env:literal;)*) => {
        /// The options of `gangplank serve`. In a file they are called as on the command line.
        #[derive(Args, Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        pub(crate) struct ServeOptions {
            $($(#[$attribute])* #[arg(long, env = $env, allow_negative_numbers = true)] pub(crate) $field: Option<$kind>,)*
        }

        impl ServeOptions {
            /// Takes from `file` what is not given here.
            fn or(self, file: Self) -> Self {
                Self { $($field: self.$field.or(file.$field),)* }
            }
        }
    };
}

options! {
    /// Address of the API and the registry [default: 127.0.0.1:5000]
    #[arg(value_name = "ADDR")]
    listen: SocketAddr, "GANGPLANK_LISTEN";
    /// Directory that everything is kept in [default: gangplank-data]
    #[arg(value_name = "DIR")]
    data_dir: PathBuf, "GANGPLANK_DATA_DIR";
    /// Address that answers /healthz and /readyz [default: none]
    #[arg(value_name = "ADDR")]
    admin_listen: SocketAddr, "GANGPLANK_ADMIN_LISTEN";
    /// host[:port] that logins name as the registry [default: the one the API was called by]
    #[arg(value_name = "HOST")]
    public_address: String, "GANGPLANK_PUBLIC_ADDRESS";
    /// Certificate chain in PEM; serves TLS
    #[arg(value_name = "FILE")]
    tls_cert: PathBuf, "GANGPLANK_TLS_CERT";
    /// Private key in PEM
    #[arg(value_name = "FILE")]
    tls_key: PathBuf, "GANGPLANK_TLS_KEY";
    /// Serve plain HTTP on addresses other than loopback
    #[arg(num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    insecure_http: bool, "GANGPLANK_INSECURE_HTTP";
    /// Regions that calls may be signed for, comma-separated [default: all of Lightsail's]
    #[arg(value_name = "REGIONS")]
    regions: String, "GANGPLANK_REGIONS";
    /// What to log: error, warn, info, debug or trace, or parts of it [default: info]
    #[arg(value_name = "FILTER")]
    log: String, "GANGPLANK_LOG";
    /// How a line of the log looks [default: text]
    log_format: Format, "GANGPLANK_LOG_FORMAT";

    /// Addresses of proxies in front, comma-separated, as in 10.0.0.0/8: their X-Forwarded-For is believed [default: none]
    #[arg(value_name = "NETWORKS")]
    trusted_proxies: String, "GANGPLANK_TRUSTED_PROXIES";
    /// How long events stay in the audit trail [default: 90]
    #[arg(value_name = "DAYS")]
    audit_days: u32, "GANGPLANK_AUDIT_DAYS";
    /// How many events of one account stay in the audit trail [default: 1000000]
    #[arg(value_name = "N")]
    max_audit_events: u64, "GANGPLANK_MAX_AUDIT_EVENTS";

    /// How long an unregistered image is kept after the last push, or skip of a push, that relied on it
    /// [default: 24h]
    #[arg(value_name = "TIME", help_heading = "Garbage collection")]
    gc_grace: LengthOfTime, "GANGPLANK_GC_GRACE";
    /// How long after one collection the next begins [default: 10m]
    #[arg(value_name = "TIME", help_heading = "Garbage collection")]
    gc_interval: LengthOfTime, "GANGPLANK_GC_INTERVAL";

    /// Container services in one account and region [default: 100]
    #[arg(value_name = "N", help_heading = "Quotas")]
    max_services_per_region: u32, "GANGPLANK_MAX_SERVICES_PER_REGION";
    /// Registered images on one service [default: 150]
    #[arg(value_name = "N", help_heading = "Quotas")]
    max_images_per_service: u32, "GANGPLANK_MAX_IMAGES_PER_SERVICE";
    /// Tags on one resource [default: 50]
    #[arg(value_name = "N", help_heading = "Quotas")]
    max_tags_per_resource: u32, "GANGPLANK_MAX_TAGS_PER_RESOURCE";
    /// Upload sessions open in one account [default: 1000]
    #[arg(value_name = "N", help_heading = "Quotas")]
    max_open_uploads: u32, "GANGPLANK_MAX_OPEN_UPLOADS";

    /// Size of a blob [default: 10 GiB]
    #[arg(value_name = "BYTES", help_heading = "Limits")]
    max_blob_bytes: u64, "GANGPLANK_MAX_BLOB_BYTES";
    /// Size of a manifest [default: 4 MiB]
    #[arg(value_name = "BYTES", help_heading = "Limits")]
    max_manifest_bytes: u64, "GANGPLANK_MAX_MANIFEST_BYTES";
    /// Size of an API request [default: 1 MiB]
    #[arg(value_name = "BYTES", help_heading = "Limits")]
    max_api_body_bytes: u64, "GANGPLANK_MAX_API_BODY_BYTES";
    /// Size of a request's path and query [default: 8 KiB]
    #[arg(value_name = "BYTES", help_heading = "Limits")]
    max_target_bytes: usize, "GANGPLANK_MAX_TARGET_BYTES";
    /// Size of a request's headers [default: 32 KiB]
    #[arg(value_name = "BYTES", help_heading = "Limits")]
    max_header_bytes: usize, "GANGPLANK_MAX_HEADER_BYTES";
    /// Size of an Authorization header [default: 4 KiB]
    #[arg(value_name = "BYTES", help_heading = "Limits")]
    max_authorization_bytes: usize, "GANGPLANK_MAX_AUTHORIZATION_BYTES";
    /// Connections open at once [default: 20000, or what the limit on open files allows]
    #[arg(value_name = "N", help_heading = "Limits")]
    max_connections: usize, "GANGPLANK_MAX_CONNECTIONS";
    /// Refused logins a minute and address before they are answered 429 [default: 20]
    #[arg(value_name = "N", help_heading = "Limits")]
    max_failed_logins_per_minute: u32, "GANGPLANK_MAX_FAILED_LOGINS_PER_MINUTE";
    /// Time to send a request's head [default: 30]
    #[arg(value_name = "SECONDS", help_heading = "Limits")]
    header_timeout: u64, "GANGPLANK_HEADER_TIMEOUT";
    /// Time that a connection may be open between two requests [default: 75]
    #[arg(value_name = "SECONDS", help_heading = "Limits")]
    idle_timeout: u64, "GANGPLANK_IDLE_TIMEOUT";
    /// Time without a byte in the middle of a body [default: 60]
    #[arg(value_name = "SECONDS", help_heading = "Limits")]
    body_timeout: u64, "GANGPLANK_BODY_TIMEOUT";
    /// Difference between a signature's date and the clock [default: 900]
    #[arg(value_name = "SECONDS", help_heading = "Limits")]
    signature_skew: u64, "GANGPLANK_SIGNATURE_SKEW";
    /// Time to finish requests after SIGTERM [default: 30]
    #[arg(value_name = "SECONDS", help_heading = "Limits")]
    drain_timeout: u64, "GANGPLANK_DRAIN_TIMEOUT";
}

impl ServeOptions {
    /// Completes the options with a file's.
    pub(crate) fn with_file(self, path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(self) };
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
        match toml::from_str(&text) {
            Ok(file) => Ok(self.or(file)),
            Err(error) => bail!("{shown} cannot be used: {}", in_one_line(&text, &error)),
        }
    }

    /// Makes of them what a server is told. `open_files` caps the connections.
    pub(crate) fn into_config(self, open_files: Option<u64>) -> Result<Config> {
        let tls = match (self.tls_cert.clone(), self.tls_key.clone()) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (None, None) => None,
            _ => bail!("--tls-cert and --tls-key belong together"),
        };
        let regions = match &self.regions {
            None => tenant::REGIONS.iter().filter_map(|region| Region::parse(region)).collect(),
            Some(list) => list.split(',').map(|region| parse_region(region.trim())).collect::<Result<_>>()?,
        };
        let proxies = match &self.trusted_proxies {
            None => Vec::new(),
            Some(list) => {
                list.split(',').map(|network| parse_network(network.trim())).collect::<Result<_>>()?
            }
        };
        let (quotas, limits, audit) = (self.quotas(), self.limits(open_files), self.audit());
        let collection = self.collection()?;
        check_limits(&limits)?;
        if let Some(address) = &self.public_address {
            check_public_address(address)?;
        }
        Ok(Config {
            listen: self.listen.map_or_else(|| DEFAULT_LISTEN.parse(), Ok)?,
            admin_listen: self.admin_listen,
            data_dir: self.data_dir.unwrap_or_else(|| DEFAULT_DATA_DIR.into()),
            public_address: self.public_address,
            tls,
            insecure_http: self.insecure_http.unwrap_or(false),
            regions,
            root_key: root_key_from_environment()?,
            quotas,
            limits,
            proxies,
            audit,
            collection,
        })
    }

    fn audit(&self) -> AuditKept {
        let default = AuditKept::default();
        AuditKept {
            age: self.audit_days.map_or(default.age, |days| Duration::from_hours(24) * days),
            events: self.max_audit_events.unwrap_or(default.events),
        }
    }

    fn collection(&self) -> Result<Collection> {
        let default = Collection::default();
        let grace = self.gc_grace.map_or(default.leases.grace, |given| given.0);
        let interval = self.gc_interval.map_or(default.interval, |given| given.0);
        if interval.is_zero() {
            bail!("gc-interval is longer than nothing");
        }
        Ok(Collection { leases: Leases { grace }, interval })
    }

    fn quotas(&self) -> Quotas {
        let default = Quotas::default();
        Quotas {
            services_per_region: self.max_services_per_region.unwrap_or(default.services_per_region),
            images_per_service: self.max_images_per_service.unwrap_or(default.images_per_service),
            tags_per_resource: self.max_tags_per_resource.unwrap_or(default.tags_per_resource),
            open_uploads: self.max_open_uploads.unwrap_or(default.open_uploads),
        }
    }

    fn limits(&self, open_files: Option<u64>) -> Limits {
        let default = Limits::default();
        let seconds = |given: Option<u64>, default| given.map_or(default, Duration::from_secs);
        // Three in four files may be connections; the rest is for blobs and the database.
        let reachable =
            open_files.map_or(usize::MAX, |files| usize::try_from(files / 4 * 3).unwrap_or(usize::MAX));
        Limits {
            manifest_bytes: self.max_manifest_bytes.unwrap_or(default.manifest_bytes),
            blob_bytes: self.max_blob_bytes.unwrap_or(default.blob_bytes),
            api_body_bytes: self.max_api_body_bytes.unwrap_or(default.api_body_bytes),
            target_bytes: self.max_target_bytes.unwrap_or(default.target_bytes),
            header_bytes: self.max_header_bytes.unwrap_or(default.header_bytes),
            authorization_bytes: self.max_authorization_bytes.unwrap_or(default.authorization_bytes),
            connections: self.max_connections.unwrap_or(default.connections).min(reachable),
            failed_logins_per_minute: self
                .max_failed_logins_per_minute
                .unwrap_or(default.failed_logins_per_minute),
            header_read: seconds(self.header_timeout, default.header_read),
            idle: seconds(self.idle_timeout, default.idle),
            body_stall: seconds(self.body_timeout, default.body_stall),
            signature_skew: seconds(self.signature_skew, default.signature_skew),
            drain: seconds(self.drain_timeout, default.drain),
        }
    }
}

/// Where a file is wrong, and why.
fn in_one_line(file: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start).min(file.len());
    let before = file[..start].matches('\n').count();
    let line = file.lines().nth(before).unwrap_or_default().trim();
    format!("line {} ({line}): {}", before + 1, error.message().replace('\n', " "))
}

/// Refuses limits that no server could keep, or with which it would answer nobody.
fn check_limits(limits: &Limits) -> Result<()> {
    const DAY: Duration = Duration::from_hours(24);
    let times = [
        ("header-timeout", limits.header_read),
        ("idle-timeout", limits.idle),
        ("body-timeout", limits.body_stall),
    ];
    for (name, time) in times {
        if time.is_zero() || time > DAY {
            bail!("{name} is a number of seconds from 1 to {}", DAY.as_secs());
        }
    }
    for (name, time) in [("signature-skew", limits.signature_skew), ("drain-timeout", limits.drain)] {
        if time > DAY {
            bail!("{name} is a number of seconds up to {}", DAY.as_secs());
        }
    }
    if limits.connections == 0 || limits.failed_logins_per_minute == 0 {
        bail!("max-connections and max-failed-logins-per-minute are at least 1");
    }
    Ok(())
}

fn parse_region(text: &str) -> Result<Region> {
    let known = || format!("{text:?} is no region of Lightsail's; those are {}", tenant::REGIONS.join(", "));
    Region::parse(text).with_context(known)
}

fn parse_network(text: &str) -> Result<Network> {
    text.parse()
        .map_err(|_| anyhow!("trusted-proxies: {text:?} is no address, nor a range such as 10.0.0.0/8"))
}

fn check_public_address(address: &str) -> Result<()> {
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse::<u16>().is_ok()),
        _ => (address, true),
    };
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
            (1..=253).contains(&host.len()) && host.bytes().all(allowed)
        }
    };
    if !host || !port {
        bail!("--public-address is host[:port] without a scheme, for example registry.example.com");
    }
    Ok(())
}

/// The root access key that the first start is given, if any.
fn root_key_from_environment() -> Result<Option<(AccessKeyId, SecretAccessKey)>> {
    const ID: &str = "GANGPLANK_ROOT_ACCESS_KEY_ID";
    const SECRET: &str = "GANGPLANK_ROOT_SECRET_ACCESS_KEY";
    match (std::env::var(ID).ok(), std::env::var(SECRET).ok()) {
        (Some(id), Some(secret)) => {
            let id = AccessKeyId::parse(&id).context(ID)?;
            Ok(Some((id, SecretAccessKey::parse(&secret).context(SECRET)?)))
        }
        (None, None) => Ok(None),
        _ => bail!("{ID} and {SECRET} belong together"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_file() {
        let file: ServeOptions = toml::from_str("listen = '127.0.0.1:1'\nmax-blob-bytes = 7").unwrap();
        let flags = ServeOptions { listen: Some("127.0.0.1:2".parse().unwrap()), ..ServeOptions::default() };
        let config = flags.or(file).into_config(Some(100)).unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.limits.blob_bytes, 7);
        assert_eq!(config.limits.connections, 75);
    }

    #[test]
    fn a_wrong_file_is_refused_by_name() {
        let error = toml::from_str::<ServeOptions>("lisden = '127.0.0.1:1'").unwrap_err().to_string();
        assert!(error.contains("lisden") && error.contains("listen"), "{error}");
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let refused = |options: ServeOptions| options.into_config(None).unwrap_err().to_string();
        let cert_alone = ServeOptions { tls_cert: Some("a.pem".into()), ..ServeOptions::default() };
        assert!(refused(cert_alone).contains("--tls-key"));
        let region = ServeOptions { regions: Some("us-east-1, mars-1".into()), ..ServeOptions::default() };
        assert!(refused(region).contains("mars-1"));
        let never = ServeOptions { idle_timeout: Some(u64::MAX), ..ServeOptions::default() };
        assert!(refused(never).contains("idle-timeout"));
        let nobody = ServeOptions { max_connections: Some(0), ..ServeOptions::default() };
        assert!(refused(nobody).contains("max-connections"));
        let address = ServeOptions { public_address: Some("https://x".into()), ..ServeOptions::default() };
        assert!(refused(address).contains("without a scheme"));
    }
}
