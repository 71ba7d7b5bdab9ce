//! The columns `max_login` and `reach`, of roles, access keys and logins.

use std::time::Duration;

use gangplank_core::policy::RepositoryPattern;
use gangplank_core::{LoginLimits, Network, Reach};
use serde::{Deserialize, Serialize};

use super::rows;
use crate::metadata::tx::Row;
use crate::{Result, StoreError};

/// A reach in JSON.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    repositories: Vec<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    networks: Vec<String>,
}

/// The JSON of a reach; `None` if the reach is everywhere.
pub(crate) fn write_reach(reach: &Reach) -> Result<Option<String>> {
    if reach.is_everywhere() {
        return Ok(None);
    }
    let list = |list: &Vec<RepositoryPattern>| list.iter().map(|it| it.as_str().to_owned()).collect();
    let written = Written {
        repositories: reach.repositories.iter().map(list).collect(),
        networks: reach.networks.iter().map(Network::to_string).collect(),
    };
    let text = serde_json::to_string(&written);
    Ok(Some(text.map_err(|error| StoreError::damaged(format!("reach: {error}")))?))
}

/// Reads the JSON of a reach.
pub(crate) fn read_reach(text: Option<&str>) -> Result<Reach> {
    let Some(text) = text else { return Ok(Reach::default()) };
    let written: Written = serde_json::from_str(text).map_err(|_| rows::damaged("reach", text))?;
    let pattern = |it: &String| RepositoryPattern::parse(it).map_err(|_| rows::damaged("repository", it));
    let network = |it: &String| it.parse::<Network>().map_err(|_| rows::damaged("network", it));
    let lists = written.repositories.iter().map(|list| list.iter().map(pattern).collect());
    let reach = Reach {
        repositories: lists.collect::<Result<_>>()?,
        networks: written.networks.iter().map(network).collect::<Result<_>>()?,
    };
    if reach.is_everywhere() {
        return Err(rows::damaged("reach", text));
    }
    Ok(reach)
}

/// Whole seconds of a duration.
pub(crate) fn seconds(length: Duration) -> i64 {
    i64::try_from(length.as_secs()).unwrap_or(i64::MAX)
}

/// Reads a column of seconds.
pub(crate) fn read_seconds(seconds: i64) -> Result<Duration> {
    Ok(Duration::from_secs(rows::unsigned(seconds)?))
}

/// Reads `max_login, reach` from the column `at` on.
pub(crate) fn read(row: &Row<'_>, at: usize) -> Result<LoginLimits> {
    let max_life = row.get::<Option<i64>>(at)?.map(read_seconds).transpose()?;
    Ok(LoginLimits { max_life, reach: read_reach(row.get::<Option<String>>(at + 1)?.as_deref())? })
}
