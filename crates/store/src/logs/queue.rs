//! Lines that wait for the disk, up to a number of bytes.

use std::collections::{HashMap, VecDeque};

use gangplank_core::Time;

use super::LogName;
use super::event::time_of;
use super::files::hour_of;

/// The limits of the bytes that wait to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// The most bytes that wait for one log. So a container that prints much drops its own lines, and no lines
    /// of others.
    pub(super) of_one: usize,
    /// The most bytes that wait for all logs together.
    pub(super) of_all: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { of_one: 8 << 20, of_all: 32 << 20 }
    }
}

/// All waiting lines.
#[derive(Debug, Default)]
pub(super) struct Queue {
    logs: HashMap<LogName, Pending>,
    /// The bytes of all lines.
    bytes: usize,
}

/// The waiting lines of one log.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// The encoded lines, a run for each hour.
    pub(super) runs: VecDeque<Run>,
    /// The dropped lines before them.
    pub(super) dropped: Option<Dropped>,
    bytes: usize,
}

/// A number of lines that are not in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dropped {
    /// The number of these lines.
    pub(super) lines: u64,
    /// When the last of them was received.
    pub(super) at: Time,
}

impl Dropped {
    /// Adds the lines that were dropped later.
    pub(super) fn and(self, later: Option<Self>) -> Self {
        later.map_or(self, |later| Self { lines: self.lines + later.lines, at: later.at })
    }
}

/// Lines of one hour.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) hour: i64,
    encoded: Vec<u8>,
    /// The offset of the first line that was not dropped.
    front: usize,
}

impl Run {
    /// The encoded lines that were not dropped.
    pub(super) fn lines(&self) -> &[u8] {
        &self.encoded[self.front..]
    }

    /// Drops the first line; returns its length in bytes.
    fn drop_first(&mut self) -> usize {
        let lines = self.lines();
        let length = first_line(lines);
        self.front += length;
        if self.front > self.encoded.len() / 2 {
            self.encoded.drain(..self.front);
            self.front = 0;
        }
        length
    }
}

/// The length of the first line in bytes.
pub(super) fn first_line(lines: &[u8]) -> usize {
    lines.iter().position(|byte| *byte == b'\n').map_or(lines.len(), |at| at + 1)
}

impl Pending {
    fn push(&mut self, at: Time, encoded: Vec<u8>) {
        let hour = hour_of(at);
        self.bytes += encoded.len();
        match self.runs.back_mut() {
            Some(run) if run.hour == hour => run.encoded.extend_from_slice(&encoded),
            _ => self.runs.push_back(Run { hour, encoded, front: 0 }),
        }
    }

    /// Drops the oldest line; returns its length in bytes.
    fn drop_oldest(&mut self) -> Option<usize> {
        let run = self.runs.front_mut()?;
        let at = time_of(run.lines()).unwrap_or(Time(0));
        let length = run.drop_first();
        if run.lines().is_empty() {
            self.runs.pop_front();
        }
        let one = Dropped { lines: 1, at };
        self.dropped = Some(self.dropped.map_or(one, |dropped| dropped.and(Some(one))));
        self.bytes -= length;
        Some(length)
    }
}

impl Queue {
    /// Adds a line. Returns how many bytes of its log wait now, and how many lines were dropped.
    pub(super) fn add(&mut self, room: Room, log: &LogName, at: Time, encoded: Vec<u8>) -> (usize, u64) {
        let pending = match self.logs.get_mut(log) {
            Some(pending) => pending,
            None => self.logs.entry(log.clone()).or_default(),
        };
        self.bytes += encoded.len();
        pending.push(at, encoded);
        let mut dropped = 0;
        while pending.bytes > room.of_one || self.bytes > room.of_all {
            let Some(length) = pending.drop_oldest() else { break };
            self.bytes -= length;
            dropped += 1;
        }
        (pending.bytes, dropped)
    }

    /// Records that lines could not be written.
    pub(super) fn lost(&mut self, log: LogName, lost: Dropped) {
        let pending = self.logs.entry(log).or_default();
        pending.dropped = Some(lost.and(pending.dropped));
    }

    /// Takes all waiting lines.
    pub(super) fn take(&mut self) -> HashMap<LogName, Pending> {
        self.bytes = 0;
        std::mem::take(&mut self.logs)
    }

    /// Drops the waiting lines of a service.
    pub(super) fn forget(&mut self, service: &str) {
        self.logs.retain(|log, _| log.service != service);
        self.bytes = self.logs.values().map(|pending| pending.bytes).sum();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.logs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, encode};
    use super::super::{LogLine, Pipe};
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn log(container: &str) -> LogName {
        LogName { service: "s".to_owned(), container: container.to_owned() }
    }

    fn add(queue: &mut Queue, room: Room, container: &str, at: i64, text: &str) {
        let line = LogLine { at: Time(at), node: String::new(), pipe: Pipe::Output, text: text.to_owned() };
        queue.add(room, &log(container), line.at, encode(&line));
    }

    fn texts(pending: &Pending) -> Vec<(i64, String)> {
        let lines = |run: &Run| {
            let hour = run.hour;
            let lines: Vec<_> =
                run.lines().split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            lines.into_iter().map(move |line| (hour, Event::parse(&line).unwrap().into_line().text))
        };
        pending.runs.iter().flat_map(lines).collect()
    }

    #[test]
    fn the_oldest_give_way() {
        let one = encode(&LogLine {
            at: Time(HOUR),
            node: String::new(),
            pipe: Pipe::Output,
            text: "00".to_owned(),
        })
        .len();
        let room = Room { of_one: one * 3, of_all: usize::MAX };
        let mut queue = Queue::default();
        for number in 0..100 {
            add(&mut queue, room, "app", HOUR + number, &format!("{number:02}"));
        }
        add(&mut queue, room, "other", 0, "still there");
        let mut taken = queue.take();
        let app = taken.remove(&log("app")).unwrap();
        assert_eq!(texts(&app), [(1, "97".to_owned()), (1, "98".to_owned()), (1, "99".to_owned())]);
        assert_eq!(app.dropped, Some(Dropped { lines: 97, at: Time(HOUR + 96) }));
        assert_eq!(taken.remove(&log("other")).unwrap().dropped, None, "a log drops its own lines");
        assert!(queue.is_empty());
    }

    #[test]
    fn all_together_are_bounded_and_memory_with_them() {
        let room = Room { of_one: 1_000, of_all: 2_500 };
        let mut queue = Queue::default();
        for number in 0..10_000 {
            add(&mut queue, room, &format!("c{}", number % 5), number, "some text");
            assert!(queue.bytes <= room.of_all);
        }
        let taken = queue.take();
        let kept: usize =
            taken.values().flat_map(|pending| &pending.runs).map(|run| run.encoded.capacity()).sum();
        assert!(kept <= 4 * room.of_all, "{kept} bytes of memory");
        let lines: u64 =
            taken.values().map(|it| it.dropped.map_or(0, |it| it.lines) + texts(it).len() as u64).sum();
        assert_eq!(lines, 10_000, "every line is kept or counted");
    }

    #[test]
    fn each_run_has_one_hour() {
        let mut queue = Queue::default();
        for (at, text) in [(HOUR, "a"), (HOUR + 1, "b"), (0, "late"), (HOUR, "c")] {
            add(&mut queue, Room::default(), "app", at, text);
        }
        let taken = queue.take();
        let expected =
            [(1, "a"), (1, "b"), (0, "late"), (1, "c")].map(|(hour, text)| (hour, text.to_owned()));
        assert_eq!(texts(&taken[&log("app")]), expected);
    }

    #[test]
    fn a_line_for_which_there_is_no_room_at_all_is_counted() {
        let mut queue = Queue::default();
        add(&mut queue, Room { of_one: 10, of_all: 10 }, "app", 7, "too long");
        let taken = queue.take();
        let app = &taken[&log("app")];
        assert_eq!((app.dropped, texts(app)), (Some(Dropped { lines: 1, at: Time(7) }), Vec::new()));
    }
}
