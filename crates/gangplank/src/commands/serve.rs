//! `gangplank serve`: runs the server until it is told to stop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use gangplank_server::{Server, Waiting};
use gangplank_store::open::{Location, database_in};

use crate::cli::{unknown_variables, usage, words};
use crate::serving::logging::Logs;
use crate::serving::options::{Engine, ServeOptions};
use crate::serving::service_manager::ServiceManager;
use crate::serving::signals::Signals;
use crate::serving::{logging, open_files};
use crate::terminal::output::{done, say};

/// After this time the work of the server's start is done.
const REST: Duration = Duration::from_secs(1);

/// How often code is removed from memory later.
const EACH: Duration = Duration::from_mins(1);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// TOML file with the same options; flags and environment variables win over it
    #[arg(long, env = "GANGPLANK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check the options, the variables and the file, and start nothing
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    options: ServeOptions,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    #[cfg(target_os = "linux")]
    gangplank_code_pages::heap::limit();
    let options = args.options.clone().with_file(args.config.as_deref())?;
    let format = options.log_format.unwrap_or_default();
    let logs = logging::start(&options.log_filter(), format).with_context(|| usage::named("log"))?;
    logging::tell_panics();
    let files = open_files::raise_limit();
    let mut config = options.clone().into_config(files)?;
    for said in unknown_variables::unknown() {
        tracing::warn!("{said}");
    }
    if args.check {
        Server::check(&config)?;
        done("the options are right; nothing was started");
        return Ok(ExitCode::SUCCESS);
    }
    config.dropped_log_lines = logs.dropped();
    let drain = config.limits.drain;
    // Handle signals before the server starts, so that an early SIGTERM is not lost.
    let mut signals = Signals::hear(logs.flusher())?;
    let home = match &config.location {
        Location::Local { dir } => Some((dir.clone(), !database_in(dir).exists())),
        Location::Shared { .. } => None,
    };
    let has_console = config.console;
    let manager = Arc::new(ServiceManager::of_environment());
    let announced = Arc::new(AtomicBool::new(false));
    let waits = {
        let (announced, manager) = (Arc::clone(&announced), Arc::clone(&manager));
        move |waiting: Waiting| {
            announced.store(true, Ordering::Release);
            announce(&waiting.endpoint, waiting.admin);
            manager.ready(&waiting.endpoint);
        }
    };
    let starting = Server::start_when_possible(config, waits);
    let server = match &home {
        Some(_) => starting.await?,
        // A server that waits for its database has nothing to finish.
        None => tokio::select! {
            server = starting => server?,
            () = signals.stop() => return Ok(ExitCode::SUCCESS),
        },
    };
    if let Some((data_dir, is_first)) = &home {
        introduce(data_dir);
        if *is_first {
            say_what_is_next(data_dir);
            if has_console {
                say_how_the_console_opens(data_dir);
            }
        }
    }
    options.warn_of_open_files(files);
    tell_engine(&server, &options);
    if !announced.load(Ordering::Acquire) {
        announce(server.endpoint(), server.admin_address());
    }
    manager.ready(server.endpoint());
    drop(tokio::spawn(forget_code()));
    let log = options.log_filter();
    let mut settings = Settings { args, started: options, log, logs };
    while signals.hang_up().await {
        manager.reloading();
        server.reload_certificates().await;
        settings.reload();
        manager.ready(server.endpoint());
    }
    manager.stopping();
    let seconds = drain.as_secs();
    tracing::info!(
        "stopping: finishing requests in flight, for at most {seconds} s; a second signal ends it at once"
    );
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Removes code from memory that runs seldom: the code of the start, and then every minute that of jobs. For each page of
/// code that runs, the kernel maps 64 KiB.
async fn forget_code() {
    let mut pause = REST;
    loop {
        tokio::time::sleep(pause).await;
        #[cfg(target_os = "linux")]
        if let Err(error) = gangplank_code_pages::give_back() {
            return tracing::debug!(%error, "code that runs seldom stays in memory");
        }
        pause = EACH;
    }
}

/// Logs the path of the data directory.
fn introduce(data_dir: &Path) {
    tracing::info!("the data directory is {}", absolute(data_dir).display());
}

/// Logs what to type next, after the first start.
fn say_what_is_next(data_dir: &Path) {
    let data_dir = absolute(data_dir);
    tracing::info!("the root access key and its secret are in {}", data_dir.join("credentials").display());
    let quoted = words::quoted(&data_dir.display().to_string());
    tracing::info!("next, in another terminal: gangplank configure --data-dir {quoted}");
}

fn say_how_the_console_opens(data_dir: &Path) {
    let quoted = words::quoted(&absolute(data_dir).display().to_string());
    tracing::info!("the web console opens with gangplank console --data-dir {quoted}");
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The options of a running server. SIGHUP reads them again.
struct Settings {
    args: Args,
    /// The options that the server started with.
    started: ServeOptions,
    /// The filter of the log that is in effect.
    log: String,
    logs: Logs,
}

impl Settings {
    /// Reads the file again, applies the options that can change while the server runs, and logs the names of
    /// the other changed options.
    fn reload(&mut self) {
        let options = match self.args.options.clone().with_file(self.args.config.as_deref()) {
            Ok(options) => options,
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, "cannot read the settings anew; those before stay");
                return;
            }
        };
        let filter = options.log_filter();
        if filter != self.log {
            match self.logs.change_filter(&filter) {
                Ok(()) => {
                    tracing::info!(filter, "the new filter of the log is in use");
                    self.log = filter;
                }
                Err(error) => tracing::error!("cannot use the new filter of the log: {error:#}"),
            }
        }
        let waiting: Vec<String> = self.started.differing(&options).filter(|name| name != "log").collect();
        if waiting.is_empty() {
            tracing::info!("read the certificates and the settings anew");
        } else {
            let settings = waiting.join(", ");
            tracing::warn!(settings, "changed settings need a restart");
        }
    }
}

/// Logs which engine runs images, or why none does.
fn tell_engine(server: &Server, options: &ServeOptions) {
    match (server.engine(), options.engine) {
        (Some(engine), _) => tracing::info!("images run on {engine}"),
        (None, _) if options.database.is_some() => {
            tracing::info!("nothing runs images: servers that share a database run none");
        }
        (None, Some(Engine::None)) => tracing::info!("nothing runs images: --engine is none"),
        (None, _) => {
            tracing::info!("nothing runs images: no container engine answers here; --engine names one");
        }
    }
}

/// Logs the line that scripts wait for.
fn announce(endpoint: &str, admin: Option<SocketAddr>) {
    if let Some(admin) = admin {
        tracing::info!("health is answered on http://{admin}/healthz and /readyz, metrics on /metrics");
    }
    say(format_args!("gangplank: listening on {endpoint}"));
}
