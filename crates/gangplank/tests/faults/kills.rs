//! `kill -9` under load, again and again.

use std::time::Duration;

use gangplank_testkit::TestServer;
use libtest_mimic::Trial;

use crate::budget::{self, Rounds};
use crate::content::Numbers;
use crate::ledger::Ledger;
use crate::needs::{Need, trial};
use crate::world::World;
use crate::{leaks, load};

pub(crate) fn add(trials: &mut Vec<Trial>) {
    trials.push(trial("kills::what was acknowledged is there", &[Need::Compiler], kill_again_and_again));
}

fn kill_again_and_again() {
    let mut numbers = Numbers(budget::seed("kills"));
    let mut world = World::start();
    let mut ledger = Ledger::default();
    let mut rounds = 0;
    for round in Rounds::at_least(20) {
        let patience = Duration::from_millis(50 + numbers.below(600));
        let operator = world.operator.clone();
        let told = load::until(&mut world.server, &operator, numbers.next(), patience, TestServer::kill);
        ledger.merge(told);
        world.restart();
        ledger.check(&world.server, &operator, false);
        leaks::check(&world.server.data_dir());
        rounds = round + 1;
    }
    eprintln!("kills: {rounds} kills, {} promises kept", ledger.len());
    assert!(ledger.len() > 100, "the load did next to nothing");
}
