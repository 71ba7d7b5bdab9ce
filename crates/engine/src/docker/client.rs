//! Calls to the engine. The client finds the engine again if it was out of reach, and limits the time and
//! number of calls.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker as Bollard};
use futures_util::{Stream, StreamExt as _};
use tokio::sync::Semaphore;

use super::failure::Trouble;
use super::options::Place;

/// The longest time for a call that only reads, or changes little.
pub(super) const CALL: Duration = Duration::from_secs(30);
/// The longest time for starting a container.
pub(super) const START: Duration = Duration::from_mins(1);
/// The longest pause in a stream of progress.
pub(super) const PROGRESS: Duration = Duration::from_mins(2);
/// The longest time for the answer to a ping.
const PING: Duration = Duration::from_secs(3);
/// The number of calls at a time. An engine on a small machine gets slower with more.
const CALLS: usize = 16;
/// The library's own limit, large enough for answers that take as long as an upload. Our limits are shorter.
const LIBRARY_SECONDS: u64 = 3_600;

/// A connection to an engine.
pub(super) struct Client {
    places: Vec<Place>,
    found: Mutex<Option<(Place, Bollard)>>,
    permits: Semaphore,
}

impl Client {
    pub(super) fn new(places: Vec<Place>) -> Self {
        Self { places, found: Mutex::new(None), permits: Semaphore::new(CALLS) }
    }

    /// The address of the engine that was found.
    pub(super) fn place(&self) -> Option<Place> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.as_ref().map(|(place, _)| place.clone())
    }

    /// Connects to the engine. The first address that answers is kept for good.
    pub(super) async fn engine(&self) -> Result<Bollard, Trouble> {
        if let Some((_, engine)) = &*self.found.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(engine.clone());
        }
        let mut said = Vec::new();
        for place in &self.places {
            let answer = match connect(place) {
                Ok(engine) => match tokio::time::timeout(PING, engine.ping()).await {
                    Ok(Ok(_)) => {
                        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
                        *found = Some((place.clone(), engine.clone()));
                        return Ok(engine);
                    }
                    Ok(Err(error)) => Trouble::from(error).to_string(),
                    Err(_) => "no answer".to_owned(),
                },
                Err(trouble) => trouble.to_string(),
            };
            said.push(format!("{place}: {answer}"));
        }
        Err(Trouble::Away(said.join("; ")))
    }

    /// Makes a call that mostly waits. Any number of these may run at a time.
    pub(super) async fn wait_within<T, F>(
        &self,
        limit: Duration,
        call: impl FnOnce(Bollard) -> F,
    ) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, bollard::errors::Error>>,
    {
        let work = async { call(self.engine().await?).await.map_err(Trouble::from) };
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(Trouble::slow(limit)))
    }

    /// Makes a call with a time limit.
    pub(super) async fn call_within<T, F>(
        &self,
        limit: Duration,
        call: impl FnOnce(Bollard) -> F,
    ) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, bollard::errors::Error>>,
    {
        let permit = tokio::time::timeout(limit, self.permits.acquire()).await;
        let _permit = permit.map_err(|_| Trouble::slow(limit))?.map_err(|_| Trouble::closed())?;
        self.wait_within(limit, call).await
    }

    /// Makes a call that only reads, or changes little.
    pub(super) async fn call<T, F>(&self, call: impl FnOnce(Bollard) -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, bollard::errors::Error>>,
    {
        self.call_within(CALL, call).await
    }

    /// Passes every item of a stream on until it ends. It may not pause for longer than `limit`.
    pub(super) async fn each<T>(
        limit: Duration,
        stream: impl Stream<Item = Result<T, bollard::errors::Error>>,
        mut take: impl FnMut(T) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let mut stream = std::pin::pin!(stream);
        loop {
            match tokio::time::timeout(limit, stream.next()).await {
                Ok(None) => return Ok(()),
                Ok(Some(item)) => take(item.map_err(Trouble::from)?)?,
                Err(_) => return Err(Trouble::slow(limit)),
            }
        }
    }
}

fn connect(place: &Place) -> Result<Bollard, Trouble> {
    let made = match place {
        Place::Socket(path) => {
            let path = path.to_str().ok_or_else(|| Trouble::Away("its path is no text".to_owned()))?;
            Bollard::connect_with_unix(path, LIBRARY_SECONDS, API_DEFAULT_VERSION)
        }
        Place::Http(address) => Bollard::connect_with_http(address, LIBRARY_SECONDS, API_DEFAULT_VERSION),
    };
    made.map_err(Trouble::from)
}
