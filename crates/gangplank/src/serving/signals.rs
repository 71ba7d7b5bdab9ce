//! The signals of a running server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

/// Two signals within this time count as one: `timeout` and terminals send the same signal to a process and to its
/// group.
const TOGETHER: Duration = Duration::from_millis(50);

/// The signals that a server waits for.
pub(crate) struct Signals {
    stop: Arc<Notify>,
    hang_up: Signal,
}

impl Signals {
    /// Handles signals from now on. At a second SIGTERM or SIGINT the program calls `at_once` and ends. SIGUSR1,
    /// SIGUSR2 and SIGALRM are ignored; by default they end a program.
    ///
    /// # Errors
    /// If a handler cannot be set up.
    pub(crate) fn hear(at_once: impl FnOnce() + Send + 'static) -> Result<Self> {
        // Once a program has handled a signal, that signal never ends it again.
        for ignored in [SignalKind::user_defined1(), SignalKind::user_defined2(), SignalKind::alarm()] {
            drop(signal(ignored)?);
        }
        let hang_up = signal(SignalKind::hangup())?;
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        tokio::spawn(async move {
            let mut first = None;
            loop {
                let status = tokio::select! {
                    _ = terminate.recv() => 143,
                    _ = interrupt.recv() => 130,
                };
                match first {
                    None => {
                        first = Some(Instant::now());
                        stopped.notify_one();
                    }
                    Some(first) if first.elapsed() < TOGETHER => {}
                    Some(_) => {
                        at_once();
                        std::process::exit(status);
                    }
                }
            }
        });
        Ok(Self { stop, hang_up })
    }

    /// Waits for SIGTERM or SIGINT. SIGHUP does nothing meanwhile.
    pub(crate) async fn stop(&mut self) {
        while self.hang_up().await {}
    }

    /// Waits for SIGHUP. Returns false if SIGTERM or SIGINT comes first.
    pub(crate) async fn hang_up(&mut self) -> bool {
        tokio::select! {
            () = self.stop.notified() => false,
            _ = self.hang_up.recv() => true,
        }
    }
}
