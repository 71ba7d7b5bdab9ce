//! Long reads take turns, and delay no lookup.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::scratch;
use super::world::{key_id, tenant};
use crate::metadata::AccessKeys as _;
use crate::metadata::engine::Whose;

/// The number of reads that run now, and the highest number so far.
#[derive(Default)]
struct Running {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Running {
    fn read(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(20));
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

fn account(number: u32) -> Whose {
    Whose::of(&tenant(&format!("{number:012}"), "us-east-1"))
}

/// Runs reads on behalf of these accounts. Returns the highest number that ran at the same time.
async fn at_once(accounts: impl Iterator<Item = u32>) -> usize {
    let (_directory, db) = scratch();
    let running = Arc::<Running>::default();
    let reads = accounts.map(|number| {
        let running = Arc::clone(&running);
        db.read_long(account(number), move |_| {
            running.read();
            Ok(())
        })
    });
    assert!(join_all(reads).await.into_iter().all(|read| read.is_ok()));
    running.most.load(Ordering::SeqCst)
}

#[tokio::test]
async fn one_account_reads_one_thing_at_a_time_and_all_of_them_four() {
    assert_eq!(at_once([1; 6].into_iter()).await, 1);
    assert_eq!(at_once(1..=12).await, 4);
}

/// On a single-threaded runtime a lookup does not wait for lists.
#[tokio::test]
async fn a_look_up_does_not_wait_for_them() {
    let (_directory, db) = scratch();
    let reads = (1..=8).map(|number| {
        db.read_long(account(number), |_| {
            std::thread::sleep(Duration::from_millis(100));
            Ok(())
        })
    });
    let look_up = async {
        tokio::task::yield_now().await;
        let asked = Instant::now();
        db.access_key(&key_id(1)).await.unwrap();
        asked.elapsed()
    };
    let (_, took) = tokio::join!(join_all(reads), look_up);
    assert!(took < Duration::from_millis(80), "{took:?}");
}
