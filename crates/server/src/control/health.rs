//! The health of the server, for its operators.

use gangplank_api::Timestamp;
use gangplank_api::gangplank::{GetServerHealthRequest, GetServerHealthResult, ServedCertificate};
use gangplank_store::metadata::progress::Mark;

use super::repositories::bytes;
use super::{Context, Result};
use crate::certificates::facts::Facts;

/// The most damaged contents, and the most garbage, that are counted.
const DAMAGED: usize = 1_000;
const GARBAGE: usize = 10_000;

pub(super) async fn get(
    context: &Context<'_>,
    _input: GetServerHealthRequest,
) -> Result<GetServerHealthResult> {
    let app = context.app;
    let (now, steady) = (app.clock.now(), app.clock.steady());
    let space = app.blobs.space().await.ok().flatten();
    let waiting = app.metadata.waiting(app.leases.over(steady), GARBAGE).await?;
    let round = app.metadata.mark(Mark::ScrubStarted).await?;
    let named = app.certificates.named().map(|(name, facts)| served(Some(name), facts));
    let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    Ok(GetServerHealthResult {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        now: Timestamp(now.0),
        database_takes_writes: app.metadata.is_healthy(),
        disk_free_bytes: space.map(|space| bytes(space.free)),
        disk_total_bytes: space.map(|space| bytes(space.total)),
        disk_reserve_bytes: bytes(app.limits.disk_reserve),
        // The start of the round is stored in steady time, so it is converted to the wall clock.
        scrub_round_at: round.map(|at| Timestamp(now.0.saturating_add(at.saturating_sub(steady.0)))),
        damaged_contents: number(app.metadata.damaged_contents(DAMAGED).await?),
        garbage_manifests: number(waiting.manifests),
        garbage_blobs: number(waiting.blobs),
        grace_seconds: app.leases.grace.as_secs_f64(),
        certificates: app.certificates.own().map(|own| served(None, own)).into_iter().chain(named).collect(),
    })
}

fn served(name: Option<&str>, facts: Facts) -> ServedCertificate {
    ServedCertificate {
        name: name.map(str::to_owned),
        domains: facts.domains,
        ends_at: Timestamp(facts.not_after.0),
    }
}
