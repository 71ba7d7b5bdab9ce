//! The results as tables.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;

use super::found::{Found, Row};
use super::part::{ACCOUNTS, KINDS, Part};
use super::rounds::Done;
use super::work::Kind;
use super::{CLIENTS, CLIENTS_OF_EACH, DELAY_IN_MS};

/// All results, to read.
pub(super) fn table(found: &Found, quick: bool, runs: usize) -> Result<String> {
    let mut text = format!("Sums of {runs} run(s), one PostgreSQL, one versitygw.\n\n");
    if quick {
        text.push_str("**A short run, to see that everything runs: the figures mean nothing.**\n\n");
    }
    costs(&mut text, found)?;
    late(&mut text, found)?;
    beside(&mut text, found)?;
    starts(&mut text, found)?;
    Ok(text)
}

/// The processor time of the same operations.
fn costs(text: &mut String, found: &Found) -> Result<()> {
    writeln!(
        text,
        "Processor seconds for 1,000 operations, from {CLIENTS} clients in {ACCOUNTS} accounts, each request to the next replica:\n\n\
         | operation | replicas | gangplank | PostgreSQL | S3 server | together | to one replica: gangplank | together |\n\
         |---|---|---|---|---|---|---|---|"
    )?;
    for row in by_kind(found, Part::Cost) {
        let one = one(found, row);
        let of = |row: &Row, seconds: f64| seconds * 1000.0 / number(row.done.latencies.len());
        let spent = &row.spent;
        writeln!(
            text,
            "| {} | {} | {:.2} | {:.2} | {:.2} | {:.2} | {} | {} |",
            name(row),
            row.replicas,
            of(row, spent.gangplank),
            of(row, spent.postgres),
            of(row, spent.s3),
            of(row, spent.served()),
            ratio(of(row, spent.gangplank), of(one, one.spent.gangplank)),
            ratio(of(row, spent.served()), of(one, one.spent.served())),
        )?;
    }
    Ok(())
}

/// The throughput with late answers.
fn late(text: &mut String, found: &Found) -> Result<()> {
    writeln!(
        text,
        "\n{CLIENTS_OF_EACH} clients for each replica, each answer of PostgreSQL and of the S3 server {DELAY_IN_MS} ms late:\n\n\
         | operation | accounts | replicas | operations | rate | to one replica | p50 | p99 | processors in use |\n\
         |---|---|---|---|---|---|---|---|---|"
    )?;
    let rate = |row: &Row| number(row.done.latencies.len()) / row.done.elapsed.as_secs_f64();
    for row in by_kind(found, Part::Late).chain(by_kind(found, Part::LateInOneAccount)) {
        let mut sorted = row.done.latencies.clone();
        sorted.sort_unstable();
        writeln!(
            text,
            "| {} | {} | {} | {} | {:.0}/s | {} | {} | {} | {:.2} |",
            name(row),
            row.part.accounts(),
            row.replicas,
            row.done.latencies.len(),
            rate(row),
            ratio(rate(row), rate(one(found, row))),
            percentile(&sorted, 50),
            percentile(&sorted, 99),
            (row.spent.served() + row.spent.clients) / row.done.elapsed.as_secs_f64(),
        )?;
    }
    Ok(())
}

/// The rows of a part. Rows of one kind are together.
fn by_kind(found: &Found, part: Part) -> impl Iterator<Item = &Row> {
    let of = move |kind| found.rows.iter().filter(move |row| row.part == part && row.kind == kind);
    KINDS.into_iter().flat_map(of)
}

/// The row of one replica with the same work.
fn one<'a>(found: &'a Found, row: &'a Row) -> &'a Row {
    let same = |one: &&Row| (one.part, one.kind, one.replicas) == (row.part, row.kind, 1);
    found.rows.iter().find(same).unwrap_or(row)
}

fn name(row: &Row) -> &'static str {
    row.kind.map_or("all kinds in turn", Kind::name)
}

/// Lock waits, failures, and names of images.
fn beside(text: &mut String, found: &Found) -> Result<()> {
    text.push_str(
        "\n| part | replicas | looks at PostgreSQL | with a wait for a lock | most at once | longest | for what | \
         deadlocks | failed requests | images registered | with a name twice |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for beside in &found.beside {
        let rows =
            || found.rows.iter().filter(|row| row.part == beside.part && row.replicas == beside.replicas);
        let sum = |count: fn(&Done) -> usize| rows().map(|row| count(&row.done)).sum::<usize>();
        let seen = &beside.seen;
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.0} ms | {} | {} | {} | {} | {} |",
            beside.part.name(),
            beside.replicas,
            seen.looks,
            seen.waits,
            seen.most,
            seen.longest,
            if seen.events.is_empty() { "-".to_owned() } else { seen.events.join(", ") },
            beside.deadlocks,
            sum(|done| done.failures.len()),
            sum(|done| done.images.len()),
            sum(Done::twice),
        )?;
        for failure in rows().flat_map(|row| row.done.failures.iter()).take(3) {
            eprintln!("  failed: {failure}");
        }
    }
    Ok(())
}

/// Starts, and memory.
fn starts(text: &mut String, found: &Found) -> Result<()> {
    text.push_str("\n| start | median | slowest |\n|---|---|---|\n");
    for (what, times) in
        [("first replica, which makes the tables", &found.first_ready), ("each later one", &found.ready)]
    {
        let mut sorted = times.clone();
        sorted.sort_unstable();
        writeln!(text, "| {what} | {} | {} |", percentile(&sorted, 50), percentile(&sorted, 100))?;
    }
    let mut idle = found.idle.clone();
    idle.sort_unstable();
    let shown = |at: usize| idle.get(at).map_or("-".to_owned(), |bytes| format!("{:.1}", mebibytes(*bytes)));
    writeln!(
        text,
        "\nA replica takes {} MiB before its first request (median; at most {}).",
        shown(idle.len() / 2),
        shown(idle.len().saturating_sub(1))
    )?;
    Ok(())
}

impl Done {
    /// The number of registered images whose name another image has.
    pub(super) fn twice(&self) -> usize {
        self.images.len() - self.images.iter().collect::<HashSet<_>>().len()
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> String {
    let found = sorted.get(sorted.len().saturating_sub(1) * percent / 100);
    found.map_or("-".to_owned(), |time| format!("{:.1} ms", time.as_secs_f64() * 1e3))
}

fn ratio(one: f64, of: f64) -> String {
    format!("{:.2}", one / of)
}

#[expect(clippy::cast_precision_loss, reason = "figures are read by people")]
fn number(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "sizes are read by people")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
