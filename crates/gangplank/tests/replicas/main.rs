//! Three processes of the program on one PostgreSQL and one bucket, behind `HAProxy`. Each process knows what
//! the others did, and continues what they began. When one of them is lost, nothing else is lost with it.
//!
//! Each trial has its own replicas. Most of them wait for time limits, so more run at once than there are
//! processors. If a program for a trial is not installed, the trial is skipped, and the output names it. With
//! `GANGPLANK_REQUIRE_CLIENTS=1`, as in CI, the trial fails.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is a failed test")]

mod balancing;
#[path = "../clients/client.rs"]
#[allow(dead_code, reason = "the trials of clients use more of it")]
mod client;
mod clocks;
mod collections;
mod commands;
#[path = "../clients/daemon.rs"]
#[allow(dead_code, reason = "the trials of clients use more of it")]
mod daemon;
mod database;
mod deaths;
#[path = "../clients/dockerd.rs"]
#[allow(dead_code, reason = "the trials of clients use more of it")]
mod dockerd;
mod last_requests;
mod logins;
mod places;
mod reads;
mod registrations;
mod restores;
mod revocation;
mod services;
#[path = "../clients/services_app.rs"]
mod services_app;
#[path = "../clients/services_load.rs"]
#[allow(dead_code, reason = "the trials of clients use more of it")]
mod services_load;
mod start;
mod tls;
mod uploads;
mod world;

use std::process::ExitCode;

use libtest_mimic::Arguments;

/// The number of trials that run at once.
const AT_ONCE: usize = 6;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    // Trials that wait longest come first.
    let all = [
        clocks::TRIALS,
        deaths::TRIALS,
        database::TRIALS,
        last_requests::TRIALS,
        collections::TRIALS,
        restores::TRIALS,
        uploads::TRIALS,
        revocation::TRIALS,
        places::TRIALS,
        registrations::TRIALS,
        reads::TRIALS,
        logins::TRIALS,
        balancing::TRIALS,
        start::TRIALS,
        tls::TRIALS,
        commands::TRIALS,
    ];
    let mut trials = services::trials();
    trials.extend(all.into_iter().flatten().map(|(name, trial)| world::trial(name, *trial)));
    libtest_mimic::run(&arguments, trials).exit_code()
}
