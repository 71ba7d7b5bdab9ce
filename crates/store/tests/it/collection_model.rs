//! Collection against pushes: random interleavings of clients, passing time and single steps of collection,
//! with so few objects that they often affect the same ones. Content that was acknowledged stays for its lease.
//! No push is refused for content that the client was told to skip. Registered images stay complete. When all
//! clients have stopped, everything else is collected.

mod at_once;

use gangplank_store::metadata::blobs::Mount;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;

use gangplank_core::{ImageName, Leases, Origin, Time};
use gangplank_oci::Digest;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::collection::Collected;
use gangplank_store::metadata::container_images::{ImageDeleted, ImageOutcome};
use gangplank_store::metadata::manifests::{ManifestDeleted, ManifestOutcome, NewManifest};
use proptest::prelude::*;

use crate::backends::{Contended, Recording, Scratch, ScratchDatabase};
use crate::world::{
    At, Document, NOW, blob, by, create_service, delete_image, deployment, end_next, here, image_of,
    images_of, quotas, register_on, registered, service_id,
};
use gangplank_store::metadata::Sqlite;

const BLOBS: [&str; 3] = ["config", "layer", "note"];
const REPOSITORIES: [&str; 2] = ["sr", "other"];
const HOUR: Duration = Duration::from_hours(1);

/// A manifest, with the numbers of its parts.
struct Part {
    document: Document,
    blobs: Vec<usize>,
    children: Vec<usize>,
    subject: Option<usize>,
}

/// Images, indexes of them, manifests about them, and an index that holds its own subject.
static PARTS: LazyLock<Vec<Part>> = LazyLock::new(|| {
    let image = Document::image(&["config"]);
    let layered = Document::image(&["config", "layer"]);
    let index = Document::index(&[&image, &layered]);
    let note = Document::about(&image, "application/note", &["note"]);
    let signature = Document::about(&note, "application/signature", &["config"]);
    let of_index = Document::about(&index, "application/note", &["note"]);
    let knot = Document::index_about(&layered, &[&layered]);
    let part = |document, blobs: &[usize], children: &[usize], subject| Part {
        document,
        blobs: blobs.to_vec(),
        children: children.to_vec(),
        subject,
    };
    vec![
        part(image, &[0], &[], None),
        part(layered, &[0, 1], &[], None),
        part(index, &[], &[0, 1], None),
        part(note, &[2], &[], Some(0)),
        part(signature, &[0], &[], Some(3)),
        part(of_index, &[2], &[], Some(2)),
        part(knot, &[], &[1], Some(1)),
    ]
});

/// The number of manifests.
const MANIFESTS: usize = 7;

#[derive(Clone, Debug)]
enum Step {
    Push(usize, usize),
    HeadBlob(usize, usize),
    Mount(usize, usize),
    Put(usize, usize),
    HeadManifest(usize, usize),
    DeleteManifest(usize, usize),
    Register(usize),
    EndRegistration(usize),
    Deploy,
    EndDeployment(bool),
    Pass(u32),
    Collect(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(any_step(), 1..90)
}

fn any_step() -> impl Strategy<Value = Step> {
    let (place, blob, manifest) = (|| 0usize..2, || 0..BLOBS.len(), || 0..MANIFESTS);
    prop_oneof![
        6 => (place(), blob()).prop_map(|(place, blob)| Step::Push(place, blob)),
        3 => (place(), blob()).prop_map(|(place, blob)| Step::HeadBlob(place, blob)),
        2 => (place(), blob()).prop_map(|(place, blob)| Step::Mount(place, blob)),
        8 => (place(), manifest()).prop_map(|(place, manifest)| Step::Put(place, manifest)),
        3 => (place(), manifest()).prop_map(|(place, manifest)| Step::HeadManifest(place, manifest)),
        1 => (place(), manifest()).prop_map(|(place, manifest)| Step::DeleteManifest(place, manifest)),
        2 => manifest().prop_map(Step::Register),
        2 => (0usize..4).prop_map(Step::EndRegistration),
        1 => Just(Step::Deploy),
        1 => any::<bool>().prop_map(Step::EndDeployment),
        5 => prop_oneof![Just(1u32), Just(7), Just(13), Just(26)].prop_map(Step::Pass),
        8 => (1usize..4).prop_map(Step::Collect),
    ]
}

/// The answers that clients got, with the time of the newest one.
#[derive(Clone, Default)]
struct Told {
    blobs: BTreeMap<(usize, usize), Time>,
    manifests: BTreeMap<(usize, usize), Time>,
    registered: Vec<(ImageName, usize)>,
    /// Ended registrations, each with its time.
    ended: Vec<(usize, Time)>,
    /// Manifests that a client deleted and that were not put again. No client may rely on them.
    deleted: BTreeSet<(usize, usize)>,
    /// Manifests that were deleted since others looked. Some of them may have been put again.
    deleted_lately: BTreeSet<(usize, usize)>,
    /// Manifests that were refused although the client was told that all their parts exist.
    refused: Vec<(usize, usize)>,
}

struct World<'a> {
    db: &'a dyn Metadata,
    now: Time,
    told: Told,
}

fn digest(blob: usize) -> Digest {
    Digest::sha256(BLOBS[blob].as_bytes())
}

impl World<'_> {
    fn by(&self) -> Origin {
        Origin::local(self.now)
    }

    fn at(&self, place: usize) -> At<'_> {
        At::new(self.db, here(), REPOSITORIES[place])
    }

    fn lasts(&self, told: Option<&Time>) -> bool {
        told.is_some_and(|told| told.plus(Leases::default().grace) >= self.now)
    }

    async fn has_blob(&self, place: usize, number: usize) -> bool {
        let at = self.at(place);
        self.db.find_blob(&at.tenant, &at.repository, &digest(number), None).await.unwrap().is_some()
    }

    async fn has_manifest(&self, place: usize, number: usize) -> bool {
        self.at(place).get(&PARTS[number].document.reference()).await.is_some()
    }

    async fn take(&mut self, step: &Step) {
        let renewal = Leases::default().renewal(self.now);
        match *step {
            Step::Push(place, number) => {
                let (at, new) =
                    (self.at(place), blob(BLOBS[number], gangplank_store::blobs::ContentKey::unused()));
                self.db.add_blob(&at.tenant, &at.repository, new, self.now).await.unwrap();
                self.told.blobs.insert((place, number), self.now);
            }
            Step::HeadBlob(place, number) => {
                let at = self.at(place);
                let asked = digest(number);
                let found = self.db.find_blob(&at.tenant, &at.repository, &asked, Some(renewal));
                if found.await.unwrap().is_some() {
                    self.told.blobs.insert((place, number), self.now);
                }
            }
            Step::Mount(place, number) => {
                let (at, from) = (self.at(place), self.at(1 - place).repository);
                let asked = digest(number);
                let quotas = quotas();
                let mounted = self.db.mount_blob(
                    &at.tenant,
                    &at.repository,
                    Mount { from: Some(from.clone()), digest: asked, seen_by: None },
                    self.now,
                    &quotas,
                );
                if mounted.await.unwrap() {
                    self.told.blobs.insert((place, number), self.now);
                }
            }
            Step::Put(place, number) => self.put(place, number).await,
            Step::HeadManifest(place, number) => {
                let at = self.at(place);
                let reference = PARTS[number].document.reference();
                let found = self.db.manifest(&at.tenant, &at.repository, &reference, None, Some(renewal));
                if found.await.unwrap().is_some() {
                    self.told.manifests.insert((place, number), self.now);
                }
            }
            Step::DeleteManifest(place, number) => {
                let (at, asked) = (self.at(place), PARTS[number].document.digest());
                let by = by();
                let deleted = self.db.delete_manifest(&by, &at.tenant, &at.repository, &asked, self.now);
                if deleted.await.unwrap() == ManifestDeleted::Deleted {
                    self.told.manifests.remove(&(place, number));
                    self.told.deleted.insert((place, number));
                    self.told.deleted_lately.insert((place, number));
                }
            }
            Step::Register(number) => {
                let image = image_of("app", PARTS[number].document.digest());
                let outcome = register_on(self.db, &here(), "web", image, 99).await;
                if let ImageOutcome::Registered(image) = outcome {
                    self.told.registered.push((image.name, number));
                }
            }
            Step::EndRegistration(index) => {
                if index < self.told.registered.len() {
                    let (name, number) = self.told.registered.remove(index);
                    match delete_image(self.db, &here(), &name, self.now).await {
                        ImageDeleted::Deleted => self.told.ended.push((number, self.now)),
                        ImageDeleted::InUse(_) => self.told.registered.push((name, number)),
                        // Another client may have ended it.
                        ImageDeleted::NoSuchImage => {}
                        refused @ ImageDeleted::NoSuchService => panic!("{name}: {refused:?}"),
                    }
                }
            }
            Step::Deploy => {
                let (web, latest) = (service_id(self.db, &here(), "web").await, registered(None));
                self.db.create_deployment(&self.by(), &here(), web, deployment(&[latest])).await.unwrap();
            }
            Step::EndDeployment(well) => {
                end_next(self.db, &self.by(), &here(), "web", well).await;
            }
            Step::Pass(hours) => self.now = self.now.plus(HOUR * hours),
            Step::Collect(rows) => {
                self.db.collect(Leases::default().over(self.now), self.now, rows).await.unwrap();
            }
        }
    }

    /// Puts a manifest. Notes a refusal if the client was told that all its parts exist.
    async fn put(&mut self, place: usize, number: usize) {
        let part = &PARTS[number];
        let lease = Leases::default().renewal(self.now);
        let outcome = self.at(place).put(NewManifest { lease, ..part.document.put() }).await;
        let relied_on = part.blobs.iter().all(|blob| self.lasts(self.told.blobs.get(&(place, *blob))))
            && part.children.iter().all(|child| self.lasts(self.told.manifests.get(&(place, *child))));
        if relied_on && outcome != ManifestOutcome::Stored {
            self.told.refused.push((place, number));
        }
        if outcome == ManifestOutcome::Stored {
            self.told.manifests.insert((place, number), self.now);
            self.told.deleted.remove(&(place, number));
            for blob in &part.blobs {
                self.told.blobs.insert((place, *blob), self.now);
            }
            for child in &part.children {
                self.told.manifests.insert((place, *child), self.now);
            }
        }
    }

    /// Checks that everything that was acknowledged exists.
    async fn check(&self) {
        for (place, name) in REPOSITORIES.iter().enumerate() {
            for number in 0..BLOBS.len() {
                if self.lasts(self.told.blobs.get(&(place, number))) {
                    assert!(self.has_blob(place, number).await, "blob {number} in {name}");
                }
            }
            for number in 0..MANIFESTS {
                if self.lasts(self.told.manifests.get(&(place, number))) {
                    assert!(self.is_whole(place, number).await, "manifest {number} in {name}");
                }
            }
        }
        for (name, number) in &self.told.registered {
            let whole = self.is_whole(0, *number).await || self.is_whole(1, *number).await;
            assert!(whole, "{name} is registered");
        }
        for (number, ended) in &self.told.ended {
            let whole = self.is_whole(0, *number).await || self.is_whole(1, *number).await;
            assert!(whole || !self.lasts(Some(ended)), "manifest {number} was registered until {ended:?}");
        }
    }

    /// Whether a manifest exists with everything that it needs, except for what a client deleted.
    async fn is_whole(&self, place: usize, number: usize) -> bool {
        let mut open = vec![number];
        while let Some(next) = open.pop() {
            if self.told.deleted.contains(&(place, next)) {
                continue;
            }
            if !self.has_manifest(place, next).await {
                return false;
            }
            for blob in &PARTS[next].blobs {
                if !self.has_blob(place, *blob).await {
                    return false;
                }
            }
            open.extend(&PARTS[next].children);
        }
        true
    }

    /// Collects everything. Registered images, what they need, and manifests about them must be left.
    async fn end(&mut self) {
        let images = images_of(self.db, &here(), "web").await.unwrap();
        let registered: BTreeSet<String> = images.into_iter().map(|image| image.digest).collect();
        let mut expected = BTreeSet::new();
        for place in 0..2 {
            let mut open: Vec<usize> = Vec::new();
            for (number, part) in PARTS.iter().enumerate() {
                // An image is registered from the first repository that has it complete. The other repository
                // may have it, too.
                if registered.contains(&part.document.digest().to_string()) {
                    open.push(number);
                }
            }
            while let Some(next) = open.pop() {
                if self.has_manifest(place, next).await && expected.insert((place, next)) {
                    open.extend(&PARTS[next].children);
                    open.extend((0..MANIFESTS).filter(|about| PARTS[*about].subject == Some(next)));
                }
            }
        }
        self.now = self.now.plus(HOUR * 26);
        let over = Leases::default().over(self.now);
        let announced = self.db.garbage(over).await.unwrap().len() as u64;
        let mut collected = Collected::default();
        loop {
            let step = self.db.collect(over, self.now, 2).await.unwrap();
            if step == Collected::default() {
                break;
            }
            collected.add(&step);
        }
        assert_eq!(announced, collected.manifests + collected.blobs, "what was announced went");
        let mut blobs = BTreeSet::new();
        for (place, name) in REPOSITORIES.iter().enumerate() {
            for number in 0..MANIFESTS {
                if self.has_manifest(place, number).await {
                    assert!(expected.contains(&(place, number)), "{number} stays in {name}");
                    blobs.extend(PARTS[number].blobs.iter().map(|blob| (place, *blob)));
                }
            }
            for number in 0..BLOBS.len() {
                let stays = self.has_blob(place, number).await;
                assert!(!stays || blobs.contains(&(place, number)), "blob {number} in {name}");
            }
        }
        assert_eq!(self.db.contradictions(self.now).await.unwrap(), []);
        self.check().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 600, ..ProptestConfig::default() })]

    #[test]
    fn nothing_promised_is_collected_and_all_else_is(steps in steps()) {
        run(&ScratchDatabase::<Sqlite>::new(), &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 600, ..ProptestConfig::default() })]

    #[test]
    fn all_that_it_does_is_locked(steps in steps()) {
        run(&ScratchDatabase::<Recording>::new(), &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn others_in_the_way_make_no_difference(steps in steps()) {
        run(&ScratchDatabase::<Contended>::new(), &steps);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(scratch: &dyn Scratch, steps: &[Step]) {
    let db = scratch.metadata();
    create_service(db, &here(), "web").await;
    let mut world = World { db, now: NOW, told: Told::default() };
    for step in steps {
        world.take(step).await;
        assert_eq!(world.told.refused, [], "these manifests in these repositories");
        world.check().await;
        // No rows may contradict each other.
        assert_eq!(db.contradictions(world.now).await.unwrap(), []);
    }
    world.end().await;
}
