//! Follows a log: reads it again and again, until the output is closed. A new deployment may have another container,
//! and a server may be out of reach for a while.

use std::time::Duration;

use anyhow::Result;
use gangplank_api::Timestamp;

use super::lines::Style;
use super::wanted;
use crate::aws::api_client::ApiClient;
use crate::services::by_name;
use crate::services::container_log::{ContainerLog, Line, Reading, Shown};
use crate::services::outage::Outage;
use crate::system::reader_gone;
use crate::terminal::output;

const PAUSE: Duration = Duration::from_secs(1);
/// The number of readings after which the containers of the service are asked for again.
const READINGS: u32 = 5;
/// The largest difference between a server's clock and this machine's, in milliseconds. The server refuses signatures
/// beyond it.
const SKEW: i64 = 15 * 60 * 1000;

/// One log that is followed.
struct Followed {
    log: ContainerLog,
    shown: Shown,
}

/// Shows the lines that exist, then each new one. `changes` says whether to follow the containers of later
/// deployments too.
pub(super) async fn run(
    client: &ApiClient,
    log: ContainerLog,
    tail: Option<usize>,
    since: Option<Timestamp>,
    style: Style,
    changes: bool,
) -> Result<()> {
    // Even if no line is to be shown, the newest line is read. It then counts as shown.
    let there = wanted(client, &log, tail.map(|tail| tail.max(1)), since).await?;
    let oldest = there.first().map(|line| line.at).or(since).unwrap_or(Timestamp(output::now() - SKEW));
    let mut shown = Shown::nothing_since(oldest);
    let mut reading = Reading::default();
    let new: Vec<Line> = there.into_iter().filter(|line| shown.is_new(&mut reading, line)).collect();
    shown.end(&reading);
    if tail != Some(0) {
        style.stream(&new)?;
    }
    let mut followed = vec![Followed { log, shown }];
    let (mut outage, mut readings) = (Outage::default(), 0);
    let gone = reader_gone();
    tokio::pin!(gone);
    loop {
        tokio::select! {
            () = &mut gone => return Ok(()),
            () = tokio::time::sleep(PAUSE) => {}
        }
        readings += 1;
        for one in &mut followed {
            let read = one.read(client, style).await;
            outage.patiently(read).await?;
        }
        if changes && readings % READINGS == 0 {
            let changed = change(client, &mut followed).await;
            outage.patiently(changed).await?;
        }
    }
}

impl Followed {
    /// Shows the new lines.
    async fn read(&mut self, client: &ApiClient, style: Style) -> Result<()> {
        let (shown, mut reading) = (&mut self.shown, Reading::default());
        self.log
            .from(client, shown.start(), |mut lines| {
                lines.retain(|line| shown.is_new(&mut reading, line));
                style.stream(&lines)
            })
            .await?;
        self.shown.end(&reading);
        Ok(())
    }
}

/// Follows the containers that the service has now or will have next, and stops following the others.
async fn change(client: &ApiClient, followed: &mut Vec<Followed>) -> Result<()> {
    let Some(first) = followed.first().map(|one| one.log.clone()) else { return Ok(()) };
    let Some(service) = by_name::get(client, &first.service).await? else { return Ok(()) };
    let mut named = Vec::new();
    for deployment in [&service.current_deployment, &service.next_deployment].into_iter().flatten() {
        let Ok(container) = by_name::main_container(deployment) else { continue };
        if !followed.iter().any(|one| one.log.container == container) {
            let log = ContainerLog { container: container.clone(), ..first.clone() };
            let since = deployment.created_at.unwrap_or(Timestamp(output::now() - SKEW));
            followed.push(Followed { log, shown: Shown::nothing_since(since) });
        }
        named.push(container);
    }
    // The last container of a failed service is still followed: its log says why it failed.
    if !named.is_empty() {
        followed.retain(|one| named.contains(&one.log.container));
    }
    Ok(())
}
