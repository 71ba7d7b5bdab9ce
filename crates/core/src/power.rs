//! The sizes a container service can have.

/// One size of node, as `GetContainerServicePowers` lists them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Power {
    /// `nano` to `xlarge`.
    pub name: &'static str,
    /// Virtual CPUs of one node.
    pub cpu_count: f32,
    /// Memory of one node, in GB.
    pub ram_gb: f32,
    /// What Amazon asks for one node and month, in US dollars: a self-hosted node costs nothing,
    /// but scripts compare these.
    pub price: f32,
}

/// Every power, smallest first.
pub const POWERS: [Power; 6] = [
    Power { name: "nano", cpu_count: 0.25, ram_gb: 0.5, price: 7.0 },
    Power { name: "micro", cpu_count: 0.25, ram_gb: 1.0, price: 10.0 },
    Power { name: "small", cpu_count: 0.5, ram_gb: 1.0, price: 15.0 },
    Power { name: "medium", cpu_count: 1.0, ram_gb: 2.0, price: 40.0 },
    Power { name: "large", cpu_count: 2.0, ram_gb: 4.0, price: 80.0 },
    Power { name: "xlarge", cpu_count: 4.0, ram_gb: 8.0, price: 160.0 },
];

/// The id that stands for a power in a service, such as `nano-1`.
pub fn power_id(name: &str) -> String {
    format!("{name}-1")
}

impl Power {
    /// The power of this name, if there is one.
    pub fn named(name: &str) -> Option<&'static Self> {
        POWERS.iter().find(|power| power.name == name)
    }

    /// Processors of this many nodes.
    pub fn cpus(&self, nodes: u32) -> f64 {
        f64::from(self.cpu_count) * f64::from(nodes)
    }

    /// Bytes of memory of this many nodes. A GB has 2^30 bytes.
    pub fn memory(&self, nodes: u32) -> u64 {
        // Every power has a whole number of half GB, so nothing is cut off.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small, and not negative"
        )]
        let halves = (self.ram_gb * 2.0) as u64;
        halves * (1 << 29) * u64::from(nodes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_add_up() {
        let micro = Power::named("micro").unwrap();
        assert_eq!((micro.cpus(3).to_string(), micro.memory(3)), ("0.75".to_owned(), 3 << 30));
        assert_eq!(Power::named("nano").unwrap().memory(1), 512 << 20);
        assert_eq!(Power::named("xlarge").unwrap().memory(20), 160 << 30);
        assert_eq!(Power::named("Nano"), None);
    }
}
