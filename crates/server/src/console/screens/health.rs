//! The health of the server, for root keys.

use gangplank_api::gangplank::{GetServerHealthRequest, GetServerHealthResult, ServedCertificate};
use gangplank_console::{Command, Health, Moment, Screen, Size, State, Tone};

use super::super::trouble::refused;
use super::super::visit::{Visit, shown};
use crate::http::response::Answer;

/// A certificate that expires within this time should be renewed: 14 days, in milliseconds.
const SOON: i64 = 14 * 86_400_000;

/// Shows the health of the server.
pub(super) async fn show(visit: &Visit<'_>) -> Answer {
    let health = match visit.call(&GetServerHealthRequest::default()).await {
        Ok(health) => health,
        Err(error) => return refused(visit, error, None),
    };
    let now = health.now.0;
    let command = format!("gangplank health --endpoint-url {}", visit.endpoint());
    shown(&Health {
        frame: visit.frame("Health", Screen::Health),
        now: Moment(now),
        database: if health.database_takes_writes {
            State::new("takes writes", Tone::Good)
        } else {
            State::new("takes no writes until the server is restarted", Tone::Bad)
        },
        disk: disk(&health),
        space: health
            .disk_free_bytes
            .zip(health.disk_total_bytes)
            .map(|(free, total)| (Size(free), Size(total))),
        reserve: Size(health.disk_reserve_bytes),
        content: match health.damaged_contents {
            0 => State::new("no damage is known", Tone::Good),
            count => State::new(format!("{count} damaged; the next push of each replaces it"), Tone::Bad),
        },
        scrub: health.scrub_round_at.map(|at| Moment(at.0)),
        garbage: format!(
            "{} manifests and {} holds on blobs wait for the next collection; what nothing holds is kept {:.1} hours",
            health.garbage_manifests,
            health.garbage_blobs,
            health.grace_seconds / 3_600.0
        ),
        certificates: health.certificates.into_iter().map(|it| certificate(it, now)).collect(),
        version: health.version,
        command: Command::new("Says the same", command),
    })
}

fn disk(health: &GetServerHealthResult) -> State {
    match health.disk_free_bytes {
        None => State::new("cannot be asked", Tone::Bad),
        Some(free) if free <= 0.0 => State::new("full", Tone::Bad),
        Some(free) if free < health.disk_total_bytes.unwrap_or_default() / 10.0 => {
            State::new("nearly full", Tone::Busy)
        }
        Some(_) => State::new("has room", Tone::Good),
    }
}

fn certificate(certificate: ServedCertificate, now: i64) -> (String, State, Moment) {
    let domains = certificate.domains.join(", ");
    let name = match certificate.name {
        None => format!("the server itself: {domains}"),
        Some(name) => format!("{name}: {domains}"),
    };
    let end = certificate.ends_at.0;
    let state = match end.saturating_sub(now) {
        ..=0 => State::new("has ended", Tone::Bad),
        left if left < SOON => State::new("ends soon", Tone::Busy),
        _ => State::new("valid", Tone::Good),
    };
    (name, state, Moment(end))
}
