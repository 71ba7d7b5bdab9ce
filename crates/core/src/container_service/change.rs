//! Changes to a container service, and their consequences for its nodes.

use std::collections::BTreeMap;

use super::ContainerService;
use crate::power::{Power, Room, Scale};

/// A change to a service.
#[derive(Clone, Debug, PartialEq)]
pub enum ServiceChange {
    /// Changes the given members.
    Update(ServiceUpdate),
    /// Sets tags. A tag replaces the one with the same key.
    Tag(Vec<(String, Option<String>)>),
    /// Removes the tags with these keys. A missing key is no error.
    Untag(Vec<String>),
}

/// Changes to how a service runs. Only given members change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceUpdate {
    /// The new power.
    pub power: Option<Power>,
    /// The new scale.
    pub scale: Option<Scale>,
    /// Whether the service is disabled from now on.
    pub is_disabled: Option<bool>,
    /// Whether the role that pulls from private registries shall exist.
    pub puller_role_active: Option<bool>,
    /// Certificates with their domain names. An empty list detaches one; a certificate that is not named stays.
    pub public_domain_names: Option<BTreeMap<String, Vec<String>>>,
    /// The resources that may be promised to all services of the server together. `None` if nothing runs services;
    /// then a change is complete at once.
    pub room: Option<Room>,
}

/// The consequence of a change of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// The nodes stay as they are.
    Nothing,
    /// The change has to wait: for the deployment with this version, or for an earlier change of its nodes.
    InProgress(i64),
    /// Nodes change, or requests are routed to other ones.
    Nodes,
}

impl ServiceChange {
    /// The service after the change. Its consequence is not recorded yet: see [`ContainerService::follows`].
    pub fn apply(&self, before: &ContainerService) -> ContainerService {
        let mut service = before.clone();
        match self {
            Self::Update(update) => update.apply(&mut service),
            Self::Tag(tags) => {
                for (key, value) in tags {
                    match service.tags.iter_mut().find(|(known, _)| known == key) {
                        Some(tag) => tag.1.clone_from(value),
                        None => service.tags.push((key.clone(), value.clone())),
                    }
                }
            }
            Self::Untag(keys) => service.tags.retain(|(key, _)| !keys.contains(key)),
        }
        service
    }

    /// The resources that may be promised to all services, if nodes have to change.
    pub fn room(&self) -> Option<Room> {
        match self {
            Self::Update(update) => update.room,
            Self::Tag(_) | Self::Untag(_) => None,
        }
    }
}

impl ServiceUpdate {
    fn apply(&self, service: &mut ContainerService) {
        service.power = self.power.unwrap_or(service.power);
        service.scale = self.scale.unwrap_or(service.scale);
        service.is_disabled = self.is_disabled.unwrap_or(service.is_disabled);
        service.puller_role_active = self.puller_role_active.unwrap_or(service.puller_role_active);
        for (certificate, domains) in self.public_domain_names.iter().flatten() {
            if domains.is_empty() {
                service.public_domain_names.remove(certificate);
            } else {
                service.public_domain_names.insert(certificate.clone(), domains.clone());
            }
        }
    }
}

impl ContainerService {
    /// The consequence if this service becomes `after`.
    pub fn follows(&self, after: &Self) -> Follows {
        if !self.has_other_nodes(after) && self.public_domain_names == after.public_domain_names {
            return Follows::Nothing;
        }
        self.in_progress().map_or(Follows::Nodes, Follows::InProgress)
    }

    /// This service, changed from `before`, with a mark that its nodes have to change. Without a `room`, no
    /// engine runs nodes, so the change is complete at once.
    #[must_use]
    pub fn to_be_followed(mut self, before: &Self, room: Option<Room>) -> Self {
        // The runner changes nodes and routes. A service that runs nothing has no routes to change.
        if before.has_other_nodes(&self) || self.current_version.is_some() {
            self.changes += 1;
            let stays_off = before.is_disabled && self.is_disabled;
            self.is_updating = room.is_some() && self.current_version.is_some() && !stays_off;
        }
        self
    }

    fn has_other_nodes(&self, other: &Self) -> bool {
        let of = |service: &Self| (service.power, service.scale, service.is_disabled);
        of(self) != of(other)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::service;
    use super::*;

    const ROOM: Option<Room> = Some(Room { cpus: 4.0, memory: 8 << 30 });

    fn tag(key: &str, value: &str) -> (String, Option<String>) {
        (key.to_owned(), Some(value.to_owned()))
    }

    fn scaled(nodes: i64) -> ServiceUpdate {
        ServiceUpdate { scale: Some(Scale::nearest(nodes)), ..ServiceUpdate::default() }
    }

    fn updated(before: &ContainerService, update: ServiceUpdate) -> ContainerService {
        ServiceChange::Update(update).apply(before)
    }

    #[test]
    fn a_tag_keeps_its_place_and_gets_its_new_value() {
        let tagged = ContainerService { tags: vec![tag("a", "1"), tag("b", "2")], ..service() };
        let change = ServiceChange::Tag(vec![tag("c", "3"), tag("a", "4"), ("b".to_owned(), None)]);
        let after = change.apply(&tagged);
        assert_eq!(after.tags, [tag("a", "4"), ("b".to_owned(), None), tag("c", "3")]);
        let after = ServiceChange::Untag(vec!["b".to_owned(), "z".to_owned()]).apply(&after);
        assert_eq!(after.tags, [tag("a", "4"), tag("c", "3")]);
        assert_eq!(tagged.follows(&after), Follows::Nothing);
    }

    #[test]
    fn a_certificate_is_set_left_or_taken_off() {
        let names = |list: &[(&str, &[&str])]| -> BTreeMap<String, Vec<String>> {
            let owned = |domains: &[&str]| domains.iter().map(|it| (*it).to_owned()).collect();
            list.iter().map(|(name, domains)| ((*name).to_owned(), owned(domains))).collect()
        };
        let before = names(&[("one", &["a.example"]), ("two", &["b.example"])]);
        let before = ContainerService { public_domain_names: before, ..service() };
        let asked = names(&[("two", &[]), ("three", &["c.example"]), ("four", &[])]);
        let update = ServiceUpdate { public_domain_names: Some(asked), ..ServiceUpdate::default() };
        let after = updated(&before, update);
        assert_eq!(after.public_domain_names, names(&[("one", &["a.example"]), ("three", &["c.example"])]));
        assert_eq!(before.follows(&after), Follows::Nodes);
        // No nodes run yet, so none have to change.
        assert_eq!(after.clone().to_be_followed(&before, ROOM), after);
        let running = ContainerService { current_version: Some(1), ..after };
        let followed = running.clone().to_be_followed(&before, ROOM);
        assert_eq!(followed, ContainerService { changes: 1, is_updating: true, ..running });
    }

    #[test]
    fn nodes_wait_for_what_is_in_progress_and_tags_do_not() {
        let busy = ContainerService { next_version: Some(2), ..service() };
        assert_eq!(busy.follows(&updated(&busy, scaled(2))), Follows::InProgress(2));
        assert_eq!(busy.follows(&updated(&busy, scaled(1))), Follows::Nothing, "it has as many");
        let role = ServiceUpdate { puller_role_active: Some(true), ..ServiceUpdate::default() };
        assert_eq!(busy.follows(&updated(&busy, role)), Follows::Nothing);
    }

    #[test]
    fn an_update_goes_on_where_something_runs() {
        let running = ContainerService { current_version: Some(1), ..service() };
        let change = |before: &ContainerService, update, room| {
            let followed = updated(before, update).to_be_followed(before, room);
            (followed.changes, followed.is_updating)
        };
        assert_eq!(change(&running, scaled(2), ROOM), (1, true));
        assert_eq!(change(&running, scaled(2), None), (1, false), "nothing runs it");
        assert_eq!(change(&service(), scaled(2), ROOM), (1, false), "it has no deployment");
        let disabled =
            |is_disabled| ServiceUpdate { is_disabled: Some(is_disabled), ..ServiceUpdate::default() };
        assert_eq!(change(&running, disabled(true), ROOM), (1, true));
        let off = ContainerService { is_disabled: true, ..running };
        assert_eq!(change(&off, scaled(2), ROOM), (1, false), "it stays off");
        assert_eq!(change(&off, disabled(false), ROOM), (1, true));
    }

    fn any_update() -> impl Strategy<Value = ServiceUpdate> {
        let power = proptest::option::of((0..6usize).prop_map(|index| Power::ALL[index]));
        let scale = proptest::option::of((1..=20i64).prop_map(Scale::nearest));
        let flag = proptest::option::of(any::<bool>());
        let domains = proptest::collection::vec("[a-c]\\.example", 0..3);
        let names = proptest::option::of(proptest::collection::btree_map("[xy]", domains, 0..3));
        (power, scale, flag.clone(), flag, names).prop_map(
            |(power, scale, is_disabled, puller_role_active, public_domain_names)| ServiceUpdate {
                power,
                scale,
                is_disabled,
                puller_role_active,
                public_domain_names,
                room: ROOM,
            },
        )
    }

    proptest! {
        #[test]
        fn an_update_twice_is_an_update_once(first in any_update(), update in any_update()) {
            let before = updated(&service(), first);
            let once = updated(&before, update.clone());
            prop_assert_eq!(&updated(&once, update), &once);
            prop_assert_eq!(once.follows(&once), Follows::Nothing);
        }

        #[test]
        fn what_is_not_given_stays(first in any_update(), update in any_update()) {
            let before = updated(&service(), first);
            let after = updated(&before, update.clone());
            prop_assert_eq!(after.power, update.power.unwrap_or(before.power));
            prop_assert_eq!(after.scale, update.scale.unwrap_or(before.scale));
            let expected = ContainerService {
                power: after.power,
                scale: after.scale,
                is_disabled: update.is_disabled.unwrap_or(before.is_disabled),
                puller_role_active: update.puller_role_active.unwrap_or(before.puller_role_active),
                public_domain_names: after.public_domain_names.clone(),
                ..before
            };
            prop_assert_eq!(after, expected);
        }
    }
}
