//! The log of a container, as the API gives it: the newest page, or all pages from a time on.

mod shown;

use std::collections::{HashSet, VecDeque};

use anyhow::Result;
use gangplank_api::Timestamp;
use gangplank_api::lightsail::{ContainerServiceLogEvent, GetContainerLogRequest};

pub(crate) use self::shown::{Reading, Shown};
use crate::aws::api_client::ApiClient;
use crate::aws::pages::Pages;

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// When it was written.
    pub(crate) at: Timestamp,
    /// The text, as it came.
    pub(crate) text: String,
}

/// A container's log, and a filter for its lines.
#[derive(Clone, Debug)]
pub(crate) struct ContainerLog {
    /// The name of the service.
    pub(crate) service: String,
    /// The name of the container.
    pub(crate) container: String,
    /// The words that a line must have, in `CloudWatch`'s filter syntax.
    pub(crate) filter: Option<String>,
}

impl ContainerLog {
    /// The newest lines, at most `most`, the oldest of them first. Pages are read from the newest one back.
    pub(crate) async fn newest(&self, client: &ApiClient, most: usize) -> Result<Vec<Line>> {
        let mut newest = VecDeque::new();
        self.pages(client, self.request(None), |older| {
            let missing = most.saturating_sub(newest.len());
            older.into_iter().rev().take(missing).for_each(|line| newest.push_front(line));
            Ok(newest.len() < most)
        })
        .await?;
        Ok(newest.into())
    }

    /// Passes every line from a time on to `take`, page by page, the oldest line first. Lines that are written
    /// meanwhile may be among them. The start is rounded down to a whole second, as other clients do.
    pub(crate) async fn from(
        &self,
        client: &ApiClient,
        start: Timestamp,
        mut take: impl FnMut(Vec<Line>) -> Result<()>,
    ) -> Result<()> {
        let request = self.request(Some(Timestamp(start.0.div_euclid(1000).saturating_mul(1000))));
        self.pages(client, request, |lines| take(lines).map(|()| true)).await
    }

    /// Passes pages to `take` until it returns false or there are no more.
    async fn pages(
        &self,
        client: &ApiClient,
        mut request: GetContainerLogRequest,
        mut take: impl FnMut(Vec<Line>) -> Result<bool>,
    ) -> Result<()> {
        let (mut pages, mut seen) = (Pages::default(), HashSet::new());
        loop {
            let page = client.call(&request).await?;
            let lines = lines(page.log_events);
            pages.count(lines.len())?;
            let wants_more = take(lines)?;
            // A token that comes a second time means that there are no more pages.
            match page.next_page_token.filter(|token| wants_more && seen.insert(token.clone())) {
                Some(token) => request.page_token = Some(token),
                None => return Ok(()),
            }
        }
    }

    fn request(&self, start: Option<Timestamp>) -> GetContainerLogRequest {
        GetContainerLogRequest {
            service_name: self.service.clone(),
            container_name: self.container.clone(),
            start_time: start,
            end_time: None,
            filter_pattern: self.filter.clone(),
            page_token: None,
        }
    }
}

/// Adds lines, and removes the oldest ones beyond `most`.
pub(crate) fn keep_newest(kept: &mut VecDeque<Line>, lines: Vec<Line>, most: usize) {
    kept.extend(lines);
    kept.drain(..kept.len().saturating_sub(most));
}

fn lines(events: Option<Vec<ContainerServiceLogEvent>>) -> Vec<Line> {
    let line = |event: ContainerServiceLogEvent| {
        Some(Line { at: event.created_at?, text: event.message.unwrap_or_default() })
    };
    events.unwrap_or_default().into_iter().filter_map(line).collect()
}
