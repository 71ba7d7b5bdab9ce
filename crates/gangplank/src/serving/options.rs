//! The options of `gangplank serve`. Each can be a flag, an environment variable or a key in a TOML file, in that
//! order of precedence.

mod account_bytes;
mod config;
mod console;
pub(crate) mod database;
#[macro_use]
mod deployments;
mod file;
mod issuers;
mod limits;
mod redirects;
mod root_key;
pub(crate) mod sample_file;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use account_bytes::AccountBytes;
use anyhow::Result;
use clap::Args;
use console::Console;
pub(crate) use database::DatabaseUrl;
pub(crate) use deployments::Engine;
use serde::Deserialize;

use super::logging::Format;
use crate::bucket::with_bucket;
use crate::values::byte_size::ByteSize;
use crate::values::comma_list::CommaList;
use crate::values::duration::{Days, LengthOfTime};
use crate::values::whole_number;

/// The default address of a server.
pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:5000";
/// The default data directory of a server.
pub(crate) const DEFAULT_DATA_DIR: &str = "gangplank-data";

/// Declares each option once, as a flag, an environment variable and a key in the file. A second list has options
/// that are only keys in the file.
macro_rules! options {
    (
        { $($(#[$attribute:meta])* $field:ident: $kind:ty, $env:literal;)* }
        { $($(#[$in_file:meta])* $key:ident: $value:ty;)* }
    ) => {
        /// The options of `gangplank serve`. The file uses the same names as the command line.
        #[derive(Args, Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        pub(crate) struct ServeOptions {
            $($(#[$attribute])* #[arg(long, env = $env, allow_negative_numbers = true)] pub(crate) $field: Option<$kind>,)*
            $($(#[$in_file])* #[arg(skip)] pub(crate) $key: Option<$value>,)*
        }

        impl ServeOptions {
            /// Takes the options that are missing here from `file`.
            fn or(self, file: Self) -> Self {
                Self { $($field: self.$field.or(file.$field),)* $($key: self.$key.or(file.$key),)* }
            }

            /// The names of the options that differ.
            pub(crate) fn differing(&self, other: &Self) -> impl Iterator<Item = String> {
                let options = [
                    $((stringify!($field), self.$field != other.$field),)*
                    $((stringify!($key), self.$key != other.$key),)*
                ];
                options.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.replace('_', "-"))
            }
        }
    };
}

/// Reads an address to listen on. A host name is refused, because it may stand for several addresses.
pub(crate) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "it is an IP address and a port, such as 127.0.0.1:5000 or [::1]:5000".to_owned())
}

with_bucket! { with_deployments! { options! { {
    /// Address of the API and the registry [default: 127.0.0.1:5000]
    #[arg(value_name = "ADDR", value_parser = listen_address)]
    #[serde(default, deserialize_with = "file::address")]
    listen: SocketAddr, "GANGPLANK_LISTEN";
    /// Directory for everything that the server keeps [default: gangplank-data]
    #[arg(value_name = "DIR")]
    data_dir: PathBuf, "GANGPLANK_DATA_DIR";
    #[arg(value_name = "postgres://USER:PASSWORD@HOST/NAME", hide_env_values = true, help = "PostgreSQL database in place of the directory, with \
        blobs in a bucket; any number of servers use both at once [default: a file in the directory]")]
    database: database::DatabaseUrl, "GANGPLANK_DATABASE";
    /// Change the tables of the PostgreSQL database at the start, if they are of an earlier release; see `gangplank
    /// database migrate`
    #[arg(num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    migrate: bool, "GANGPLANK_MIGRATE";
    /// File of the key that seals secrets in the database, kept apart from them [default: master.key in the directory]
    #[arg(value_name = "FILE")]
    master_key_file: PathBuf, "GANGPLANK_MASTER_KEY_FILE";
    /// Address that answers /healthz, /readyz and /metrics [default: none]
    #[arg(value_name = "ADDR", value_parser = listen_address)]
    #[serde(default, deserialize_with = "file::address")]
    admin_listen: SocketAddr, "GANGPLANK_ADMIN_LISTEN";
    /// Add the bytes that each account stores to /metrics
    #[arg(num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    account_metrics: bool, "GANGPLANK_ACCOUNT_METRICS";
    /// host[:port] of the registry in logins [default: the one the API was called by]
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
    /// Pages for people, under /console/: on or off [default: on]
    console: Console, "GANGPLANK_CONSOLE";
    /// Regions that calls may be signed for, comma-separated [default: all of Lightsail's]
    #[arg(value_name = "REGIONS")]
    regions: CommaList, "GANGPLANK_REGIONS";
    /// Lines of the log, comma-separated: off, error, warn, info, debug, trace, or TARGET=LEVEL [default: info]
    #[arg(value_name = "FILTER")]
    log: CommaList, "GANGPLANK_LOG";
    /// Form of a line of the log [default: text]
    log_format: Format, "GANGPLANK_LOG_FORMAT";

    /// Addresses of proxies in front, comma-separated, as in 10.0.0.0/8: the server believes their X-Forwarded-For
    /// [default: none]
    #[arg(value_name = "NETWORKS")]
    trusted_proxies: CommaList, "GANGPLANK_TRUSTED_PROXIES";
    /// Time that events stay in the audit trail, in days or as in 12h; 0 forgets each at once [default: 90d]
    #[arg(value_name = "TIME", allow_hyphen_values = true)]
    audit_days: Days, "GANGPLANK_AUDIT_DAYS";
    /// Events of one account that stay in the audit trail [default: 1000000]
    #[arg(value_name = "N", value_parser = whole_number::read::<u64>)]
    max_audit_events: u64, "GANGPLANK_MAX_AUDIT_EVENTS";

    /// Time that an unregistered image is kept after the last push that needed it, even if that push skipped
    /// its blobs [default: 24h]
    #[arg(value_name = "TIME", allow_hyphen_values = true, help_heading = "Upkeep")]
    gc_grace: LengthOfTime, "GANGPLANK_GC_GRACE";
    /// Pause between two collections [default: 10m]
    #[arg(value_name = "TIME", allow_hyphen_values = true, help_heading = "Upkeep")]
    gc_interval: LengthOfTime, "GANGPLANK_GC_INTERVAL";
    /// Time that bytes stay in the bucket after their removal from the database, so that a restored database finds them
    /// [default: 24h]
    #[arg(value_name = "TIME", allow_hyphen_values = true, help_heading = "Upkeep")]
    restore_window: LengthOfTime, "GANGPLANK_RESTORE_WINDOW";
    /// Keep removing bytes after a standby of the database took over: every standby is synchronous, so it has
    /// lost nothing [default: false]
    #[arg(num_args = 0..=1, default_missing_value = "true", value_name = "BOOL", help_heading = "Upkeep")]
    trust_failovers: bool, "GANGPLANK_TRUST_FAILOVERS";
    /// Time in which all content is read again and compared with its digest; 0 is never [default: 7d, or never in a bucket]
    #[arg(value_name = "TIME", allow_hyphen_values = true, help_heading = "Upkeep")]
    scrub_interval: LengthOfTime, "GANGPLANK_SCRUB_INTERVAL";

    /// Redirect pulls of large blobs to the bucket's server, with URLs that are valid for ten minutes [default:
    /// false]
    #[arg(num_args = 0..=1, default_missing_value = "true", value_name = "BOOL", help_heading = "Bucket")]
    redirect_pulls: bool, "GANGPLANK_REDIRECT_PULLS";
    #[arg(value_name = "ENDPOINT", help_heading = "Bucket", help = "Address of the bucket's server in these URLs: \
        https://s3.example.com [default: the endpoint]")]
    redirect_endpoint: String, "GANGPLANK_REDIRECT_ENDPOINT";

    /// Container services in one account and region [default: 100]
    #[arg(value_name = "N", help_heading = "Quotas", value_parser = whole_number::read::<u32>)]
    max_services_per_region: u32, "GANGPLANK_MAX_SERVICES_PER_REGION";
    /// Registered images on one service [default: 150]
    #[arg(value_name = "N", help_heading = "Quotas", value_parser = whole_number::read::<u32>)]
    max_images_per_service: u32, "GANGPLANK_MAX_IMAGES_PER_SERVICE";
    /// Tags on one resource [default: 50]
    #[arg(value_name = "N", help_heading = "Quotas", value_parser = whole_number::read::<u32>)]
    max_tags_per_resource: u32, "GANGPLANK_MAX_TAGS_PER_RESOURCE";
    /// Upload sessions open in one account, half of them by one login [default: 1000]
    #[arg(value_name = "N", help_heading = "Quotas", value_parser = whole_number::read::<u32>)]
    max_open_uploads: u32, "GANGPLANK_MAX_OPEN_UPLOADS";
    /// Bytes of images in one account; auto leaves the last tenth of the disk, up to 10 GiB, to others while another
    /// account has a key [default: auto]
    #[arg(value_name = "SIZE", allow_hyphen_values = true, help_heading = "Quotas")]
    max_account_bytes: AccountBytes, "GANGPLANK_MAX_ACCOUNT_BYTES";
    /// Repositories in one account [default: 10000]
    #[arg(value_name = "N", help_heading = "Quotas", value_parser = whole_number::read::<u64>)]
    max_repositories: u64, "GANGPLANK_MAX_REPOSITORIES";
    /// Manifests in one account [default: 1000000]
    #[arg(value_name = "N", help_heading = "Quotas", value_parser = whole_number::read::<u64>)]
    max_manifests: u64, "GANGPLANK_MAX_MANIFESTS";
    /// Tags in the repositories of one account [default: 1000000]
    #[arg(value_name = "N", help_heading = "Quotas", value_parser = whole_number::read::<u64>)]
    max_tags: u64, "GANGPLANK_MAX_TAGS";
    /// Registry logins of one account that have not ended, half of them by one access key or role [default: 10000]
    #[arg(value_name = "N", help_heading = "Quotas", value_parser = whole_number::read::<u32>)]
    max_registry_logins: u32, "GANGPLANK_MAX_REGISTRY_LOGINS";
    /// Access keys of one account [default: 1000]
    #[arg(value_name = "N", help_heading = "Quotas", value_parser = whole_number::read::<u32>)]
    max_access_keys: u32, "GANGPLANK_MAX_ACCESS_KEYS";
    /// Roles of one account [default: 1000]
    #[arg(value_name = "N", help_heading = "Quotas", value_parser = whole_number::read::<u32>)]
    max_roles: u32, "GANGPLANK_MAX_ROLES";
    /// Sessions of the roles of one account that have not ended, half of them of one role [default: 10000]
    #[arg(value_name = "N", help_heading = "Quotas", value_parser = whole_number::read::<u32>)]
    max_role_sessions: u32, "GANGPLANK_MAX_ROLE_SESSIONS";

    /// Size of a blob [default: 10 GiB]
    #[arg(value_name = "SIZE", allow_hyphen_values = true, help_heading = "Limits")]
    max_blob_bytes: ByteSize, "GANGPLANK_MAX_BLOB_BYTES";
    /// Descriptors in a manifest [default: 1000]
    #[arg(value_name = "N", help_heading = "Limits", value_parser = whole_number::read::<usize>)]
    max_manifest_descriptors: usize, "GANGPLANK_MAX_MANIFEST_DESCRIPTORS";
    /// Levels of arrays and objects in a manifest, up to 100 [default: 64]
    #[arg(value_name = "N", help_heading = "Limits", value_parser = whole_number::read::<usize>)]
    max_manifest_nesting: usize, "GANGPLANK_MAX_MANIFEST_NESTING";
    /// Levels of indexes above an image [default: 4]
    #[arg(value_name = "N", help_heading = "Limits", value_parser = whole_number::read::<u32>)]
    max_index_depth: u32, "GANGPLANK_MAX_INDEX_DEPTH";
    /// Size of a manifest [default: 4 MiB]
    #[arg(value_name = "SIZE", allow_hyphen_values = true, help_heading = "Limits")]
    max_manifest_bytes: ByteSize, "GANGPLANK_MAX_MANIFEST_BYTES";
    /// Size of an API request [default: 1 MiB]
    #[arg(value_name = "SIZE", allow_hyphen_values = true, help_heading = "Limits")]
    max_api_body_bytes: ByteSize, "GANGPLANK_MAX_API_BODY_BYTES";
    /// Size of a request's path and query [default: 8 KiB]
    #[arg(value_name = "SIZE", allow_hyphen_values = true, help_heading = "Limits")]
    max_target_bytes: ByteSize, "GANGPLANK_MAX_TARGET_BYTES";
    /// Size of a request's headers [default: 32 KiB]
    #[arg(value_name = "SIZE", allow_hyphen_values = true, help_heading = "Limits")]
    max_header_bytes: ByteSize, "GANGPLANK_MAX_HEADER_BYTES";
    /// Headers in a request [default: 100]
    #[arg(value_name = "N", help_heading = "Limits", value_parser = whole_number::read::<usize>)]
    max_headers: usize, "GANGPLANK_MAX_HEADERS";
    /// Size of an Authorization header [default: 4 KiB]
    #[arg(value_name = "SIZE", allow_hyphen_values = true, help_heading = "Limits")]
    max_authorization_bytes: ByteSize, "GANGPLANK_MAX_AUTHORIZATION_BYTES";
    /// Memory for manifests and API requests, in sum [default: 64 MiB]
    #[arg(value_name = "SIZE", allow_hyphen_values = true, help_heading = "Limits")]
    max_buffered_bytes: ByteSize, "GANGPLANK_MAX_BUFFERED_BYTES";
    /// Memory for API requests whose signature is not verified yet, in sum; one address has at most an eighth
    /// [default: 16 MiB]
    #[arg(value_name = "SIZE", allow_hyphen_values = true, help_heading = "Limits")]
    max_unverified_bytes: ByteSize, "GANGPLANK_MAX_UNVERIFIED_BYTES";
    /// Space that pushes leave free on the disk, so that deletions can still be stored [default: 64 MiB, or an eighth]
    #[arg(value_name = "SIZE", allow_hyphen_values = true, help_heading = "Limits")]
    disk_reserve: ByteSize, "GANGPLANK_DISK_RESERVE";
    /// Time that an upload session may be idle [default: 1h]
    #[arg(value_name = "TIME", allow_hyphen_values = true, help_heading = "Limits")]
    upload_idle_timeout: LengthOfTime, "GANGPLANK_UPLOAD_IDLE_TIMEOUT";
    /// Time from the first to the last request of an upload session [default: 24h]
    #[arg(value_name = "TIME", allow_hyphen_values = true, help_heading = "Limits")]
    upload_timeout: LengthOfTime, "GANGPLANK_UPLOAD_TIMEOUT";
    /// Connections open at once [default: 20000, or what the limit on open files allows]
    #[arg(value_name = "N", help_heading = "Limits", value_parser = whole_number::read::<usize>)]
    max_connections: usize, "GANGPLANK_MAX_CONNECTIONS";
    /// Connections of one address, or one IPv6 /64, open at once; trusted proxies may have more. Beyond it,
    /// connections without an authenticated request are closed, the oldest first [default: 1024]
    #[arg(value_name = "N", help_heading = "Limits", value_parser = whole_number::read::<usize>)]
    max_connections_per_address: usize, "GANGPLANK_MAX_CONNECTIONS_PER_ADDRESS";
    /// Refused logins a minute from one address; more are answered 429 [default: 20]
    #[arg(value_name = "N", help_heading = "Limits", value_parser = whole_number::read::<u32>)]
    max_failed_logins_per_minute: u32, "GANGPLANK_MAX_FAILED_LOGINS_PER_MINUTE";
    /// Time for sending a request's head [default: 30s]
    #[arg(value_name = "TIME", allow_hyphen_values = true, help_heading = "Limits")]
    header_timeout: LengthOfTime, "GANGPLANK_HEADER_TIMEOUT";
    /// Time that a connection may be open between two requests [default: 75s]
    #[arg(value_name = "TIME", allow_hyphen_values = true, help_heading = "Limits")]
    idle_timeout: LengthOfTime, "GANGPLANK_IDLE_TIMEOUT";
    /// Longest pause within a body [default: 60s]
    #[arg(value_name = "TIME", allow_hyphen_values = true, help_heading = "Limits")]
    body_timeout: LengthOfTime, "GANGPLANK_BODY_TIMEOUT";
    /// Largest difference between a signature's date and the clock [default: 15m]
    #[arg(value_name = "TIME", allow_hyphen_values = true, help_heading = "Limits")]
    signature_skew: LengthOfTime, "GANGPLANK_SIGNATURE_SKEW";
    /// Time after SIGTERM in which the server still accepts connections, while /readyz says that it is about to
    /// stop [default: 0s, or 5s with --database]
    #[arg(value_name = "TIME", allow_hyphen_values = true, help_heading = "Limits")]
    drain_delay: LengthOfTime, "GANGPLANK_DRAIN_DELAY";
    /// Time for finishing requests after SIGTERM [default: 30s]
    #[arg(value_name = "TIME", allow_hyphen_values = true, help_heading = "Limits")]
    drain_timeout: LengthOfTime, "GANGPLANK_DRAIN_TIMEOUT";
} {
    /// Issuers of identity tokens that roles may trust.
    issuer: Vec<issuers::Written>;
} } } }

/// The settings that only the file can have, as they are written there.
pub(crate) fn file_only() -> String {
    let sample = [deployments::SAMPLE, issuers::SAMPLE].concat();
    // In a sample, # before a key comments it out. A comment has a space after the #.
    let lines = sample.trim().lines().map(|line| match line.strip_prefix('#') {
        Some(key) if !key.starts_with(' ') => key,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

impl ServeOptions {
    /// The filter of the log.
    pub(crate) fn log_filter(&self) -> String {
        self.log.as_ref().map_or_else(|| "info".to_owned(), |filter| filter.0.join(","))
    }

    /// Takes missing options from a file.
    pub(crate) fn with_file(self, path: Option<&Path>) -> Result<Self> {
        Ok(match path {
            Some(path) => self.or(file::read(path)?),
            None => self,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_has_its_variable_and_its_key_in_the_file() {
        let command = ServeOptions::augment_args(clap::Command::new("serve"));
        let mut options = 0;
        for option in command.get_arguments() {
            let (flag, variable) = (option.get_long().unwrap(), option.get_env().unwrap().to_str().unwrap());
            assert_eq!(variable, format!("GANGPLANK_{}", flag.to_uppercase().replace('-', "_")));
            // An unknown key is refused before its value is looked at.
            let refused =
                toml::from_str::<ServeOptions>(&format!("{flag} = 1979-05-27")).unwrap_err().to_string();
            assert!(!refused.contains("unknown field"), "{refused}");
            options += 1;
        }
        assert!(options > 35, "{options}");
    }
}
