//! What the machine promises to services.

use gangplank_core::Power;

use crate::Result;
use crate::metadata::container_services::ContainerService;
use crate::metadata::deployments::{Promised, Room};
use crate::metadata::tx::{Query, Tx, values};

/// Says what would be promised if a service changed from `before` to `after`, if that is more than there is. A service
/// that wants no more than it has is never refused. The room is locked.
pub(crate) fn exceeds(
    tx: &dyn Tx,
    before: &ContainerService,
    after: &ContainerService,
    room: Room,
) -> Result<Option<Promised>> {
    if !after.wants_more_than(before) {
        return Ok(None);
    }
    // In the words of the index's condition: what is disabled is not in the sum.
    let others = tx.all(&Query::new(
        "SELECT power, CAST(sum(scale) AS BIGINT) FROM services
         WHERE is_disabled = 0 AND (last_version > 0 OR is_disabled = 1) AND id <> ?1 GROUP BY power",
        values![after.id],
        |row| {
            // A power that this program does not know was none that it took: it runs as the smallest.
            let power = Power::parse(row.text(0)?).unwrap_or(Power::Nano);
            Ok(power.room(u32::try_from(row.get::<i64>(1)?).unwrap_or_default()))
        },
    ))?;
    Ok(after.exceeds(others.into_iter().fold(Room::NONE, Room::and), room))
}
