//! How much of the machine's room is promised to services.

use gangplank_core::Power;

use crate::Result;
use crate::metadata::container_services::ContainerService;
use crate::metadata::deployments::{Promised, Room};
use crate::metadata::tx::{Query, Tx, values};

/// Returns the new sum of all reserved resources, if it would exceed `room` after the service changed from
/// `before` to `after`. A service that needs no more than before is never refused. The room must be locked.
pub(crate) fn exceeds(
    tx: &dyn Tx,
    before: &ContainerService,
    after: &ContainerService,
    room: Room,
) -> Result<Option<Promised>> {
    if !after.wants_more_than(before) {
        return Ok(None);
    }
    // Disabled services do not count. The second condition is the condition of the partial index, word for word;
    // without it, SQLite would not use the index.
    let others = tx.all(&Query::new(
        "SELECT power, CAST(sum(scale) AS BIGINT) FROM services
         WHERE is_disabled = 0 AND (last_version > 0 OR is_disabled = 1) AND id <> ?1 GROUP BY power",
        values![after.id],
        |row| {
            // This program never writes an unknown power. A service with one counts with the smallest power,
            // with which it also runs.
            let power = Power::parse(row.text(0)?).unwrap_or(Power::Nano);
            Ok(power.room(u32::try_from(row.get::<i64>(1)?).unwrap_or_default()))
        },
    ))?;
    Ok(after.exceeds(others.into_iter().fold(Room::NONE, Room::and), room))
}
