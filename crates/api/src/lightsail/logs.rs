//! What containers have written.

use crate::macros::structure;
use crate::{ApiError, Timestamp};

use super::names::CONTAINER_SERVICE_NAME;

structure! {
    /// Which part of a container's log to show.
    pub struct GetContainerLogRequest: Default, check check_times {
        /// The name of the service that runs the container, or has run it.
        "serviceName" service_name: String as &CONTAINER_SERVICE_NAME,
        /// The name of the container.
        "containerName" container_name: String,
        /// The moment from which on to show lines; without one, the newest lines are shown.
        "startTime" start_time: Option<Timestamp>,
        /// The moment up to which to show lines.
        "endTime" end_time: Option<Timestamp>,
        /// The words that a line must have to be shown: all of them, none that follows a `-`; or, with a `?` before
        /// each, at least one of them. Words in double quotes belong together; upper and lower case differ.
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
        /// What to ask with for the page after this one; without a startTime, for the lines before these.
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
