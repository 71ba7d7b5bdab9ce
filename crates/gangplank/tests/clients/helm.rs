//! Helm: charts.

use gangplank_testkit::Login;

use crate::bench::Bench;
use crate::client::{Done, Program};
use crate::suite::Suite;
use crate::words::{IN_WORDS, ONLY_PUSHES, Refusals};

/// It first requests HEAD of the manifest, and that answer has no message.
const WORDS: Refusals = Refusals { only_pulls: &["403"], ..IN_WORDS };

/// Adds helm's trials.
pub(crate) fn add(suite: &mut Suite) {
    suite.go_client("helm", &[("login_push_register_pull", whole_story), ("refusals_say_why", refusals)]);
}

fn whole_story(helm: &Program) {
    let bench = Bench::new();
    let helm = Helm { bench: &bench, program: helm };
    let login = bench.push_login();
    let wrong = Login { password: login.password.to_ascii_uppercase(), ..login.clone() };
    helm.enter(&wrong).refused(&["401", "nauthorized"]);
    helm.enter(&login).ok();
    helm.package("first");
    let charts = bench.image("team/charts");
    let digest = helm.push(&charts).ok().digest();
    assert_eq!(helm.push(&charts).ok().digest(), digest, "a push of the same has the same digest");
    helm.package("second");
    let moved = helm.push(&charts).ok().digest();
    assert_ne!(moved, digest, "the tag moved on");
    assert!(bench.has("team/charts/app", "1.0.0"));
    assert_eq!(bench.register("app", &digest), ":web.app.1");

    // To helm, an image's name with a number as its label is a version.
    assert_eq!(bench.register("1", &moved), ":web.1.2");

    helm.enter(&bench.pull_login()).ok();
    let registered = format!("oci://{}", bench.image("web"));
    helm.run(&["pull", "--plain-http", &registered, "--version=1.2", "--untar"]).ok();
    let values = std::fs::read_to_string(bench.home().join("app/values.yaml")).expect("the chart's values");
    assert_eq!(values, "content: second\n");
    helm.run(&["show", "chart", "--plain-http", &format!("{registered}@{digest}")]).ok();
}

fn refusals(helm: &Program) {
    let bench = Bench::new();
    let helm = Helm { bench: &bench, program: helm };
    WORDS.try_pushes(&bench, ("sr/app", "1.0.0"), |login| {
        bench.remember(login);
        helm.package(&login.password[..8]);
        helm.push(&bench.image("sr"))
    });
    let chart = format!("oci://{}", bench.image("sr/app"));
    helm.run(&["pull", "--plain-http", &chart, "--version=1.0.0"]).refused(ONLY_PUSHES);
    helm.run(&["pull", "--plain-http", &chart]).refused(ONLY_PUSHES);
}

struct Helm<'a> {
    bench: &'a Bench,
    program: &'a Program,
}

impl Helm<'_> {
    fn run(&self, args: &[&str]) -> Done {
        self.bench.call(self.program, args.iter().copied()).run()
    }

    fn enter(&self, login: &Login) -> Done {
        let args =
            ["registry", "login", "--plain-http", "-u", &login.username, "--password-stdin", &login.registry];
        self.bench.call(self.program, args).input(login.password.as_str()).run()
    }

    /// Packs a chart. Name and version are always the same.
    fn package(&self, content: &str) {
        self.bench.write("chart/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
        self.bench.write("chart/values.yaml", format!("content: {content}\n"));
        self.run(&["package", "chart"]).ok();
    }

    fn push(&self, repository: &str) -> Done {
        self.run(&["push", "--plain-http", "app-1.0.0.tgz", &format!("oci://{repository}")])
    }
}
