//! The contract of coordinators.

use std::collections::BTreeMap;
use std::time::Duration;

use gangplank_core::ServiceId;
use gangplank_store::coordination::{Claim, Coordinator, Epoch, Work};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use crate::backends::ScratchCoordinator;

/// The duration of the claims in these tests.
const LASTS: Duration = Duration::from_mins(50);

/// Just longer than a claim lasts.
const OVER: Duration = Duration::from_secs(3_001);

coordinator_contract!(
    work_has_one_holder,
    the_holder_has_it_once,
    each_kind_of_work_is_claimed_by_itself,
    work_that_was_let_go_of_can_be_claimed,
    a_claim_whose_time_is_over_can_be_taken,
    a_renewed_claim_lasts_longer,
    a_claim_that_nobody_took_goes_on,
    a_lost_claim_is_not_renewed,
    a_claim_that_was_let_go_of_is_not_renewed,
    a_lost_claim_lets_go_of_nothing,
    epochs_grow,
    any_order_of_calls_keeps_the_rules,
);

fn upload() -> Work {
    Work::Upload("0a".to_owned())
}

async fn claim(of: &dyn Coordinator, work: &Work, holder: &str) -> Option<Claim> {
    of.claim(work, holder, LASTS).await.unwrap()
}

async fn taken(of: &dyn Coordinator, holder: &str) -> Claim {
    claim(of, &upload(), holder).await.unwrap()
}

async fn work_has_one_holder(scratch: &impl ScratchCoordinator) {
    let of = scratch.coordinator();
    let first = taken(of, "a").await;
    assert_eq!((first.holder.as_str(), first.work.clone()), ("a", upload()));
    assert_eq!(claim(of, &upload(), "b").await, None);
}

async fn the_holder_has_it_once(scratch: &impl ScratchCoordinator) {
    let of = scratch.coordinator();
    taken(of, "a").await;
    assert_eq!(claim(of, &upload(), "a").await, None, "two requests of one process are two");
}

async fn each_kind_of_work_is_claimed_by_itself(scratch: &impl ScratchCoordinator) {
    let of = scratch.coordinator();
    let uploads = ["0a", "0b", "collection"].map(|id| Work::Upload(id.to_owned()));
    let services = [1, 2].map(|id| Work::Service(ServiceId(id)));
    let jobs = ["collection", "0a"].map(Work::Job);
    for work in uploads.into_iter().chain(services).chain(jobs).chain([Work::Collection]) {
        assert!(claim(of, &work, "a").await.is_some(), "{work}");
        assert!(claim(of, &work, "b").await.is_none(), "{work}");
    }
}

async fn work_that_was_let_go_of_can_be_claimed(scratch: &impl ScratchCoordinator) {
    let of = scratch.coordinator();
    let first = taken(of, "a").await;
    of.release(&first).await.unwrap();
    assert!(taken(of, "b").await.epoch > first.epoch);
    of.release(&first).await.unwrap();
}

async fn a_claim_whose_time_is_over_can_be_taken(scratch: &impl ScratchCoordinator) {
    let of = scratch.coordinator();
    let first = taken(of, "a").await;
    scratch.pass(LASTS / 2).await;
    assert_eq!(claim(of, &upload(), "b").await, None, "not before");
    scratch.pass(OVER).await;
    let second = taken(of, "b").await;
    assert!(second.epoch > first.epoch && second.holder == "b");
}

async fn a_renewed_claim_lasts_longer(scratch: &impl ScratchCoordinator) {
    let of = scratch.coordinator();
    let first = taken(of, "a").await;
    for _ in 0..5 {
        scratch.pass(LASTS * 2 / 3).await;
        assert!(of.renew(&first, LASTS).await.unwrap());
        assert_eq!(claim(of, &upload(), "b").await, None);
    }
    scratch.pass(OVER).await;
    assert!(claim(of, &upload(), "b").await.is_some(), "and no longer");
}

async fn a_claim_that_nobody_took_goes_on(scratch: &impl ScratchCoordinator) {
    let of = scratch.coordinator();
    let first = taken(of, "a").await;
    scratch.pass(OVER * 10).await;
    assert!(of.renew(&first, LASTS).await.unwrap());
    assert_eq!(claim(of, &upload(), "b").await, None);
}

async fn a_lost_claim_is_not_renewed(scratch: &impl ScratchCoordinator) {
    let of = scratch.coordinator();
    let first = taken(of, "a").await;
    scratch.pass(OVER).await;
    let second = taken(of, "a").await;
    assert!(!of.renew(&first, LASTS * 100).await.unwrap(), "the same holder, an earlier epoch");
    assert!(of.renew(&second, LASTS).await.unwrap());
    scratch.pass(OVER).await;
    assert!(claim(of, &upload(), "b").await.is_some(), "the time that the lost one asked for does not count");
}

async fn a_claim_that_was_let_go_of_is_not_renewed(scratch: &impl ScratchCoordinator) {
    let of = scratch.coordinator();
    let first = taken(of, "a").await;
    of.release(&first).await.unwrap();
    assert!(!of.renew(&first, LASTS).await.unwrap());
    assert!(claim(of, &upload(), "b").await.is_some());
}

async fn a_lost_claim_lets_go_of_nothing(scratch: &impl ScratchCoordinator) {
    let of = scratch.coordinator();
    let first = taken(of, "a").await;
    scratch.pass(OVER).await;
    let second = taken(of, "b").await;
    of.release(&first).await.unwrap();
    assert_eq!(claim(of, &upload(), "a").await, None);
    assert!(of.renew(&second, LASTS).await.unwrap());
}

async fn epochs_grow(scratch: &impl ScratchCoordinator) {
    let of = scratch.coordinator();
    let mut last = Epoch(i64::MIN);
    for round in 0..10 {
        let next = taken(of, "a").await;
        assert!(next.epoch > last);
        last = next.epoch;
        match round % 2 {
            0 => of.release(&next).await.unwrap(),
            _ => scratch.pass(OVER).await,
        }
    }
}

/// A call of a coordinator, or a pause.
#[derive(Clone, Debug)]
enum Step {
    /// Claim this work for this holder.
    Claim(usize, usize),
    /// Renew one of all earlier claims.
    Renew(prop::sample::Index),
    /// Release one of the earlier claims.
    Release(prop::sample::Index),
    /// Let this many seconds pass. The tests use an artificial clock, so their own duration does not matter.
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2_usize, 0..3_usize).prop_map(|(work, holder)| Step::Claim(work, holder)),
        3 => any::<prop::sample::Index>().prop_map(Step::Renew),
        2 => any::<prop::sample::Index>().prop_map(Step::Release),
        3 => (1..4_000_u64).prop_map(Step::Pass),
    ]
}

/// The expected state. For each work: the epoch of its last claim, whether it was released, and when it ends.
#[derive(Default)]
struct Model {
    now: u64,
    last: BTreeMap<usize, (Epoch, bool, u64)>,
}

impl Model {
    fn is_free(&self, work: usize) -> bool {
        self.last.get(&work).is_none_or(|(_, released, until)| *released || self.now >= *until)
    }

    /// The entry of a claim, unless the claim is lost.
    fn held(&mut self, work: usize, epoch: Epoch) -> Option<&mut (Epoch, bool, u64)> {
        self.last.get_mut(&work).filter(|(last, released, _)| *last == epoch && !released)
    }
}

/// A model gives the same answers as the coordinator to any sequence of calls by any holders.
async fn any_order_of_calls_keeps_the_rules(scratch: &impl ScratchCoordinator) {
    const HOLDERS: [&str; 3] = ["a", "b", "c"];
    let lasts = LASTS.as_secs();
    let mut runner = proptest::test_runner::TestRunner::default();
    let steps = prop::collection::vec(step(), 1..60);
    for case in 0..256_u32 {
        let steps = steps.new_tree(&mut runner).unwrap().current();
        let of = scratch.coordinator();
        // Each case has its own work.
        let works = [0, 1].map(|number| Work::Upload(format!("{case}-{number}")));
        let (mut model, mut all) = (Model::default(), Vec::<(usize, Claim)>::new());
        for (at, step) in steps.iter().enumerate() {
            let seen = || format!("step {at} of {steps:?}");
            match step {
                Step::Claim(work, holder) => {
                    let claimed = claim(of, &works[*work], HOLDERS[*holder]).await;
                    assert_eq!(claimed.is_some(), model.is_free(*work), "{}", seen());
                    let Some(claim) = claimed else { continue };
                    let before = model.last.insert(*work, (claim.epoch, false, model.now + lasts));
                    assert!(before.is_none_or(|(before, ..)| claim.epoch > before), "{}", seen());
                    all.push((*work, claim));
                }
                Step::Renew(which) if !all.is_empty() => {
                    let (work, claim) = which.get(&all);
                    let until = model.now + lasts;
                    let held = model.held(*work, claim.epoch);
                    assert_eq!(of.renew(claim, LASTS).await.unwrap(), held.is_some(), "{}", seen());
                    if let Some(held) = held {
                        held.2 = until;
                    }
                }
                Step::Release(which) if !all.is_empty() => {
                    let (work, claim) = which.get(&all);
                    of.release(claim).await.unwrap();
                    if let Some(held) = model.held(*work, claim.epoch) {
                        held.1 = true;
                    }
                }
                Step::Pass(seconds) => {
                    scratch.pass(Duration::from_secs(*seconds)).await;
                    model.now += seconds;
                }
                _ => {}
            }
        }
    }
}
