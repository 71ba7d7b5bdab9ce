//! `gangplank serve`: runs the server until it is told to stop.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use gangplank_server::Server;
use tokio::signal::unix::{SignalKind, signal};

use crate::output::{done, say};
use crate::serve_options::ServeOptions;
use crate::{core_dumps, environment, logging, open_files, usage, words};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// TOML file with the same options; flags and environment variables win over it
    #[arg(long, env = "GANGPLANK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Say whether the options, the variables and the file are right, and start nothing
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    options: ServeOptions,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let options = args.options.with_file(args.config.as_deref())?;
    let filter = options.log.as_ref().map_or_else(|| "info".to_owned(), |filter| filter.0.join(","));
    logging::start(&filter, options.log_format.unwrap_or_default()).with_context(|| usage::named("log"))?;
    core_dumps::forbid();
    let config = options.into_config(open_files::raise_limit())?;
    for said in environment::unknown() {
        tracing::warn!("{said}");
    }
    if args.check {
        Server::check(&config)?;
        done("the options are right; nothing was started");
        return Ok(ExitCode::SUCCESS);
    }
    // Before the server starts, so that an early SIGTERM is not lost.
    let stopped = stop_signal()?;
    let data_dir = config.data_dir.clone();
    let is_first = !data_dir.join("gangplank.db").exists();
    let server = Server::start(config).await?;
    introduce(&data_dir, is_first);
    announce(&server);
    stopped.await;
    tracing::info!("stopping: finishing requests in flight");
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Where everything is, and at the first start what to type next.
fn introduce(data_dir: &Path, is_first: bool) {
    let data_dir = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    let shown = data_dir.display().to_string();
    tracing::info!("the data directory is {shown}");
    if is_first {
        let credentials = data_dir.join("credentials");
        tracing::info!("the root access key and its secret are in {}", credentials.display());
        tracing::info!("next, in another terminal: gangplank configure --data-dir {}", words::quoted(&shown));
    }
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
