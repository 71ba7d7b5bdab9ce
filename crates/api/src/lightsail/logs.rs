//! The output of containers.

use crate::macros::structure;
use crate::{ApiError, Timestamp};

use super::names::CONTAINER_SERVICE_NAME;

structure! {
    /// The part of a container's log to show.
    pub struct GetContainerLogRequest: Default, check check_times {
        /// The name of the service that runs the container, or has run it.
        "serviceName" service_name: String as &CONTAINER_SERVICE_NAME,
        /// The name of the container.
        "containerName" container_name: String,
        /// The time from which to show lines; the newest lines if not given.
        "startTime" start_time: Option<Timestamp>,
        /// The time up to which to show lines.
        "endTime" end_time: Option<Timestamp>,
        /// The words that a line must have: all of them, and no word behind a `-`; or, if each has a `?` in front, at
        /// least one of them. Words in double quotes belong together; upper and lower case differ.
        "filterPattern" filter_pattern: Option<String>,
        /// The `nextPageToken` of the page before.
        "pageToken" page_token: Option<String>,
    }
}

structure! {
    /// One page of a container's log.
    pub struct GetContainerLogResult: Default {
        /// The lines, the oldest first.
        "logEvents" log_events: Option<Vec<ContainerServiceLogEvent>>,
        /// The token for the next page; without a startTime, for the lines before these.
        "nextPageToken" next_page_token: Option<String>,
    }
}

structure! {
    /// One line of a container's log.
    pub struct ContainerServiceLogEvent: Default {
        /// When it was written.
        "createdAt" created_at: Option<Timestamp>,
        /// The line.
        "message" message: Option<String>,
    }
}

fn check_times(request: &GetContainerLogRequest) -> Result<(), ApiError> {
    match (request.start_time, request.end_time) {
        (Some(start), Some(end)) => check_order(start, end),
        _ => Ok(()),
    }
}

/// Checks that a span of time does not end before it starts.
fn check_order(start: Timestamp, end: Timestamp) -> Result<(), ApiError> {
    if start <= end {
        return Ok(());
    }
    Err(ApiError::invalid_input("endTime is before startTime; it must be the same moment or later."))
}
