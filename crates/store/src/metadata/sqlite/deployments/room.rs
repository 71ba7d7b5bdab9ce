//! What the machine promises to services.

use gangplank_core::power::{POWERS, Power};
use rusqlite::Connection;

use crate::Result;
use crate::metadata::container_services::ContainerService;
use crate::metadata::deployments::{Promised, Room};

/// Says what would be promised if a service changed from `before` to `after`, if that is more than there is. A service
/// that wants no more than it has is never refused.
pub(in crate::metadata::sqlite) fn exceeds(
    connection: &Connection,
    before: &ContainerService,
    after: &ContainerService,
    room: Room,
) -> Result<Option<Promised>> {
    let (had, wanted) = (counted(before), counted(after));
    if wanted.cpus <= had.cpus && wanted.memory <= had.memory {
        return Ok(None);
    }
    let mut others = Room { cpus: 0.0, memory: 0 };
    // In the words of the index's condition: what is disabled is not in the sum.
    let mut select = connection.prepare_cached(
        "SELECT power, sum(scale) FROM services
         WHERE is_disabled = 0 AND (last_version > 0 OR is_disabled = 1) AND id <> ?1 GROUP BY power",
    )?;
    let mut found = select.query([after.id.0])?;
    while let Some(row) = found.next()? {
        let needed = needed(row.get_ref(0)?.as_str().unwrap_or_default(), row.get(1)?);
        others.cpus += needed.cpus;
        others.memory += needed.memory;
    }
    let fits = others.cpus + wanted.cpus <= room.cpus && others.memory + wanted.memory <= room.memory;
    Ok((!fits).then_some(Promised { others, wanted }))
}

/// What a service counts with.
fn counted(service: &ContainerService) -> Room {
    if service.is_disabled || service.last_version == 0 {
        return Room { cpus: 0.0, memory: 0 };
    }
    needed(&service.power, service.scale.into())
}

fn needed(power: &str, nodes: i64) -> Room {
    // A power that this program does not know was none that it took: it runs as the smallest.
    let power = Power::named(power).unwrap_or(&POWERS[0]);
    let nodes = u32::try_from(nodes).unwrap_or_default();
    Room { cpus: power.cpus(nodes), memory: power.memory(nodes) }
}
