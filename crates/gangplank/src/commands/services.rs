//! `gangplank services`: lists container services, their images and their addresses.

use std::process::ExitCode;

use anyhow::Result;
use gangplank_api::lightsail::{
    ContainerService, ContainerServiceDeployment, ContainerServicePowerName, ContainerServiceState,
    ContainerServiceStateDetailCode, GetContainerServicesRequest,
};

use crate::aws::connection::Connection;
use crate::services::by_name;
use crate::terminal::listing::{Cell, Column, Form, Listing};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How the services are shown [default: table on a terminal, text elsewhere]
    #[arg(long, value_name = "FORM")]
    output: Option<Form>,
    #[command(flatten)]
    connection: Connection,
}

const SERVICES: Listing<ContainerService> = Listing {
    name: "services",
    empty: "There are no container services.",
    columns: &[
        Column::new("NAME", "name", |service: &ContainerService| {
            Cell::maybe(service.container_service_name.as_deref())
        })
        .bare(),
        Column::new("STATE", "state", |service| {
            Cell::maybe(service.state.map(ContainerServiceState::as_str))
        }),
        Column::not_in_tables("detail", |service| {
            let detail = service.state_detail.as_ref();
            Cell::maybe(detail.and_then(|detail| detail.code).map(ContainerServiceStateDetailCode::as_str))
        }),
        Column::new("VERSION", "version", |service| version(service.current_deployment.as_ref())),
        Column::not_in_tables("nextVersion", |service| version(service.next_deployment.as_ref())),
        Column::new("NODES", "nodes", |service| number(service.scale)),
        Column::not_in_tables("power", |service| {
            Cell::maybe(service.power.map(ContainerServicePowerName::as_str))
        }),
        Column::new("URL", "url", |service| Cell::maybe(by_name::url(service))),
    ],
    sentence: None,
};

fn version(deployment: Option<&ContainerServiceDeployment>) -> Cell {
    number(deployment.and_then(|deployment| deployment.version))
}

fn number(number: Option<i32>) -> Cell {
    number.and_then(|number| u64::try_from(number).ok()).map_or(Cell::Nothing, Cell::Number)
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let client = args.connection.client()?;
    let answer = client.call(&GetContainerServicesRequest { service_name: None }).await?;
    let mut services = answer.container_services.unwrap_or_default();
    services.sort_by(|one, other| one.container_service_name.cmp(&other.container_service_name));
    SERVICES.show(Form::chosen(args.output, Form::Text), &services)?;
    Ok(ExitCode::SUCCESS)
}
