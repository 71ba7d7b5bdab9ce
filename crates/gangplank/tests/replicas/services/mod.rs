//! Services on replicas with engines: one Docker for all replicas, or one for each. The trial starts its own
//! Docker daemons.

mod clocks;
mod deaths;
mod served;
mod stops;
mod world;

use libtest_mimic::{Failed, Trial};

use crate::client::Program;
use crate::world::Trials;

/// Trials that wait longest come first.
const TRIALS: [Trials; 4] = [deaths::TRIALS, clocks::TRIALS, stops::TRIALS, served::TRIALS];

/// The trials. Each is skipped if Docker is missing, as all trials of replicas are if their programs are.
pub(crate) fn trials() -> Vec<Trial> {
    let missing = ["dockerd", "docker"].into_iter().find(|name| Program::find(name).is_none());
    let of = |(name, trial): &(&str, fn())| match missing {
        None => crate::world::trial(name, *trial),
        Some(program) => {
            let skipped = !gangplank_testkit::clients_are_required();
            if skipped {
                eprintln!("SKIPPED {name}: {program} is not installed");
            }
            let fail =
                move || Err(Failed::from(format!("{program} is not installed: apt-get install docker.io")));
            Trial::test(*name, fail).with_ignored_flag(skipped)
        }
    };
    TRIALS.into_iter().flatten().map(of).collect()
}
