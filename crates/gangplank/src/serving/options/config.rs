//! Makes the server's configuration from the options, with a default for each that is missing.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use gangplank_core::{Leases, Region, tenant};
use gangplank_server::{AuditKept, Collection, Config, Network, TlsFiles};
use gangplank_store::open::{Bucket, Failovers};

use super::console::Console;
use super::{DEFAULT_LISTEN, ServeOptions, limits, root_key};
use crate::bucket;
use crate::cli::usage::named;

/// The time in which the scrub reads all content once.
const SCRUB_INTERVAL: Duration = Duration::from_hours(7 * 24);

impl ServeOptions {
    /// Checks the options and makes the server's configuration of them. `open_files` is the limit on open files, which
    /// caps the connections.
    ///
    /// # Errors
    /// If an option has a value that cannot work, or two options contradict each other; the error names them.
    pub(crate) fn into_config(self, open_files: Option<u64>) -> Result<Config> {
        let tls = match (self.tls_cert.clone(), self.tls_key.clone()) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (None, None) => None,
            _ => bail!("--tls-cert and --tls-key belong together"),
        };
        let regions: Vec<Region> = match &self.regions {
            None => tenant::REGIONS.iter().filter_map(|region| Region::parse(region)).collect(),
            Some(list) => list.0.iter().map(|region| parse_region(region)).collect::<Result<_>>()?,
        };
        let proxies = match &self.trusted_proxies {
            None => Vec::new(),
            Some(list) => list.0.iter().map(|network| parse_network(network)).collect::<Result<_>>()?,
        };
        if regions.is_empty() {
            bail!("{} is an empty list; leave it out for all of Lightsail's regions", named("regions"));
        }
        let (quotas, limits, audit) = (self.quotas(), self.limits(open_files), self.audit());
        let (collection, deployments) = (self.collection()?, self.deployments()?);
        let issuers = self.issuers()?;
        limits::check(&limits)?;
        if let Some(address) = &self.public_address {
            check_public_address(address)?;
        }
        let (location, master_key) = (self.location()?, self.shared_master_key()?);
        let bucket = self.bucket(limits.blob_bytes)?;
        let redirects = self.redirects(bucket.as_ref())?;
        // Reading a bucket costs requests and traffic.
        let scrub_interval = if bucket.is_some() { Duration::ZERO } else { SCRUB_INTERVAL };
        let scrub_interval = self.scrub_interval.map_or(scrub_interval, |given| given.0);
        let scrub_interval = Some(scrub_interval).filter(|interval| !interval.is_zero());
        Ok(Config {
            upgrades_database: self.migrate.unwrap_or(false),
            bucket,
            redirects,
            listen: self.listen.map_or_else(|| DEFAULT_LISTEN.parse(), Ok)?,
            admin_listen: self.admin_listen,
            location,
            master_key_file: self.master_key_file,
            master_key,
            public_address: self.public_address,
            tls,
            insecure_http: self.insecure_http.unwrap_or(false),
            account_metrics: self.account_metrics.unwrap_or(false),
            console: self.console != Some(Console::Off),
            regions,
            root_key: root_key::of_environment()?,
            quotas,
            limits,
            proxies,
            audit,
            collection,
            dropped_log_lines: Arc::default(),
            deployments,
            issuers,
            scrub_interval,
        })
    }

    fn bucket(&self, largest_blob: u64) -> Result<Option<Bucket>> {
        let options = bucket::Options {
            endpoint: self.s3_endpoint.clone(),
            region: self.s3_region.clone(),
            path_style: self.s3_path_style,
            ca_file: self.s3_ca_file.clone(),
            insecure_http: self.s3_insecure_http.unwrap_or(false),
            scratch_dir: self.scratch_dir.clone(),
        };
        match &self.blobs {
            Some(blobs) => {
                let location = blobs.parse().with_context(|| named("blobs"))?;
                options.bucket(location, largest_blob).map(Some)
            }
            None => match options.named() {
                Some(option) => {
                    bail!("{option} is for a bucket, and no bucket is named: give {}", named("blobs"))
                }
                None => Ok(None),
            },
        }
    }

    fn audit(&self) -> AuditKept {
        let default = AuditKept::default();
        AuditKept {
            age: self.audit_days.map_or(default.age, |days| days.0),
            events: self.max_audit_events.unwrap_or(default.events),
        }
    }

    fn collection(&self) -> Result<Collection> {
        let default = Collection::default();
        let grace = self.gc_grace.map_or(default.leases.grace, |given| given.0);
        let interval = self.gc_interval.map_or(default.interval, |given| given.0);
        if interval.is_zero() {
            bail!("{} is at least 1s", named("gc-interval"));
        }
        if self.blobs.is_none() {
            let options = [
                ("restore-window", self.restore_window.is_some()),
                ("trust-failovers", self.trust_failovers.is_some()),
            ];
            if let Some((option, _)) = options.into_iter().find(|(_, is_given)| *is_given) {
                bail!("{} is for a bucket, and no bucket is named: give {}", named(option), named("blobs"));
            }
        }
        let restore_window = self.restore_window.map(|given| given.0);
        let failovers =
            if self.trust_failovers == Some(true) { Failovers::LoseNothing } else { Failovers::MayLose };
        Ok(Collection { leases: Leases { grace }, interval, restore_window, failovers })
    }
}

fn parse_region(text: &str) -> Result<Region> {
    let known = || {
        let (name, all) = (named("regions"), tenant::REGIONS.join(", "));
        format!("{name}: {text:?} is no region of Lightsail's; those are {all}")
    };
    Region::parse(text).with_context(known)
}

fn parse_network(text: &str) -> Result<Network> {
    let name = named("trusted-proxies");
    let network: Network = text
        .parse()
        .map_err(|_| anyhow!("{name}: {text:?} is no address, nor a range such as 10.0.0.0/8"))?;
    if network.is_all() {
        bail!(
            "{name}: {text} is every address, so anybody could write in X-Forwarded-For whom a request comes from; \
             name the addresses of the proxies, such as 10.0.0.0/8"
        );
    }
    Ok(network)
}

fn check_public_address(address: &str) -> Result<()> {
    if !is_host_and_port(address) {
        let name = match named("public-address") {
            name if name.starts_with("GANGPLANK") => name,
            _ => "--public-address".to_owned(),
        };
        bail!("{name} is host[:port] without a scheme, for example registry.example.com");
    }
    Ok(())
}

/// Whether text is `host[:port]`.
pub(super) fn is_host_and_port(address: &str) -> bool {
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
    host && port
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::comma_list::CommaList;

    #[test]
    fn a_flag_wins_over_the_file() {
        let file: ServeOptions = toml::from_str("listen = '127.0.0.1:1'\nmax-blob-bytes = 7").unwrap();
        let flags = ServeOptions { listen: Some("127.0.0.1:2".parse().unwrap()), ..ServeOptions::default() };
        let config = flags.or(file).into_config(Some(100)).unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.limits.blob_bytes, 7);
        assert_eq!(config.limits.connections, 45);
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let refused = |options: ServeOptions| options.into_config(None).unwrap_err().to_string();
        let cert_alone = ServeOptions { tls_cert: Some("a.pem".into()), ..ServeOptions::default() };
        assert!(refused(cert_alone).contains("--tls-key"));
        let region = ServeOptions { regions: "us-east-1, mars-1".parse().ok(), ..ServeOptions::default() };
        assert!(refused(region).contains("mars-1"));
        let nowhere = ServeOptions { regions: Some(CommaList::default()), ..ServeOptions::default() };
        assert!(refused(nowhere).contains("regions is an empty list"));
        let never = ServeOptions { idle_timeout: "1000d".parse().ok(), ..ServeOptions::default() };
        assert!(refused(never).contains("idle-timeout"));
        let nobody = ServeOptions { max_connections: Some(0), ..ServeOptions::default() };
        assert!(refused(nobody).contains("max-connections"));
        let deep = ServeOptions { max_manifest_nesting: Some(101), ..ServeOptions::default() };
        assert!(refused(deep).contains("max-manifest-nesting"));
        let proxies = ServeOptions { trusted_proxies: "10.0.0.0/99".parse().ok(), ..ServeOptions::default() };
        assert!(refused(proxies).contains("10.0.0.0/99"));
        for all in ["0.0.0.0/0", "10.0.0.1, ::/0", "::ffff:0:0/96"] {
            let proxies = ServeOptions { trusted_proxies: all.parse().ok(), ..ServeOptions::default() };
            assert!(refused(proxies).contains("is every address"), "{all}");
        }
        let address = ServeOptions { public_address: Some("https://x".into()), ..ServeOptions::default() };
        assert!(refused(address).contains("without a scheme"));
    }
}
