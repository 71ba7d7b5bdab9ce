//! The engines against their contract, and Docker's and Podman's against what only they can be asked.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod actor;
mod contract;
mod daemon;
mod recorder;
mod world;

use daemon::Daemon;
use world::World;

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_the_contract() {
    contract::hold(World::memory(), contract::CASES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_keeps_the_contract() {
    if let Some(daemon) = Daemon::docker().await {
        contract::hold(World::Daemon(daemon), contract::CASES).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn podman_keeps_the_contract() {
    if let Some(daemon) = Daemon::podman().await {
        contract::hold(World::Daemon(daemon), contract::CASES).await;
    }
}
