//! The container service of a push: whether it exists, and how the first push makes it.

use std::time::Duration;

use anyhow::{Result, bail};
use gangplank_api::ErrorCode;
use gangplank_api::lightsail::{
    ContainerServicePowerName, ContainerServiceState, CreateContainerServiceRequest,
    GetContainerServicesRequest,
};

use crate::aws::api_client::ApiClient;
use crate::values::whole_number;

/// How long a new service may take to be ready, and the pause between two looks at its state.
const PATIENCE: Duration = Duration::from_mins(15);
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(super) struct Creation {
    /// Make the container service if it does not exist
    #[arg(long)]
    create_service: bool,
    /// The power of a new service
    #[arg(long, value_name = "NAME", default_value = "nano", requires = "create_service", value_parser = power)]
    power: ContainerServicePowerName,
    /// The number of nodes of a new service
    #[arg(long, value_name = "NODES", default_value_t = 1, requires = "create_service",
          value_parser = nodes, allow_negative_numbers = true)]
    scale: i32,
}

impl Creation {
    /// Whether a missing service is to be made.
    pub(super) fn wanted(&self) -> bool {
        self.create_service
    }
}

fn nodes(text: &str) -> std::result::Result<i32, String> {
    let nodes = whole_number::read(text)?;
    if (1..=20).contains(&nodes) { Ok(nodes) } else { Err("it is a number from 1 to 20".to_owned()) }
}

fn power(name: &str) -> Result<ContainerServicePowerName, String> {
    ContainerServicePowerName::parse(name).ok_or_else(|| {
        let names: Vec<&str> = ContainerServicePowerName::ALL.iter().map(|power| power.as_str()).collect();
        format!("it is one of {}", names.join(", "))
    })
}

/// Whether there is a service of this name. Also true if the caller may not ask.
pub(super) async fn is_there(client: &ApiClient, name: &str) -> Result<bool> {
    Ok(state(client, name).await?.is_some())
}

/// Makes a service. Waits until it accepts images.
pub(super) async fn create(client: &ApiClient, name: &str, creation: &Creation) -> Result<()> {
    client
        .call(&CreateContainerServiceRequest {
            service_name: name.to_owned(),
            power: creation.power,
            scale: creation.scale,
            tags: None,
            public_domain_names: None,
            deployment: None,
            private_registry_access: None,
        })
        .await?;
    let waiting = async {
        while state(client, name).await? == Some(Some(ContainerServiceState::Pending)) {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(result) => result,
        Err(_) => bail!("the container service {name:?} is still being made; push again in a while"),
    }
}

/// The state of a service. The outer `None`: there is no such service. The inner `None`: the server did not say.
async fn state(client: &ApiClient, name: &str) -> Result<Option<Option<ContainerServiceState>>> {
    let answer = client.call(&GetContainerServicesRequest { service_name: Some(name.to_owned()) }).await;
    match answer {
        Ok(answer) => Ok(answer.container_services.unwrap_or_default().pop().map(|service| service.state)),
        Err(error) if error.is_refused_with(ErrorCode::NotFoundException) => Ok(None),
        Err(error) if error.is_refused_with(ErrorCode::AccessDeniedException) => Ok(Some(None)),
        Err(error) => Err(error.into()),
    }
}
