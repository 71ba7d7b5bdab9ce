//! Acknowledged changes survive `kill -9`.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use gangplank_core::Time;
use gangplank_oci::{Algorithm, Digest};
use gangplank_store::blobs::{BlobIngester as _, BlobProvider as _, Checkpoint, ContentKey, Folder};
use gangplank_store::metadata::{BlobLinks as _, Sqlite};

use crate::child;
use crate::world::{
    At, Document, NOW, blob, create_service, here, image_of, images_of, register_on, repository,
};

/// How often the writing process is killed.
const KILLS: u64 = 20;

/// The number of writers in the process. There are several, so that commits contain several changes.
const WRITERS: u64 = 4;

fn open(directory: &Path) -> (Sqlite, Folder) {
    let db = Sqlite::open(&directory.join("metadata.sqlite")).unwrap();
    (db, Folder::open(&directory.join("blobs")).unwrap())
}

/// Stores a blob in the order of the server: first the bytes, then the row.
async fn keep(db: &Sqlite, folder: &Folder, at: &At<'_>, content: &str) {
    let begun = Checkpoint::beginning(Algorithm::Sha256);
    let mut writing = folder.writer(&ContentKey::unused(), &begun).unwrap();
    writing.ready().await.unwrap();
    writing.write(content.as_bytes()).unwrap();
    let key = writing.commit().await.unwrap();
    db.add_blob(&at.tenant, &at.repository, blob(content, key), NOW).await.unwrap();
}

#[test]
fn child_writes_until_it_is_killed() {
    let Some(directory) = child::subject() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let (db, folder) = open(&directory);
    let run = ContentKey::unused();
    let (db, folder, run) = (&db, &folder, &run);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let runtime = runtime.handle().clone();
            scope.spawn(move || runtime.block_on(write(db, folder, &format!("{run}-{writer}"))));
        }
    });
}

/// Pushes and registers one image after another. Prints each after it is done.
async fn write(db: &Sqlite, folder: &Folder, name: &str) {
    let at = At::new(db, here(), "sr");
    for number in 0u64.. {
        let content = format!("{name}-{number}");
        keep(db, folder, &at, &content).await;
        acknowledge("blob", &content);
        let image = Document::image(&[&content]);
        at.store(&image, &[&content, "latest"]).await;
        acknowledge("tag", &content);
        let image = image_of("app", image.digest());
        let registered = register_on(db, &here(), "web", image, u32::MAX).await;
        let gangplank_store::metadata::container_images::ImageOutcome::Registered(image) = registered else {
            panic!("{registered:?}")
        };
        acknowledge("image", &image.name.number.to_string());
    }
}

fn acknowledge(what: &str, name: &str) {
    // The line is printed with a single write, so that a kill leaves no mixed lines.
    let line = format!("\nacknowledged {what} {name} .\n");
    std::io::stdout().write_all(line.as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
}

/// Runs the child for a while, kills it, and returns what it acknowledged.
fn run_and_kill(directory: &Path, after: Duration) -> Vec<(String, String)> {
    let name = "crash::child_writes_until_it_is_killed";
    let mut child = child::command(name, directory).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let reader = std::thread::spawn(move || {
        let read = |line: String| {
            let mut words = line.split(' ').map(str::to_owned);
            match (words.next()?.as_str(), words.next(), words.next(), words.next()?.as_str()) {
                ("acknowledged", Some(what), Some(name), ".") => Some((what, name)),
                _ => None,
            }
        };
        output.lines().map_while(Result::ok).filter_map(read).collect::<Vec<_>>()
    });
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let scratch = tempfile::TempDir::new().unwrap();
    create_service(&open(scratch.path()).0, &here(), "web").await;
    let mut acknowledged = Vec::new();
    for kill in 0..KILLS {
        let moment = Duration::from_millis(40 + u64::from(uuid::Uuid::new_v4().as_bytes()[0]));
        let new = run_and_kill(scratch.path(), moment);
        println!("killed {} after {moment:?}: {} acknowledgements", kill + 1, new.len());
        acknowledged.extend(new);
        check(scratch.path(), &acknowledged).await;
    }
    assert!(acknowledged.len() > 100, "only {} acknowledgements", acknowledged.len());
}

async fn check(directory: &Path, acknowledged: &[(String, String)]) {
    let (db, folder) = open(directory);
    let at = At::sr(&db);
    let images = images_of(&db, &here(), "web").await.unwrap();
    let numbers: BTreeSet<String> = images.iter().map(|image| image.name.number.to_string()).collect();
    assert_eq!(numbers.len(), images.len(), "every number once");
    let mut told = BTreeSet::new();
    for (what, name) in acknowledged {
        match what.as_str() {
            "blob" => {
                let digest = Digest::sha256(name.as_bytes());
                let found = db
                    .find_blob(&here(), &repository("sr"), &digest, Some(crate::world::asked(Time(0))))
                    .await
                    .unwrap();
                let found = found.unwrap_or_else(|| panic!("blob {name} is lost"));
                let reading = folder.read(&found.key, 0..found.size).await.unwrap().unwrap();
                let pieces: Vec<_> = reading.bytes.into_stream().try_collect().await.unwrap();
                assert_eq!(pieces.concat(), name.as_bytes());
            }
            "tag" => {
                let found = at.get(&crate::world::tagged(name)).await;
                assert_eq!(found, Some(Document::image(&[name]).stored()), "{name}");
            }
            _ => {
                assert!(numbers.contains(name), "image {name} is lost");
                assert!(told.insert(name), "number {name} was given twice");
            }
        }
    }
}
