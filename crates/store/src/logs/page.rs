//! Reads pages of a log.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::path::Path;

use gangplank_core::{LogFilter, Time};

use super::LogLine;
use super::event::{Event, time_of};
use super::files::{Part, hour_of, parts_in};
use super::lines::{self, Flow};
use super::position::{Position, Way};

/// The lines that a page should have.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The time of the oldest wanted line. With it and without a position, the page begins with the oldest
    /// lines.
    pub start: Option<Time>,
    /// The time of the newest wanted line.
    pub end: Option<Time>,
    /// The condition on the text.
    pub filter: LogFilter,
    /// The end of the previous page. Without it and without a start, the page has the newest lines, and the
    /// next page has older ones.
    pub from: Option<Position>,
    /// The limits of the page.
    pub limits: PageLimits,
}

/// The limits of a page. A page has at least one line, if any line fits the request.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    /// The most lines.
    pub lines: usize,
    /// The most bytes of text.
    pub bytes: usize,
    /// The most bytes that are read to find the lines.
    pub read: u64,
}

impl Default for PageLimits {
    /// The limits of `CloudWatch`. As many bytes are read as a log has by default, which takes a sixth of a
    /// second: the AWS CLI does not ask for the next page of this call, and a match may be anywhere.
    fn default() -> Self {
        Self { lines: 10_000, bytes: 1 << 20, read: 128 << 20 }
    }
}

/// A page of a log.
#[derive(Debug, Default)]
pub struct LogPage {
    /// The lines, oldest first.
    pub lines: Vec<LogLine>,
    /// The position of the next page; `None` at the end.
    pub next: Option<Position>,
}

/// Reads a page of the log in a folder. `is_wanted` decides about lines that the filter has passed.
pub(super) fn read(
    folder: &Path,
    wanted: &Wanted,
    is_wanted: impl Fn(&Event<'_>) -> bool,
) -> io::Result<LogPage> {
    let way = match (wanted.from, wanted.start) {
        (Some(from), _) => from.way,
        (None, Some(_)) => Way::Forward,
        (None, None) => Way::Back,
    };
    let hours = wanted.start.map_or(i64::MIN, hour_of)..=wanted.end.map_or(i64::MAX, hour_of);
    let is_ahead = |part: Part| match way {
        Way::Forward => wanted.from.is_none_or(|from| part >= from.part),
        Way::Back => wanted.from.is_none_or(|from| part <= from.part),
    };
    let mut parts = parts_in(folder)?;
    parts.retain(|(part, _)| hours.contains(&part.hour) && is_ahead(*part));
    if way == Way::Back {
        parts.reverse();
    }
    let mut reading = Reading { wanted, is_wanted, way, page: LogPage::default(), bytes: 0, read: 0 };
    for (part, _) in parts {
        if reading.part(folder, part)?.is_break() {
            break;
        }
    }
    let mut page = reading.page;
    if way == Way::Back {
        page.lines.reverse();
    }
    // A late line is in the file after lines that are newer.
    page.lines.sort_by_key(|line| line.at);
    Ok(page)
}

struct Reading<'a, F> {
    wanted: &'a Wanted,
    is_wanted: F,
    way: Way,
    page: LogPage,
    /// The bytes of the page's texts.
    bytes: usize,
    /// The bytes read so far.
    read: u64,
}

impl<F: Fn(&Event<'_>) -> bool> Reading<'_, F> {
    fn part(&mut self, folder: &Path, part: Part) -> io::Result<Flow> {
        let file = match File::open(part.in_folder(folder)) {
            // The file was removed because it was too old.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Flow::Continue(())),
            file => file?,
        };
        let from = self.wanted.from.filter(|from| from.part == part).map(|from| from.offset);
        match self.way {
            Way::Forward => {
                lines::forward(file, from.unwrap_or(0), |line, begin, end| self.line(line, part, begin, end))
            }
            Way::Back => lines::back(&file, from.unwrap_or(u64::MAX), |line, begin, end| {
                self.line(line, part, end, begin)
            }),
        }
    }

    /// Takes a line. `before` and `after` are the offsets of its two ends, in the direction of reading.
    fn line(&mut self, line: &[u8], part: Part, before: u64, after: u64) -> Flow {
        let go_on_from = |offset| Some(Position { way: self.way, part, offset });
        if let Some(event) = self.wants(line) {
            let limits = self.wanted.limits;
            let length = self.bytes + event.text.len();
            if self.page.lines.len() >= limits.lines || (length > limits.bytes && !self.page.lines.is_empty())
            {
                self.page.next = go_on_from(before);
                return ControlFlow::Break(());
            }
            let event = event.into_line();
            self.page.lines.push(event);
            self.bytes = length;
        }
        self.read += line.len() as u64;
        if self.read >= self.wanted.limits.read {
            self.page.next = go_on_from(after);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn wants<'b>(&self, line: &'b [u8]) -> Option<Event<'b>> {
        let at = time_of(line)?;
        let is_in_time =
            self.wanted.start.is_none_or(|start| start <= at) && self.wanted.end.is_none_or(|end| at <= end);
        let event = if is_in_time { Event::parse(line)? } else { return None };
        (self.wanted.filter.matches(&event.text) && (self.is_wanted)(&event)).then_some(event)
    }
}
