//! Where services run, as rows that processes share. Announcements end by the clock of the database.

use std::time::Duration;

use async_trait::async_trait;
use gangplank_core::ServiceId;
use gangplank_core::power::Room;
use tokio::sync::watch;

use super::Postgres;
use super::claims::milliseconds;
use crate::coordination::{Claim, Epoch, Place, Places, Replica, Whereabouts, Work};
use crate::metadata::engine::Terms;
use crate::metadata::tx::{Query, Row, Tx, values};
use crate::{Result, StoreError};

/// Locks the claim, so that nobody takes it before the place is written.
const MINE: &str = "SELECT epoch FROM claims WHERE name = ?1 AND epoch = ?2 FOR SHARE";

const SET: &str = "
    INSERT INTO places (service, epoch, replica, address, engine) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (service) DO UPDATE SET epoch = excluded.epoch, replica = excluded.replica,
        address = excluded.address, engine = excluded.engine";

const FORGET: &str =
    "DELETE FROM places p WHERE NOT EXISTS (SELECT 1 FROM services s WHERE s.id = p.service)";

const ANNOUNCE: &str = "
    INSERT INTO replicas (id, address, engine, cpus, memory, images, until)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, now() + ?7 * INTERVAL '1 millisecond')
    ON CONFLICT (id) DO UPDATE SET address = excluded.address, engine = excluded.engine, cpus = excluded.cpus,
        memory = excluded.memory, images = excluded.images, until = excluded.until";

#[async_trait]
impl Places for Postgres {
    fn changes(&self) -> watch::Receiver<i64> {
        self.engine.0.shared.running()
    }

    async fn whereabouts(&self) -> Result<Whereabouts> {
        self.read(|tx| {
            let places = tx.all(&Query::new(
                "SELECT service, epoch, replica, address, engine FROM places",
                values![],
                read_place,
            ))?;
            let holders: Vec<(String, String)> = tx.all(&Query::new(
                "SELECT name, holder FROM claims WHERE name LIKE 'service %' AND until > now()",
                values![],
                |row| Ok((row.get(0)?, row.get(1)?)),
            ))?;
            let replicas = tx.all(&Query::new(
                "SELECT id, address, engine, cpus, memory, images FROM replicas WHERE until > now() ORDER BY id",
                values![],
                read_replica,
            ))?;
            Ok(Whereabouts {
                places: places.into_iter().map(|place| (place.service, place)).collect(),
                holders: holders.into_iter().filter_map(|(name, id)| Some((service(&name)?, id))).collect(),
                replicas,
            })
        })
        .await
    }

    async fn set_place(&self, place: &Place) -> Result<bool> {
        let place = place.clone();
        self.upkeep(terms().tells_runners(), move |tx| {
            let Place { service, epoch, replica, address, engine } = &place;
            if !is_mine(tx, &Work::Service(*service), *epoch)? {
                return Ok(false);
            }
            tx.run(SET, values![*service, epoch.0, replica, address, engine]).map(|_| true)
        })
        .await
    }

    async fn remove_place(&self, claim: &Claim) -> Result<bool> {
        let Work::Service(service) = claim.work else { return Ok(false) };
        let (work, epoch) = (claim.work.clone(), claim.epoch);
        self.upkeep(terms().tells_runners(), move |tx| {
            if !is_mine(tx, &work, epoch)? {
                return Ok(false);
            }
            tx.run("DELETE FROM places WHERE service = ?1", values![service]).map(|_| true)
        })
        .await
    }

    async fn forget_places(&self) -> Result<()> {
        self.upkeep(terms(), |tx| tx.run(FORGET, values![]).map(drop)).await
    }

    async fn announce(&self, replica: &Replica, lasts: Duration) -> Result<()> {
        let replica = replica.clone();
        let is_known = self
            .read_one(|tx| {
                let text = "SELECT 1 FROM replicas WHERE id = ?1 AND until > now()";
                tx.find::<i64>(&Query::column(text, values![&replica.id]))
            })
            .await?
            .is_some();
        let terms = if is_known { terms() } else { terms().tells_runners() };
        self.upkeep(terms, move |tx| {
            let Replica { id, address, engine, room, images } = &replica;
            let memory = i64::try_from(room.memory).unwrap_or(i64::MAX);
            let images = images.as_ref().map(|images| images.join("\n"));
            let lasts = milliseconds(lasts);
            tx.run(ANNOUNCE, values![id, address, engine, room.cpus, memory, images, lasts])?;
            tx.run("DELETE FROM replicas WHERE until < now() - INTERVAL '1 hour'", values![]).map(drop)
        })
        .await
    }

    async fn withdraw(&self, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.upkeep(terms().tells_runners(), move |tx| {
            tx.run("DELETE FROM replicas WHERE id = ?1", values![&id]).map(drop)
        })
        .await
    }
}

fn terms() -> Terms {
    Terms::server().takes_nothing().repeatable()
}

/// Whether the claim of this epoch is still the last one on its work.
fn is_mine(tx: &dyn Tx, work: &Work, epoch: Epoch) -> Result<bool> {
    let name = work.to_string();
    Ok(tx.find::<i64>(&Query::column(MINE, values![&name, epoch.0]))?.is_some())
}

/// The service of the claim with this name.
fn service(name: &str) -> Option<ServiceId> {
    name.strip_prefix("service ")?.parse().ok().map(ServiceId)
}

fn read_place(row: &Row<'_>) -> Result<Place> {
    Ok(Place {
        service: row.get(0)?,
        epoch: Epoch(row.get(1)?),
        replica: row.get(2)?,
        address: row.get(3)?,
        engine: row.get(4)?,
    })
}

fn read_replica(row: &Row<'_>) -> Result<Replica> {
    let memory: i64 = row.get(4)?;
    let memory = u64::try_from(memory).map_err(|_| StoreError::damaged("the memory of a replica"))?;
    let images: Option<String> = row.get(5)?;
    Ok(Replica {
        id: row.get(0)?,
        address: row.get(1)?,
        engine: row.get(2)?,
        room: Room { cpus: row.get(3)?, memory },
        images: images.map(|images| images.lines().map(str::to_owned).collect()),
    })
}
