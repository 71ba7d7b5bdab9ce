//! The attackers. They run in separate processes, so that their files and their processor time are counted
//! apart.

mod crowd;
mod leaked;
mod strangers;

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::task::LocalSet;

use crate::target::Target;

/// How many requests of a leaked login were answered.
static ANSWERED: AtomicU32 = AtomicU32::new(0);

/// Attacks until standard input ends. Then prints how many requests of a leaked login were answered per second. `what`
/// is `KIND SERVER [PASSWORD|KEY]`.
pub(crate) fn run(what: &str) -> Result<()> {
    let mut words = what.split(' ');
    let (kind, server) = words.next().zip(words.next()).context("who attacks which server?")?;
    let server: SocketAddr = server.parse()?;
    let mut target = Target::at("attacked", server, server.to_string());
    let secret = words.next().unwrap_or_default().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    match kind {
        "crowd" => crowd::gather(&local, server, secret.parse()?),
        "strangers" => {
            target.access_key = Some((secret, "a-secret-that-is-made-up".to_owned()));
            strangers::come(&local, target);
        }
        "leaked" => {
            target.login = Some(("AWS".to_owned(), secret));
            leaked::abuse(&local, target);
        }
        other => bail!("{other} is no attack"),
    }
    let ended = async {
        tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await
    };
    let begun = Instant::now();
    runtime.block_on(local.run_until(ended))??;
    let answered = f64::from(ANSWERED.load(Ordering::Relaxed)) / begun.elapsed().as_secs_f64();
    writeln!(std::io::stdout(), "{answered:.1}")?;
    runtime.shutdown_timeout(Duration::ZERO);
    Ok(())
}
