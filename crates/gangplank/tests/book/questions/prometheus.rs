//! A Prometheus for one test.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{output, wait_until};

/// A Prometheus that scrapes some servers.
pub(super) struct Prometheus {
    process: Child,
    url: String,
}

impl Prometheus {
    /// Starts it in a folder. `targets` are addresses of `/metrics`.
    pub(super) fn start(folder: &Path, targets: &[String]) -> Self {
        let config = format!(
            "global: {{scrape_interval: 500ms}}\nscrape_configs:\n  - job_name: gangplank\n    static_configs:\n      \
             - targets: {targets:?}\n"
        );
        fs::write(folder.join("prometheus.yml"), config).unwrap();
        // The port is free again now, and Prometheus listens on it.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = Command::new("prometheus")
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=prometheus")
            .arg(format!("--web.listen-address={address}"))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("prometheus.log")).unwrap())
            .spawn()
            .unwrap();
        Self { process, url: format!("http://{address}") }
    }

    /// The answer of promtool to a query: a line `{labels} => value @[time]` for each series.
    pub(super) fn ask(&self, query: &str) -> Result<String, String> {
        output(Command::new("promtool").args(["query", "instant", &self.url, query]))
    }

    /// Waits until a query has an answer.
    pub(super) fn wait_for(&self, query: &str) -> Result<(), String> {
        let is_so = || self.ask(query).is_ok_and(|answer| !answer.trim().is_empty());
        wait_until(is_so).map_err(|_| format!("Prometheus does not answer {query}: {:?}", self.ask(query)))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
