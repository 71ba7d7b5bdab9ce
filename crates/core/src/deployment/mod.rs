//! Deployments: which containers a service runs, and in which states service and deployment can be.

mod spec;
mod state;

pub use spec::{Container, Endpoint, HealthCheck, Protocol, Spec, Values};
pub use state::{DeploymentState, ServiceFacts, ServiceState, Step};
