//! Tests every engine against the contract. The engines of Docker and Podman are also tested in further cases.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod actor;
mod contract;
mod daemon;
mod hardening;
mod leftovers;
mod outages;
mod printing;
mod pulls;
mod recorder;
mod registry;
mod wire;
mod world;

use contract::{Case, hold};
use daemon::Daemon;
use world::World;

/// More cases, for engines that really run containers.
const REAL: &[(&str, Case)] = cases![
    outages::a_start_that_is_cut_short_is_seen,
    hardening::containers_are_kept_in,
    hardening::a_greedy_container_harms_nobody,
    hardening::a_tenant_has_one_network,
    printing::long_lines_are_joined,
    printing::both_streams_arrive,
    printing::much_output_is_whole,
    printing::seams_are_tight,
    printing::a_command_that_is_not_there_is_said,
    pulls::ours_are_pulled_by_digest,
    pulls::refusals_are_told_apart,
    pulls::what_cannot_be_pulled_is_loaded,
    pulls::public_images_are_pinned,
    pulls::private_registries_are_refused,
];

/// Cases that need a name server on the engine's networks.
const NAMES: &[(&str, Case)] = cases![hardening::names_and_ports_are_the_tenants];

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_the_contract() {
    hold(World::memory(), &[contract::CASES]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_keeps_the_contract() {
    if let Some(daemon) = Daemon::docker().await {
        hold(World::Daemon(daemon), &[contract::CASES, REAL, NAMES]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn podman_keeps_the_contract() {
    if let Some(daemon) = Daemon::podman().await {
        hold(World::Daemon(daemon), &[contract::CASES, REAL]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn podman_leaves_nothing_behind() {
    if let Some(daemon) = Daemon::podman().await {
        outages::nothing_is_left_to_the_machine(daemon).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_comes_back() {
    if let Some(daemon) = Daemon::docker().await {
        outages::an_engine_comes_back(daemon).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn podman_comes_back() {
    if let Some(daemon) = Daemon::podman().await {
        outages::an_engine_comes_back(daemon).await;
    }
}
