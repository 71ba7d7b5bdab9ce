//! The results: a table to read, a plot, and numbers for other programs.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde_json::json;

use crate::limits::Limit;
use crate::meter::{Counts, Outcome};
use crate::syncs::Counted;
use crate::target::Target;
use crate::{plot, tables};

/// The medians of one work on one target.
pub(crate) struct Row {
    pub(crate) work: String,
    pub(crate) target: String,
    pub(crate) outcome: Outcome,
    /// The slowest and the fastest run, in operations or bytes per second.
    pub(crate) spread: (f64, f64),
}

impl Row {
    /// The row of the run with the median throughput. Its processor time is the median of all runs, and its memory is
    /// the largest. `None` if there were no runs.
    pub(crate) fn median(work: &str, target: &str, mut outcomes: Vec<Outcome>) -> Option<Self> {
        outcomes.sort_by(|one, other| one.rate().total_cmp(&other.rate()));
        let spread = (outcomes.first()?.rate(), outcomes.last()?.rate());
        let mut used: Vec<f64> = outcomes.iter().filter_map(|outcome| outcome.server_cpu).collect();
        used.sort_by(f64::total_cmp);
        let peak_memory = outcomes.iter().filter_map(|outcome| outcome.peak_memory).max();
        let outcome = outcomes.swap_remove(outcomes.len() / 2);
        let outcome = Outcome { server_cpu: used.get(used.len() / 2).copied(), peak_memory, ..outcome };
        Some(Self { work: work.to_owned(), target: target.to_owned(), outcome, spread })
    }

    /// Rate, p50, p99, processor seconds of the server for 1,000 operations, its peak memory in MiB.
    pub(crate) fn cells(&self) -> [String; 5] {
        let outcome = &self.outcome;
        let peak = outcome.peak_memory.map_or("-".to_owned(), mebibytes);
        [self.shown_rate(), outcome.latency(50), outcome.latency(99), outcome.cpu_per_thousand(), peak]
    }

    /// The rate with its unit.
    pub(crate) fn shown_rate(&self) -> String {
        self.outcome.shown_rate(self.outcome.rate())
    }
}

impl Outcome {
    /// Bytes a second if bytes matter, else operations a second.
    #[expect(clippy::cast_precision_loss, reason = "rates are read by people")]
    pub(crate) fn rate(&self) -> f64 {
        let done = if self.is_bulk() { self.bytes } else { self.operations };
        done as f64 / self.elapsed.as_secs_f64()
    }

    /// Whether its rate counts bytes.
    fn is_bulk(&self) -> bool {
        self.counts == Counts::Bytes
    }

    /// The rate with its unit.
    pub(crate) fn shown_rate(&self, rate: f64) -> String {
        match (self.counts, self.operations) {
            (Counts::Bytes, _) => format!("{:.0} MB/s", rate / 1e6),
            // Work that a run does once has no rate, so its time is shown.
            (Counts::Operations, 1) => shown(Duration::from_secs_f64(1.0 / rate)),
            _ => format!("{rate:.0}/s"),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "rates are read by people")]
    fn cpu_per_thousand(&self) -> String {
        self.server_cpu
            .filter(|_| !self.is_bulk())
            .map_or("-".to_owned(), |cpu| format!("{:.3} s", cpu * 1000.0 / self.operations.max(1) as f64))
    }

    fn latency(&self, percent: usize) -> String {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(last * percent / 100).map_or("-".to_owned(), |time| shown(*time))
    }
}

/// Work that a server did not do.
pub(crate) struct Failure {
    work: String,
    target: String,
    reason: String,
}

/// How everything was measured.
pub(crate) struct Conditions {
    pub(crate) runs: usize,
    /// Whether the figures have no meaning.
    pub(crate) quick: bool,
    /// The other conditions, for readers.
    pub(crate) words: String,
}

/// All results of one run of the program.
pub(crate) struct Report {
    conditions: Conditions,
    pub(crate) limits: Vec<Limit>,
    pub(crate) rows: Vec<Row>,
    /// Resident memory of each server right after its start.
    pub(crate) idle: Vec<(String, u64)>,
    /// The largest memory of each server in any work.
    pub(crate) peaks: Vec<(String, u64)>,
    /// How often each server synced before it answered.
    pub(crate) syncs: Vec<Counted>,
    /// Work that was skipped, and the reasons.
    pub(crate) skipped: Vec<String>,
    pub(crate) failures: Vec<Failure>,
}

impl Report {
    pub(crate) fn new(conditions: Conditions) -> Self {
        let (limits, rows, idle, peaks) = (vec![], vec![], vec![], vec![]);
        let (syncs, skipped, failures) = (vec![], vec![], vec![]);
        Self { conditions, limits, rows, idle, peaks, syncs, skipped, failures }
    }

    /// Measures some work on all targets, in turns. A request that fails ends the work on its target. `None` means
    /// that the work is not possible there.
    pub(crate) fn measure(
        &mut self,
        work: &str,
        targets: &[&Target],
        runs: usize,
        mut run: impl FnMut(&Target) -> Result<Option<Outcome>>,
    ) {
        let mut all: Vec<Option<Vec<Outcome>>> = targets.iter().map(|_| Some(Vec::new())).collect();
        for _ in 0..runs {
            for (target, outcomes) in targets.iter().zip(&mut all) {
                let Some(done) = outcomes else { continue };
                match run(target) {
                    Ok(Some(outcome)) => done.push(outcome),
                    Ok(None) => *outcomes = None,
                    Err(error) => {
                        let (work, target, reason) =
                            (work.to_owned(), target.name.clone(), format!("{error:#}"));
                        eprintln!("FAILED: {work} on {target}: {reason}");
                        self.failures.push(Failure { work, target, reason });
                        *outcomes = None;
                    }
                }
            }
        }
        for (target, outcomes) in targets.iter().zip(all) {
            let Some(row) = Row::median(work, &target.name, outcomes.unwrap_or_default()) else { continue };
            crate::say(&format!("{work}: {} {}", target.name, row.shown_rate()));
            self.rows.push(row);
        }
    }

    /// Notes that some work was not measured on a server, and why.
    pub(crate) fn skip(&mut self, work: &str, target: &str, reason: &str) {
        self.skipped.push(format!("{work} on {target}: {reason}"));
    }

    /// The tables for readers, with the conditions.
    pub(crate) fn section(&self) -> Result<String> {
        let mut text = head(&self.conditions);
        text.push_str(&self.limits()?);
        let failures: Vec<_> =
            self.failures.iter().map(|failure| (&*failure.work, &*failure.target)).collect();
        text.push_str(&tables::of(&self.rows, &failures));
        text.push_str(&self.memory()?);
        text.push_str(&self.syncs()?);
        text.push_str(&self.notes()?);
        Ok(text)
    }

    pub(crate) fn write(&self, out: &Path) -> Result<()> {
        let table = self.table()?;
        eprintln!("{table}");
        fs::write(out.join("results.md"), table)?;
        fs::write(out.join("section.md"), self.section()?)?;
        fs::write(out.join("results.svg"), plot::bars(&self.rows))?;
        fs::write(out.join("results.json"), self.numbers().to_string())?;
        Ok(())
    }

    /// One line for each work and server, with everything that was measured.
    fn table(&self) -> Result<String> {
        let mut text = head(&self.conditions);
        text.push_str(&self.limits()?);
        text.push_str(
            "| work | server | rate | slowest to fastest run | p50 | p99 | server CPU s | per 1,000 | \
             benchmark CPU s | others' CPU s | peak MiB |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
        );
        for Row { work, target, outcome, spread } in &self.rows {
            let cpu = outcome.server_cpu.map_or("-".to_owned(), |cpu| format!("{cpu:.2}"));
            let each = outcome.cpu_per_thousand();
            writeln!(
                text,
                "| {work} | {target} | {} | {} to {} | {} | {} | {cpu} | {each} | {:.2} | {:.2} | {} |",
                outcome.shown_rate(outcome.rate()),
                outcome.shown_rate(spread.0),
                outcome.shown_rate(spread.1),
                outcome.latency(50),
                outcome.latency(99),
                outcome.own_cpu,
                outcome.other_cpu,
                outcome.peak_memory.map_or("-".to_owned(), mebibytes),
            )?;
        }
        for Failure { work, target, .. } in &self.failures {
            writeln!(text, "| {work} | {target} | **FAILED** |{}", " - |".repeat(8))?;
        }
        text.push_str(&self.memory()?);
        text.push_str(&self.syncs()?);
        text.push_str(&self.notes()?);
        Ok(text)
    }

    #[expect(clippy::cast_precision_loss, reason = "rates are read by people")]
    fn limits(&self) -> Result<String> {
        let mut text = String::new();
        if !self.limits.is_empty() {
            text.push_str("| limit of this machine | rate | CPU s |\n|---|---|---|\n");
            for limit in &self.limits {
                let rate = limit.bytes as f64 / 1e6 / limit.elapsed.as_secs_f64();
                writeln!(text, "| {} | {rate:.0} MB/s | {:.2} |", limit.name, limit.cpu)?;
            }
            text.push('\n');
        }
        Ok(text)
    }

    fn memory(&self) -> Result<String> {
        let mut text = String::new();
        if !self.idle.is_empty() {
            text.push_str("\n| memory | after the start | most in all work |\n|---|---|---|\n");
        }
        for (name, idle) in &self.idle {
            let peak = self.peaks.iter().find(|(of, _)| of == name);
            let peak = peak.map_or("-".to_owned(), |(_, bytes)| mebibytes(*bytes));
            writeln!(text, "| {name} | {} MiB | {peak} MiB |", mebibytes(*idle))?;
        }
        Ok(text)
    }

    fn syncs(&self) -> Result<String> {
        let mut text = String::new();
        if !self.syncs.is_empty() {
            text.push_str("\n| syncs before the answer | server | median | most |\n|---|---|---|---|\n");
            for Counted { what, target, each } in &self.syncs {
                let (median, most) = (each[each.len() / 2], each[each.len() - 1]);
                writeln!(text, "| {what} | {target} | {median} | {most} |")?;
            }
        }
        Ok(text)
    }

    fn notes(&self) -> Result<String> {
        let mut text = String::new();
        if !self.skipped.is_empty() || !self.failures.is_empty() {
            text.push('\n');
        }
        for skipped in &self.skipped {
            writeln!(text, "- Not measured: {skipped}.")?;
        }
        for Failure { work, target, reason } in &self.failures {
            writeln!(text, "- **Failed**: {work} on {target}: {reason}")?;
        }
        Ok(text)
    }

    fn numbers(&self) -> serde_json::Value {
        let limits = self.limits.iter().map(|limit| {
            json!({ "name": limit.name, "bytes": limit.bytes, "seconds": limit.elapsed.as_secs_f64(), "cpu": limit.cpu })
        });
        let rows = self.rows.iter().map(|row| {
            let outcome = &row.outcome;
            json!({
                "work": row.work, "target": row.target, "operations": outcome.operations,
                "bytes": outcome.bytes, "seconds": outcome.elapsed.as_secs_f64(), "serverCpu": outcome.server_cpu,
                "ownCpu": outcome.own_cpu, "otherCpu": outcome.other_cpu, "peakBytes": outcome.peak_memory,
            })
        });
        let syncs = self
            .syncs
            .iter()
            .map(|counted| json!({ "what": counted.what, "target": counted.target, "each": counted.each }));
        json!({
            "runs": self.conditions.runs, "quick": self.conditions.quick, "limits": limits.collect::<Vec<_>>(),
            "rows": rows.collect::<Vec<_>>(), "syncs": syncs.collect::<Vec<_>>(), "skipped": self.skipped,
            "failed": self.failures.iter().map(|failure| json!({
                "work": failure.work, "target": failure.target, "reason": failure.reason,
            })).collect::<Vec<_>>(),
        })
    }
}

/// The lines above a table: the date, the machine, and the conditions of the run.
pub(crate) fn head(conditions: &Conditions) -> String {
    let Conditions { runs, quick, words } = conditions;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = jiff::Timestamp::from_second(i64::try_from(now).unwrap_or_default()).unwrap_or_default();
    let today = now.strftime("%Y-%m-%d");
    let mut text = format!("{today}. Medians of {runs} run(s) in turns on {}. {words}\n\n", machine());
    if *quick {
        text.push_str("**A short run, to see that everything runs: the figures mean nothing.**\n\n");
    }
    text
}

/// A time with its unit.
pub(crate) fn shown(time: Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}

/// A size in MiB.
#[expect(clippy::cast_precision_loss, reason = "sizes are read by people")]
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

/// The processors of this machine.
fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let count = info.lines().filter(|line| line.starts_with("processor")).count();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("{count} processors ({})", model.map_or("of an unknown kind", |(_, model)| model.trim()))
}
