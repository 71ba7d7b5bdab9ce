use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gangplank_core::{AccountId, EventKind, Origin, Time};

use super::{Contending, FATES, Fate};
use crate::metadata::engine::{Engine as _, Terms};
use crate::metadata::rules::audit::Note;
use crate::metadata::store::{Outcome, Store};
use crate::metadata::tx::{Query, Tx, values};
use crate::metadata::{Embedded, sqlite};
use crate::{Result, StoreError};

fn scratch() -> (tempfile::TempDir, Store<Contending<Embedded>>) {
    let (directory, database) = sqlite::tests::scratch();
    (directory, database.contending())
}

fn add(tx: &dyn Tx, account: &str) -> Result<()> {
    tx.run("INSERT INTO tenants (account, region) VALUES (?1, 'r')", values![account]).map(drop)
}

async fn count(db: &Store<Contending<Embedded>>, table: &str) -> i64 {
    let text = format!("SELECT count(*) FROM {table}");
    db.read_one(|tx| tx.one(&Query::column(&text, values![]))).await.unwrap()
}

#[tokio::test]
async fn a_rule_is_refused_at_each_statement_and_at_its_commit() {
    let (_directory, db) = scratch();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let rule = move |tx: &dyn Tx| {
        counted.fetch_add(1, Ordering::Relaxed);
        ["a", "b", "c"].into_iter().try_for_each(|account| add(tx, account))
    };
    db.engine.write(Terms::server(), rule).await.unwrap();
    // The rule ran once for each of the three statements and for the commit, which were refused in turn, and once
    // more with success.
    assert_eq!(runs.load(Ordering::Relaxed), 5);
    assert_eq!(count(&db, "tenants").await, 3);
}

#[tokio::test]
async fn a_rule_that_does_not_stop_when_it_is_refused_fails() {
    let (_directory, db) = scratch();
    let goes_on = |tx: &dyn Tx| {
        let _ = add(tx, "a");
        Ok(())
    };
    let hides = |tx: &dyn Tx| add(tx, "a").map_err(|_| StoreError::unavailable("something"));
    for (outcome, reason) in [
        (db.engine.write(Terms::server(), goes_on).await, "went on"),
        (db.engine.write(Terms::server(), hides).await, "hid"),
        (db.engine.read(goes_on).await, "went on"),
    ] {
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    assert_eq!(count(&db, "tenants").await, 0);
}

#[tokio::test]
async fn a_rule_that_fails_by_itself_is_not_run_again() {
    let (_directory, db) = scratch();
    let fails = |_: &dyn Tx| -> Result<()> { Err(StoreError::damaged("so it is")) };
    assert!(matches!(db.engine.write(Terms::server(), fails).await, Err(StoreError::Damaged(_))));
}

/// The store could not find out whether the change was made.
#[tokio::test]
async fn what_cannot_be_settled_is_not_lost() {
    let (_directory, db) = scratch();
    for number in 0..FATES.len() {
        db.upkeep(Terms::server(), move |tx| add(tx, &number.to_string())).await.unwrap();
    }
    assert_eq!(count(&db, "tenants").await, 5);
}

/// Makes one change for each fate, so that every fate comes first once.
#[tokio::test]
async fn a_change_is_made_and_noted_once_whatever_becomes_of_its_commits() {
    let (_directory, db) = scratch();
    let account = AccountId::root();
    for number in 0..FATES.len() {
        let account = account.clone();
        let rule = move |tx: &dyn Tx| {
            add(tx, &number.to_string())?;
            let made: usize = tx.one(&Query::column("SELECT count(*) FROM tenants", values![]))?;
            Ok(Outcome::Changed(made, Note::of_account(EventKind::AccessKeyCreated, &account)))
        };
        let made = db.change(&Origin::local(Time(1_000)), Terms::server(), rule).await.unwrap();
        assert_eq!(made, number + 1);
    }
    assert_eq!((count(&db, "tenants").await, count(&db, "audit").await), (5, 5));
    assert!(db.engine.commits.load(Ordering::Relaxed) > FATES.len(), "some were run again");
    assert!(FATES.contains(&Fate::Lost) && FATES.contains(&Fate::AnswerLost));
}

#[tokio::test]
async fn what_can_be_repeated_is() {
    let (_directory, db) = scratch();
    let keep = "INSERT INTO progress (name, value) VALUES ('a', ?1)
                ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    for number in 0..FATES.len() {
        let number = i64::try_from(number).unwrap();
        db.upkeep(Terms::server().repeatable(), move |tx| tx.run(keep, values![number]).map(drop))
            .await
            .unwrap();
    }
    assert_eq!(count(&db, "progress").await, 1);
    assert!(db.engine.commits.load(Ordering::Relaxed) > FATES.len(), "some were run again");
}
