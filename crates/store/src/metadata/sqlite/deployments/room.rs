//! What the machine promises to services.

use gangplank_core::Power;
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
    if !after.wants_more_than(before) {
        return Ok(None);
    }
    let mut others = Room::NONE;
    // In the words of the index's condition: what is disabled is not in the sum.
    let mut select = connection.prepare_cached(
        "SELECT power, sum(scale) FROM services
         WHERE is_disabled = 0 AND (last_version > 0 OR is_disabled = 1) AND id <> ?1 GROUP BY power",
    )?;
    let mut found = select.query([after.id.0])?;
    while let Some(row) = found.next()? {
        // A power that this program does not know was none that it took: it runs as the smallest.
        let power = Power::parse(row.get_ref(0)?.as_str().unwrap_or_default()).unwrap_or(Power::Nano);
        others = others.and(power.room(u32::try_from(row.get::<_, i64>(1)?).unwrap_or_default()));
    }
    Ok(after.exceeds(others, room))
}
