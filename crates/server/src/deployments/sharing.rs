//! Engines that several servers use, and nodes that another server has replaced.

use std::collections::BTreeMap;
use std::time::Duration;

use gangplank_engine::NodeSeen;
use gangplank_store::coordination::{Replica, Whereabouts};
use gangplank_store::metadata::deployments::DeployedService;

use super::among::Among;
use super::pace::Pace;
use super::supervisor::{Labels, labels};

/// The other servers on this engine, and the places of services, as they were read last.
#[derive(Debug, Default)]
pub(super) struct Engines {
    /// The other servers that use the same engine.
    sharers: Vec<Replica>,
    /// The services that are to run, each with its permanent id and whether another engine serves it.
    services: BTreeMap<Labels, (String, Served)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Served {
    /// On another engine.
    Elsewhere,
    /// On this engine, by any server that shares it, or nowhere yet.
    HereOrNowhere,
}

impl Engines {
    /// Notes which servers share this engine, and which services another engine serves.
    pub(super) fn learn(
        &mut self,
        among: &Among,
        known: &Whereabouts,
        engine: Option<&str>,
        services: &[DeployedService],
    ) {
        let shares = |other: &&Replica| Some(other.engine.as_str()) == engine;
        self.sharers = among.others(known).filter(shares).cloned().collect();
        let served = |of: &DeployedService| match (known.places.get(&of.service.id), engine) {
            (Some(place), Some(engine)) if place.engine != engine => Served::Elsewhere,
            _ => Served::HereOrNowhere,
        };
        self.services =
            services.iter().map(|of| (labels(of), (of.service.uuid.clone(), served(of)))).collect();
    }

    /// How long a node may stay if this server does not run its service. `None` if it has to stay: its service
    /// is to run, and no other engine serves it.
    pub(super) fn patience(&self, labels: &Labels, node: &NodeSeen, pace: &Pace) -> Option<Duration> {
        match self.services.get(labels).filter(|(id, _)| node.is_of(id)) {
            Some((_, Served::HereOrNowhere)) => None,
            // Another server may still lead requests to it.
            Some((_, Served::Elsewhere)) => Some(pace.drain),
            None if self.sharers.is_empty() => Some(Duration::ZERO),
            // Another server may be about to remove it, or has made it since the services were read.
            None => Some(pace.drain + pace.grace),
        }
    }

    /// The images that all servers on the same engine want to keep. `None` if one of these servers does not
    /// know its images yet.
    pub(super) fn images_of_sharers(&self) -> Option<Vec<String>> {
        let images = self.sharers.iter().map(|sharer| sharer.images.clone()).collect::<Option<Vec<_>>>();
        Some(images?.into_iter().flatten().collect())
    }
}
