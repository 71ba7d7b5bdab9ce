//! The limits among the options. Values that no server could work with are refused.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use gangplank_core::Quotas;
use gangplank_core::upload::Lifetime;
use gangplank_oci::{DEEPEST, ManifestLimits};
use gangplank_server::Limits;

use super::ServeOptions;
use crate::cli::usage::named;
use crate::values::byte_size::ByteSize;
use crate::values::duration::{self, LengthOfTime};

impl ServeOptions {
    pub(super) fn quotas(&self) -> Quotas {
        let default = Quotas::default();
        Quotas {
            services_per_region: self.max_services_per_region.unwrap_or(default.services_per_region),
            images_per_service: self.max_images_per_service.unwrap_or(default.images_per_service),
            tags_per_resource: self.max_tags_per_resource.unwrap_or(default.tags_per_resource),
            open_uploads: self.max_open_uploads.unwrap_or(default.open_uploads),
            account_bytes: self.max_account_bytes.map_or(default.account_bytes, |given| given.0),
            repositories: self.max_repositories.unwrap_or(default.repositories),
            manifests: self.max_manifests.unwrap_or(default.manifests),
            tags: self.max_tags.unwrap_or(default.tags),
            registry_logins: self.max_registry_logins.unwrap_or(default.registry_logins),
            access_keys: self.max_access_keys.unwrap_or(default.access_keys),
            roles: self.max_roles.unwrap_or(default.roles),
            role_sessions: self.max_role_sessions.unwrap_or(default.role_sessions),
        }
    }

    pub(super) fn limits(&self, open_files: Option<u64>) -> Limits {
        let default = Limits::default();
        let time = |given: Option<LengthOfTime>, default| given.map_or(default, |given| given.0);
        let size = |given: Option<ByteSize>, default| given.map_or(default, |given| given.0);
        let memory = |given: Option<ByteSize>, default| given.map_or(default, ByteSize::in_memory);
        let connections = self.max_connections.unwrap_or(default.connections);
        let reachable = open_files.map_or(usize::MAX, reachable);
        Limits {
            manifest_bytes: size(self.max_manifest_bytes, default.manifest_bytes),
            manifest: ManifestLimits {
                descriptors: self.max_manifest_descriptors.unwrap_or(default.manifest.descriptors),
                nesting: self.max_manifest_nesting.unwrap_or(default.manifest.nesting),
            },
            index_depth: self.max_index_depth.unwrap_or(default.index_depth),
            blob_bytes: size(self.max_blob_bytes, default.blob_bytes),
            api_body_bytes: size(self.max_api_body_bytes, default.api_body_bytes),
            target_bytes: memory(self.max_target_bytes, default.target_bytes),
            header_bytes: memory(self.max_header_bytes, default.header_bytes),
            headers: self.max_headers.unwrap_or(default.headers),
            authorization_bytes: memory(self.max_authorization_bytes, default.authorization_bytes),
            buffered_bytes: memory(self.max_buffered_bytes, default.buffered_bytes),
            unverified_bytes: memory(self.max_unverified_bytes, default.unverified_bytes),
            disk_reserve: size(self.disk_reserve, default.disk_reserve),
            upload: Lifetime {
                idle: time(self.upload_idle_timeout, default.upload.idle),
                absolute: time(self.upload_timeout, default.upload.absolute),
            },
            connections: connections.min(reachable),
            connections_per_address: self
                .max_connections_per_address
                .unwrap_or(default.connections_per_address),
            failed_logins_per_minute: self
                .max_failed_logins_per_minute
                .unwrap_or(default.failed_logins_per_minute),
            header_read: time(self.header_timeout, default.header_read),
            idle: time(self.idle_timeout, default.idle),
            body_stall: time(self.body_timeout, default.body_stall),
            signature_skew: time(self.signature_skew, default.signature_skew),
            drain_delay: time(
                self.drain_delay,
                if self.database.is_some() { DRAIN_DELAY } else { default.drain_delay },
            ),
            drain: time(self.drain_timeout, default.drain),
            answer: default.answer,
        }
    }
}

/// How long a server that is one of several still accepts connections after the order to stop. The load
/// balancer in front of it asks every few seconds whether it is ready.
const DRAIN_DELAY: Duration = Duration::from_secs(5);

/// The number of files that a server has open without any connection.
const OWN_FILES: usize = 40;

/// How many connections are possible with this many open files: three quarters of the files that the server
/// does not need itself. The rest is for blobs.
fn reachable(files: u64) -> usize {
    usize::try_from(files.saturating_sub(OWN_FILES as u64) / 4 * 3).unwrap_or(usize::MAX).max(4)
}

impl ServeOptions {
    /// Warns if the limit on open files allows fewer connections than the options do.
    pub(crate) fn warn_of_open_files(&self, files: Option<u64>) {
        let wanted = self.max_connections.unwrap_or(Limits::default().connections);
        let Some(files) = files.filter(|files| reachable(*files) < wanted) else { return };
        let needed = wanted.div_ceil(3).saturating_mul(4).saturating_add(OWN_FILES);
        tracing::warn!(
            limit = files,
            connections = reachable(files),
            "the limit on open files is too low for max-connections ({wanted}), so fewer are taken; raise it to \
             {needed} (ulimit -n, or LimitNOFILE of systemd), or lower max-connections"
        );
    }
}

/// Refuses limits that a server could not enforce, or with which it could answer nobody.
pub(super) fn check(limits: &Limits) -> Result<()> {
    const DAY: Duration = Duration::from_hours(24);
    let times = [
        ("header-timeout", limits.header_read, DAY),
        ("idle-timeout", limits.idle, DAY),
        ("body-timeout", limits.body_stall, DAY),
        ("upload-idle-timeout", limits.upload.idle, 30 * DAY),
        ("upload-timeout", limits.upload.absolute, 30 * DAY),
    ];
    for (name, time, longest) in times {
        if time.is_zero() || time > longest {
            bail!("{} is from 1s to {}", named(name), duration::shown(longest.as_secs()));
        }
    }
    for (name, time) in [
        ("signature-skew", limits.signature_skew),
        ("drain-timeout", limits.drain),
        ("drain-delay", limits.drain_delay),
    ] {
        ensure!(time <= DAY, "{} is at most {}", named(name), duration::shown(DAY.as_secs()));
    }
    ensure!(limits.connections > 0, "{} is at least 1", named("max-connections"));
    let per_address = limits.connections_per_address;
    ensure!(per_address > 0, "{} is at least 1", named("max-connections-per-address"));
    ensure!(limits.failed_logins_per_minute > 0, "{} is at least 1", named("max-failed-logins-per-minute"));
    let nesting = limits.manifest.nesting;
    ensure!(
        (1..=DEEPEST).contains(&nesting),
        "{} is a number from 1 to {DEEPEST}",
        named("max-manifest-nesting")
    );
    // Ordinary clients send requests of this size, so a smaller limit would refuse them all.
    ensure!((16..=1_000).contains(&limits.headers), "{} is a number from 16 to 1000", named("max-headers"));
    ensure!(limits.index_depth <= 16, "{} is a number up to 16", named("max-index-depth"));
    ensure!(limits.buffered_bytes >= 1 << 20, "{} is at least 1 MiB", named("max-buffered-bytes"));
    ensure!(limits.unverified_bytes >= 8 << 10, "{} is at least 8 KiB", named("max-unverified-bytes"));
    Ok(())
}
