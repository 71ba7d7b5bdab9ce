//! Translates garbage collection into the shapes of the API.

use std::time::Duration;

use gangplank_api::gangplank::{CollectGarbageRequest, CollectGarbageResult, Garbage, GarbageKind};
use gangplank_core::Time;
use gangplank_store::metadata::collection::{self as store, Collected, GarbageReason};

use crate::collection::Plan;
use crate::discarded::Terms;

/// The most garbage that one answer lists.
const MAX_LISTED: usize = 10_000;

/// The requested grace period.
pub(crate) fn grace_of(request: &CollectGarbageRequest) -> Option<Duration> {
    request.grace_seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs)
}

/// The result of a cycle.
pub(crate) fn collected(collected: &Collected, terms: Terms) -> CollectGarbageResult {
    CollectGarbageResult {
        dry_run: false,
        manifests: count(collected.manifests),
        blobs: count(collected.blobs),
        contents: count(collected.contents),
        freed_bytes: number(collected.bytes),
        restore_window_seconds: window(terms),
        garbage: None,
    }
}

/// The result of a dry run.
pub(crate) fn planned(plan: Plan, terms: Terms) -> CollectGarbageResult {
    let Plan { garbage, now } = plan;
    let of = |kind| garbage.iter().filter(|garbage| garbage.kind == kind).count() as u64;
    let frees =
        |garbage: &&store::Garbage| garbage.kind == store::GarbageKind::Blob && garbage.frees == garbage.size;
    CollectGarbageResult {
        dry_run: true,
        manifests: count(of(store::GarbageKind::Manifest)),
        blobs: count(of(store::GarbageKind::Blob)),
        contents: count(garbage.iter().filter(frees).count() as u64),
        freed_bytes: number(garbage.iter().map(|garbage| garbage.frees).sum()),
        restore_window_seconds: window(terms),
        garbage: Some(garbage.into_iter().take(MAX_LISTED).map(|garbage| shown(garbage, now)).collect()),
    }
}

fn shown(garbage: store::Garbage, now: Time) -> Garbage {
    let (kind, unheld) = match garbage.kind {
        store::GarbageKind::Manifest => {
            (GarbageKind::Manifest, "it is not registered, in no index, and about nothing that is here")
        }
        store::GarbageKind::Blob => (GarbageKind::Blob, "no manifest references it"),
    };
    let unused = now.0.saturating_sub(garbage.leased_at.0).max(0) / 1000;
    Garbage {
        kind,
        account: garbage.tenant.account.as_str().to_owned(),
        region: garbage.tenant.region.as_str().to_owned(),
        repository: garbage.repository,
        digest: garbage.digest,
        size: number(garbage.size),
        unused_seconds: number(unused.unsigned_abs()),
        reason: match garbage.reason {
            GarbageReason::Unheld => unheld.to_owned(),
            GarbageReason::HeldByGarbage(holder) => {
                format!("only what is garbage itself holds it, such as {holder}")
            }
        },
    }
}

fn window(terms: Terms) -> Option<f64> {
    terms.is_bucket.then(|| number(terms.window.as_secs()))
}

fn count(number: u64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "exact up to nine petabytes")]
fn number(bytes: u64) -> f64 {
    bytes as f64
}
