use async_trait::async_trait;
use gangplank_core::{ServiceId, Time};

use super::rows;
use crate::Result;
use crate::metadata::engine::{Engine, Terms};
use crate::metadata::metric_points::{Measured, MetricPoint, MetricPoints, POINT, Sample};
use crate::metadata::store::Store;
use crate::metadata::tx::{Query, Row, Tx, values};

#[async_trait]
impl<E: Engine> MetricPoints for Store<E> {
    async fn add_samples(&self, at: Time, mut samples: Vec<Sample>) -> Result<()> {
        samples.sort_by_key(|sample| sample.service.0);
        self.upkeep(terms(), move |tx| add(tx, at, &samples)).await
    }

    async fn metric_points(&self, service: ServiceId, start: Time, end: Time) -> Result<Vec<MetricPoint>> {
        self.read_one(|tx| {
            tx.all(&Query::new(
                "SELECT at, samples, processor_minimum, processor_maximum, processor_sum,
                        memory_minimum, memory_maximum, memory_sum
                 FROM metric_points WHERE service = ?1 AND at >= ?2 AND at < ?3 ORDER BY at",
                values![service, start, end],
                read,
            ))
        })
        .await
    }

    async fn forget_metric_points(&self, before: Time, limit: u32) -> Result<u32> {
        self.upkeep(terms(), move |tx| {
            let forgotten = tx.run(
                "DELETE FROM metric_points WHERE (service, at) IN
                 (SELECT service, at FROM metric_points WHERE at < ?1 ORDER BY at LIMIT ?2)",
                values![before, limit],
            )?;
            Ok(u32::try_from(forgotten).unwrap_or(u32::MAX))
        })
        .await
    }

    async fn forget_metrics_of(&self, service: ServiceId) -> Result<()> {
        self.upkeep(terms().repeatable(), move |tx| forget(tx, service)).await
    }
}

/// A power cut may lose the last minutes.
fn terms() -> Terms {
    Terms::server().takes_nothing().visible()
}

/// Forgets all points of a service.
pub(crate) fn forget(tx: &dyn Tx, service: ServiceId) -> Result<()> {
    tx.post("DELETE FROM metric_points WHERE service = ?1", values![service])
}

fn add(tx: &dyn Tx, at: Time, samples: &[Sample]) -> Result<()> {
    let length = rows::signed(u64::try_from(POINT.as_millis()).unwrap_or(u64::MAX))?;
    let at = at.0 - at.0.rem_euclid(length);
    // If the service is gone, the `SELECT` finds no row, and nothing is inserted.
    tx.post_each(
        "INSERT INTO metric_points (service, at, samples, processor_minimum, processor_maximum, processor_sum,
                                    memory_minimum, memory_maximum, memory_sum)
         SELECT id, CAST(?2 AS BIGINT), 1, CAST(?3 AS DOUBLE PRECISION), CAST(?3 AS DOUBLE PRECISION),
                CAST(?3 AS DOUBLE PRECISION), CAST(?4 AS DOUBLE PRECISION), CAST(?4 AS DOUBLE PRECISION),
                CAST(?4 AS DOUBLE PRECISION)
         FROM services WHERE id = ?1
         ON CONFLICT (service, at) DO UPDATE SET
            samples = metric_points.samples + 1,
            processor_minimum = CASE WHEN excluded.processor_minimum < metric_points.processor_minimum
                                     THEN excluded.processor_minimum ELSE metric_points.processor_minimum END,
            processor_maximum = CASE WHEN excluded.processor_maximum > metric_points.processor_maximum
                                     THEN excluded.processor_maximum ELSE metric_points.processor_maximum END,
            processor_sum = metric_points.processor_sum + excluded.processor_sum,
            memory_minimum = CASE WHEN excluded.memory_minimum < metric_points.memory_minimum
                                  THEN excluded.memory_minimum ELSE metric_points.memory_minimum END,
            memory_maximum = CASE WHEN excluded.memory_maximum > metric_points.memory_maximum
                                  THEN excluded.memory_maximum ELSE metric_points.memory_maximum END,
            memory_sum = metric_points.memory_sum + excluded.memory_sum",
        samples
            .iter()
            .map(|Sample { service, processor, memory }| values![*service, at, *processor, *memory]),
    )
}

fn read(row: &Row<'_>) -> Result<MetricPoint> {
    let measured = |first: usize| -> Result<Measured> {
        Ok(Measured { minimum: row.get(first)?, maximum: row.get(first + 1)?, sum: row.get(first + 2)? })
    };
    let (processor, memory) = (measured(2)?, measured(5)?);
    Ok(MetricPoint { at: row.get(0)?, samples: row.get(1)?, processor, memory })
}
