//! Skips a test if something is missing, in a way that nobody overlooks.

use std::io::Write as _;

/// Whether a missing client is a failure, as in CI (`GANGPLANK_REQUIRE_CLIENTS=1`).
pub fn clients_are_required() -> bool {
    std::env::var_os("GANGPLANK_REQUIRE_CLIENTS").is_some_and(|value| value == "1")
}

/// Reports that the running test is skipped, and why. It writes past the test runner, which hides the output of
/// passed tests.
pub fn skip(why: &str) {
    assert!(!clients_are_required(), "nothing may be skipped here: {why}");
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}
