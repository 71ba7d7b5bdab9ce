//! The fetched keys of an issuer, kept until they are too old.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gangplank_core::Time;
use tokio::sync::watch;

use super::discovery;
use super::issuer_url::IssuerUrl;
use super::key_set::KeySet;
use super::schedule::Schedule;

/// The fetched keys of an issuer. They are first fetched when a token needs them, so a server starts without
/// its issuers.
#[derive(Debug)]
pub(super) struct KeptKeys {
    issuer: IssuerUrl,
    ca_file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    keys: Option<Arc<KeySet>>,
    schedule: Schedule,
    /// A fetch under way. It ends when its sender is dropped.
    flight: Option<watch::Receiver<()>>,
}

/// The keys, at the time of the call.
pub(super) struct Current {
    pub(super) keys: Arc<KeySet>,
    /// Whether the keys were fetched while the caller waited.
    pub(super) are_new: bool,
}

impl KeptKeys {
    pub(super) fn new(issuer: IssuerUrl, ca_file: Option<PathBuf>) -> Self {
        Self { issuer, ca_file, state: Mutex::default() }
    }

    /// Returns the keys, and fetches them first if that is due. `None` if they cannot be fetched.
    pub(super) async fn current(self: &Arc<Self>, steady: Time) -> Option<Current> {
        let flight = {
            let mut state = self.state();
            let flight = match state.flight() {
                None if state.schedule.is_due(steady) => Some(self.take_off(&mut state, steady)),
                flight => flight,
            };
            flight.filter(|_| state.schedule.is_worth_waiting(steady))
        };
        let are_new = flight.is_some();
        landed(flight).await;
        self.good(steady).map(|keys| Current { keys, are_new })
    }

    /// Returns the keys for a token that names an unknown key. Fetches them first if the schedule allows it.
    pub(super) async fn with_unknown(self: &Arc<Self>, steady: Time) -> Option<Arc<KeySet>> {
        let flight = {
            let mut state = self.state();
            match state.flight() {
                None if state.schedule.unknown_key_causes_fetch(steady) => {
                    Some(self.take_off(&mut state, steady))
                }
                flight => flight,
            }
        };
        landed(flight).await;
        self.good(steady)
    }

    fn good(&self, steady: Time) -> Option<Arc<KeySet>> {
        let state = self.state();
        state.keys.clone().filter(|_| state.schedule.are_good(steady))
    }

    /// Starts a fetch for all callers that wait. It continues if this caller gives up.
    fn take_off(self: &Arc<Self>, state: &mut State, steady: Time) -> watch::Receiver<()> {
        let (ends, flight) = watch::channel(());
        state.flight = Some(flight.clone());
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let begun = Instant::now();
            let fetched = discovery::fetch_keys(&this.issuer, this.ca_file.clone()).await;
            this.take_in(fetched, steady.plus(begun.elapsed()));
            drop(ends);
        });
        flight
    }

    fn take_in(&self, fetched: anyhow::Result<KeySet>, steady: Time) {
        let issuer = self.issuer.as_str();
        let mut state = self.state();
        state.flight = None;
        match fetched {
            Ok(keys) => {
                tracing::info!(issuer, keys = keys.len(), "fetched the keys of an issuer");
                state.keys = Some(Arc::new(keys));
                state.schedule.succeeded(steady);
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(issuer, error, "cannot fetch the keys of an issuer");
                state.schedule.failed(steady);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The fetch under way, if its task still runs.
    fn flight(&self) -> Option<watch::Receiver<()>> {
        self.flight.clone().filter(|flight| flight.has_changed().is_ok())
    }
}

async fn landed(flight: Option<watch::Receiver<()>>) {
    if let Some(mut flight) = flight {
        // No value is ever sent. This returns once the sender is dropped.
        let _ = flight.changed().await;
    }
}
