use async_trait::async_trait;
use gangplank_core::{ServiceId, Time};
use rusqlite::{Connection, Row, params};

use super::writer::Whose;
use super::{Sqlite, rows};
use crate::Result;
use crate::metadata::metric_points::{Measured, MetricPoint, MetricPoints, POINT, Sample};

#[async_trait]
impl MetricPoints for Sqlite {
    async fn add_samples(&self, at: Time, samples: Vec<Sample>) -> Result<()> {
        self.engine
            .doors
            .upkeep_unsynced(Whose::Server, move |connection| add(connection, at, &samples))
            .await
    }

    async fn metric_points(&self, service: ServiceId, start: Time, end: Time) -> Result<Vec<MetricPoint>> {
        self.engine.read_one(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT at, samples, processor_minimum, processor_maximum, processor_sum,
                        memory_minimum, memory_maximum, memory_sum
                 FROM metric_points WHERE service = ?1 AND at >= ?2 AND at < ?3 ORDER BY at",
            )?;
            let points = select.query_map([service.0, start.0, end.0], read)?;
            Ok(points.collect::<rusqlite::Result<_>>()?)
        })
    }

    async fn forget_metric_points(&self, before: Time, limit: u32) -> Result<u32> {
        self.engine
            .doors
            .upkeep_unsynced(Whose::Server, move |connection| {
                let mut forget = connection.prepare_cached(
                    "DELETE FROM metric_points WHERE (service, at) IN
                     (SELECT service, at FROM metric_points WHERE at < ?1 ORDER BY at LIMIT ?2)",
                )?;
                Ok(u32::try_from(forget.execute(params![before.0, limit])?).unwrap_or(u32::MAX))
            })
            .await
    }

    async fn forget_metrics_of(&self, service: ServiceId) -> Result<()> {
        self.engine.doors.upkeep_unsynced(Whose::Server, move |connection| forget(connection, service)).await
    }
}

/// Forgets all points of a service.
pub(super) fn forget(connection: &Connection, service: ServiceId) -> Result<()> {
    connection.prepare_cached("DELETE FROM metric_points WHERE service = ?1")?.execute([service.0])?;
    Ok(())
}

fn add(connection: &Connection, at: Time, samples: &[Sample]) -> Result<()> {
    let length = rows::signed(u64::try_from(POINT.as_millis()).unwrap_or(u64::MAX))?;
    let at = at.0 - at.0.rem_euclid(length);
    // Where there is no such service any more, there is no row to insert.
    let mut add = connection.prepare_cached(
        "INSERT INTO metric_points (service, at, samples, processor_minimum, processor_maximum, processor_sum,
                                    memory_minimum, memory_maximum, memory_sum)
         SELECT id, ?2, 1, ?3, ?3, ?3, ?4, ?4, ?4 FROM services WHERE id = ?1
         ON CONFLICT (service, at) DO UPDATE SET
            samples = samples + 1,
            processor_minimum = min(processor_minimum, excluded.processor_minimum),
            processor_maximum = max(processor_maximum, excluded.processor_maximum),
            processor_sum = processor_sum + excluded.processor_sum,
            memory_minimum = min(memory_minimum, excluded.memory_minimum),
            memory_maximum = max(memory_maximum, excluded.memory_maximum),
            memory_sum = memory_sum + excluded.memory_sum",
    )?;
    for Sample { service, processor, memory } in samples {
        add.execute(params![service.0, at, processor, memory])?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<MetricPoint> {
    let measured = |first: usize| -> rusqlite::Result<Measured> {
        Ok(Measured { minimum: row.get(first)?, maximum: row.get(first + 1)?, sum: row.get(first + 2)? })
    };
    let (processor, memory) = (measured(2)?, measured(5)?);
    Ok(MetricPoint { at: Time(row.get(0)?), samples: row.get(1)?, processor, memory })
}
