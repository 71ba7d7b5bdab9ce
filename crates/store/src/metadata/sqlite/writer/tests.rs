use std::collections::BTreeMap;
use std::pin::pin;
use std::task::{Context, Waker};

use futures_util::future::join_all;
use proptest::prelude::*;
use rusqlite::params;
use tempfile::TempDir;

use super::*;

/// A writer on a database with one table, and a second connection for reading it.
fn scratch() -> (TempDir, Writer, Connection) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("scratch.sqlite");
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.execute_batch("CREATE TABLE parts (job INTEGER, part INTEGER, UNIQUE (job, part))").unwrap();
    let reader = Connection::open(&path).unwrap();
    (directory, Writer::spawn(connection, Arc::default(), MAX_BATCH).unwrap(), reader)
}

/// Light work that has to be durable.
fn durable(whose: Whose) -> Terms {
    Terms::of(whose)
}

/// Light work that only has to be visible.
fn visible(whose: Whose) -> Terms {
    Terms::of(whose).takes_nothing().visible()
}

/// Work of a login of account 1.
fn login(number: i64, weight: Weight) -> Terms {
    let caller = Caller { whose: account(1), login: Some(gangplank_core::LoginId(number)) };
    Terms { caller, ..durable(account(1)).weighing(weight) }
}

/// How many parts of each job are stored.
fn parts(reader: &Connection) -> BTreeMap<i64, i64> {
    let mut select = reader.prepare("SELECT job, count(*) FROM parts GROUP BY job").unwrap();
    let parts = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    parts.collect::<rusqlite::Result<_>>().unwrap()
}

/// How a job ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Course {
    Succeeds,
    /// Returns an error after it has written.
    Refuses,
    /// Violates a constraint after it has written.
    Collides,
    Panics,
}

/// Work that writes three parts and ends in this way.
fn work(job: i64, course: Course) -> impl FnOnce(&Connection) -> Result<i64> + Send + 'static {
    move |connection| {
        let mut insert = connection.prepare_cached("INSERT INTO parts (job, part) VALUES (?1, ?2)")?;
        for part in 0..2 {
            insert.execute(params![job, part])?;
        }
        match course {
            Course::Succeeds => {}
            Course::Refuses => return Err(StoreError::damaged("no".to_owned())),
            Course::Collides => drop(insert.execute(params![job, 0])?),
            Course::Panics => panic!("on purpose"),
        }
        insert.execute(params![job, 2])?;
        Ok(job)
    }
}

fn courses() -> impl Strategy<Value = Vec<Course>> {
    let course = prop_oneof![
        6 => Just(Course::Succeeds),
        2 => Just(Course::Refuses),
        2 => Just(Course::Collides),
        1 => Just(Course::Panics),
    ];
    prop::collection::vec(course, 1..600)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Each answer is true of the database, and no job is stored in part, however jobs are spread over commits.
    #[test]
    fn each_answer_is_true(courses in courses(), threads in 1usize..4, unsynced_in in 1i64..5) {
        let (_directory, writer, reader) = scratch();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).build().unwrap();
        let writes = (0..).zip(&courses).map(async |(job, course)| match job % unsynced_in {
            0 => writer.write(durable(Whose::Server), work(job, *course)).await,
            _ => writer.write(visible(Whose::Server), work(job, *course)).await,
        });
        let answers = runtime.block_on(join_all(writes));
        let there = parts(&reader);
        for ((job, course), answer) in (0..).zip(&courses).zip(answers) {
            prop_assert_eq!(answer.is_ok(), *course == Course::Succeeds, "{} {:?}", job, answer);
            prop_assert_eq!(answer.ok(), there.get(&job).map(|_| job));
            prop_assert_eq!(there.get(&job).copied().unwrap_or(3), 3);
        }
        prop_assert!(writer.is_healthy());
    }

    /// If a caller stops waiting, its work is done as a whole or not at all.
    #[test]
    fn an_abandoned_job_is_whole(polls in prop::collection::vec(0usize..3, 1..200)) {
        let (_directory, writer, reader) = scratch();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (job, polls) in (0..).zip(&polls) {
            let mut write = pin!(writer.write(durable(Whose::Server), work(job, Course::Succeeds)));
            for _ in 0..*polls {
                let poll = write.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                if poll.is_ready() {
                    break;
                }
            }
        }
        // The queue keeps its order, so this answer means that all earlier work is done.
        runtime.block_on(writer.write(durable(Whose::Server), work(-1, Course::Succeeds))).unwrap();
        let there = parts(&reader);
        for (job, polls) in (0..).zip(polls) {
            prop_assert_eq!(there.get(&job).copied().unwrap_or(0), if polls == 0 { 0 } else { 3 });
        }
    }
}

#[tokio::test]
async fn nobody_is_answered_before_others_can_see_it() {
    let (_directory, writer, reader) = scratch();
    for job in 0..200 {
        writer.write(durable(Whose::Server), work(job, Course::Succeeds)).await.unwrap();
        assert_eq!(parts(&reader).get(&job), Some(&3));
    }
}

/// A job sees the effects of the earlier jobs in the same commit, but no effect of a failed job.
#[tokio::test]
async fn jobs_of_one_commit_run_one_after_the_other() {
    let (directory, writer, _reader) = scratch();
    let held_up = Connection::open(directory.path().join("scratch.sqlite")).unwrap();
    held_up.execute_batch("BEGIN IMMEDIATE").unwrap();
    let count = |connection: &Connection| {
        Ok(connection.query_row("SELECT count(*) FROM parts", [], |row| row.get::<_, i64>(0))?)
    };
    let jobs = async {
        tokio::join!(
            writer.write(durable(Whose::Server), work(1, Course::Succeeds)),
            writer.write(durable(Whose::Server), work(2, Course::Collides)),
            writer.write(durable(Whose::Server), work(3, Course::Panics)),
            writer.write(durable(Whose::Server), count),
            writer.write(durable(Whose::Server), work(1, Course::Succeeds)),
            writer.write(durable(Whose::Server), count),
        )
    };
    let release = async { held_up.execute_batch("ROLLBACK").unwrap() };
    let ((first, collided, panicked, seen, again, at_last), ()) = tokio::join!(jobs, release);
    assert_eq!((first.unwrap(), seen.unwrap(), at_last.unwrap()), (1, 3, 3));
    assert!(collided.is_err() && panicked.is_err() && again.is_err());
}

/// Work without a sync shares the commit of work that needs one, and never overtakes earlier work.
#[tokio::test]
async fn work_runs_in_the_order_in_which_it_came() {
    let (_directory, writer, _reader) = scratch();
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let note = |number: i32| {
        let seen = Arc::clone(&seen);
        move |_: &Connection| {
            seen.lock().unwrap().push(number);
            Ok(())
        }
    };
    let jobs = (0..500).map(async |number| match number % 7 {
        3 => writer.write(durable(Whose::Server), note(number)).await,
        _ => writer.write(visible(Whose::Server), note(number)).await,
    });
    let answers: Result<Vec<()>> = join_all(jobs).await.into_iter().collect();
    answers.unwrap();
    assert_eq!(*seen.lock().unwrap(), (0..500).collect::<Vec<_>>());
}

fn account(number: u64) -> Whose {
    Whose::Account(gangplank_core::AccountId::parse(&format!("{number:012}")).unwrap())
}

/// However much work one account has, another account's work runs after one piece of it. Work of one account
/// runs in the order of arrival.
#[tokio::test]
async fn accounts_take_turns() {
    let (directory, writer, _reader) = scratch();
    let held_up = Connection::open(directory.path().join("scratch.sqlite")).unwrap();
    held_up.execute_batch("BEGIN IMMEDIATE").unwrap();
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let note = |number: u64| {
        let seen = Arc::clone(&seen);
        move |_: &Connection| {
            seen.lock().unwrap().push(number);
            Ok(())
        }
    };
    // First 300 pieces of account 1, then two of account 2, then one of account 3.
    let whose = |number| match number {
        0..300 => account(1),
        300 | 301 => account(2),
        _ => account(3),
    };
    let jobs = (0..303).map(|number| match number % 5 {
        0 => futures_util::future::Either::Left(writer.write(durable(whose(number)), note(number))),
        _ => futures_util::future::Either::Right(writer.write(visible(whose(number)), note(number))),
    });
    let release = async { held_up.execute_batch("ROLLBACK").unwrap() };
    let (answers, ()) = tokio::join!(join_all(jobs), release);
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
    let seen = seen.lock().unwrap();
    let place = |number| seen.iter().position(|seen| *seen == number).unwrap();
    assert!(place(300) < 3 && place(301) < 6 && place(302) < 4, "{:?}", &seen[..9]);
    let of_the_first: Vec<_> = seen.iter().copied().filter(|number| *number < 300).collect();
    assert_eq!(of_the_first, (0..300).collect::<Vec<_>>());
}

/// Light work overtakes heavy work of another login of the same account, and of the same login.
#[tokio::test]
async fn light_work_overtakes_heavy_work() {
    let (directory, writer, _reader) = scratch();
    let held_up = Connection::open(directory.path().join("scratch.sqlite")).unwrap();
    held_up.execute_batch("BEGIN IMMEDIATE").unwrap();
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let note = |number: i64| {
        let seen = Arc::clone(&seen);
        move |_: &Connection| {
            seen.lock().unwrap().push(number);
            Ok(())
        }
    };
    let jobs = (0..12).map(|number| match number {
        0..10 => writer.write(login(1, Weight::Heavy), note(number)),
        10 => writer.write(login(2, Weight::Light), note(number)),
        _ => writer.write(login(1, Weight::Light), note(number)),
    });
    let release = async { held_up.execute_batch("ROLLBACK").unwrap() };
    let (answers, ()) = tokio::join!(join_all(jobs), release);
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
    let seen = seen.lock().unwrap();
    let place = |number| seen.iter().position(|seen| *seen == number).unwrap();
    // The first piece may begin before the others are there.
    assert!(place(10) <= 1 && place(11) <= 2, "{seen:?}");
    let heavy: Vec<_> = seen.iter().copied().filter(|number| *number < 10).collect();
    assert_eq!(heavy, (0..10).collect::<Vec<_>>());
}

/// Heavy work that rests is not forgotten, also when nothing else comes.
#[tokio::test]
async fn heavy_work_runs_after_its_rest() {
    let (_directory, writer, reader) = scratch();
    for job in 0..4 {
        let (theirs, mine) = tokio::join!(
            writer.write(login(1, Weight::Heavy), work(job, Course::Succeeds)),
            writer.write(login(2, Weight::Light), work(job + 4, Course::Succeeds)),
        );
        assert_eq!((theirs.unwrap(), mine.unwrap()), (job, job + 4));
    }
    assert_eq!(parts(&reader).len(), 8);
}

/// A caller with little work waits for one heavy piece of another account, not for all of them.
#[tokio::test]
async fn nobody_waits_for_all_of_anothers_heavy_work() {
    let (_directory, writer, _reader) = scratch();
    let heavy = |_: &Connection| {
        std::thread::sleep(Duration::from_millis(30));
        Ok(())
    };
    let theirs = join_all((0..12).map(|_| writer.write(durable(account(1)), heavy)));
    let mine = async {
        let mut waits = Vec::new();
        for _ in 0..3 {
            let asked = std::time::Instant::now();
            writer.write(durable(account(2)), |_| Ok(())).await.unwrap();
            waits.push(asked.elapsed());
        }
        waits
    };
    let (_, waits) = tokio::join!(theirs, mine);
    assert!(waits.iter().all(|wait| *wait < Duration::from_millis(200)), "{waits:?}, and not 360 ms");
}

/// The log is moved into the database and starts again, however much is written.
#[tokio::test]
async fn the_log_stays_short() {
    let (directory, writer, _reader) = scratch();
    for part in 0..200 {
        let fill = move |connection: &Connection| {
            // Each insert writes different pages.
            connection.execute("INSERT INTO parts (job, part) VALUES (?1, zeroblob(100000))", [part])?;
            Ok(())
        };
        if part % 2 == 0 {
            writer.write(durable(Whose::Server), fill).await.unwrap();
        } else {
            writer.write(visible(Whose::Server), fill).await.unwrap();
        }
    }
    let length = |name: &str| std::fs::metadata(directory.path().join(name)).unwrap().len();
    assert!(length("scratch.sqlite") > 100 * 100_000, "{}", length("scratch.sqlite"));
    assert!(length("scratch.sqlite-wal") < 6_000_000, "{}", length("scratch.sqlite-wal"));
}

/// If a transaction cannot begin, its work fails. Later work succeeds.
#[tokio::test]
async fn a_writer_that_could_not_begin_begins_again() {
    let (directory, writer, reader) = scratch();
    writer
        .write(durable(Whose::Server), |connection| Ok(connection.busy_timeout(std::time::Duration::ZERO)?))
        .await
        .unwrap();
    let held_up = Connection::open(directory.path().join("scratch.sqlite")).unwrap();
    held_up.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(
        writer.write(durable(Whose::Server), work(1, Course::Succeeds)).await,
        Err(StoreError::Unavailable(_))
    ));
    held_up.execute_batch("ROLLBACK").unwrap();
    assert!(writer.is_healthy());
    writer.write(durable(Whose::Server), work(2, Course::Succeeds)).await.unwrap();
    assert_eq!(parts(&reader), BTreeMap::from([(2, 3)]));
}

/// On a full disk SQLite rolls back the whole transaction, with the work of others in the same commit. All of
/// them get an error. Later work succeeds.
#[tokio::test]
async fn what_a_full_disk_took_is_not_acknowledged() {
    let (_directory, writer, reader) = scratch();
    let set_limit = |pages: i64| {
        writer.write(durable(Whose::Server), move |connection| {
            connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
            Ok(())
        })
    };
    set_limit(1).await.unwrap();
    let fill = move |connection: &Connection| {
        for part in 0..100_000 {
            connection.execute("INSERT INTO parts (job, part) VALUES (0, ?1)", [part])?;
        }
        Ok(())
    };
    let answers = tokio::join!(
        writer.write(durable(Whose::Server), work(1, Course::Succeeds)),
        writer.write(durable(Whose::Server), fill),
        writer.write(durable(Whose::Server), work(2, Course::Succeeds)),
    );
    assert!(matches!(answers.1, Err(StoreError::Full(_))), "{:?}", answers.1);
    let there = parts(&reader);
    for (job, answer) in [(1, answers.0), (2, answers.2)] {
        assert_eq!(answer.is_ok(), there.contains_key(&job));
    }
    assert!(!there.contains_key(&0));
    assert!(writer.is_healthy());
    set_limit(1 << 20).await.unwrap();
    writer.write(durable(Whose::Server), work(3, Course::Succeeds)).await.unwrap();
    assert_eq!(parts(&reader).get(&3), Some(&3));
}
