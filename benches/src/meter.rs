//! The cost of a load: time, and the processor time and memory of all processes.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::target::Target;

/// The cost of one run of one work.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// The number of operations.
    pub(crate) operations: u64,
    /// The bytes of content that were transferred. Zero if they do not matter.
    pub(crate) bytes: u64,
    /// Whether the rate counts operations or bytes.
    pub(crate) counts: Counts,
    /// The time from the first request to the last answer.
    pub(crate) elapsed: Duration,
    /// The time of each operation, sorted.
    pub(crate) latencies: Vec<Duration>,
    /// Processor seconds of the server, if its process is known.
    pub(crate) server_cpu: Option<f64>,
    /// Processor seconds of this program.
    pub(crate) own_cpu: f64,
    /// Processor seconds of all other processes on the machine.
    pub(crate) other_cpu: f64,
    /// The server's largest resident memory since the work began, in bytes.
    pub(crate) peak_memory: Option<u64>,
}

/// The unit that a rate counts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Counts {
    #[default]
    Operations,
    Bytes,
}

impl Outcome {
    /// The same cost, with a rate in bytes.
    pub(crate) fn of_bytes(self) -> Self {
        Self { counts: Counts::Bytes, ..self }
    }

    /// The same cost, with other latencies: those of the operations that matter.
    pub(crate) fn with_latencies(mut self, mut latencies: Vec<Duration>) -> Self {
        latencies.sort_unstable();
        self.latencies = latencies;
        self
    }
}

/// A running measurement.
pub(crate) struct Meter<'a> {
    target: Option<&'a Target>,
    start: Instant,
    server: Option<f64>,
    own: f64,
    all: f64,
}

impl<'a> Meter<'a> {
    pub(crate) fn start(target: &'a Target) -> Self {
        if let Some(pid) = target.pid {
            // 5 resets the high-water mark of resident memory (proc(5)). It may not be allowed.
            let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
        }
        Self {
            target: Some(target),
            server: target.pid.and_then(processor_seconds),
            own: own_seconds(),
            all: all_seconds(),
            start: Instant::now(),
        }
    }

    /// Ends the measurement. `latencies` has one entry for each operation.
    pub(crate) fn stop(self, mut latencies: Vec<Duration>, bytes: u64) -> Outcome {
        let elapsed = self.start.elapsed();
        let pid = self.target.and_then(|target| target.pid);
        let server_cpu = pid.and_then(processor_seconds).zip(self.server).map(|(now, then)| now - then);
        let own_cpu = own_seconds() - self.own;
        let all = all_seconds() - self.all;
        latencies.sort_unstable();
        if let Some(target) = self.target {
            target.note_peak(pid.and_then(|pid| memory(pid, "VmHWM:")));
        }
        let is_one = latencies.len() == 1 && bytes > 0;
        Outcome {
            operations: latencies.len() as u64,
            bytes,
            counts: if is_one { Counts::Bytes } else { Counts::Operations },
            elapsed,
            latencies,
            server_cpu,
            own_cpu,
            other_cpu: (all - own_cpu - server_cpu.unwrap_or_default()).max(0.0),
            peak_memory: pid.and_then(|pid| memory(pid, "VmHWM:")),
        }
    }
}

/// The server's current resident memory, in bytes.
pub(crate) fn resident(target: &Target) -> Option<u64> {
    memory(target.pid?, "VmRSS:")
}

/// The server's largest resident memory in any work, in bytes.
pub(crate) fn highest(target: &Target) -> Option<u64> {
    let noted = target.peak.get();
    (noted > 0).then_some(noted)
}

/// A process' own processor seconds so far, of all its threads.
pub(crate) fn processor_seconds(pid: u32) -> Option<f64> {
    // utime and stime are fields 14 and 15 of the file.
    let fields = fields(pid)?;
    Some((ticks(&fields, 11)? + ticks(&fields, 12)?) / ticks_per_second())
}

/// Processor seconds so far of a process, and of its children, running or ended. The child `except` does not
/// count.
pub(crate) fn family_seconds(pid: u32, except: Option<u32>) -> f64 {
    let own =
        fields(pid).map_or(0.0, |fields| [11, 12, 13, 14].iter().filter_map(|at| ticks(&fields, *at)).sum());
    let others = fs::read_dir("/proc").into_iter().flatten().flatten();
    let others = others.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let children = others.filter(|other| Some(*other) != except).filter_map(|other| {
        let fields = fields(other)?;
        (fields.get(1)?.parse() == Ok(pid)).then_some(ticks(&fields, 11)? + ticks(&fields, 12)?)
    });
    (own + children.sum::<f64>()) / ticks_per_second()
}

/// The fields of `/proc/PID/stat` after the name. The name in parentheses may have any characters.
fn fields(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

fn ticks(fields: &[String], at: usize) -> Option<f64> {
    fields.get(at)?.parse().ok()
}

/// Processor seconds of this program so far.
pub(crate) fn own_seconds() -> f64 {
    processor_seconds(std::process::id()).unwrap_or_default()
}

/// The busy processor seconds of the whole machine.
fn all_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks: Vec<f64> =
        stat.lines().next().unwrap_or_default().split_whitespace().filter_map(|n| n.parse().ok()).collect();
    // user, nice, system, then idle and iowait, then irq, softirq.
    let busy = [0, 1, 2, 5, 6].iter().filter_map(|field| ticks.get(*field)).sum::<f64>();
    busy / ticks_per_second()
}

#[expect(clippy::cast_precision_loss, reason = "it is a hundred")]
fn ticks_per_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

/// A size in `/proc/PID/status`, in bytes.
pub(crate) fn memory(pid: u32, line: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let found = status.lines().find_map(|found| found.strip_prefix(line))?;
    Some(found.split_whitespace().next()?.parse::<u64>().ok()? << 10)
}

/// Processor seconds that this thread has used.
pub(crate) fn thread_seconds() -> Result<f64> {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Ok(Duration::new(u64::try_from(used.tv_sec)?, u32::try_from(used.tv_nsec)?).as_secs_f64())
}
