//! The resources that a node uses.

use bollard::models::ContainerStatsResponse;
use bollard::query_parameters::StatsOptionsBuilder;
use futures_util::StreamExt as _;
use futures_util::future::try_join_all;

use super::client::{CALL, Client};
use super::failure::Trouble;
use super::listing::Found;
use crate::{Result, Usage};

/// The sum of the running containers.
pub(super) async fn of(client: &Client, found: &[Found]) -> Result<Option<Usage>> {
    let running = found.iter().filter(|one| one.labelled.container.is_some() && one.is_running());
    let each = try_join_all(running.map(|one| of_container(client, &one.id))).await?;
    Ok(each.into_iter().flatten().reduce(|a, b| Usage {
        processor: a.processor.saturating_add(b.processor),
        memory: a.memory.saturating_add(b.memory),
    }))
}

/// Takes one sample. By default the engine would take two, a second apart.
async fn of_container(client: &Client, id: &str) -> Result<Option<Usage>, Trouble> {
    let options = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
    let sample = client.call_within(CALL, |engine| async move {
        let mut samples = std::pin::pin!(engine.stats(id, Some(options)));
        samples.next().await.transpose()
    });
    match sample.await {
        Ok(sample) => Ok(sample.as_ref().and_then(read)),
        Err(trouble) if trouble.is(404) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// Reads a sample. It is empty if the container does not run.
fn read(sample: &ContainerStatsResponse) -> Option<Usage> {
    let processor = sample.cpu_stats.as_ref()?.cpu_usage.as_ref()?.total_usage.filter(|time| *time > 0)?;
    let memory = sample.memory_stats.as_ref()?;
    // Pages of files that the kernel can drop. The first name is cgroup v1's, the second v2's.
    let of_files = memory
        .stats
        .as_ref()
        .and_then(|stats| stats.get("total_inactive_file").or_else(|| stats.get("inactive_file")).copied());
    let memory = memory.usage.unwrap_or(0).saturating_sub(of_files.unwrap_or(0));
    Some(Usage { processor, memory })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_json(sample: serde_json::Value) -> Option<Usage> {
        read(&serde_json::from_value(sample).unwrap())
    }

    #[test]
    fn both_layouts_of_memory_are_read() {
        let first = json!({
            "cpu_stats": { "cpu_usage": { "total_usage": 5 } },
            "memory_stats": { "usage": 100, "stats": { "total_inactive_file": 30, "inactive_file": 10 } },
        });
        assert_eq!(read_json(first), Some(Usage { processor: 5, memory: 70 }));
        let second = json!({
            "cpu_stats": { "cpu_usage": { "total_usage": 5 } },
            "memory_stats": { "usage": 100, "stats": { "inactive_file": 10 } },
        });
        assert_eq!(read_json(second), Some(Usage { processor: 5, memory: 90 }));
    }

    #[test]
    fn what_does_not_run_uses_nothing() {
        assert_eq!(read_json(json!({ "cpu_stats": {}, "memory_stats": {} })), None);
        let empty = json!({ "cpu_stats": { "cpu_usage": { "total_usage": 0 } }, "memory_stats": {} });
        assert_eq!(read_json(empty), None);
    }
}
