//! Uses of the settings: refusals and warnings at the start, and values for parts of the server.

use anyhow::{Result, bail, ensure};
use gangplank_core::container_service::Entrance;
use gangplank_core::lease::SAFE_GRACE;
use gangplank_store::blobs::BlobStore;
use gangplank_store::logs::Logs;

use crate::app::App;
use crate::config::{Collection, Config, Deployments};
use crate::discarded;
use crate::home::Home;
use crate::listening::Addresses;

/// Refuses four mistakes: plain HTTP beyond loopback, an admin listener that containers can reach, visitors who are
/// sent to an `https://` that nothing serves, and a replica address that other servers cannot reach.
pub(super) fn check_addresses(config: &Config) -> Result<()> {
    refuse_plain_http(config)?;
    config.check_admin_listener(config.deployments.engine.named())?;
    check_sending_on(config)?;
    config.replica_address(None).map(drop)
}

fn refuse_plain_http(config: &Config) -> Result<()> {
    if config.tls.is_none() && !config.insecure_http && !config.listen.ip().is_loopback() {
        bail!(
            "{} is not a loopback address, and plain HTTP would show passwords to the network: give --tls-cert \
             and --tls-key, or --insecure-http if something in front of gangplank serves TLS",
            config.listen
        );
    }
    Ok(())
}

/// Checks that `https://` is served, if visitors are sent on to it.
fn check_sending_on(config: &Config) -> Result<()> {
    let entrance = config.deployments.service_entrance;
    ensure!(
        config.deployments.http_listen.is_none()
            || entrance.map_or(config.tls.is_some(), |entrance| entrance.is_tls),
        "--http-listen sends visitors on to https://, which nothing speaks here: give --tls-cert and --tls-key, or \
         --service-entrance https if a proxy in front does"
    );
    Ok(())
}

/// Warns of settings that work but are risky.
pub(super) fn warn_of(app: &App) {
    if app.leases.grace < SAFE_GRACE {
        tracing::warn!(
            grace = ?app.leases.grace,
            "the grace period of garbage collection is shorter than a login lives: a push may be refused \
             because what it was told to skip is gone"
        );
    }
    for network in app.proxies.iter().filter(|network| network.is_wide()) {
        tracing::warn!(
            %network,
            "trusted-proxies takes in addresses of strangers, who can then write in X-Forwarded-For whom a \
             request comes from; name the addresses of the proxies alone"
        );
    }
}

/// The scheme and port by which clients reach services. They are those of the listener, unless others are configured.
pub(super) fn entrance(told: &Deployments, is_tls: bool, addresses: &Addresses) -> Entrance {
    let port = addresses.services.unwrap_or(addresses.main).port();
    told.service_entrance.unwrap_or(Entrance { is_tls, port })
}

/// The conditions for removing bytes from this store.
pub(super) fn removal_terms(config: &Config, blobs: &dyn BlobStore) -> discarded::Terms {
    let Collection { restore_window, failovers, .. } = config.collection;
    discarded::Terms::of(blobs, restore_window, failovers)
}

/// The logs of containers that run here.
pub(super) fn logs(config: &Config, home: &Home, addresses: Addresses) -> Logs {
    let scratch = config.bucket.as_ref().map(|bucket| bucket.scratch.as_path());
    Logs::open(home.logs(scratch, addresses.main), config.deployments.logs, config.limits.disk_reserve)
}
