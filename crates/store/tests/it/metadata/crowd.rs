//! Many tasks at once push, delete, register, deploy and collect. Other transactions commit between any two of
//! their statements, and still no snapshot contains a contradiction.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gangplank_core::{ImageName, Time};
use gangplank_oci::Digest;
use gangplank_store::blobs::ContentKey;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::blobs::Mount;
use gangplank_store::metadata::collection::Collected;
use gangplank_store::metadata::container_images::{ImageOutcome, NewImage};
use gangplank_store::metadata::manifests::{ManifestOutcome, NewManifest};
use gangplank_store::{Result, StoreError};

use crate::world::{
    At, Document, NOW, PLENTY, asked, blob, by, create_service, deployment, here, image_of, quotas,
    registered, service_id, tag,
};

metadata_contract! {
    what_many_do_at_once_contradicts_nothing,
    all_who_hold_one_image_are_counted,
    what_was_promised_stays_while_others_collect,
}

const BLOBS: [&str; 3] = ["config", "layer", "note"];
const REPOSITORIES: [&str; 2] = ["sr", "other"];
const SERVICES: [&str; 2] = ["web", "api"];

/// The number of tasks, and of the actions of each.
const MANY: usize = 6;
const ACTS: usize = 50;

/// Pseudo-random numbers, the same in each run (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// A random moment. Leases of one moment may be over in another.
    fn moment(&mut self) -> Time {
        NOW.plus(Duration::from_millis(self.below(8) as u64))
    }
}

/// Counts a task as ended, even if it panics.
struct Task<'a>(&'a AtomicUsize);

impl Drop for Task<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The value. `None` if every try conflicted with other transactions, or the answer was lost.
fn tolerate<T>(outcome: Result<T>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(StoreError::Contended(_) | StoreError::OutcomeUnknown(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

/// Images, an index of them, manifests about them, and an index that holds its own subject.
fn documents() -> Vec<Document> {
    let image = Document::image(&["config"]);
    let layered = Document::image(&["config", "layer"]);
    let index = Document::index(&[&image, &layered]);
    let note = Document::about(&image, "application/note", &["note"]);
    let knot = Document::index_about(&layered, &[&layered]);
    vec![image, layered, index, note, knot]
}

/// Runs numbered tasks at once, each on a separate thread.
fn at_once(tasks: usize, task: impl AsyncFn(usize) + Sync) {
    let runtime = tokio::runtime::Handle::current();
    std::thread::scope(|scope| {
        for number in 0..tasks {
            let (runtime, task) = (runtime.clone(), &task);
            scope.spawn(move || runtime.block_on(task(number)));
        }
    });
}

async fn act(db: &dyn Metadata, random: &mut Random, documents: &[Document]) {
    let at = At::new(db, here(), REPOSITORIES[random.below(2)]);
    let (now, document, content) = (random.moment(), random.one_of(documents), *random.one_of(&BLOBS));
    let digest = Digest::sha256(content.as_bytes());
    match random.below(24) {
        0..=4 => {
            let added =
                db.add_blob(&at.tenant, &at.repository, blob(content, ContentKey::unused()), now).await;
            tolerate(added);
        }
        5..=11 => {
            let tags = if random.below(2) == 0 { vec![tag("latest")] } else { Vec::new() };
            let put = NewManifest { tags, lease: asked(now), ..document.put() };
            tolerate(db.put_manifest(&at.by, &at.tenant, &at.repository, put).await);
        }
        12 => {
            tolerate(db.delete_manifest(&by(), &at.tenant, &at.repository, &document.digest(), now).await);
        }
        13 => {
            tolerate(db.delete_blob(&by(), &at.tenant, &at.repository, &digest).await);
        }
        14 => {
            let mount = Mount { from: None, digest, seen_by: None };
            tolerate(db.mount_blob(&at.tenant, &at.repository, mount, now, &quotas()).await);
        }
        15 => {
            tolerate(db.find_blob(&at.tenant, &at.repository, &digest, Some(asked(now))).await);
            let reference = document.reference();
            tolerate(db.manifest(&at.tenant, &at.repository, &reference, None, Some(asked(now))).await);
        }
        16..=18 => act_on_service(db, random, document).await,
        _ => {
            tolerate(db.collect(random.moment(), now, 1 + random.below(3)).await);
        }
    }
}

/// Registers an image, deploys it, or ends a registration or a deployment.
async fn act_on_service(db: &dyn Metadata, random: &mut Random, document: &Document) {
    let (tenant, now) = (here(), random.moment());
    let name = *random.one_of(&SERVICES);
    let service = service_id(db, &tenant, name).await;
    match random.below(8) {
        0..=3 => {
            let image = NewImage { service, ..image_of("app", document.digest()) };
            tolerate(db.register_image(&by(), &tenant, image, PLENTY).await);
        }
        4 | 5 => {
            let images = db.images(&tenant, service).await.unwrap().unwrap();
            if !images.is_empty() {
                let ImageName { label, number, .. } = &random.one_of(&images).name;
                tolerate(db.delete_image(&by(), &tenant, service, label, *number, now).await);
            }
        }
        6 => {
            let made = db.create_deployment(&by(), &tenant, service, deployment(&[registered(None)])).await;
            tolerate(made);
        }
        _ => {
            let found = db.service(&tenant, name).await.unwrap().unwrap();
            if let Some(version) = found.next_version {
                tolerate(match random.below(2) {
                    0 => db.activate_deployment(&by(), service, version).await,
                    _ => db.fail_deployment(&by(), service, version, "it crashed").await,
                });
            }
        }
    }
}

/// Removes everything that nothing holds, whatever its lease.
async fn collect_all(db: &dyn Metadata) {
    while tolerate(db.collect(Time(i64::MAX), NOW, 100).await) != Some(Collected::default()) {}
}

async fn what_many_do_at_once_contradicts_nothing(db: &dyn Metadata) {
    for service in SERVICES {
        create_service(db, &here(), service).await;
    }
    let (documents, ended) = (documents(), AtomicUsize::new(0));
    at_once(MANY + 1, async |number| {
        if number == MANY {
            // Every snapshot must be consistent, and not only the last one.
            while ended.load(Ordering::Relaxed) < MANY {
                assert_eq!(db.contradictions(NOW).await.unwrap(), []);
            }
            return;
        }
        let _task = Task(&ended);
        let mut random = Random(number as u64);
        for _ in 0..ACTS {
            act(db, &mut random, &documents).await;
        }
    });
    assert_eq!(db.contradictions(NOW).await.unwrap(), []);
    for service in SERVICES {
        let service = service_id(db, &here(), service).await;
        db.delete_service(&by(), &here(), service, NOW).await.unwrap();
    }
    // Only collection removes empty repositories. So repositories that clients emptied get a blob first.
    for repository in REPOSITORIES {
        At::new(db, here(), repository).add("last").await;
    }
    collect_all(db).await;
    assert_eq!(db.contradictions(NOW).await.unwrap(), []);
    assert_eq!(db.repositories(&here(), None, 9).await.unwrap(), [""; 0]);
    assert_eq!(db.content_totals(0).await.unwrap().count, 0);
    assert_eq!(db.used_bytes(&here()).await.unwrap(), 0);
}

/// Indexes and services hold an image and release it, in turn.
async fn all_who_hold_one_image_are_counted(db: &dyn Metadata) {
    for service in SERVICES {
        create_service(db, &here(), service).await;
    }
    let (at, tenant, ended) = (At::sr(db), here(), AtomicUsize::new(0));
    let image = at.image(&["config"], &[]).await;
    at_once(5, async |number| {
        let _task = Task(&ended);
        match number {
            // At the end, all have released the image. Then its row must not count as held.
            0 | 1 => {
                let index = match number {
                    0 => Document::index(&[&image]),
                    _ => Document::index_about(&image, &[&image]),
                };
                for _ in 0..ACTS {
                    tolerate(db.put_manifest(&by(), &tenant, &at.repository, index.put()).await);
                    let digest = index.digest();
                    tolerate(db.delete_manifest(&by(), &tenant, &at.repository, &digest, NOW).await);
                }
            }
            2 | 3 => {
                let service = service_id(db, &tenant, SERVICES[number - 2]).await;
                for _ in 0..ACTS {
                    let image = NewImage { service, ..image_of("app", image.digest()) };
                    let made = tolerate(db.register_image(&by(), &tenant, image, PLENTY).await);
                    if let Some(ImageOutcome::Registered(made)) = made {
                        let number = made.name.number;
                        tolerate(db.delete_image(&by(), &tenant, service, "app", number, NOW).await);
                    }
                }
            }
            _ => {
                while ended.load(Ordering::Relaxed) < 4 {
                    assert_eq!(db.contradictions(NOW).await.unwrap(), []);
                }
            }
        }
    });
    assert_eq!(db.contradictions(NOW).await.unwrap(), []);
}

/// Content whose lease was renewed stays, even if collection runs at that moment.
async fn what_was_promised_stays_while_others_collect(db: &dyn Metadata) {
    let later = NOW.plus(Duration::from_hours(1));
    let ended = AtomicUsize::new(0);
    at_once(MANY, async |number| {
        if number % 3 == 0 {
            while ended.load(Ordering::Relaxed) < MANY - MANY / 3 {
                tolerate(db.collect(NOW, NOW, 3).await);
            }
            return;
        }
        let _task = Task(&ended);
        // Two tasks work in each repository, so that one removes what the other relies on.
        let at = At::new(db, here(), REPOSITORIES[number % 2]);
        for count in 0..ACTS {
            let (content, shared) = (format!("{number} {count}"), format!("{}", count / 2));
            for content in [&content, &shared] {
                let added = db.add_blob(&at.tenant, &at.repository, blob(content, ContentKey::unused()), NOW);
                tolerate(added.await);
            }
            let digest = Digest::sha256(content.as_bytes());
            let head = async |lease| db.find_blob(&at.tenant, &at.repository, &digest, lease).await;
            if tolerate(head(Some(asked(later))).await).flatten().is_none() {
                continue;
            }
            assert!(head(None).await.unwrap().is_some(), "a blob whose lease was renewed");
            let image = Document::image(&[&content, &shared]);
            let put = NewManifest { lease: asked(NOW), ..image.put() };
            let stored = db.put_manifest(&at.by, &at.tenant, &at.repository, put).await;
            match tolerate(stored) {
                Some(ManifestOutcome::Stored) => {}
                Some(ManifestOutcome::BlobUnknown(unknown)) => {
                    assert_ne!(unknown, digest, "a blob whose lease was renewed");
                    continue;
                }
                Some(refused) => panic!("{refused:?}"),
                None => continue,
            }
            let get =
                async |lease| db.manifest(&at.tenant, &at.repository, &image.reference(), None, lease).await;
            if tolerate(get(Some(asked(later))).await).flatten().is_some() {
                assert!(get(None).await.unwrap().is_some(), "a manifest whose lease was renewed");
                assert!(at.holds(&shared).await, "what it is made of");
            }
        }
    });
    assert_eq!(db.contradictions(later).await.unwrap(), []);
}
