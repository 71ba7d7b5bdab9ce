//! Metrics of the process, under the names that all Prometheus clients use.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::{MetricType, TypedMetric as _};
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

/// Reads the state of the process for each scrape.
#[derive(Debug)]
pub(super) struct Process {
    /// When it started, in seconds since 1970.
    pub(super) started: i64,
}

/// The kernel's figures for the process.
struct Stat {
    /// Processor time in seconds, of user space and kernel together.
    cpu: f64,
    /// Virtual memory, in bytes.
    virtual_memory: f64,
    /// Resident memory, in bytes.
    resident_memory: f64,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        if let Some(stat) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(read) {
            let help = "Time of processors that was used";
            let cpu = encoder.encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?;
            ConstCounter::new(stat.cpu).encode(cpu)?;
            gauge(
                &mut encoder,
                "process_virtual_memory_bytes",
                "Size of all addresses",
                stat.virtual_memory,
            )?;
            gauge(&mut encoder, "process_resident_memory_bytes", "Memory in use", stat.resident_memory)?;
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // The listing itself holds one descriptor open.
            let open = u32::try_from(open.count().saturating_sub(1)).unwrap_or(u32::MAX);
            gauge(&mut encoder, "process_open_fds", "Files and sockets that are open", f64::from(open))?;
        }
        if let Some(most) = getrlimit(Resource::Nofile).current {
            gauge(&mut encoder, "process_max_fds", "How many may be open", as_f64(most))?;
        }
        let help = "When the process started, since 1970";
        gauge(&mut encoder, "process_start_time_seconds", help, as_f64(self.started.unsigned_abs()))
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: f64) -> fmt::Result {
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, help, None, ConstGauge::<f64>::TYPE)?)
}

/// Parses `/proc/PID/stat` (proc(5)).
fn read(text: &str) -> Option<Stat> {
    // The program's name is in brackets, and may itself have brackets and spaces.
    let (_, fields) = text.rsplit_once(')')?;
    let fields: Vec<u64> =
        fields.split_whitespace().skip(1).map(|field| field.parse().unwrap_or_default()).collect();
    let field = |number: usize| fields.get(number - 4).copied();
    let ticks = field(14)?.saturating_add(field(15)?);
    Some(Stat {
        cpu: as_f64(ticks) / as_f64(clock_ticks_per_second()),
        virtual_memory: as_f64(field(23)?),
        resident_memory: as_f64(field(24)?.saturating_mul(page_size() as u64)),
    })
}

#[expect(clippy::cast_precision_loss, reason = "the text has no more digits to be read by people and graphs")]
fn as_f64(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_line_is_read() {
        let line = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 900 4096000 10 0 0 0";
        let stat = read(line).unwrap();
        assert!((stat.cpu - 300.0 / as_f64(clock_ticks_per_second())).abs() < 1e-9);
        assert!((stat.virtual_memory - 4_096_000.0).abs() < 1e-9);
        assert!((stat.resident_memory - as_f64(10 * page_size() as u64)).abs() < 1e-9);
        assert!(read("").is_none() && read("7 (a) S 1").is_none());
    }
}
