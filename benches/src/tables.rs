//! The results for readers: one column for each server, the best figures in bold.

use std::fmt::Write as _;

use crate::meter::{Counts, Outcome};
use crate::report::{Row, mebibytes, shown};

/// Each kind of table: the beginning of the names of its work, and the words above it.
const PARTS: [(&str, &str); 3] = [
    ("", "Content in a folder"),
    ("bucket: ", "Content in a bucket, all on the same S3 server"),
    ("endpoint: ", "The endpoint of container services"),
];

/// Tables of all rows and failures. A failure names the work and the server.
pub(crate) fn of(rows: &[Row], failures: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (index, (prefix, words)) in PARTS.iter().enumerate() {
        let part = |work: &str| match index {
            0 => PARTS[1..].iter().all(|(other, _)| !work.starts_with(other)),
            _ => work.starts_with(prefix),
        };
        let rows: Vec<&Row> = rows.iter().filter(|row| part(&row.work)).collect();
        let failures: Vec<_> = failures.iter().filter(|(work, _)| part(work)).copied().collect();
        if rows.is_empty() && failures.is_empty() {
            continue;
        }
        let _ = writeln!(text, "**{words}: rate, processor time of the server.**\n");
        table(&mut text, prefix, &rows, &failures, &[RATE, CPU]);
        let _ = writeln!(text, "\n**{words}: 99th percentile of the times, most memory of the server.**\n");
        table(&mut text, prefix, &rows, &failures, &[P99, MEMORY]);
        text.push('\n');
    }
    text
}

/// A figure of a cell.
struct Figure {
    /// The figure as a number and as text. Of the numbers the least is the best. `None` if it was not
    /// measured.
    value: fn(&Outcome) -> Option<(f64, String)>,
}

const RATE: Figure = Figure { value: |outcome| Some((-outcome.rate(), outcome.shown_rate(outcome.rate()))) };

const CPU: Figure = Figure { value: cpu };

const P99: Figure = Figure {
    value: |outcome| {
        // One operation has no percentiles.
        let last = outcome.latencies.len().checked_sub(1).filter(|last| *last > 0)?;
        let time = outcome.latencies[last * 99 / 100];
        Some((time.as_secs_f64(), shown(time)))
    },
};

const MEMORY: Figure = Figure {
    value: |outcome| {
        let bytes = outcome.peak_memory?;
        #[expect(clippy::cast_precision_loss, reason = "sizes are compared")]
        Some((bytes as f64, format!("{} MiB", mebibytes(bytes))))
    },
};

/// Processor seconds for a GiB or for 1,000 operations.
#[expect(clippy::cast_precision_loss, reason = "figures are read by people")]
fn cpu(outcome: &Outcome) -> Option<(f64, String)> {
    let used = outcome.server_cpu?;
    Some(match outcome.counts {
        Counts::Bytes => {
            let each = used * f64::from(1 << 30) / outcome.bytes as f64;
            (each, format!("{each:.2} s a GiB"))
        }
        Counts::Operations if outcome.operations == 1 => (used, format!("{used:.3} s")),
        Counts::Operations => {
            let each = used * 1e3 / outcome.operations.max(1) as f64;
            (each, format!("{each:.3} s a 1,000"))
        }
    })
}

fn table(text: &mut String, prefix: &str, rows: &[&Row], failures: &[(&str, &str)], figures: &[Figure]) {
    let all = || {
        let rows = rows.iter().map(|row| (row.work.as_str(), row.target.as_str()));
        rows.chain(failures.iter().copied())
    };
    let (mut works, mut targets): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for (work, target) in all() {
        works.extend((!works.contains(&work)).then_some(work));
        targets.extend((!targets.contains(&target)).then_some(target));
    }
    let _ = writeln!(text, "| work | {} |\n|---|{}", targets.join(" | "), "---|".repeat(targets.len()));
    for work in works {
        let of = |target: &str| rows.iter().find(|row| row.work == work && row.target == target);
        let best: Vec<f64> = figures
            .iter()
            .map(|figure| {
                let values = rows.iter().filter(|row| row.work == work);
                values.filter_map(|row| Some((figure.value)(&row.outcome)?.0)).fold(f64::MAX, f64::min)
            })
            .collect();
        let _ = write!(text, "| {} |", work.strip_prefix(prefix).unwrap_or(work));
        for target in &targets {
            let cell = match of(target) {
                Some(row) => cell(&row.outcome, figures, &best),
                None if failures.contains(&(work, target)) => "**failed**".to_owned(),
                None => "–".to_owned(),
            };
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    }
}

fn cell(outcome: &Outcome, figures: &[Figure], best: &[f64]) -> String {
    let shown = figures.iter().zip(best).filter_map(|(figure, best)| {
        let (value, text) = (figure.value)(outcome)?;
        Some(if value <= *best { format!("**{text}**") } else { text })
    });
    let shown = shown.collect::<Vec<_>>().join("; ");
    if shown.is_empty() { "–".to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn row(work: &str, target: &str, seconds: u64) -> Row {
        let outcome = Outcome {
            operations: 1_000,
            elapsed: Duration::from_secs(seconds),
            server_cpu: Some(0.5),
            latencies: vec![Duration::from_millis(3); 1_000],
            peak_memory: Some(32 << 20),
            ..Outcome::default()
        };
        Row::median(work, target, vec![outcome]).unwrap()
    }

    #[test]
    fn each_server_has_a_column_and_the_best_is_bold() {
        let text = of(&[row("read: HEAD blob", "one", 1), row("read: HEAD blob", "two", 2)], &[]);
        assert!(text.contains("| work | one | two |\n|---|---|---|"), "{text}");
        assert!(text.contains("| read: HEAD blob | **1000/s**; **0.500 s a 1,000** | 500/s;"), "{text}");
        assert!(text.contains("**3.0 ms**; **32.0 MiB**"), "{text}");
    }

    #[test]
    fn a_failure_stands_in_the_table_and_work_in_buckets_apart() {
        let text = of(&[row("bucket: pull", "one", 1)], &[("bucket: pull", "two")]);
        assert!(!text.contains("folder"), "{text}");
        assert!(text.contains("| pull | **1000/s**; **0.500 s a 1,000** | **failed** |"), "{text}");
    }
}
