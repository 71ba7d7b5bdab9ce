//! The container part of Amazon Lightsail's API: nineteen operations and their shapes.
//!
//! Names, members and their order are those of the service model of 2016-11-28. So are lengths, ranges and required
//! members, which clients check themselves. Where the server refuses more than the model says, it does so by patterns
//! and rules, which clients do not check.

mod certificates;
mod deployment_rules;
mod deployments;
mod enums;
mod images;
mod logs;
mod metadata;
mod metrics;
mod names;
mod operation_type;
mod operations;
mod powers;
mod records;
mod registry_logins;
mod services;
mod tags;

pub use certificates::*;
pub use deployment_rules::{MAX_CONTAINERS, MAX_DEPLOYMENT, invalid_image};
pub use deployments::*;
pub use enums::*;
pub use images::*;
pub use logs::*;
pub use metadata::*;
pub use metrics::*;
pub use operation_type::OperationType;
pub use operations::Operation;
pub use powers::*;
pub use records::*;
pub use registry_logins::*;
pub use services::*;
pub use tags::*;

pub(crate) use names::CONTAINER_SERVICE_NAME;
