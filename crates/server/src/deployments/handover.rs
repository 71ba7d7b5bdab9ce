//! Tells other servers where a service is served, and hands it over so that one server serves at every moment.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gangplank_store::coordination::{Claim, Place, Work};
use gangplank_store::metadata::deployments::DeployedService;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Holds;
use super::among::Among;
use super::node::Node;
use super::runner::{Runner, Trouble};
use crate::coordination::{Held, LASTS};
use crate::endpoint::routes::Route;
use crate::tenure::Tenure;

/// How often a runner that has given up its claim asks where its service is.
const ASKED: Duration = Duration::from_secs(1);

/// Other servers read a new place within this time.
const LEARNT_WITHIN: Duration = Duration::from_secs(2);

/// If a runner notices the end of its claim only after this time, its process stood still, and the runner did
/// no work meanwhile.
const NOTICED_WITHIN: Duration = Duration::from_secs(2);

/// The place of its service, as this runner last wrote it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Placed {
    /// Nothing yet. An earlier holder may have written one.
    #[default]
    Unknown,
    /// The service is served here.
    Here(Place),
    /// The service has nothing to serve.
    Nowhere,
}

/// The reason why a runner does not manage its service any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LetGo {
    /// Another process may have the claim.
    Lost,
    /// This server is about to stop.
    Leaving,
    /// The engine has been away for too long, and another server can run the service.
    WithoutEngine,
}

/// The state of a service after its runner has given up the claim.
pub(super) enum After {
    /// The claim was free again, and this runner has it.
    Again(Held),
    /// Another server serves it, or no server does at present.
    Over,
}

impl Runner {
    /// Tells other servers where the service is served. The place of a service without healthy nodes stays as
    /// it is.
    pub(super) async fn settle_place(&mut self, of: &DeployedService) -> Result<(), Trouble> {
        let app = Arc::clone(&self.app);
        let (Some(among), Some(claim)) = (app.deployer.among(), self.claim.clone()) else { return Ok(()) };
        if of.service.is_disabled || of.current.is_none() {
            let is_news = self.placed != Placed::Nowhere
                && (self.placed != Placed::Unknown || among.known().places.contains_key(&self.service));
            return if is_news { self.remove_place(&claim).await } else { Ok(()) };
        }
        let (Some(address), Some(engine)) = (&among.address, app.deployer.engine_identity()) else {
            return Ok(());
        };
        if !self.serves(of) {
            return Ok(());
        }
        let place = Place {
            service: self.service,
            epoch: claim.epoch,
            replica: among.id.clone(),
            address: address.clone(),
            engine: engine.to_owned(),
        };
        let here = Placed::Here(place.clone());
        if self.placed != here {
            if !among.places.set_place(&place).await? {
                return Err(Trouble::Superseded);
            }
            self.placed = here;
        }
        Ok(())
    }

    /// Tells other servers that the service has nothing to serve.
    pub(super) async fn remove_place(&mut self, claim: &Claim) -> Result<(), Trouble> {
        if let Some(among) = self.app.deployer.among() {
            if !among.places.remove_place(claim).await? {
                return Err(Trouble::Superseded);
            }
            self.placed = Placed::Nowhere;
        }
        Ok(())
    }

    /// The place of the service, if another server serves it. A place that was read before this runner wrote
    /// its own does not count.
    pub(super) fn served_elsewhere(&self) -> Option<Place> {
        let is_later = |place: &Place| match &self.placed {
            Placed::Here(own) => place.epoch > own.epoch,
            Placed::Unknown | Placed::Nowhere => true,
        };
        self.app.deployer.among()?.place_elsewhere(self.service).filter(is_later)
    }

    /// Whether another server should run the service, because the engine here has been away for too long and no node
    /// answers. A node may continue while its engine is away.
    pub(super) fn gives_way(&self) -> bool {
        let Some(among) = self.app.deployer.among() else { return false };
        let is_long = self.away_since.is_some_and(|since| since.elapsed() >= self.pace.engine_away);
        let engine = self.app.deployer.engine_identity();
        let answers =
            |node: &Node| node.target.as_ref().is_some_and(|it| it.is_healthy.load(Ordering::Relaxed));
        is_long
            && !self.nodes.values().any(answers)
            && among.others(&among.known()).any(|other| Some(other.engine.as_str()) != engine)
    }

    /// Makes no more changes, and keeps leading requests to the nodes until another server serves. Then removes
    /// the nodes, unless the other server took them over.
    pub(super) async fn let_go(&mut self, claim: Held, why: LetGo, stop: &CancellationToken) -> After {
        let app = Arc::clone(&self.app);
        self.claim = None;
        // If this process did not stand still, and reaches the database, it would know of another server. If it
        // stood still, it first asks whether another server serves.
        if self.tenure.as_ref().is_some_and(|tenure| !tenure.is_over_for(NOTICED_WITHIN)) {
            self.serves_on();
        }
        app.deployer.runs(self.service, Vec::new());
        claim.release().await;
        let is_last = app.deployer.holds(self.service, Holds::NoMore);
        let Some(among) = app.deployer.among() else { return After::Over };
        let ends = Instant::now() + self.pace.hand_over;
        if why == LetGo::WithoutEngine {
            tracing::warn!(
                tenant = %self.tenant,
                service = self.labels.1,
                "the engine has been away for too long, so another server takes the service over"
            );
        }
        // Other servers wait for this server before they take a free service. They wait less after this server has
        // withdrawn.
        if (why == LetGo::WithoutEngine || why == LetGo::Leaving && is_last)
            && let Err(error) = among.places.withdraw(&among.id).await
        {
            tracing::debug!(%error, "cannot tell other servers to take over now; they do so soon");
        }
        let mut has_asked = why == LetGo::Leaving;
        let mut changes = among.watch();
        loop {
            if (!std::mem::replace(&mut has_asked, true) || self.is_doubtful())
                && let Err(error) = among.look().await
            {
                // The database is out of reach for the others, too, so none of them has taken the service.
                tracing::debug!(%error, "cannot find out whether another server runs a service");
            }
            if let Some(place) = self.served_elsewhere() {
                self.has_moved(&place).await;
                return After::Over;
            }
            self.serves_on();
            let is_leaving = why == LetGo::Leaving || among.leaves.is_cancelled();
            if is_leaving && !self.is_awaited(among, ends).await {
                return After::Over;
            }
            if !is_leaving
                && (why != LetGo::WithoutEngine || self.engine.host().await.is_ok())
                && !among.known().holders.contains_key(&self.service)
                && let Ok(Some(claim)) = app.claims.take(Work::Service(self.service)).await
            {
                return After::Again(claim);
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(self.pace.look.min(ASKED)) => {}
                () = stop.cancelled(), if !is_leaving => return After::Over,
            }
        }
    }

    /// Whether nodes here have to continue until another server serves, since this one is about to stop. Nodes
    /// that serve nobody are removed, unless a server with the same engine can take them over.
    async fn is_awaited(&mut self, among: &Among, ends: Instant) -> bool {
        let known = among.known();
        let engine = self.app.deployer.engine_identity();
        let mut others = among.others(&known).peekable();
        if others.peek().is_none() || Instant::now() >= ends {
            return false;
        }
        if matches!(self.placed, Placed::Here(_)) || known.places.contains_key(&self.service) {
            return true;
        }
        if !others.any(|other| Some(other.engine.as_str()) == engine) {
            self.remove_nodes().await;
        }
        false
    }

    /// Leads requests to the other server. The nodes here finish the requests that they already have.
    async fn has_moved(&mut self, place: &Place) {
        // Wait until the other servers know of the move: until then their requests come here, and would be sent
        // back. If this server stood still, they have known it for long.
        if !self.is_doubtful() {
            tokio::time::sleep(self.pace.look.min(LEARNT_WITHIN)).await;
        }
        if let Ok(address) = place.address.parse() {
            self.app.routes.lead(self.service, Route::Elsewhere(address));
        }
        if self.app.deployer.engine_identity() != Some(&place.engine) {
            tracing::info!(tenant = %self.tenant, service = self.labels.1, "another server has taken a service over");
            self.remove_nodes().await;
        }
    }

    /// Whether another server may serve, because this one has not asked for a long time.
    fn is_doubtful(&self) -> bool {
        self.tenure.as_ref().is_some_and(Tenure::is_over)
    }

    /// Lets requests go to the nodes here for a while, since no other server is known to serve.
    fn serves_on(&self) {
        if let Some(tenure) = &self.tenure {
            tenure.set(Instant::now() + LASTS);
        }
    }

    async fn remove_nodes(&mut self) {
        self.retire_all(|_| true);
        while !self.leaving.is_empty() {
            self.wake.notified().await;
        }
    }
}
