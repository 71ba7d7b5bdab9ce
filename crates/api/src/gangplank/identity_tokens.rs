//! Exchanges an identity token for a registry login, in one call that is not signed.

use super::permissions::{LOGIN_SECONDS, NETWORKS, REPOSITORIES, check_list};
use super::roles::IDENTITY_TOKEN;
use crate::lightsail::{CONTAINER_SERVICE_NAME, ContainerServiceRegistryLogin};
use crate::macros::structure;
use crate::pattern::NOT_BLANK;
use crate::{ApiError, Range, Secret, Shape};

const ROLE_ARN: Shape = Shape::text("RoleArn", Range { min: Some(20), max: Some(2_048) }, &NOT_BLANK);
const REGION: Shape = Shape::text("RegionName", Range { min: Some(1), max: Some(64) }, &NOT_BLANK);

structure! {
    /// The token to exchange, and the login to make.
    pub struct ExchangeIdentityTokenRequest, check check_exchange {
        /// The ARN of the role that the token opens.
        "roleArn" role_arn: String as &ROLE_ARN,
        /// The token.
        "identityToken" identity_token: Secret as &IDENTITY_TOKEN,
        /// The region of the login; us-east-1 if not given.
        "region" region: Option<String> as &REGION,
        /// The one service whose images the login pulls; without it, the login pushes.
        "serviceName" service_name: Option<String> as &CONTAINER_SERVICE_NAME,
        /// How many seconds the login lives, 60 to 43200; as long as the role allows if not given.
        "lifeSeconds" life_seconds: Option<i32> as &LOGIN_SECONDS,
        /// The repositories that the login is for: names, in which * matches within a segment and ** across segments.
        "repositories" repositories: Option<Vec<String>> as &REPOSITORIES,
        /// The networks that the login is accepted from, such as 10.0.0.0/8.
        "sourceNetworks" source_networks: Option<Vec<String>> as &NETWORKS,
    }
}

structure! {
    /// The login that was made.
    pub struct ExchangeIdentityTokenResult: Default {
        /// The login; its password is shown only once.
        "registryLogin" registry_login: ContainerServiceRegistryLogin,
    }
}

fn check_exchange(request: &ExchangeIdentityTokenRequest) -> Result<(), ApiError> {
    check_list("repositories", request.repositories.as_deref())?;
    check_list("sourceNetworks", request.source_networks.as_deref())
}
