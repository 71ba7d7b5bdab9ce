//! Engines whose pulls of layers are redirected to the bucket's server, which is another host than the registry.

use gangplank_testkit::s3::{FaultProxy, Program as S3Program, S3Server};
use gangplank_testkit::{Image, TestServer, skip};

use crate::bench::Bench;
use crate::client::Program;
use crate::containerd::Ctr;
use crate::docker::Docker;
use crate::journey::ImageTool;
use crate::suite::Suite;

/// Adds the engines' trials.
pub(crate) fn add(suite: &mut Suite) {
    let docker = Program::find("docker").filter(|_| Program::find("dockerd").is_some());
    let ctr = Program::find("ctr").filter(|_| Program::find("containerd").is_some());
    let (get_docker, get_containerd) = ("apt-get install docker.io", "apt-get install containerd");
    suite.client("docker_redirected", get_docker, docker, &[("pulls_from_the_bucket", by_docker)]);
    suite.client("containerd_redirected", get_containerd, ctr, &[("pulls_from_the_bucket", by_containerd)]);
}

fn by_docker(docker: &Program) {
    let Some(bucket) = Bucket::start() else { return };
    let bench = bucket.bench();
    bucket.pulls(&bench, &mut Docker::start(&bench, docker));
}

fn by_containerd(ctr: &Program) {
    let Some(bucket) = Bucket::start() else { return };
    let bench = bucket.bench();
    bucket.pulls(&bench, &mut Ctr::start(&bench, ctr));
}

/// The bucket's server, and two ways to it: one for our server, and one for clients.
struct Bucket {
    s3: S3Server,
    ours: FaultProxy,
    theirs: FaultProxy,
}

impl Bucket {
    fn start() -> Option<Self> {
        let s3 = S3Server::start(S3Program::Versitygw);
        if s3.is_none() {
            skip("versitygw is not installed");
        }
        let s3 = s3?;
        let (ours, theirs) = (FaultProxy::before(&s3.address()), FaultProxy::before(&s3.address()));
        Some(Self { s3, ours, theirs })
    }

    /// The registry's host is 127.0.0.1, so clients reach the bucket's server by another name.
    fn bench(&self) -> Bench {
        let public = self.theirs.endpoint().replace("127.0.0.1", "localhost");
        let server = TestServer::builder(env!("CARGO_BIN_EXE_gangplank"))
            .in_bucket(&self.s3, &self.ours.endpoint(), "redirected/blobs")
            .arg("--redirect-pulls")
            .arg("--redirect-endpoint")
            .arg(public);
        Bench::over(server.start())
    }

    /// Pulls an image of two large layers. Our server reads none of them.
    fn pulls(&self, bench: &Bench, engine: &mut impl ImageTool) {
        let layer = |seed: u8| {
            (0..3_u32 << 20).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0] ^ seed).collect()
        };
        let image = Image::of([1, 2].map(layer));
        let push = bench.push_login();
        let digest = bench.server.registry_as(&push).push_image("sr", "large", &image);
        assert_eq!(bench.register("app", &digest), ":web.app.1");
        engine.log_in(&bench.pull_login()).into_iter().for_each(|done| drop(done.ok()));
        let before = self.ours.count("GetObject");
        engine.pull(&bench.image("web:app.1")).ok();
        assert!(self.theirs.count("GetObject") >= image.layers.len(), "{:?}", self.theirs.seen());
        assert!(
            self.ours.count("GetObject") <= before + 1,
            "the layers passed our server: {:?}",
            self.ours.seen()
        );
    }
}
