//! Cosign: signatures and attestations with a local key, without a transparency log.

use gangplank_testkit::{Image, Login};

use crate::bench::Bench;
use crate::client::{Done, Program};
use crate::images;
use crate::suite::Suite;
use crate::words::{IN_WORDS, ONLY_PUSHES};

const NO_LOG: [&str; 3] = ["--key=cosign.key", "--tlog-upload=false", "--use-signing-config=false"];
/// Signatures in the older form, without referrers: as tags made from the digest.
const BY_TAG: &str = "--new-bundle-format=false";

/// Adds cosign's trials.
pub(crate) fn add(suite: &mut Suite) {
    suite.go_client(
        "cosign",
        &[
            ("signs_and_attests", signs),
            ("signs_an_index_and_what_is_in_it", signs_recursively),
            ("signs_what_others_pushed", signs_anothers),
            ("refusals_say_why", refusals),
        ],
    );
}

/// Signs in both forms, twice. The second signature is added to the first.
fn signs(cosign: &Program) {
    let bench = Bench::new();
    let cosign = Cosign::new(&bench, cosign);
    let login = bench.push_login();
    cosign.enter(&login);
    let digest = bench.server.registry_as(&login).push_image("sr", "signed", &Image::unique(1));
    let image = bench.image(&format!("sr@{digest}"));
    bench.write("predicate.json", "{}");
    let attest = ["attest", "--type=custom", "--predicate=predicate.json", "--yes"];
    for form in [&[][..], &[BY_TAG]] {
        for _ in 0..2 {
            cosign.with_key(&["sign", "--yes"], form, &image).ok();
            cosign.with_key(&attest, form, &image).ok();
        }
    }
    assert!(bench.has("sr", &format!("{}.sig", digest.replace(':', "-"))));

    cosign.enter(&bench.server.operator_login());
    for form in [&[][..], &[BY_TAG]] {
        cosign.verify(&["verify"], form, &image).ok();
        cosign.verify(&["verify-attestation", "--type=custom"], form, &image).ok();
    }
}

fn signs_recursively(cosign: &Program) {
    let bench = Bench::new();
    let cosign = Cosign::new(&bench, cosign);
    let login = bench.push_login();
    cosign.enter(&login);
    let digests = images::push_index(&bench.server.registry_as(&login), "sr", "index");
    let image = bench.image("sr:index");
    for form in [&[][..], &[BY_TAG]] {
        cosign.with_key(&["sign", "--yes", "--recursive"], form, &image).ok();
    }
    cosign.enter(&bench.server.operator_login());
    for digest in digests {
        cosign.verify(&["verify"], &[], &bench.image(&format!("sr@{digest}"))).ok();
    }
}

/// A job that only signs does not need to read the image. That works if signatures are tags. If they are
/// referrers, cosign reads the image itself.
fn signs_anothers(cosign: &Program) {
    let bench = Bench::new();
    let cosign = Cosign::new(&bench, cosign);
    let registry = bench.server.registry_as(&bench.push_login());
    let image = bench.image(&format!("sr@{}", registry.push_image("sr", "anothers", &Image::unique(1))));
    cosign.enter(&bench.push_login());
    cosign.with_key(&["sign", "--yes"], &[BY_TAG], &image).ok();
    cosign.with_key(&["sign", "--yes"], &[], &image).refused(&["404 Not Found"]);
    cosign.enter(&bench.server.operator_login());
    cosign.verify(&["verify"], &[BY_TAG], &image).ok();
}

fn refusals(cosign: &Program) {
    let bench = Bench::new();
    let cosign = Cosign::new(&bench, cosign);
    let login = bench.push_login();
    let digest = bench.server.registry_as(&login).push_image("sr", "signed", &Image::unique(1));
    let image = bench.image(&format!("sr@{digest}"));
    bench.register("app", &digest);
    cosign.enter(&bench.push_login());
    cosign.verify(&["verify"], &[], &bench.image("web:app.1")).refused(ONLY_PUSHES);
    cosign.enter(&bench.pull_login());
    cosign.with_key(&["sign", "--yes"], &[], &image).refused(IN_WORDS.only_pulls);
    cosign.enter(&login);
    bench.revoke_logins();
    cosign.with_key(&["sign", "--yes"], &[], &image).refused(IN_WORDS.revoked);
}

/// A key pair, and a home that remembers a login.
struct Cosign<'a> {
    bench: &'a Bench,
    program: &'a Program,
}

impl<'a> Cosign<'a> {
    fn new(bench: &'a Bench, program: &'a Program) -> Self {
        let cosign = Self { bench, program };
        cosign.run(&["generate-key-pair"]).ok();
        cosign
    }

    fn run(&self, args: &[&str]) -> Done {
        self.bench.call(self.program, args.iter().copied()).env("COSIGN_PASSWORD", "").run()
    }

    fn enter(&self, login: &Login) {
        let args = ["login", "-u", &login.username, "--password-stdin", &login.registry];
        self.bench.call(self.program, args).input(login.password.as_str()).run().ok();
    }

    fn with_key(&self, command: &[&str], form: &[&str], image: &str) -> Done {
        self.run(&[command, NO_LOG.as_slice(), form, &[image]].concat())
    }

    fn verify(&self, command: &[&str], form: &[&str], image: &str) -> Done {
        self.run(&[command, &["--key=cosign.pub", "--insecure-ignore-tlog"], form, &[image]].concat())
    }
}
