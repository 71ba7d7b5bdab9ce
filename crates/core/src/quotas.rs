//! How much of everything one account may have. Defaults are Lightsail's documented quotas where
//! it has one.

/// The quotas of every account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Container services in one region.
    pub services_per_region: u32,
    /// Registered images on one service.
    pub images_per_service: u32,
    /// Tags on one resource.
    pub tags_per_resource: u32,
    /// Upload sessions open at once in one account.
    pub open_uploads: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { services_per_region: 100, images_per_service: 150, tags_per_resource: 50, open_uploads: 1_000 }
    }
}
