//! The processor time of each part of the machine.

use super::Servers;
use super::fleet::Fleet;
use crate::meter;

/// Processor seconds.
#[derive(Clone, Copy, Default)]
pub(super) struct Spent {
    /// Of all replicas.
    pub(super) gangplank: f64,
    /// Of PostgreSQL, without the session of the watch.
    pub(super) postgres: f64,
    /// Of the S3 server.
    pub(super) s3: f64,
    /// Of this program: the clients, and the relays.
    pub(super) clients: f64,
}

impl Spent {
    /// So far.
    pub(super) fn now(servers: &Servers<'_>, fleet: &Fleet, watch: u32) -> Self {
        let replicas = fleet.replicas.iter().filter_map(|replica| replica.pid);
        Self {
            gangplank: replicas.filter_map(meter::processor_seconds).sum(),
            postgres: meter::family_seconds(servers.postgres.pid(), Some(watch)),
            s3: meter::processor_seconds(servers.bucket.pid()).unwrap_or_default(),
            clients: meter::own_seconds(),
        }
    }

    /// The difference to an earlier time.
    pub(super) fn since(&self, before: &Self) -> Self {
        Self {
            gangplank: self.gangplank - before.gangplank,
            postgres: self.postgres - before.postgres,
            s3: self.s3 - before.s3,
            clients: self.clients - before.clients,
        }
    }

    /// Adds what was spent at another time.
    pub(super) fn add(&mut self, other: &Self) {
        self.gangplank += other.gangplank;
        self.postgres += other.postgres;
        self.s3 += other.s3;
        self.clients += other.clients;
    }

    /// Of the replicas and of the servers that they share.
    pub(super) fn served(&self) -> f64 {
        self.gangplank + self.postgres + self.s3
    }
}
