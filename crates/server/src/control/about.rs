//! The API's answers about itself: the powers that a service can have, and the version of the plugin.

use gangplank_api::lightsail::{
    ContainerServicePower, GetContainerAPIMetadataRequest, GetContainerAPIMetadataResult,
    GetContainerServicePowersRequest, GetContainerServicePowersResult, LIGHTSAILCTL_VERSION,
};
use gangplank_core::Power;

use super::{Context, Result};

pub(super) async fn powers(
    _: &Context<'_>,
    _: GetContainerServicePowersRequest,
) -> Result<GetContainerServicePowersResult> {
    let powers = Power::ALL.map(|power| ContainerServicePower {
        power_id: Some(power.id()),
        price: Some(power.price()),
        cpu_count: Some(power.cpu_count()),
        ram_size_in_gb: Some(power.ram_gb()),
        name: Some(power.as_str().to_owned()),
        is_active: Some(true),
    });
    Ok(GetContainerServicePowersResult { powers: Some(powers.into()) })
}

pub(super) async fn metadata(
    _: &Context<'_>,
    _: GetContainerAPIMetadataRequest,
) -> Result<GetContainerAPIMetadataResult> {
    // An older plugin suggests an update.
    let pairs = [("name", "lightsailctlVersion"), ("value", LIGHTSAILCTL_VERSION)];
    let entry = pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    Ok(GetContainerAPIMetadataResult { metadata: Some(vec![entry]) })
}
