//! Containerd and its own client, `ctr`.

use gangplank_testkit::Login;

use crate::bench::Bench;
use crate::client::{Done, Program};
use crate::daemon::Daemon;
use crate::images;
use crate::journey::{ImageTool, journey};
use crate::suite::Suite;

const CONFIG: &str = "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\", \
                      \"io.containerd.snapshotter.v1.btrfs\", \"io.containerd.snapshotter.v1.devmapper\"]\n";

/// Adds containerd's trials.
pub(crate) fn add(suite: &mut Suite) {
    let ctr = Program::find("ctr").filter(|_| Program::find("containerd").is_some());
    suite.client(
        "containerd",
        "apt-get install containerd",
        ctr,
        &[("login_push_register_pull", whole_story)],
    );
}

fn whole_story(ctr: &Program) {
    let bench = Bench::new();
    journey(&bench, &mut Ctr::start(&bench, ctr));
}

/// A daemon, and a client that knows a login.
pub(crate) struct Ctr<'a> {
    bench: &'a Bench,
    client: Program,
    socket: String,
    user: String,
    _daemon: Option<Daemon>,
}

impl<'a> Ctr<'a> {
    pub(crate) fn start(bench: &'a Bench, client: &Program) -> Self {
        let config = bench.write("containerd/config.toml", CONFIG);
        let folder = bench.home().join("containerd");
        let option = |name: &str, file: &str| format!("--{name}={}", folder.join(file).display());
        let socket = folder.join("socket").display().to_string();
        let args = [option("root", "root"), option("state", "state"), option("address", "socket")];
        let args = [args.as_slice(), &[format!("--config={}", config.display())]].concat();
        let program = Program::find("containerd").expect("containerd");
        let mut daemon = Daemon::start(&program, &folder, &args);
        let ctr = Self { bench, client: client.clone(), socket, user: String::new(), _daemon: None };
        daemon.wait_until(|| ctr.run(&["images", "ls"]).code == Some(0));
        Self { _daemon: Some(daemon), ..ctr }
    }

    fn run(&self, args: &[&str]) -> Done {
        let args = ["--address", self.socket.as_str()].into_iter().chain(args.iter().copied());
        self.bench.call(&self.client, args).run()
    }

    /// The engine's list of a name: `NAME TYPE DIGEST ...`, after a line of headings.
    fn listed(&self) -> String {
        self.run(&["images", "ls", "name==local/image:latest"]).ok().stdout
    }
}

impl ImageTool for Ctr<'_> {
    fn log_in(&mut self, login: &Login) -> Option<Done> {
        self.user = format!("{}:{}", login.username, login.password);
        None
    }

    fn make(&mut self) {
        self.forget();
        let layout = self.bench.home().join("layout");
        let _ = std::fs::remove_dir_all(&layout);
        images::write_layout(&layout);
        let archive = self.bench.write("image.tar", images::archive(&layout, "local/image:latest"));
        self.run(&["images", "import", "--snapshotter=native", &archive.display().to_string()]).ok();
    }

    fn push(&self, reference: &str) -> Done {
        self.run(&["images", "push", "--plain-http", "--user", &self.user, reference, "local/image:latest"])
    }

    fn pushed_digest(&self, _: &Done) -> String {
        let listed = self.listed();
        let digest = listed.split_whitespace().find(|word| word.starts_with("sha256:"));
        digest.unwrap_or_else(|| panic!("no digest: {listed}")).to_owned()
    }

    fn forget(&self) {
        let names = self.run(&["images", "ls", "--quiet"]).ok().stdout;
        for name in names.lines() {
            self.run(&["images", "rm", "--sync", name]).ok();
        }
        // The parts of an incomplete pull are leased for a while.
        for digest in self.run(&["content", "ls", "--quiet"]).ok().stdout.lines() {
            self.run(&["content", "rm", digest]).ok();
        }
        assert_eq!(self.run(&["content", "ls", "--quiet"]).ok().stdout, "");
    }

    fn pull(&self, reference: &str) -> Done {
        let pull = ["images", "pull", "--plain-http", "--snapshotter=native", "--user", &self.user];
        self.run(&[pull.as_slice(), &[reference]].concat())
    }
}
