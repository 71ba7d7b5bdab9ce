//! The journey of every image tool: a login that only pushes, a registration, a login that only pulls.

use gangplank_testkit::Login;

use crate::bench::Bench;
use crate::client::Done;

/// The error texts for a login without the permission. Containerd first requests HEAD, which answers 404 for such a
/// login.
const DENIED: &[&str] = &["denied", "403", "not found"];
/// The error texts for an unknown login.
const UNKNOWN: &[&str] = &["401", "nauthorized", "invalid username/password", "unknown or was revoked"];

/// An image tool, with its commands for the common steps.
pub(crate) trait ImageTool {
    /// Logs in. `None` if the tool has no such command and only remembers the login.
    fn log_in(&mut self, login: &Login) -> Option<Done>;
    /// Makes a new image of unique content. The next push pushes it.
    fn make(&mut self);
    /// Pushes that image.
    fn push(&self, reference: &str) -> Done;
    /// The digest that a successful push printed.
    fn pushed_digest(&self, push: &Done) -> String;
    /// Removes all local images.
    fn forget(&self);
    /// Pulls an image.
    fn pull(&self, reference: &str) -> Done;
}

/// Runs the whole journey with one tool.
pub(crate) fn journey(bench: &Bench, tool: &mut impl ImageTool) {
    let login = bench.push_login();
    a_wrong_password_is_refused(bench, tool, &login);

    enter(tool, &login);
    tool.make();
    let (first, again) = (bench.image("sr:first"), bench.image("sr:again"));
    let push = tool.push(&first).ok();
    let digest = tool.pushed_digest(&push);
    let push = tool.push(&first).ok();
    assert_eq!(tool.pushed_digest(&push), digest, "a push of the same has the same digest");
    tool.push(&again).ok();
    tool.push(&bench.image("team/app:v1")).ok();
    for (repository, tag) in [("sr", "first"), ("sr", "again"), ("team/app", "v1")] {
        assert!(bench.has(repository, tag), "{repository}:{tag} was acknowledged");
    }
    assert_eq!(bench.register("app", &digest), ":web.app.1");

    let registered = bench.image("web:app.1");
    tool.forget();
    tool.pull(&first).refused(DENIED);
    tool.pull(&bench.image(&format!("sr@{digest}"))).refused(DENIED);
    tool.pull(&registered).refused(DENIED);

    enter(tool, &bench.pull_login());
    tool.forget();
    tool.pull(&registered).ok();
    tool.pull(&first).refused(DENIED);
    tool.forget();
    tool.make();
    tool.push(&bench.image("sr:second")).refused(DENIED);
    tool.push(&bench.image("web:app.2")).refused(DENIED);
    assert!(!bench.has("sr", "second"));
}

fn a_wrong_password_is_refused(bench: &Bench, tool: &mut impl ImageTool, login: &Login) {
    let wrong = Login { password: login.password.to_ascii_uppercase(), ..login.clone() };
    match tool.log_in(&wrong) {
        Some(done) => done.refused(UNKNOWN),
        None => {
            tool.make();
            tool.push(&bench.image("sr:nobody")).refused(UNKNOWN)
        }
    };
}

fn enter(tool: &mut impl ImageTool, login: &Login) {
    if let Some(done) = tool.log_in(login) {
        done.ok();
    }
}
