//! The facts on which processes of a cluster agree, also if they start at the same moment.

use gangplank_core::{AccessKeyId, AccountId, LoginLimits, Origin, Permission, Time};

use super::*;
use crate::metadata::access_keys::{AccessKey, AccessKeys as _};

fn root_key(number: u8) -> AccessKey {
    AccessKey {
        id: AccessKeyId::generate([number; 10]),
        account: AccountId::root(),
        sealed_secret: vec![number],
        is_root: true,
        enabled: true,
        created_at: Time(1),
        permission: None::<Permission>,
        limits: LoginLimits::default(),
        expires_at: None,
        description: String::new(),
        made_by: None,
        last_used_at: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_first_starts_makes_the_root_key() {
    let Some((server, store)) = scratch().await else { return };
    let starts = (1..=6).map(|number| {
        let url = server.url("scratch");
        tokio::spawn(async move {
            let store = Postgres::connect(Target::parse(&url).unwrap()).await.unwrap();
            let (by, key) = (Origin::local(Time(1)), root_key(number));
            store.make_first_key(&by, vec![number], key).await.unwrap().then_some(number)
        })
    });
    let starts: Vec<_> = starts.collect();
    let mut made = Vec::new();
    for start in starts {
        made.extend(start.await.unwrap());
    }
    let [number] = made[..] else { panic!("{made:?} have made it") };
    assert_eq!(store.key_check().await.unwrap(), Some(vec![number]));
    let keys = store.access_keys(None, None, 10).await.unwrap().keys;
    assert_eq!(keys.iter().map(|key| key.sealed_secret.clone()).collect::<Vec<_>>(), [vec![number]]);
    store.set_key_check(vec![99]).await.unwrap();
    assert_eq!(store.key_check().await.unwrap(), Some(vec![number]), "it never changes");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_paused_adds_no_time_that_another_has_counted() {
    let Some((server, store)) = scratch().await else { return };
    let other = Postgres::connect(Target::parse(&server.url("scratch")).unwrap()).await.unwrap();
    let seconds = Duration::from_secs;
    assert_eq!(store.steady_time(), None);
    assert_eq!(store.begin_steady_time(Time(1_000)).await.unwrap(), Time(1_000));
    assert_eq!(other.begin_steady_time(Time(9_000_000)).await.unwrap(), Time(1_000), "it has begun");
    let after = other.advance_steady_time(Time(1_000), seconds(5)).await.unwrap();
    assert_eq!((after, other.steady_time()), (Time(6_000), Some(Time(6_000))));
    assert_eq!(store.advance_steady_time(Time(1_000), seconds(9)).await.unwrap(), Time(6_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_tables_is_not_given_some_to_be_read() {
    let Some((server, _store)) = scratch().await else { return };
    let empty = server.create("empty");
    let refused = Postgres::connect_to_made(Target::parse(&empty).unwrap()).await.err().unwrap();
    assert!(matches!(refused, StoreError::Unusable(_)), "{refused}");
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
    assert_eq!(server.query("empty", tables).unwrap(), "0");
    let nowhere = Postgres::connect(Target::parse(&server.url("nowhere")).unwrap()).await.err().unwrap();
    assert!(matches!(nowhere, StoreError::Unusable(_)), "{nowhere}");
}
