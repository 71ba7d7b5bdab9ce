//! Container services: their names, changes to them, and the consequences of a change.

mod address;
mod change;
mod detail;
mod domains;
mod names;

use std::collections::BTreeMap;

pub use address::{Entrance, address_part, host_name};
pub use change::{Follows, ServiceChange, ServiceUpdate};
pub use detail::{Detail, Progress, Specs};
pub use domains::{DomainRefusal, MAX_DOMAINS};

use crate::deployment::ServiceFacts;
use crate::power::{Power, Scale};
use crate::time::Time;

/// The number of a container service, never used twice. A later service with the same name has another number. So a
/// login that was made for the first one does not open the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceId(pub i64);

/// A container service as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerService {
    /// Its number. It has no meaning before the service is stored.
    pub id: ServiceId,
    /// Its name, unique in the tenant.
    pub name: String,
    /// The id in its ARN and address, never used twice.
    pub uuid: String,
    /// The size of its nodes.
    pub power: Power,
    /// The number of its nodes.
    pub scale: Scale,
    /// Whether it was disabled.
    pub is_disabled: bool,
    /// Whether the role that pulls from private registries shall exist.
    pub puller_role_active: bool,
    /// Its tags, in the order in which they were given. A value may be absent.
    pub tags: Vec<(String, Option<String>)>,
    /// Its domain names, by the name of their certificate.
    pub public_domain_names: BTreeMap<String, Vec<String>>,
    /// When it was made, by the wall clock.
    pub created_at: Time,
    /// The version of its newest deployment, whatever its state. 0 before the first one.
    pub last_version: i64,
    /// The version of the current deployment, which serves.
    pub current_version: Option<i64>,
    /// The version of the next deployment, which is being started.
    pub next_version: Option<i64>,
    /// How often its power, scale or domain names changed, or it was disabled or enabled.
    pub changes: i64,
    /// Whether the last of these changes is still in progress.
    pub is_updating: bool,
    /// The stored parts that cannot be read, and are missing here. Such a service keeps running, and cannot be
    /// changed.
    pub damage: Option<String>,
}

impl ContainerService {
    /// The facts that decide its state.
    pub fn facts(&self) -> ServiceFacts {
        ServiceFacts {
            is_disabled: self.is_disabled,
            is_updating: self.is_updating,
            has_current: self.current_version.is_some(),
            has_next: self.next_version.is_some(),
        }
    }

    /// The version of the deployment that others have to wait for: the next one, or the one whose nodes change.
    pub fn in_progress(&self) -> Option<i64> {
        self.next_version.or(if self.is_updating { self.current_version } else { None })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A new service without any deployment or tag.
    pub(crate) fn service() -> ContainerService {
        ContainerService {
            id: ServiceId(1),
            name: "web".to_owned(),
            uuid: "6f0c1f6e-0000-4000-8000-000000000001".to_owned(),
            power: Power::Nano,
            scale: Scale::LEAST,
            is_disabled: false,
            puller_role_active: false,
            tags: Vec::new(),
            public_domain_names: BTreeMap::new(),
            created_at: Time(1_800_000_000_000),
            last_version: 0,
            current_version: None,
            next_version: None,
            changes: 0,
            is_updating: false,
            damage: None,
        }
    }

    #[test]
    fn what_is_on_its_way_or_changes_keeps_others_waiting() {
        let facts = |next, current, is_updating| {
            ContainerService { next_version: next, current_version: current, is_updating, ..service() }
                .in_progress()
        };
        assert_eq!(facts(None, Some(3), false), None);
        assert_eq!(facts(Some(4), Some(3), false), Some(4));
        assert_eq!(facts(None, Some(3), true), Some(3));
    }
}
