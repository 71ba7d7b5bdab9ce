//! The operation it all starts from: a temporary login that can do nothing but push.

use gangplank_api::lightsail::{
    CreateContainerServiceRegistryLoginRequest, CreateContainerServiceRegistryLoginResult,
};
use gangplank_core::Scope;
use gangplank_store::metadata::registry_logins::Requires;

use super::issue_login::{Narrower, issue};
use super::{Context, Result};

pub(super) async fn create(
    context: &Context<'_>,
    _: CreateContainerServiceRegistryLoginRequest,
) -> Result<CreateContainerServiceRegistryLoginResult> {
    let issued = issue(context, Scope::PUSH, None, Requires::AnyService, Narrower::default()).await?;
    Ok(CreateContainerServiceRegistryLoginResult { registry_login: Some(issued.into()) })
}
