//! What a running server is told by signals.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

/// Signals so close together are one: `timeout` and terminals send the same to a process and to its group.
const TOGETHER: Duration = Duration::from_millis(50);

/// The signals that a server waits for.
pub(crate) struct Signals {
    stop: Arc<Notify>,
    hang_up: Signal,
}

impl Signals {
    /// Hears signals from now on. With a second SIGTERM or SIGINT the program ends at once, after `at_once` was
    /// called. SIGUSR1, SIGUSR2 and SIGALRM, which end a program that does not know them, are ignored.
    ///
    /// # Errors
    /// If they cannot be heard.
    pub(crate) fn hear(at_once: impl FnOnce() + Send + 'static) -> Result<Self> {
        // Who has heard a signal once is never ended by it.
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

    /// Waits for SIGHUP; false if SIGTERM or SIGINT came first.
    pub(crate) async fn hang_up(&mut self) -> bool {
        tokio::select! {
            () = self.stop.notified() => false,
            _ = self.hang_up.recv() => true,
        }
    }
}
