//! The sizes of nodes.

use crate::macros::structure;

structure! {
    /// Nothing: all sizes are shown.
    pub struct GetContainerServicePowersRequest: Default {}
}

structure! {
    /// The sizes of nodes.
    pub struct GetContainerServicePowersResult: Default {
        /// The sizes, the smallest first.
        "powers" powers: Option<Vec<ContainerServicePower>>,
    }
}

structure! {
    /// A size of the nodes of a service.
    pub struct ContainerServicePower: Default {
        /// The identifier of the size.
        "powerId" power_id: Option<String>,
        /// The price of one node for a month, in US dollars.
        "price" price: Option<f32>,
        /// The virtual processors of one node.
        "cpuCount" cpu_count: Option<f32>,
        /// The memory of one node, in gigabytes.
        "ramSizeInGb" ram_size_in_gb: Option<f32>,
        /// The name of the size.
        "name" name: Option<String>,
        /// Whether new services can have this size.
        "isActive" is_active: Option<bool>,
    }
}
