//! Tags on resources.

use std::collections::BTreeSet;

use crate::macros::structure;
use crate::path::quote;
use crate::{ApiError, Shape};

use super::OperationRecord;
use super::names::{RESOURCE_ARN, RESOURCE_NAME, TAG_KEY, TAG_VALUE};

/// How many tags one resource may have.
pub const MAX_TAGS: usize = 50;

structure! {
    /// The tags to add to a resource.
    pub struct TagResourceRequest: Default, check check_tag_resource {
        /// The name of the resource.
        "resourceName" resource_name: String as &RESOURCE_NAME,
        /// The Amazon resource name of the resource.
        "resourceArn" resource_arn: Option<String> as &RESOURCE_ARN,
        /// The tags. A tag replaces the resource's tag with the same key.
        "tags" tags: Vec<Tag>,
    }
}

structure! {
    /// The records of the operation.
    pub struct TagResourceResult: Default {
        /// The operations.
        "operations" operations: Option<Vec<OperationRecord>>,
    }
}

structure! {
    /// The tags to remove from a resource.
    pub struct UntagResourceRequest: Default {
        /// The name of the resource.
        "resourceName" resource_name: String as &RESOURCE_NAME,
        /// The Amazon resource name of the resource.
        "resourceArn" resource_arn: Option<String> as &RESOURCE_ARN,
        /// The keys of the tags.
        "tagKeys" tag_keys: Vec<String> as &Shape::list(&TAG_KEY),
    }
}

structure! {
    /// The records of the operation.
    pub struct UntagResourceResult: Default {
        /// The operations.
        "operations" operations: Option<Vec<OperationRecord>>,
    }
}

structure! {
    /// A tag: a key with an optional value.
    pub struct Tag: Default {
        /// The key: up to 128 letters, numbers, spaces and any of `+ - = . _ : / @`. A resource has each key once.
        "key" key: Option<String> as &TAG_KEY,
        /// The value: up to 256 of the same characters.
        "value" value: Option<String> as &TAG_VALUE,
    }
}

fn check_tag_resource(request: &TagResourceRequest) -> Result<(), ApiError> {
    check_tags(&request.tags)
}

/// Checks that each tag has a key, no two the same, and that there are not too many.
pub(crate) fn check_tags(tags: &[Tag]) -> Result<(), ApiError> {
    let mut seen = BTreeSet::new();
    for (index, tag) in tags.iter().enumerate() {
        let Some(key) = &tag.key else {
            return Err(ApiError::invalid_input(format!("tags[{index}].key is required and missing.")));
        };
        if !seen.insert(key) {
            return Err(ApiError::invalid_input(format!("tags has the key {} twice.", quote(key))));
        }
    }
    if tags.len() > MAX_TAGS {
        let count = tags.len();
        return Err(ApiError::invalid_input(format!(
            "tags has {count} tags; at most {MAX_TAGS} are allowed."
        )));
    }
    Ok(())
}
