//! `BuildKit`: a daemon for this trial only, without containerd, and its client `buildctl`.

use serde_json::Value;

use crate::bench::Bench;
use crate::client::{Done, Program};
use crate::daemon::Daemon;
use crate::images;
use crate::suite::Suite;
use crate::words::{IN_WORDS, ONLY_PUSHES};

/// Adds `BuildKit`'s trials.
pub(crate) fn add(suite: &mut Suite) {
    // The daemon only starts as root, and only if a runc is installed, although nothing is run here.
    let ready = rustix::process::geteuid().is_root() && Program::find("runc").is_some();
    let buildctl = Program::built("buildctl").filter(|_| ready && Program::built("buildkitd").is_some());
    suite.client(
        "buildkit",
        "root, apt-get install runc, and .ci/run builds it, see GANGPLANK_GO_CLIENTS there",
        buildctl,
        &[
            ("build_push_register_pull", whole_story),
            ("refusals_say_why", refusals),
            ("a_refused_pull_says_why", refused_pull),
        ],
    );
}

/// An index of two platforms with attestations, and a cache. It is pushed twice, then changed and pushed again.
fn whole_story(buildctl: &Program) {
    let bench = Bench::new();
    let buildkit = BuildKit::start(&bench, buildctl);
    bench.remember(&bench.push_login());
    let cache = format!("--export-cache=type=registry,ref={}", bench.image("team/cache:latest"));
    let options = ["--opt=platform=linux/amd64,linux/arm64", "--opt=attest:provenance=mode=max", &cache];
    buildkit.renew();
    for _ in 0..2 {
        buildkit.push("sr:first", &options).ok();
    }
    let digest = buildkit.pushed_digest();
    buildkit.renew();
    buildkit.push("sr:first", &options).ok();
    assert_ne!(buildkit.pushed_digest(), digest, "the tag moved on");
    assert!(bench.has("sr", &digest) && bench.has("team/cache", "latest"));
    assert_eq!(bench.register("app", &digest), ":web.app.1");

    bench.remember(&bench.pull_login());
    bench.write("context/Dockerfile", format!("FROM {}\n", bench.image("web:app.1")));
    buildkit.build(&["--output=type=local,dest=pulled"]).ok();
    assert!(bench.home().join("pulled/file").is_file());
}

fn refusals(buildctl: &Program) {
    let bench = Bench::new();
    let buildkit = BuildKit::start(&bench, buildctl);
    IN_WORDS.try_pushes(&bench, ("sr", "refused"), |login| {
        bench.remember(login);
        buildkit.renew();
        buildkit.push("sr:refused", &[])
    });
}

/// This login has pushed the manifest, but it may not read the layers.
fn refused_pull(buildctl: &Program) {
    let bench = Bench::new();
    let buildkit = BuildKit::start(&bench, buildctl);
    bench.remember(&bench.push_login());
    buildkit.renew();
    buildkit.push("sr:first", &[]).ok();
    buildkit.forget();
    bench.write("context/Dockerfile", format!("FROM {}\n", bench.image("sr:first")));
    buildkit.build(&["--output=type=local,dest=pulled"]).refused(ONLY_PUSHES);
}

struct BuildKit<'a> {
    bench: &'a Bench,
    buildctl: Program,
    address: String,
    _daemon: Option<Daemon>,
}

impl<'a> BuildKit<'a> {
    fn start(bench: &'a Bench, buildctl: &Program) -> Self {
        let host = bench.server.host();
        let config = bench.write("buildkitd/buildkitd.toml", format!("[registry.\"{host}\"]\nhttp = true\n"));
        let folder = bench.home().join("buildkitd");
        let address = format!("unix://{}", folder.join("socket").display());
        let args = [
            format!("--config={}", config.display()),
            format!("--addr={address}"),
            format!("--root={}", folder.join("root").display()),
            // By default all daemons of a machine have the same one.
            format!("--otel-socket-path={}", folder.join("traces").display()),
            "--containerd-worker=false".to_owned(),
            "--oci-worker-snapshotter=native".to_owned(),
        ];
        let mut daemon = Daemon::start(&Program::built("buildkitd").expect("buildkitd"), &folder, &args);
        let buildkit = Self { bench, buildctl: buildctl.clone(), address, _daemon: None };
        daemon.wait_until(|| buildkit.run(&["debug", "workers"]).code == Some(0));
        Self { _daemon: Some(daemon), ..buildkit }
    }

    fn run(&self, args: &[&str]) -> Done {
        let args = ["--addr", self.address.as_str()].into_iter().chain(args.iter().copied());
        self.bench.call(&self.buildctl, args).run()
    }

    /// Writes the build's files, with unique content.
    fn renew(&self) {
        self.bench.write("context/Dockerfile", "FROM scratch\nCOPY file /file\n");
        self.bench.write("context/file", images::file_system());
    }

    fn build(&self, options: &[&str]) -> Done {
        let sources = ["--local=context=context", "--local=dockerfile=context", "--progress=plain"];
        self.run(&[&["build", "--frontend=dockerfile.v0"], sources.as_slice(), options].concat())
    }

    fn push(&self, image: &str, options: &[&str]) -> Done {
        let output = format!("--output=type=image,name={},push=true", self.bench.image(image));
        self.build(&[options, &["--metadata-file=metadata.json", &output]].concat())
    }

    fn pushed_digest(&self) -> String {
        let metadata = std::fs::read(self.bench.home().join("metadata.json")).expect("the metadata");
        let metadata: Value = serde_json::from_slice(&metadata).expect("the metadata");
        metadata["containerimage.digest"].as_str().expect("a digest").to_owned()
    }

    /// Removes everything that was built and pulled.
    fn forget(&self) {
        self.run(&["prune", "--all"]).ok();
    }
}
