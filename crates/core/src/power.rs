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
    Power { name: "small", cpu_count: 0.5, ram_gb: 2.0, price: 15.0 },
    Power { name: "medium", cpu_count: 1.0, ram_gb: 4.0, price: 40.0 },
    Power { name: "large", cpu_count: 2.0, ram_gb: 8.0, price: 80.0 },
    Power { name: "xlarge", cpu_count: 4.0, ram_gb: 16.0, price: 160.0 },
];

/// The id that stands for a power in a service, such as `nano-1`.
pub fn power_id(name: &str) -> String {
    format!("{name}-1")
}
