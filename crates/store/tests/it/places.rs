//! The contract of the places of services, which processes of a database share.

use std::time::Duration;

use gangplank_core::ServiceId;
use gangplank_core::power::Room;
use gangplank_store::coordination::{Claim, Epoch, Place, Places, Replica, Whereabouts, Work};
use tokio::time::timeout;

use crate::backends::ScratchCoordinator as _;
use crate::databases::{ScratchPostgres, postgres, postgres_18};

const LASTS: Duration = Duration::from_mins(50);
const OVER: Duration = Duration::from_secs(3_001);
const SERVICE: ServiceId = ServiceId(7);

macro_rules! places_contract {
    ($($clause:ident),* $(,)?) => {
        places_contract!(@on postgres: $($clause),*);
        places_contract!(@on postgres_18: $($clause),*);
    };
    (@on $backend:ident: $($clause:ident),*) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $clause() {
                    if let Some(scratch) = super::$backend() {
                        super::$clause(&scratch).await;
                    }
                }
            )*
        }
    };
}

places_contract!(
    a_place_outlives_its_claim_until_the_next_holder_serves,
    whoever_has_lost_the_claim_writes_no_place,
    only_the_holder_removes_a_place,
    places_of_services_that_are_gone_are_forgotten,
    an_announcement_ends,
    others_hear_of_what_runs,
);

async fn claim(of: &ScratchPostgres, holder: &str) -> Claim {
    of.coordinator().claim(&Work::Service(SERVICE), holder, LASTS).await.unwrap().unwrap()
}

fn place(claim: &Claim) -> Place {
    Place {
        service: SERVICE,
        epoch: claim.epoch,
        replica: claim.holder.clone(),
        address: format!("{}.example:5100", claim.holder),
        engine: format!("engine of {}", claim.holder),
    }
}

fn replica(id: &str) -> Replica {
    let room = Room { cpus: 2.5, memory: 4 << 30 };
    let images = Some(vec!["one@sha256:1".to_owned(), "two".to_owned()]);
    Replica { id: id.to_owned(), address: "[::1]:5100".to_owned(), engine: "e".to_owned(), room, images }
}

async fn found(of: &dyn Places) -> Option<Place> {
    of.whereabouts().await.unwrap().places.get(&SERVICE).cloned()
}

async fn a_place_outlives_its_claim_until_the_next_holder_serves(scratch: &ScratchPostgres) {
    let of = scratch.places();
    assert_eq!(of.whereabouts().await.unwrap(), Whereabouts::default());
    let first = claim(scratch, "a").await;
    assert_eq!(of.whereabouts().await.unwrap().holders[&SERVICE], "a");
    assert!(of.set_place(&place(&first)).await.unwrap());
    assert_eq!(found(of).await, Some(place(&first)));
    scratch.coordinator().release(&first).await.unwrap();
    let known = of.whereabouts().await.unwrap();
    assert!(known.holders.is_empty() && known.places.len() == 1, "{known:?}");
    let second = claim(scratch, "b").await;
    assert_eq!(found(of).await, Some(place(&first)), "the second has nothing that serves yet");
    assert!(of.set_place(&place(&second)).await.unwrap());
    assert_eq!(found(of).await, Some(place(&second)));
    scratch.pass(OVER).await;
    assert!(of.whereabouts().await.unwrap().holders.is_empty());
    assert_eq!(found(of).await, Some(place(&second)));
}

async fn whoever_has_lost_the_claim_writes_no_place(scratch: &ScratchPostgres) {
    let of = scratch.places();
    let first = claim(scratch, "a").await;
    scratch.pass(OVER).await;
    assert!(of.set_place(&place(&first)).await.unwrap(), "nobody else has taken the work");
    let second = claim(scratch, "b").await;
    assert!(!of.set_place(&place(&first)).await.unwrap());
    assert!(of.set_place(&place(&second)).await.unwrap());
    assert!(!of.set_place(&place(&first)).await.unwrap());
    assert_eq!(found(of).await, Some(place(&second)));
    scratch.coordinator().release(&second).await.unwrap();
    assert!(!of.set_place(&place(&first)).await.unwrap());
    assert!(!of.set_place(&place(&second)).await.unwrap(), "what is released is not the writer's");
    let none = Place { epoch: Epoch::NONE, ..place(&second) };
    assert!(!of.set_place(&none).await.unwrap());
    assert_eq!(found(of).await, Some(place(&second)));
}

async fn only_the_holder_removes_a_place(scratch: &ScratchPostgres) {
    let of = scratch.places();
    let first = claim(scratch, "a").await;
    assert!(of.set_place(&place(&first)).await.unwrap());
    scratch.pass(OVER).await;
    let second = claim(scratch, "b").await;
    assert!(!of.remove_place(&first).await.unwrap());
    assert_eq!(found(of).await, Some(place(&first)));
    assert!(of.remove_place(&second).await.unwrap());
    assert!(of.remove_place(&second).await.unwrap(), "it may be repeated");
    assert_eq!(found(of).await, None);
}

async fn places_of_services_that_are_gone_are_forgotten(scratch: &ScratchPostgres) {
    let of = scratch.places();
    // No row of a service has this number.
    let holder = claim(scratch, "a").await;
    assert!(of.set_place(&place(&holder)).await.unwrap());
    of.forget_places().await.unwrap();
    assert_eq!(found(of).await, None);
}

async fn an_announcement_ends(scratch: &ScratchPostgres) {
    let of = scratch.places();
    of.announce(&replica("a"), LASTS).await.unwrap();
    scratch.pass(OVER / 2).await;
    of.announce(&replica("b"), LASTS).await.unwrap();
    assert_eq!(of.whereabouts().await.unwrap().replicas, [replica("a"), replica("b")]);
    scratch.pass(OVER / 2).await;
    assert_eq!(of.whereabouts().await.unwrap().replicas, [replica("b")]);
    let unknown =
        Replica { images: None, room: Room { cpus: f64::INFINITY, memory: u64::MAX }, ..replica("a") };
    of.announce(&unknown, LASTS).await.unwrap();
    let replicas = of.whereabouts().await.unwrap().replicas;
    assert_eq!((replicas.len(), replicas[0].images.as_ref()), (2, None));
    assert!(replicas[0].room.cpus.is_infinite() && replicas[0].room.memory >= 1 << 62);
    let none = Replica { images: Some(Vec::new()), ..replica("a") };
    of.announce(&none, LASTS).await.unwrap();
    assert_eq!(of.whereabouts().await.unwrap().replicas[0], none);
    of.withdraw("b").await.unwrap();
    of.withdraw("b").await.unwrap();
    assert_eq!(of.whereabouts().await.unwrap().replicas, [none]);
}

async fn others_hear_of_what_runs(scratch: &ScratchPostgres) {
    let of = scratch.places();
    let soon = Duration::from_secs(10);
    let mut changes = of.changes();
    // A row that was written before the test may be read only now.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    changes.borrow_and_update();
    let holder = claim(scratch, "a").await;
    of.set_place(&place(&holder)).await.unwrap();
    timeout(soon, changes.changed()).await.expect("a place").unwrap();
    of.remove_place(&holder).await.unwrap();
    timeout(soon, changes.changed()).await.expect("no place").unwrap();
    of.announce(&replica("a"), LASTS).await.unwrap();
    timeout(soon, changes.changed()).await.expect("a new replica").unwrap();
    of.announce(&replica("a"), LASTS).await.unwrap();
    let again = timeout(Duration::from_secs(2), changes.changed()).await;
    assert!(again.is_err(), "an announcement that is repeated is no news");
    of.withdraw("a").await.unwrap();
    timeout(soon, changes.changed()).await.expect("no replica").unwrap();
}
