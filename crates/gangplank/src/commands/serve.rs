//! `gangplank serve`: runs the server until it is told to stop.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use gangplank_server::Server;
use tokio::signal::unix::{SignalKind, signal};

use crate::output::say;
use crate::serve_options::ServeOptions;
use crate::{core_dumps, logging, open_files};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// TOML file with the same options; flags and environment variables win over it
    #[arg(long, env = "GANGPLANK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    options: ServeOptions,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let options = args.options.with_file(args.config.as_deref())?;
    logging::start(options.log.as_deref().unwrap_or("info"), options.log_format.unwrap_or_default())?;
    core_dumps::forbid();
    let config = options.into_config(open_files::raise_limit())?;
    // Before the server starts, so that an early SIGTERM is not lost.
    let stopped = stop_signal()?;
    let server = Server::start(config).await?;
    announce(&server);
    stopped.await;
    tracing::info!("stopping: finishing requests in flight");
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Scripts wait for this one line.
fn announce(server: &Server) {
    if let Some(admin) = server.admin_address() {
        tracing::info!("health is answered on http://{admin}/healthz and /readyz, metrics on /metrics");
    }
    say(format_args!("gangplank: listening on {}", server.endpoint()));
}

/// Waits for SIGTERM or SIGINT.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
