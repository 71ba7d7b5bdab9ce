//! Skipping a test for want of something, so that nobody overlooks it.

use std::io::Write as _;

/// Whether a missing client is a failure, as in CI (`GANGPLANK_REQUIRE_CLIENTS=1`).
pub fn clients_are_required() -> bool {
    std::env::var_os("GANGPLANK_REQUIRE_CLIENTS").is_some_and(|value| value == "1")
}

/// Says that the running test is skipped, and why. Past the test runner, which keeps to itself what
/// a passed test prints.
pub fn skip(why: &str) {
    assert!(!clients_are_required(), "nothing may be skipped here: {why}");
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}
