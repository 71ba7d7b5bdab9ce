//! Records of operations, and places of resources.

use crate::Timestamp;
use crate::macros::structure;

use super::names::{NON_EMPTY_STRING, RESOURCE_NAME};
use super::{OperationStatus, OperationType, RegionName, ResourceType};

structure! {
    /// The record of an operation on a resource.
    pub struct OperationRecord = "Operation": Default {
        /// The identifier of the record.
        "id" id: Option<String> as &NON_EMPTY_STRING,
        /// The name of the resource.
        "resourceName" resource_name: Option<String> as &RESOURCE_NAME,
        /// The kind of the resource.
        "resourceType" resource_type: Option<ResourceType>,
        /// When it was begun.
        "createdAt" created_at: Option<Timestamp>,
        /// The place of the resource.
        "location" location: Option<ResourceLocation>,
        /// Whether its status is final.
        "isTerminal" is_terminal: Option<bool>,
        /// More about it, as text.
        "operationDetails" operation_details: Option<String>,
        /// What was done.
        "operationType" operation_type: Option<OperationType>,
        /// The status.
        "status" status: Option<OperationStatus>,
        /// When the status last changed.
        "statusChangedAt" status_changed_at: Option<Timestamp>,
        /// The error with which it ended.
        "errorCode" error_code: Option<String>,
        /// The error's message.
        "errorDetails" error_details: Option<String>,
    }
}

structure! {
    /// The place of a resource.
    pub struct ResourceLocation: Default {
        /// The zone in the region; `all` for container services.
        "availabilityZone" availability_zone: Option<String>,
        /// The region.
        "regionName" region_name: Option<RegionName>,
    }
}
