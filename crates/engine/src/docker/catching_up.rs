//! Continues reading a container's output after a gap. Meanwhile the engine kept the output in its log. Two
//! joins are needed. The first is between the lines that were read earlier and the log. The second is between
//! the log and the lines that the attached stream brings from now on.

use std::collections::HashSet;
use std::time::Duration;

use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::client::{CALL, Client};
use super::failure::Trouble;
use super::lines::{Lines, NotedLines};
use super::readers::{Life, Printed, Readers, Who};
use crate::seam::{LINES, NotedLine, Seam};
use crate::{Line, Pipe};

/// How long the attached stream may take to bring a line that is already in the log.
const LATE: Duration = Duration::from_millis(300);

/// A container's output from now on.
pub(super) struct CaughtUp {
    pub(super) printed: Printed,
    pub(super) lines: Lines,
}

impl Readers {
    /// Hands over the lines since the last known one. If the container runs, returns its output from there on.
    pub(super) async fn catch_up(&self, who: &Who, life: Life) -> Result<Option<CaughtUp>, Trouble> {
        let seam = Seam::after(self.output.kept(&who.node, &who.container, LINES));
        let since = seam.begin().map_or(0, |begin| begin / 1_000 - 1);
        let earlier = self.log(&who.id, since, life).await?;
        if life == Life::Ended {
            self.hand_over_noted(who, seam.new_lines(earlier));
            return Ok(None);
        }

        let printed = self.open(&who.id).await?;
        let since = earlier.last().map_or(since, |line| line.at / 1_000_000_000);
        let (mut gathered, later) =
            Gathered::beside(printed, self.log(&who.id, since, Life::Running)).await?;
        let known: HashSet<_> = earlier.iter().cloned().collect();
        let between: Vec<_> = later.into_iter().filter(|line| !known.contains(line)).collect();
        gathered.wait_for(&between).await;
        self.hand_over_noted(who, seam.new_lines(earlier));
        self.hand_over_noted(who, seam.follow(gathered.join(between)));
        for (pipe, text) in gathered.came {
            self.hand_over(who, Line { at: None, pipe, text });
        }
        Ok(Some(CaughtUp { printed: gathered.printed, lines: gathered.lines }))
    }

    fn hand_over_noted(&self, who: &Who, lines: Vec<NotedLine>) {
        for NotedLine { at, pipe, text } in lines {
            self.hand_over(who, Line { at: Some(at), pipe, text });
        }
    }

    /// Reads the engine's log since a second.
    async fn log(&self, id: &str, since: i64, life: Life) -> Result<Vec<NotedLine>, Trouble> {
        let since = i32::try_from(since.max(0)).unwrap_or(i32::MAX);
        let options =
            LogsOptionsBuilder::new().stdout(true).stderr(true).timestamps(true).since(since).build();
        let engine = self.client.engine().await?;
        let mut lines = NotedLines::default();
        Client::each(CALL, engine.logs(id, Some(options)), |piece| {
            let (pipe, piece) = Pipe::of(piece);
            lines.push(pipe, &piece);
            Ok(())
        })
        .await?;
        Ok(lines.end(life))
    }
}

/// Pieces from the attached stream that came while the log was read.
struct Gathered {
    printed: Printed,
    lines: Lines,
    came: Vec<(Pipe, Vec<u8>)>,
}

impl Gathered {
    /// Reads the stream while another future runs, so that the container never has to wait.
    async fn beside<T>(
        printed: Printed,
        work: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<(Self, T), Trouble> {
        let mut gathered = Self { printed, lines: Lines::default(), came: Vec::new() };
        let mut work = std::pin::pin!(work);
        let mut is_open = true;
        loop {
            tokio::select! {
                done = &mut work => return Ok((gathered, done?)),
                is_more = gathered.next(), if is_open => is_open = is_more,
            }
        }
    }

    /// Reads a piece. `false` at the end.
    async fn next(&mut self) -> bool {
        let Some(Ok(piece)) = self.printed.next().await else { return false };
        let (pipe, piece) = Pipe::of(piece);
        let came = &mut self.came;
        self.lines.push(pipe, &piece, &mut |pipe, text| came.push((pipe, text)));
        true
    }

    fn of(&self, pipe: Pipe) -> Vec<&[u8]> {
        self.came.iter().filter(|(one, _)| *one == pipe).map(|(_, text)| text.as_slice()).collect()
    }

    /// Reads until each line that the log has and that was printed after the attaching must have arrived.
    async fn wait_for(&mut self, between: &[NotedLine]) {
        let deadline = Instant::now() + LATE;
        let missing = |gathered: &Self| {
            Pipe::ALL.iter().any(|pipe| {
                gathered.of(*pipe).len() < between.iter().filter(|line| line.pipe == *pipe).count()
            })
        };
        while missing(self) {
            match tokio::time::timeout_at(deadline, self.next()).await {
                Ok(true) => {}
                Ok(false) | Err(_) => return,
            }
        }
    }

    /// Finds the lines of the log that the stream did not bring. Each pipe keeps its order, so the stream
    /// begins with lines from the end of the log. The stream may have only the end of its first line. The log
    /// then has the whole line.
    fn join(&mut self, between: Vec<NotedLine>) -> Vec<NotedLine> {
        let mut missed = Vec::new();
        for pipe in Pipe::ALL {
            let log: Vec<_> = between.iter().filter(|line| line.pipe == pipe).cloned().collect();
            let came = self.of(pipe);
            let begins = (0..=log.len()).find(|begin| overlaps(&log[*begin..], &came)).unwrap_or(log.len());
            if let (Some(whole), Some((_, first))) =
                (log.get(begins), self.came.iter_mut().find(|(one, _)| *one == pipe))
            {
                first.clone_from(&whole.text);
            }
            missed.extend(log.into_iter().take(begins));
        }
        missed.sort_by_key(|line| line.at);
        missed
    }
}

/// Whether the stream begins with these lines.
fn overlaps(log: &[NotedLine], came: &[&[u8]]) -> bool {
    log.len() <= came.len()
        && log.iter().zip(came).enumerate().all(|(place, (line, came))| {
            line.text == *came || (place == 0 && !came.is_empty() && line.text.ends_with(came))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[&str]) -> Vec<NotedLine> {
        let line = |(at, text): (usize, &&str)| NotedLine {
            at: i64::try_from(at).unwrap(),
            pipe: Pipe::Output,
            text: text.as_bytes().to_vec(),
        };
        lines.iter().enumerate().map(line).collect()
    }

    fn joined(between: &[&str], came: &[&str]) -> (Vec<String>, Vec<String>) {
        let mut gathered = Gathered {
            printed: Box::pin(futures_util::stream::empty()),
            lines: Lines::default(),
            came: came.iter().map(|text| (Pipe::Output, text.as_bytes().to_vec())).collect(),
        };
        let missed = gathered.join(log(between));
        let text = |text: Vec<u8>| String::from_utf8(text).unwrap();
        (
            missed.into_iter().map(|line| text(line.text)).collect(),
            gathered.came.into_iter().map(|(_, line)| text(line)).collect(),
        )
    }

    fn strings(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn what_came_from_the_stream_is_not_taken_from_the_log_too() {
        let (missed, came) = joined(&["1", "2", "3"], &["3", "4"]);
        assert_eq!((missed, came), (strings(&["1", "2"]), strings(&["3", "4"])));
    }

    #[test]
    fn what_did_not_come_is_taken_from_the_log() {
        assert_eq!(joined(&["1", "2"], &[]).0, strings(&["1", "2"]));
        assert_eq!(joined(&["1", "2"], &["3"]), (strings(&["1", "2"]), strings(&["3"])));
        assert_eq!(joined(&[], &["3"]), (strings(&[]), strings(&["3"])));
    }

    #[test]
    fn a_line_that_had_begun_is_whole() {
        let (missed, came) = joined(&["first", "second", "third"], &["cond", "third", "fourth"]);
        assert_eq!((missed, came), (strings(&["first"]), strings(&["second", "third", "fourth"])));
    }
}
