//! The log of a container, as the API gives it: its newest page, or page by page from a moment on.

mod shown;

use std::collections::{HashSet, VecDeque};

use anyhow::Result;
use gangplank_api::Timestamp;
use gangplank_api::lightsail::{ContainerServiceLogEvent, GetContainerLogRequest};

pub(crate) use self::shown::{Reading, Shown};
use crate::api_client::ApiClient;
use crate::pages::Pages;

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// When it was written.
    pub(crate) at: Timestamp,
    /// The text, as it came.
    pub(crate) text: String,
}

/// Whose log, and which lines of it.
#[derive(Clone, Debug)]
pub(crate) struct ContainerLog {
    /// The name of the service.
    pub(crate) service: String,
    /// The name of the container.
    pub(crate) container: String,
    /// The words that lines must have.
    pub(crate) filter: Option<String>,
}

impl ContainerLog {
    /// The newest lines, so many of them. Where one page has as many, it is all that is asked for.
    pub(crate) async fn newest(&self, client: &ApiClient, most: usize) -> Result<Vec<Line>> {
        let mut newest = lines(client.call(&self.request(None)).await?.log_events);
        if newest.len() >= most || newest.is_empty() {
            return Ok(newest.split_off(newest.len().saturating_sub(most)));
        }
        let mut kept = VecDeque::new();
        self.from(client, Timestamp(0), |lines| {
            keep_newest(&mut kept, lines, most);
            Ok(())
        })
        .await?;
        Ok(kept.into())
    }

    /// Hands every line from a moment on to `take`, the oldest first, page by page. What comes while it is read may be
    /// among them. Moments are whole seconds for other clients, and so they are here.
    pub(crate) async fn from(
        &self,
        client: &ApiClient,
        start: Timestamp,
        mut take: impl FnMut(Vec<Line>) -> Result<()>,
    ) -> Result<()> {
        let mut request = self.request(Some(Timestamp(start.0.div_euclid(1000).saturating_mul(1000))));
        let (mut pages, mut seen) = (Pages::default(), HashSet::new());
        loop {
            let page = client.call(&request).await?;
            let lines = lines(page.log_events);
            pages.count(lines.len())?;
            // A page without lines has more behind it only where not every line is wanted.
            let is_last = lines.is_empty() && self.filter.is_none();
            take(lines)?;
            // A server that gives a token twice has no more.
            match page.next_page_token.filter(|token| !is_last && seen.insert(token.clone())) {
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

/// Adds lines, and drops the oldest beyond `most`.
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
