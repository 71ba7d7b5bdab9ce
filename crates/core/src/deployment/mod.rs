//! Deployments: the containers that a service runs, and the states of deployments and services.

mod spec;
mod state;

pub use spec::{Container, Endpoint, HealthCheck, Protocol, Spec, Values};
pub use state::{DeploymentState, ServiceFacts, ServiceState, Step};
