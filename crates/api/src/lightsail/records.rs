//! What is told of operations and places.

use crate::Timestamp;
use crate::macros::structure;

use super::names::{NON_EMPTY_STRING, RESOURCE_NAME};
use super::{OperationStatus, OperationType, RegionName, ResourceType};

structure! {
    /// The record of something that was done to a resource.
    pub struct OperationRecord = "Operation": Default {
        /// The identifier of the record.
        "id" id: Option<String> as &NON_EMPTY_STRING,
        /// The name of the resource.
        "resourceName" resource_name: Option<String> as &RESOURCE_NAME,
        /// The kind of the resource.
        "resourceType" resource_type: Option<ResourceType>,
        /// When it was begun.
        "createdAt" created_at: Option<Timestamp>,
        /// Where the resource is.
        "location" location: Option<ResourceLocation>,
        /// Whether nothing more will happen.
        "isTerminal" is_terminal: Option<bool>,
        /// More about it, in words.
        "operationDetails" operation_details: Option<String>,
        /// What was done.
        "operationType" operation_type: Option<OperationType>,
        /// How far it has got.
        "status" status: Option<OperationStatus>,
        /// When it got there.
        "statusChangedAt" status_changed_at: Option<Timestamp>,
        /// The error with which it ended.
        "errorCode" error_code: Option<String>,
        /// That error in words.
        "errorDetails" error_details: Option<String>,
    }
}

structure! {
    /// Where a resource is.
    pub struct ResourceLocation: Default {
        /// The zone in the region; `all` for container services.
        "availabilityZone" availability_zone: Option<String>,
        /// The region.
        "regionName" region_name: Option<RegionName>,
    }
}
