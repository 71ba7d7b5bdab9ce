//! Events of the engine. An event is only a reason to ask the engine for its state.

use std::sync::Arc;
use std::time::Duration;

use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::StreamExt as _;

use super::{Inner, labels};

/// The first and the longest pause before events are asked for again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// The actions that may matter, under the names of Docker and of Podman. Other actions come from our own calls,
/// such as attaching.
const ACTIONS: [&str; 7] = ["start", "die", "oom", "destroy", "died", "stop", "remove"];

/// Watches for ever. Finding the engine again counts as a change, because much may have happened meanwhile.
pub(super) async fn watch(inner: Arc<Inner>) {
    let mut pause = PAUSES.0;
    loop {
        let began = tokio::time::Instant::now();
        if let Ok(engine) = inner.client.engine().await
            && inner.client.call(|engine| async move { engine.ping().await }).await.is_ok()
        {
            // The engine may have been replaced by another version.
            inner.forget_facts();
            inner.changed();
            let mut filters = labels::filter(&inner.options.owner, &[]);
            filters.insert("event".to_owned(), ACTIONS.map(str::to_owned).into());
            filters.insert("type".to_owned(), vec!["container".to_owned()]);
            let options = EventsOptionsBuilder::new().filters(&filters).build();
            let mut events = std::pin::pin!(engine.events(Some(options)));
            while let Some(Ok(_)) = events.next().await {
                inner.changed();
            }
            inner.changed();
        }
        if began.elapsed() > PAUSES.1 {
            pause = PAUSES.0;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}
