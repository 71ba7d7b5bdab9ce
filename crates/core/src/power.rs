//! The powers of container services, and the resources of the machine that are promised to them.

use crate::container_service::ContainerService;

/// The power of a service: the size of its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Power {
    /// A quarter of a processor, half a GB.
    Nano,
    /// A quarter of a processor, 1 GB.
    Micro,
    /// Half a processor, 1 GB.
    Small,
    /// 1 processor, 2 GB.
    Medium,
    /// 2 processors, 4 GB.
    Large,
    /// 4 processors, 8 GB.
    Xlarge,
}

impl Power {
    /// Every power, smallest first.
    pub const ALL: [Self; 6] =
        [Self::Nano, Self::Micro, Self::Small, Self::Medium, Self::Large, Self::Xlarge];

    /// Its name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nano => "nano",
            Self::Micro => "micro",
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
            Self::Xlarge => "xlarge",
        }
    }

    /// The power of this name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|power| power.as_str() == name)
    }

    /// Its id in a service, such as `nano-1`.
    pub fn id(self) -> String {
        format!("{}-1", self.as_str())
    }

    /// Virtual processors of one node.
    pub const fn cpu_count(self) -> f32 {
        match self {
            Self::Nano | Self::Micro => 0.25,
            Self::Small => 0.5,
            Self::Medium => 1.0,
            Self::Large => 2.0,
            Self::Xlarge => 4.0,
        }
    }

    /// Memory of one node, in GB.
    pub const fn ram_gb(self) -> f32 {
        match self {
            Self::Nano => 0.5,
            Self::Micro | Self::Small => 1.0,
            Self::Medium => 2.0,
            Self::Large => 4.0,
            Self::Xlarge => 8.0,
        }
    }

    /// Amazon's price for one node and month, in US dollars. A self-hosted node costs nothing, but scripts compare
    /// these numbers.
    pub const fn price(self) -> f32 {
        match self {
            Self::Nano => 7.0,
            Self::Micro => 10.0,
            Self::Small => 15.0,
            Self::Medium => 40.0,
            Self::Large => 80.0,
            Self::Xlarge => 160.0,
        }
    }

    /// The resources of this many nodes.
    pub fn room(self, nodes: u32) -> Room {
        // Every power has a multiple of half a GB, so nothing is rounded.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small, and not negative"
        )]
        let halves = (self.ram_gb() * 2.0) as u64;
        Room {
            cpus: f64::from(self.cpu_count()) * f64::from(nodes),
            memory: halves * (1 << 29) * u64::from(nodes),
        }
    }
}

/// The number of a service's nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scale(u8);

impl Scale {
    /// The fewest nodes.
    pub const LEAST: Self = Self(1);
    /// The most nodes.
    pub const MOST: Self = Self(20);

    /// A number of nodes. `None` if no service can have it.
    pub fn of(nodes: i64) -> Option<Self> {
        let scale = u8::try_from(nodes).ok().map(Self)?;
        (Self::LEAST..=Self::MOST).contains(&scale).then_some(scale)
    }

    /// The nearest number that a service can have.
    pub fn nearest(nodes: i64) -> Self {
        Self::of(nodes).unwrap_or(if nodes < 1 { Self::LEAST } else { Self::MOST })
    }

    /// The number.
    pub const fn nodes(self) -> u8 {
        self.0
    }
}

/// The resources that are promised to services. A service counts from its first deployment on, with the power of all
/// its nodes. It does not count while it is disabled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// The number of processors, such as 0.25.
    pub cpus: f64,
    /// The memory in bytes. A GB is 2^30 bytes.
    pub memory: u64,
}

impl Room {
    /// No processors and no memory.
    pub const NONE: Self = Self { cpus: 0.0, memory: 0 };

    /// The sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { cpus: self.cpus + other.cpus, memory: self.memory.saturating_add(other.memory) }
    }

    /// Whether this room has at least the processors and the memory of the other.
    pub fn holds(self, other: Self) -> bool {
        other.cpus <= self.cpus && other.memory <= self.memory
    }
}

/// Promised resources that exceed a [`Room`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Promised {
    /// The resources of the other services.
    pub others: Room,
    /// The resources that this service wants.
    pub wanted: Room,
}

impl ContainerService {
    /// The resources that are reserved for the service.
    pub fn room(&self) -> Room {
        if self.is_disabled || self.last_version == 0 {
            return Room::NONE;
        }
        self.power.room(self.scale.nodes().into())
    }

    /// Whether it wants more resources than it did `before`. If it wants no more, the change is never refused,
    /// and nobody has to add up the resources of other services.
    pub fn wants_more_than(&self, before: &Self) -> bool {
        !before.room().holds(self.room())
    }

    /// The reserved resources of all services, if they exceed those of the machine.
    pub fn exceeds(&self, others: Room, there_is: Room) -> Option<Promised> {
        let wanted = self.room();
        (!there_is.holds(others.and(wanted))).then_some(Promised { others, wanted })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::container_service::tests::service;

    #[test]
    fn nodes_add_up() {
        assert_eq!(Power::Micro.room(3), Room { cpus: 0.75, memory: 3 << 30 });
        assert_eq!(Power::Nano.room(1).memory, 512 << 20);
        assert_eq!(Power::Xlarge.room(20), Room { cpus: 80.0, memory: 160 << 30 });
        assert_eq!(Power::Nano.room(1).and(Room::NONE), Power::Nano.room(1));
    }

    #[test]
    fn a_power_has_one_name() {
        for power in Power::ALL {
            assert_eq!(Power::parse(power.as_str()), Some(power));
        }
        assert_eq!(Power::parse("Nano"), None);
        assert_eq!(Power::Nano.id(), "nano-1");
        let prices = Power::ALL.map(|power| (power.price(), power.ram_gb(), power.cpu_count()));
        assert!(prices.is_sorted());
    }

    #[test]
    fn a_scale_is_one_to_twenty() {
        for (nodes, scale, nearest) in [
            (1, Some(1), 1),
            (20, Some(20), 20),
            (0, None, 1),
            (21, None, 20),
            (-1, None, 1),
            (257, None, 20),
            (i64::MIN, None, 1),
        ] {
            assert_eq!(Scale::of(nodes).map(Scale::nodes), scale, "{nodes}");
            assert_eq!(Scale::nearest(nodes).nodes(), nearest, "{nodes}");
        }
    }

    #[test]
    fn a_service_counts_from_its_first_deployment_on_and_not_while_it_is_disabled() {
        let new = ContainerService { power: Power::Small, scale: Scale::nearest(3), ..service() };
        let deployed = ContainerService { last_version: 1, ..new.clone() };
        let disabled = ContainerService { is_disabled: true, ..deployed.clone() };
        assert_eq!((new.room(), disabled.room()), (Room::NONE, Room::NONE));
        assert_eq!(deployed.room(), Power::Small.room(3));
        assert!(deployed.wants_more_than(&disabled) && !disabled.wants_more_than(&deployed));
        // More of one resource does not make up for less of another.
        let other = ContainerService { power: Power::Micro, scale: Scale::nearest(4), ..deployed.clone() };
        assert!(other.wants_more_than(&deployed), "more memory, fewer processors");
        let there_is = Room { cpus: 2.0, memory: 4 << 30 };
        let others = Power::Nano.room(2);
        assert_eq!(deployed.exceeds(others, there_is), None);
        let wanted = deployed.room();
        assert_eq!(
            deployed.exceeds(Power::Nano.room(3), there_is),
            Some(Promised { others: Power::Nano.room(3), wanted })
        );
    }

    proptest! {
        #[test]
        fn what_fits_still_fits_where_there_is_more(
            power in 0..6usize, nodes in 1..=20i64, others in 0..40u32, more in 0..40u32, machine in 0..200u32,
        ) {
            let scale = Scale::of(nodes).unwrap();
            let wanted = ContainerService { power: Power::ALL[power], scale, last_version: 1, ..service() };
            let (others, machine) = (Power::Nano.room(others), Power::Nano.room(machine));
            let larger = machine.and(Power::Nano.room(more));
            let fits = wanted.exceeds(others, machine).is_none();
            prop_assert_eq!(fits, machine.holds(others.and(wanted.room())));
            prop_assert!(!fits || wanted.exceeds(others, larger).is_none());
        }
    }
}
