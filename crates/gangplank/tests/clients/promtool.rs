//! Prometheus' own tool checks the metrics of a used server, and the rules in the manual.

use gangplank_testkit::{Image, TestServer};

use crate::bench::Bench;
use crate::client::Program;
use crate::suite::Suite;

const PAGE: &str = include_str!("../../../../docs/book/src/operate/metrics-and-alerts.md");

/// Adds promtool's trials.
pub(crate) fn add(suite: &mut Suite) {
    suite.client(
        "promtool",
        "apt-get install prometheus",
        Program::find("promtool"),
        &[("metrics_keep_the_conventions", conventions), ("rules_of_the_manual", rules)],
    );
}

fn conventions(promtool: &Program) {
    let server = TestServer::builder(env!("CARGO_BIN_EXE_gangplank"));
    let bench = Bench::over(server.env("GANGPLANK_ADMIN_LISTEN", "127.0.0.1:0").start());
    let registry = bench.server.registry_as(&bench.push_login());
    registry.push_image("sr", "v1", &Image::unique(1));
    assert_eq!(registry.status("GET", "sr/tags/list"), 403);
    assert_eq!(bench.server.registry().status("GET", "sr/tags/list"), 401);
    let url = format!("http://{}/metrics", bench.server.admin_address().unwrap());
    let metrics = reqwest::blocking::get(url).unwrap().text().unwrap();
    assert!(metrics.contains("\ngangplank_http_request_duration_seconds_bucket{"), "{metrics}");
    let checked = bench.call(promtool, ["check", "metrics"]).input(metrics).run().ok();
    assert_eq!((checked.stdout.as_str(), checked.stderr.as_str()), ("", ""));
}

fn rules(promtool: &Program) {
    let bench = Bench::new();
    let (_, rules) = PAGE.split_once("<<'END'\n").unwrap();
    let (rules, _) = rules.split_once("\nEND\n").unwrap();
    bench.write("gangplank.rules.yml", rules);
    let checked = bench.call(promtool, ["check", "rules", "gangplank.rules.yml"]).run().ok();
    let alerts = rules.matches("- alert:").count();
    assert!(checked.stdout.contains(&format!("SUCCESS: {alerts} rules found")), "{checked}");
}
