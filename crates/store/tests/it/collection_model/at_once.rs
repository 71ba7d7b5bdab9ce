//! The same steps by several clients at once, in rounds. All clients of a round know what was promised before it. After
//! the round the promises of all are checked.

use gangplank_store::metadata::Postgres;

use super::*;
use crate::backends::postgres;

/// The number of clients.
const CLIENTS: usize = 4;

/// A round: time passes, and then each client takes its steps.
#[derive(Clone, Debug)]
struct Round {
    hours: u32,
    clients: Vec<Vec<Step>>,
}

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let of_one = |is_first: bool| {
        let step = any_step().prop_filter("its turn", move |step| match step {
            Step::Pass(_) => false,
            // Only one client ends deployments, because two could try to end the same one.
            Step::EndDeployment(_) => is_first,
            _ => true,
        });
        prop::collection::vec(step, 1..6)
    };
    let clients: Vec<_> = (0..CLIENTS).map(|client| of_one(client == 0)).collect();
    let hours = prop_oneof![2 => Just(0u32), 1 => Just(7), 1 => Just(13), 1 => Just(26)];
    let round = (hours, clients).prop_map(|(hours, clients)| Round { hours, clients });
    prop::collection::vec(round, 1..14)
}

proptest! {
    // A failure of concurrent clients need not repeat with fewer steps, so failing cases are not made smaller.
    #![proptest_config(ProptestConfig { cases: 10, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn nothing_promised_is_collected_by_others(rounds in rounds()) {
        run(&rounds);
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 4)]
async fn run(rounds: &[Round]) {
    let Some(scratch) = postgres() else { return };
    // Two processes, each with two of the clients.
    let stores = [scratch.another().await, scratch.another().await];
    create_service(&stores[0], &here(), "web").await;
    let mut world = World { db: scratch.metadata(), now: NOW, told: Told::default() };
    for round in rounds {
        world.now = world.now.plus(HOUR * round.hours);
        let tasks: Vec<_> = round
            .clients
            .iter()
            .zip(stores.iter().cycle())
            .map(|(steps, store)| {
                let (store, steps, now, told) = (store.clone(), steps.clone(), world.now, world.told.clone());
                tokio::spawn(async move { take(&store, &steps, now, told).await })
            })
            .collect();
        let mut all = Vec::new();
        for task in tasks {
            all.push(task.await.unwrap());
        }
        world.told = merged(&world.told, &all);
        world.check().await;
        assert_eq!(world.db.contradictions(world.now).await.unwrap(), []);
    }
    world.end().await;
}

/// A client takes its steps. Returns what it was told.
async fn take(store: &Postgres, steps: &[Step], now: Time, told: Told) -> Told {
    let mut world = World { db: store, now, told };
    for step in steps {
        world.take(step).await;
    }
    world.told
}

/// Everything that the clients of a round were told.
///
/// # Panics
/// If a manifest was refused although its parts were promised, and nobody had deleted them.
fn merged(before: &Told, all: &[Told]) -> Told {
    let deleted: BTreeSet<_> = all.iter().flat_map(|told| &told.deleted_lately).copied().collect();
    for (place, number) in all.iter().flat_map(|told| &told.refused) {
        let may_lack = PARTS[*number].children.iter().any(|child| deleted.contains(&(*place, *child)));
        assert!(may_lack, "manifest {number} in {} was refused", REPOSITORIES[*place]);
    }
    let mut told = Told::default();
    for one in all {
        latest(&mut told.blobs, &one.blobs);
        latest(&mut told.manifests, &one.manifests);
    }
    told.manifests.retain(|manifest, _| !deleted.contains(manifest));
    // A manifest that one client no longer counts as deleted was put again.
    told.deleted =
        before.deleted.iter().filter(|it| all.iter().all(|one| one.deleted.contains(it))).copied().collect();
    told.deleted.extend(&deleted);
    let is_left = |it: &&(ImageName, usize)| all.iter().all(|one| one.registered.contains(it));
    told.registered = before.registered.iter().filter(is_left).cloned().collect();
    told.ended.clone_from(&before.ended);
    for one in all {
        told.registered.extend(one.registered.iter().filter(|it| !before.registered.contains(it)).cloned());
        told.ended.extend(&one.ended[before.ended.len()..]);
    }
    told
}

fn latest(all: &mut BTreeMap<(usize, usize), Time>, one: &BTreeMap<(usize, usize), Time>) {
    for (key, time) in one {
        let known = all.entry(*key).or_insert(*time);
        *known = (*known).max(*time);
    }
}
