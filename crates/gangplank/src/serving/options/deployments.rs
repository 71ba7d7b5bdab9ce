//! The options for running images: the engine, its resources, the names of services, and the logs that are kept.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use gangplank_core::container_service::Entrance;
use gangplank_server::{Deployments, EngineChoice, TlsFiles};
use gangplank_store::logs::LogsKept;
use serde::Deserialize;

use super::ServeOptions;
use super::config::is_host_and_port;
use crate::cli::usage::named;
use crate::files::home_folders;
use crate::values::duration;

/// Adds the options for running images to other options, and passes all of them to the macro that declares them.
macro_rules! with_deployments {
    ($declare:ident! { { $($others:tt)* } { $($keys:tt)* } }) => { $declare! {
        {
            $($others)*

            /// Engine that runs images: Docker Engine, Podman, the first of them that answers, or none. A user of an
            /// engine's socket is root on its machine; a rootless engine is safer [default: auto]
            #[arg(help_heading = "Deployments")]
            engine: deployments::Engine, "GANGPLANK_ENGINE";
            #[arg(value_name = "URL", help_heading = "Deployments", help = "Where the engine is: \
                unix:///run/docker.sock or tcp://127.0.0.1:2375 [default: the one that DOCKER_HOST names, else the \
                usual sockets]")]
            engine_host: String, "GANGPLANK_ENGINE_HOST";
            /// host:port by which the engine reaches this registry [default: the one of --listen, on loopback]
            #[arg(value_name = "HOST:PORT", help_heading = "Deployments")]
            engine_registry: String, "GANGPLANK_ENGINE_REGISTRY";
            /// Processors that services may be promised, in sum; fractions are allowed [default: four times the
            /// engine's]
            #[arg(value_name = "CPUS", allow_hyphen_values = true, help_heading = "Deployments")]
            engine_cpus: deployments::Cpus, "GANGPLANK_ENGINE_CPUS";
            /// Memory that services may be promised, in sum [default: the engine's]
            #[arg(value_name = "SIZE", allow_hyphen_values = true, help_heading = "Deployments")]
            engine_memory: ByteSize, "GANGPLANK_ENGINE_MEMORY";
            /// Let deployments name images of registries at private addresses
            /// [default: only while everything listens on loopback]
            #[arg(num_args = 0..=1, default_missing_value = "true", value_name = "BOOL", help_heading = "Deployments")]
            engine_allow_private_registries: bool, "GANGPLANK_ENGINE_ALLOW_PRIVATE_REGISTRIES";
            /// Time that a deployment may take until it is active [default: 5m]
            #[arg(value_name = "TIME", allow_hyphen_values = true, help_heading = "Deployments")]
            deployment_timeout: LengthOfTime, "GANGPLANK_DEPLOYMENT_TIMEOUT";
            /// Domain under which each service has its own name [default: localhost]
            #[arg(value_name = "DOMAIN", help_heading = "Deployments")]
            service_domain: String, "GANGPLANK_SERVICE_DOMAIN";
            #[arg(value_name = "SCHEME[:PORT]", help_heading = "Deployments", help = "Scheme of services' URLs where a \
                proxy stands in front, with a port if it is not the usual one: https or https:8443 \
                [default: those of the listener]")]
            service_entrance: String, "GANGPLANK_SERVICE_ENTRANCE";
            /// Address on which only services answer, in addition to --listen [default: none]
            #[arg(value_name = "ADDR", value_parser = listen_address, help_heading = "Deployments")]
            #[serde(default, deserialize_with = "file::address")]
            endpoint_listen: SocketAddr, "GANGPLANK_ENDPOINT_LISTEN";
            /// Address, usually of port 80, that sends visitors of services on to https:// [default: none]
            #[arg(value_name = "ADDR", value_parser = listen_address, help_heading = "Deployments")]
            #[serde(default, deserialize_with = "file::address")]
            http_listen: SocketAddr, "GANGPLANK_HTTP_LISTEN";
            /// Address on which other replicas relay requests to services that run here, in plain HTTP; for a private
            /// network [default: none]
            #[arg(value_name = "ADDR", value_parser = listen_address, help_heading = "Deployments")]
            #[serde(default, deserialize_with = "file::address")]
            replica_listen: SocketAddr, "GANGPLANK_REPLICA_LISTEN";
            /// host:port by which other replicas reach --replica-listen [default: the address of --replica-listen]
            #[arg(value_name = "HOST:PORT", help_heading = "Deployments")]
            replica_address: String, "GANGPLANK_REPLICA_ADDRESS";
            /// Time that the output of containers is kept, in days or as in 12h [default: 4d]
            #[arg(value_name = "TIME", allow_hyphen_values = true, help_heading = "Deployments")]
            container_log_days: Days, "GANGPLANK_CONTAINER_LOG_DAYS";
            /// Size of the log of one container [default: 100 MiB]
            #[arg(value_name = "SIZE", allow_hyphen_values = true, help_heading = "Deployments")]
            max_container_log_bytes: ByteSize, "GANGPLANK_MAX_CONTAINER_LOG_BYTES";
        }
        {
            $($keys)*
            /// Certificates for domain names of services, by the name in the service's `publicDomainNames`.
            certificates: std::collections::BTreeMap<String, deployments::Certificate>;
        }
    } };
}

/// The part of the sample file that no flag can express.
pub(super) const SAMPLE: &str = r#"
# A certificate for domain names of services: publicDomainNames names it, here "example". Add one table for each.
#[certificates.example]
#cert = "/etc/gangplank/example.pem"
#key = "/etc/gangplank/example.key.pem"
"#;

/// The keys of a certificate in the file.
pub(super) const CERTIFICATE_KEYS: [&str; 2] = ["cert", "key"];

/// The kind of engine that runs images.
// The variants have no doc comments: with them clap would lay out the help differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Engine {
    Auto,
    Docker,
    Podman,
    None,
}

/// A number of processors, which may be a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct Cpus(f64);

/// The files of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Certificate {
    cert: PathBuf,
    key: PathBuf,
}

impl std::str::FromStr for Cpus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // More processors than any machine has. Below that, sums cannot overflow.
        let in_range = |cpus: &f64| (0.01..=1_000_000.0).contains(cpus);
        let cpus = text.trim().parse().ok().filter(in_range);
        cpus.map(Self).ok_or_else(|| format!("{text:?} is no number of processors; write 4 or 0.5"))
    }
}

/// The forms that TOML allows.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a number of processors is written 4 or 0.5")]
enum Written {
    Whole(i64),
    Part(f64),
    Text(String),
}

impl TryFrom<Written> for Cpus {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Whole(cpus) => cpus.to_string().parse(),
            Written::Part(cpus) => cpus.to_string().parse(),
            Written::Text(text) => text.parse(),
        }
    }
}

impl ServeOptions {
    /// Makes the part of the configuration that is about running images.
    pub(super) fn deployments(&self) -> Result<Deployments> {
        let default = Deployments::default();
        let engine = self.engine_choice(default.engine);
        if let Some(registry) = &self.engine_registry {
            let name = named("engine-registry");
            ensure!(
                is_host_and_port(registry),
                "{name} is host:port without a scheme, such as 10.0.0.5:5000"
            );
        }
        if let Some(address) = &self.replica_address {
            let name = named("replica-address");
            let has_port = address
                .rsplit_once(':')
                .is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0));
            ensure!(
                is_host_and_port(address) && has_port,
                "{name} is host:port without a scheme, such as 10.0.0.5:5100"
            );
            ensure!(self.replica_listen.is_some(), "{name} is of no use without {}", named("replica-listen"));
        }
        let timeout = self.deployment_timeout.map_or(default.timeout, |given| given.0);
        let longest = 86_400;
        ensure!(
            (1..=longest).contains(&timeout.as_secs()),
            "{} is from 1s to {}",
            named("deployment-timeout"),
            duration::shown(longest)
        );
        let memory = self.engine_memory.map(|given| given.0);
        // A service of power nano has half a GiB.
        ensure!(
            memory.is_none_or(|memory| memory >= 512 << 20),
            "{} is at least 512 MiB, which one node of the smallest power has",
            named("engine-memory")
        );
        Ok(Deployments {
            engine,
            engine_host: self.engine_host(engine)?,
            engine_registry: self.engine_registry.clone(),
            engine_cpus: self.engine_cpus.map(|cpus| cpus.0),
            engine_memory: memory,
            allow_private_registries: self.engine_allow_private_registries,
            timeout,
            service_domain: self.service_domain.as_deref().map_or(Ok(default.service_domain), domain)?,
            service_entrance: self.service_entrance.as_deref().map(entrance).transpose()?,
            endpoint_listen: self.endpoint_listen,
            http_listen: self.http_listen,
            replica_listen: self.replica_listen,
            replica_address: self.replica_address.clone(),
            certificates: self.certificates.as_ref().map(certificates).unwrap_or_default(),
            logs: self.logs(default.logs)?,
            runtime_dir: home_folders::runtime(),
        })
    }

    fn logs(&self, default: LogsKept) -> Result<LogsKept> {
        let age = self.container_log_days.map_or(default.age, |days| days.0);
        let bytes = self.max_container_log_bytes.map_or(default.bytes, |given| given.0);
        ensure!(!age.is_zero(), "{} is at least 1s", named("container-log-days"));
        ensure!(bytes >= 1 << 20, "{} is at least 1 MiB", named("max-container-log-bytes"));
        Ok(LogsKept { age, bytes })
    }

    /// The address of the engine, if a variable gives it. Podman's own programs do not read `DOCKER_HOST`.
    fn engine_host(&self, engine: EngineChoice) -> Result<Option<String>> {
        if let Some(host) = &self.engine_host {
            if !is_engine(host) {
                bail!(
                    "{} is unix:///path/of/a/socket or tcp://host:port, and {host:?} is not",
                    named("engine-host")
                );
            }
            return Ok(Some(host.clone()));
        }
        let host = std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty());
        match (engine, host) {
            (EngineChoice::Auto | EngineChoice::Docker, Some(host)) if is_engine(&host) => Ok(Some(host)),
            (EngineChoice::Docker, Some(host)) => bail!(
                "DOCKER_HOST names {host:?}, and an engine is reached by unix:///path/of/a/socket or \
                 tcp://host:port: give --engine-host"
            ),
            (EngineChoice::Auto, Some(host)) => {
                tracing::warn!(host, "DOCKER_HOST names no unix:// or tcp:// address, so it is not used");
                Ok(None)
            }
            _ => Ok(None),
        }
    }
}

fn is_engine(host: &str) -> bool {
    match host.split_once("://") {
        Some(("unix", path)) => path.starts_with('/'),
        Some(("tcp" | "http" | "https", address)) => {
            is_host_and_port(address.strip_suffix('/').unwrap_or(address))
        }
        _ => false,
    }
}

fn certificates(files: &BTreeMap<String, Certificate>) -> BTreeMap<String, TlsFiles> {
    let of = |files: &Certificate| TlsFiles { certificate: files.cert.clone(), key: files.key.clone() };
    files.iter().map(|(name, files)| (name.clone(), of(files))).collect()
}

fn entrance(text: &str) -> Result<Entrance> {
    let option = named("service-entrance");
    Entrance::parse(text)
        .with_context(|| format!("{option} is https or http, or https:8443, and {text:?} is not"))
}

/// Checks the domain of services, and writes it in lower case. A name has at most 253 characters, and a service needs
/// up to 96 of them in front of the domain.
fn domain(text: &str) -> Result<String> {
    let domain = text.to_ascii_lowercase();
    let is_label = |label: &str| {
        let known = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && known && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_address = domain.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    ensure!(
        domain.len() <= 157 && domain.split('.').all(is_label) && !is_address,
        "{} is a domain such as apps.example.com, without a scheme, a port or a star, of at most 157 characters",
        named("service-domain")
    );
    Ok(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Deployments> {
        let options: ServeOptions = toml::from_str(text)?;
        options.deployments()
    }

    #[test]
    fn what_is_given_reaches_the_server() {
        let told = read(
            "engine = 'podman'\nengine-host = 'unix:///run/podman/podman.sock'\nengine-registry = '10.0.0.5:5000'\n\
             engine-cpus = 2.5\nengine-memory = '4 GiB'\nengine-allow-private-registries = false\n\
             deployment-timeout = 20\nservice-domain = 'Apps.Example.com'\nservice-entrance = 'https'\nendpoint-listen = '127.0.0.1:8080'\n\
             replica-listen = '0.0.0.0:5100'\nreplica-address = 'replica-1:5100'\n\
             container-log-days = 2\nmax-container-log-bytes = '1 MiB'\n\
             [certificates.web]\ncert = 'a.pem'\nkey = 'b.pem'\n[certificates.shop]\ncert = 'c.pem'\nkey = 'd.pem'\n",
        )
        .unwrap();
        assert_eq!(told.engine, EngineChoice::Podman);
        assert_eq!(told.engine_host.as_deref(), Some("unix:///run/podman/podman.sock"));
        assert_eq!(told.engine_registry.as_deref(), Some("10.0.0.5:5000"));
        assert_eq!((told.engine_cpus, told.engine_memory), (Some(2.5), Some(4 << 30)));
        assert_eq!((told.allow_private_registries, told.timeout.as_secs()), (Some(false), 20));
        assert_eq!(told.service_domain, "apps.example.com");
        assert_eq!(told.service_entrance.map(|it| it.url("a")).as_deref(), Some("https://a/"));
        assert_eq!(told.endpoint_listen.map(|address| address.port()), Some(8080));
        assert_eq!(told.replica_listen.map(|address| address.port()), Some(5100));
        assert_eq!(told.replica_address.as_deref(), Some("replica-1:5100"));
        assert_eq!((told.logs.age.as_secs(), told.logs.bytes), (2 * 86_400, 1 << 20));
        let names: Vec<_> = told.certificates.keys().map(String::as_str).collect();
        assert_eq!(names, ["shop", "web"]);
        assert_eq!(told.certificates["web"].key, PathBuf::from("b.pem"));
    }

    #[test]
    fn what_no_engine_could_keep_is_refused() {
        for (text, part) in [
            ("engine-host = 'ssh://host'", "unix:///path"),
            ("engine-host = 'unix://run/x'", "unix:///path"),
            ("engine-host = 'tcp://'", "tcp://host:port"),
            ("engine-registry = 'http://x'", "host:port without a scheme"),
            ("replica-listen = '[::]:5100'\nreplica-address = 'http://x:5100'", "host:port without a scheme"),
            ("replica-listen = '[::]:5100'\nreplica-address = 'replica-1'", "host:port without a scheme"),
            ("replica-listen = '[::]:5100'\nreplica-address = 'replica-1:0'", "host:port without a scheme"),
            ("replica-address = 'replica-1:5100'", "of no use without"),
            ("engine-cpus = 0", "no number of processors"),
            ("engine-cpus = -1", "no number of processors"),
            ("engine-cpus = 'many'", "no number of processors"),
            ("engine-cpus = nan", "no number of processors"),
            ("engine-memory = 1", "at least 512 MiB"),
            ("deployment-timeout = 0", "from 1s to 24h"),
            ("deployment-timeout = '2d'", "from 1s to 24h"),
            ("service-entrance = 'https://x'", "https:8443"),
            ("service-domain = 'https://x'", "without a scheme"),
            ("service-domain = '*.example.com'", "a star"),
            ("service-domain = '10.0.0.1'", "such as apps.example.com"),
            ("service-domain = ''", "such as apps.example.com"),
            ("container-log-days = 0", "at least 1s"),
            ("max-container-log-bytes = 1", "at least 1 MiB"),
            ("engine = 'kubernetes'", "kubernetes"),
        ] {
            let refused = format!("{:#}", read(text).unwrap_err());
            assert!(refused.contains(part), "{text}: {refused}");
        }
    }
}
