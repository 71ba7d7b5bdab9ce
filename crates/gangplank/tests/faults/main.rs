//! The program under faults: killed, without power, with a failing or full disk, with a jumping clock, and with
//! misbehaving clients. Afterwards its state is compared with a ledger of its answers.
//!
//! - `GANGPLANK_FAULTS_SEED=N` repeats a run. Each trial prints its seed.
//! - `GANGPLANK_FAULTS_MINUTES=N` makes the loops that can be made longer take about N minutes each.
//!
//! If root or a tool for a trial is missing, the trial is skipped, and the output names it. With
//! `GANGPLANK_REQUIRE_CLIENTS=1`, as in CI, the trial fails.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is a failed test")]

mod backups;
mod budget;
mod clocks;
mod collections;
mod content;
mod injected;
mod kills;
mod leaks;
mod ledger;
mod load;
mod needs;
mod operations;
mod power;
mod repairs;
mod shim;
mod starts;
mod sync_order;
mod world;

use std::process::ExitCode;

use libtest_mimic::Arguments;

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_gangplank");

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    backups::add(&mut trials);
    injected::add(&mut trials);
    kills::add(&mut trials);
    power::add(&mut trials);
    repairs::add(&mut trials);
    starts::add(&mut trials);
    clocks::add(&mut trials);
    collections::add(&mut trials);
    sync_order::add(&mut trials);
    libtest_mimic::run(&arguments, trials).exit_code()
}
