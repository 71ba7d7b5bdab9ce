//! Where services run, if several processes share a store: which process runs a service now, and which processes
//! can run one.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use gangplank_core::ServiceId;
use gangplank_core::power::Room;
use tokio::sync::watch;

use super::{Claim, Epoch};
use crate::Result;

/// The place at which a service is served. It outlives the claim of its writer: other processes keep sending
/// requests there until the next holder of the claim has nodes that serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The service.
    pub service: ServiceId,
    /// The epoch of the claim under which it was written.
    pub epoch: Epoch,
    /// The process that serves it: the holder of that claim.
    pub replica: String,
    /// The `host:port` at which other processes reach that process.
    pub address: String,
    /// The identity of the engine that has the nodes.
    pub engine: String,
}

/// A process with an engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Replica {
    /// Its unique name: the holder of its claims.
    pub id: String,
    /// The `host:port` at which other processes reach it.
    pub address: String,
    /// The identity of its engine. Processes that share an engine have the same one.
    pub engine: String,
    /// The resources that services may be promised on that engine.
    pub room: Room,
    /// The images that it wants to stay in the engine; `None` while it does not know them all.
    pub images: Option<Vec<String>>,
}

/// The places where all services run, read at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Whereabouts {
    /// The places of services that are served.
    pub places: BTreeMap<ServiceId, Place>,
    /// The holders of the claims on services whose time is not over.
    pub holders: BTreeMap<ServiceId, String>,
    /// The processes with an engine, as far as they have announced themselves lately.
    pub replicas: Vec<Replica>,
}

/// Knows where services run.
#[async_trait]
pub trait Places: Send + Sync {
    /// A number that changes within about a second after a service, a deployment, a place or the list of processes
    /// has changed. A change of the number is only a reason to read again.
    fn changes(&self) -> watch::Receiver<i64>;
    /// Where everything runs now.
    async fn whereabouts(&self) -> Result<Whereabouts>;
    /// Writes the place of a service. `false` if the claim of its epoch was released or another one has followed.
    /// In this case nothing is written.
    async fn set_place(&self, place: &Place) -> Result<bool>;
    /// Removes the place of a service that has nothing to serve. `false` if the claim was released or another one has
    /// followed. In this case nothing is removed.
    async fn remove_place(&self, claim: &Claim) -> Result<bool>;
    /// Removes the places of services that do not exist any more.
    async fn forget_places(&self) -> Result<()>;
    /// Announces a process, or announces it again, for the time `lasts`.
    async fn announce(&self, replica: &Replica, lasts: Duration) -> Result<()>;
    /// Takes back the announcement of a process.
    async fn withdraw(&self, id: &str) -> Result<()>;
}
