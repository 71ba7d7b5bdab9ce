use std::collections::BTreeSet;

use gangplank_core::AccountId;

use super::statement::Statement;
use super::tables::TABLES;
use crate::Result;
use crate::metadata::engine::{Engine as _, Terms};
use crate::metadata::sqlite;
use crate::metadata::tx::{Level, Lock, Named, Query, Tx, values};

#[test]
fn a_statement_says_what_it_does() {
    let reads = |reads: &[&'static str]| Statement { reads: reads.to_vec(), ..Statement::default() };
    for (text, does) in [
        (
            "SELECT a FROM roles r CROSS JOIN tags t WHERE EXISTS (SELECT 1 FROM audit) AND 1 FROM x",
            reads(&["roles", "tags", "audit"]),
        ),
        ("SELECT 1 FROM roles FOR UPDATE", reads(&["roles"])),
        (
            "DELETE FROM tags AS t WHERE id IN (SELECT id FROM roles) RETURNING id",
            Statement { changes: Some("tags"), ..reads(&["roles"]) },
        ),
        ("UPDATE roles SET a = 1", Statement { changes: Some("roles"), ..reads(&[]) }),
        (
            "INSERT INTO tags (a) VALUES (?1) ON CONFLICT (a) DO NOTHING",
            Statement { adds_to: Some("tags"), ..reads(&[]) },
        ),
        (
            "INSERT INTO tags (a) VALUES (?1) ON CONFLICT (a) DO UPDATE SET a = 2",
            Statement { changes: Some("tags"), adds_to: Some("tags"), ..reads(&[]) },
        ),
    ] {
        assert_eq!(Statement::of(text), does, "{text}");
        assert_eq!(does.is_read(), text.starts_with("SELECT"), "{text}");
    }
}

#[test]
fn the_rows_that_are_locked_are_those_of_the_outer_query() {
    let text = "SELECT (SELECT 1 FROM tenants), a FROM roles WHERE a IN (SELECT 1 FROM tags)";
    assert_eq!(super::statement::found(text), Some("roles"));
}

/// Runs a rule in a store with three tenants and three repositories. Returns its mistakes.
async fn wrong(rule: impl Fn(&dyn Tx) -> Result<()> + Send + Sync + 'static) -> Vec<String> {
    let (_directory, database) = sqlite::tests::scratch();
    database.engine.write(Terms::server(), make_rows).await.unwrap();
    let database = database.recorded();
    let outcome = database.engine.write(Terms::server(), rule).await;
    let wrong = database.wrong();
    assert_eq!(outcome.is_err(), !wrong.is_empty(), "{outcome:?}");
    wrong
}

fn make_rows(tx: &dyn Tx) -> Result<()> {
    let tenant = "INSERT INTO tenants (id, account, region) VALUES (?1, ?2, 'r')";
    tx.each(tenant, (1..=3).map(|id| values![id, id.to_string()]))?;
    let repository = "INSERT INTO repositories (id, tenant, name) VALUES (?1, 1, ?2)";
    tx.each(repository, (1..=3).map(|id| values![id, id.to_string()])).map(drop)
}

/// Asserts that a rule fails for this reason and no other.
async fn assert_wrong(reason: &str, rule: impl Fn(&dyn Tx) -> Result<()> + Send + Sync + 'static) {
    let wrong = wrong(rule).await;
    assert!(wrong.len() == 1 && wrong[0].starts_with(reason), "{reason}: {wrong:?}");
}

async fn assert_right(rule: impl Fn(&dyn Tx) -> Result<()> + Send + Sync + 'static) {
    assert_eq!(wrong(rule).await, Vec::<String>::new());
}

fn lock(tx: &dyn Tx, (level, table): (Level, &str), how: Lock, id: i64) -> Result<()> {
    let text = format!("SELECT id FROM {table} WHERE id = ?1");
    tx.lock::<i64>(level, how, &Query::column(&text, values![id])).map(drop)
}

const TENANT: (Level, &str) = (Level::Tenant, "tenants");
const REPOSITORY: (Level, &str) = (Level::Repository, "repositories");

fn change(tx: &dyn Tx, table: &str) -> Result<()> {
    tx.run(&format!("UPDATE {table} SET id = id WHERE id = ?1"), values![1]).map(drop)
}

fn look(tx: &dyn Tx, table: &str) -> Result<()> {
    tx.all::<i64>(&Query::column(&format!("SELECT id FROM {table}"), values![])).map(drop)
}

#[tokio::test]
async fn locks_are_taken_in_order() {
    assert_wrong("it locks tenants after repositories", |tx| {
        lock(tx, REPOSITORY, Lock::Update, 1)?;
        lock(tx, TENANT, Lock::Share, 1)
    })
    .await;
    assert_wrong("it locks Account(", |tx| {
        lock(tx, TENANT, Lock::Share, 1)?;
        tx.lock_named(Named::Account(&AccountId::parse("123456789012").unwrap()))
    })
    .await;
    assert_wrong("it locks RootKeys after Room", |tx| {
        tx.lock_named(Named::Room)?;
        tx.lock_named(Named::RootKeys)
    })
    .await;
    let mistaken = (Level::Service, "tenants");
    assert_wrong("it locks tenants as Service, which are Tenant", move |tx| {
        lock(tx, mistaken, Lock::Share, 9)
    })
    .await;
    assert_right(|tx| {
        tx.lock_named(Named::RootKeys)?;
        lock(tx, TENANT, Lock::Update, 1)?;
        for id in [1, 2, 2, 1] {
            lock(tx, REPOSITORY, Lock::Update, id)?;
        }
        // A row that does not exist cannot be locked. A rule that waits for no other transaction may lock in any
        // order.
        lock(tx, TENANT, Lock::Update, 9)?;
        lock(tx, TENANT, Lock::SkipLocked, 2)
    })
    .await;
}

#[tokio::test]
async fn rows_of_one_kind_are_locked_by_their_keys() {
    assert_wrong("it locks by [Number(1)] after higher ones", |tx| {
        lock(tx, REPOSITORY, Lock::Update, 2)?;
        lock(tx, REPOSITORY, Lock::Update, 1)
    })
    .await;
    for (ids, is_right) in [([1, 2], true), ([2, 1], false)] {
        let wrong = wrong(move |tx| {
            let text = "SELECT id FROM repositories WHERE id = ?1";
            let ids = ids.map(Into::into);
            tx.lock_each((Level::Repository, Lock::Update), text, 1, &ids, &mut |_, _| Ok(()))
        });
        assert_eq!(wrong.await.is_empty(), is_right);
    }
    for (ids, is_right) in [([1, 2], true), ([2, 1], false)] {
        let wrong = wrong(move |tx| {
            let change = "UPDATE repositories SET name = name WHERE id = ?1";
            tx.each(change, ids.map(|id| values![id])).map(drop)
        });
        assert_eq!(wrong.await.is_empty(), is_right);
    }
    let lock_all = |tx: &dyn Tx, text: &str| {
        tx.lock::<i64>(Level::Repository, Lock::Share, &Query::column(text, values![])).map(drop)
    };
    assert_wrong("it locks 3 rows in no order", move |tx| lock_all(tx, "SELECT id FROM repositories")).await;
    assert_right(move |tx| lock_all(tx, "SELECT id FROM repositories ORDER BY id")).await;
}

#[tokio::test]
async fn two_that_share_a_row_do_not_wait_for_each_other() {
    assert_wrong("it locks repositories for a change that it shares already", |tx| {
        lock(tx, REPOSITORY, Lock::Share, 1)?;
        lock(tx, REPOSITORY, Lock::Update, 1)
    })
    .await;
}

#[tokio::test]
async fn what_was_read_is_changed_only_if_it_is_locked() {
    assert_wrong("it changes repositories that it has read and not locked", |tx| {
        look(tx, "repositories")?;
        change(tx, "repositories")
    })
    .await;
    assert_wrong("it changes repositories that it has read and not locked", |tx| {
        lock(tx, REPOSITORY, Lock::Share, 1)?;
        look(tx, "repositories")?;
        change(tx, "repositories")
    })
    .await;
    assert_right(|tx| {
        lock(tx, REPOSITORY, Lock::Update, 1)?;
        look(tx, "manifests")?;
        // The lock on the repository guards its manifests.
        change(tx, "manifests")
    })
    .await;
    // A statement locks the rows that it changes. Afterwards they may be read and changed again.
    assert_right(|tx| {
        change(tx, "repositories")?;
        look(tx, "repositories")?;
        change(tx, "repositories")
    })
    .await;
    assert_wrong("it locks registry_logins after repositories", |tx| {
        change(tx, "repositories")?;
        change(tx, "registry_logins")
    })
    .await;
    // No other transaction sees an inserted row.
    assert_right(|tx| {
        look(tx, "tenants")?;
        tx.run("INSERT INTO tenants (id, account, region) VALUES (4, '4', 'r')", values![])?;
        change(tx, "tenants")
    })
    .await;
}

#[tokio::test]
async fn who_only_reads_changes_and_locks_nothing_and_one_query_needs_no_snapshot() {
    let (_directory, database) = sqlite::tests::scratch();
    let database = database.recorded();
    database.engine.read(|tx| lock(tx, TENANT, Lock::Share, 1)).await.unwrap_err();
    let twice = |tx: &dyn Tx| look(tx, "tenants").and_then(|()| look(tx, "tenants"));
    database.engine.read_one(twice).await.unwrap_err();
    database.engine.read(twice).await.unwrap();
    database.engine.read_one(|tx| change(tx, "tenants")).await.unwrap_err();
    let wrong = database.wrong();
    let reasons = ["it only reads, and locks", "it asks more than once", "it only reads, and writes"];
    assert!(
        wrong.len() == 3 && reasons.iter().zip(&wrong).all(|(reason, wrong)| wrong.starts_with(reason)),
        "{wrong:?}"
    );
}

/// A table that is not in the list would not be observed.
#[tokio::test]
async fn all_tables_are_known() {
    let (_directory, database) = sqlite::tests::scratch();
    let text = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'sqlite_stat1'";
    let tables: Vec<String> =
        database.engine.read(|tx| tx.all(&Query::column(text, values![]))).await.unwrap();
    let known: BTreeSet<&str> = TABLES.iter().map(|table| table.name).collect();
    assert_eq!(tables.iter().map(String::as_str).collect::<BTreeSet<_>>(), known);
    let is_ordered = TABLES.is_sorted_by_key(|table| table.level);
    assert!(is_ordered, "tables stand in the order of their levels");
    for guard in TABLES.iter().flat_map(|table| table.guards) {
        assert!(known.contains(guard), "{guard}");
    }
}
