//! PostgreSQL accepts and runs every text that SQLite runs.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::scratch;
use crate::metadata::sqlite::tests::{plans, scratch as sqlite};

/// Every text that this process has prepared.
static PREPARED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

pub(in crate::metadata::postgres) fn note(text: &str) {
    PREPARED.lock().unwrap_or_else(PoisonError::into_inner).insert(text.trim_start().to_owned());
}

/// Set in the child process in which the test runs alone.
const ALONE: &str = "GANGPLANK_TEST_TEXTS_ALONE";

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_takes_every_text_of_the_rules() {
    if std::env::var_os(ALONE).is_none() {
        // The test observes the whole process, so no other test may run in it.
        let name = "metadata::postgres::tests::texts::postgresql_takes_every_text_of_the_rules";
        let test = std::env::current_exe().unwrap();
        let ran = Command::new(test).args([name, "--exact", "--nocapture"]).env(ALONE, "1").output().unwrap();
        let said = [ran.stdout, ran.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(ran.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let Some((_server, store)) = scratch().await else { return };
    let (_directory, embedded) = sqlite();
    plans::do_everything(&embedded).await;
    plans::do_everything(&store).await;
    let prepared = PREPARED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // For the number of an inserted row, PostgreSQL needs the clause `RETURNING id`. SQLite needs no clause.
    let numbering: BTreeSet<&str> =
        prepared.iter().filter_map(|text| text.strip_suffix("RETURNING id")).map(str::trim_end).collect();
    let is_prepared = |text: &String| {
        let locks = [" FOR SHARE", " FOR NO KEY UPDATE", " FOR NO KEY UPDATE SKIP LOCKED"];
        prepared.contains(text)
            || text.contains("julianday('now')") // The databases have different texts for their clocks.
            || numbering.contains(text.trim_end())
            || locks.iter().any(|lock| prepared.contains(&format!("{text}{lock}")))
    };
    let seen = plans::seen();
    assert!(seen.len() > 150, "only {} texts were noted", seen.len());
    let missing: Vec<String> = seen.into_iter().filter(|text| !is_prepared(text)).collect();
    assert_eq!(missing, Vec::<String>::new());
}
