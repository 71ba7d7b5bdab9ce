use gangplank_store::coordination::InProcess;

use super::*;

fn processes<const N: usize>(coordinator: &Arc<InProcess>) -> [Arc<Claims>; N] {
    std::array::from_fn(|number| {
        Claims::new(Arc::clone(coordinator) as Arc<dyn Coordinator>, number.to_string())
    })
}

fn upload(id: &str) -> Work {
    Work::Upload(id.to_owned())
}

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn work_of_one_process_is_done_by_one_at_a_time() {
    let [claims] = processes(&Arc::default());
    let first = claims.wait_for(upload("a"), PATIENCE).await.unwrap().unwrap();
    assert!(claims.wait_for(upload("a"), PATIENCE).await.unwrap().is_none());
    assert!(claims.take(upload("a")).await.unwrap().is_none());
    assert!(claims.take(upload("b")).await.unwrap().is_some());
    let waiting = tokio::spawn({
        let claims = Arc::clone(&claims);
        async move { claims.wait_for(upload("a"), PATIENCE).await }
    });
    tokio::task::yield_now().await;
    let begun = Instant::now();
    let epoch = first.claim().epoch;
    drop(first);
    let second = waiting.await.unwrap().unwrap().unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO, "it need not be asked for");
    assert!(second.claim().epoch > epoch);
    drop(second);
    assert!(claims.places().is_empty());
}

#[tokio::test(start_paused = true)]
async fn another_process_is_waited_for_as_long_as_that_is_worth_it() {
    let [one, other] = processes(&Arc::default());
    let patience = Patience { here: PATIENCE, elsewhere: Duration::from_secs(2) };
    let held = one.wait(upload("a")).await.unwrap();
    let begun = Instant::now();
    assert!(other.wait_for(upload("a"), patience).await.unwrap().is_none());
    assert!(begun.elapsed() <= patience.elsewhere, "{:?}", begun.elapsed());
    let begun = Instant::now();
    assert!(one.wait_for(upload("a"), patience).await.unwrap().is_none());
    assert_eq!(begun.elapsed(), patience.here);
    drop(held);
    assert!(other.wait_for(upload("a"), patience).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_kept_as_long_as_its_work_takes() {
    let [one, other] = processes(&Arc::default());
    let end = CancellationToken::new();
    let keeping = tokio::spawn(Arc::clone(&one).keep(end.clone()));
    let held = one.wait(upload("a")).await.unwrap();
    assert!(other.wait_for(upload("a"), LASTS * 10).await.unwrap().is_none());
    assert!(!held.is_lost());
    end.cancel();
    keeping.await.unwrap();
    let taken = other.wait_for(upload("a"), LASTS + ASKED_EVERY).await.unwrap();
    assert!(taken.is_some(), "its process was killed");
}

#[tokio::test(start_paused = true)]
async fn whoever_was_paused_for_too_long_is_told() {
    let [one, other] = processes(&Arc::default());
    let held = one.wait(upload("a")).await.unwrap();
    let kept = one.wait(upload("b")).await.unwrap();
    tokio::time::advance(LASTS * 2).await;
    assert!(one.take(upload("a")).await.unwrap().is_none(), "in its own process nobody takes it away");
    let taken = other.take(upload("a")).await.unwrap().unwrap();
    one.renew().await;
    held.lost().await;
    assert!(held.is_lost() && !kept.is_lost() && taken.claim().epoch > held.claim().epoch);
    drop(held);
    assert!(one.take(upload("a")).await.unwrap().is_none(), "what it had lost it did not let go of");
    drop(taken);
    assert!(one.take(upload("a")).await.unwrap().is_some());
}

/// A coordinator in another process. It answers late, and renews no claim. If the flag is set, it also releases no
/// claim.
struct Far(InProcess, std::sync::atomic::AtomicBool);

#[async_trait::async_trait]
impl Coordinator for Far {
    fn is_shared(&self) -> bool {
        true
    }

    async fn claim(&self, work: &Work, holder: &str, lasts: Duration) -> Result<Option<Claim>> {
        tokio::task::yield_now().await;
        self.0.claim(work, holder, lasts).await
    }

    async fn renew(&self, _: &Claim, _: Duration) -> Result<bool> {
        Err(gangplank_store::StoreError::unavailable("nobody answers"))
    }

    async fn release(&self, claim: &Claim) -> Result<()> {
        tokio::task::yield_now().await;
        if self.1.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(gangplank_store::StoreError::unavailable("nobody answers"));
        }
        self.0.release(claim).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_finds_work_free_that_is_let_go_of_far_away() {
    let claims = Claims::new(Arc::new(Far(InProcess::default(), false.into())), "0".to_owned());
    let begun = Instant::now();
    for _ in 0..3 {
        drop(claims.wait(upload("a")).await.unwrap());
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_until_claims_far_away_are_let_go_of() {
    let far = Arc::new(Far(InProcess::default(), false.into()));
    let claims = Claims::new(Arc::clone(&far) as Arc<dyn Coordinator>, "0".to_owned());
    drop(claims.wait(upload("a")).await.unwrap());
    let asked = || async { far.0.claim(&upload("a"), "another", LASTS).await.unwrap() };
    assert!(asked().await.is_none(), "its task has not run yet");
    claims.are_released().await;
    assert!(asked().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_others_may_take_is_lost_at_the_moment_when_its_time_is_over() {
    let claims = Claims::new(Arc::new(Far(InProcess::default(), false.into())), "0".to_owned());
    let held = claims.wait(upload("a")).await.unwrap();
    let begun = Instant::now();
    let lost = tokio::spawn(async move {
        held.lost().await;
        (begun.elapsed(), held.is_lost())
    });
    // The pause of a process, in which nothing is renewed.
    let (after, is_lost) = lost.await.unwrap();
    assert!(is_lost && after >= LASTS && after < LASTS + Duration::from_secs(1), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_cannot_be_renewed_is_lost_when_its_time_is_over() {
    let claims = Claims::new(Arc::new(Far(InProcess::default(), true.into())), "0".to_owned());
    let held = claims.wait(upload("a")).await.unwrap();
    tokio::time::advance(LASTS * 2 / 3).await;
    claims.renew().await;
    assert!(!held.is_lost());
    tokio::time::advance(LASTS / 3).await;
    claims.renew().await;
    assert!(held.is_lost());
    drop(held);
    assert!(claims.wait_for(upload("a"), LASTS).await.unwrap().is_some(), "and ends by itself");
}
