//! The model: sets and lists, with the rules in plain words.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use gangplank_core::ImageName;
use gangplank_oci::Digest;
use gangplank_store::blobs::ContentKey;
use gangplank_store::metadata::blobs::BlobDeleted;
use gangplank_store::metadata::container_images::{ContainerImage, ImageDeleted, ImageOutcome};
use gangplank_store::metadata::manifests::{ManifestDeleted, ManifestOutcome};

use crate::world::{Document, NOW};

/// All blobs of the world.
pub(super) const BLOBS: [&str; 3] = ["config", "layer", "note"];

/// The parts of each manifest: blobs, children, and the subject.
const PARTS: [(&[usize], &[usize], Option<usize>); 6] = [
    (&[0], &[], None),
    (&[0, 1], &[], None),
    (&[], &[0, 1], None),
    (&[], &[2, 0], None),
    (&[2], &[], Some(1)),
    (&[2, 0], &[], Some(2)),
];

/// All manifests of the world. Each consists only of earlier ones.
pub(super) fn documents() -> &'static [Document] {
    static DOCUMENTS: LazyLock<Vec<Document>> = LazyLock::new(|| {
        let mut documents: Vec<Document> = Vec::new();
        for (blobs, children, subject) in PARTS {
            let blobs: Vec<&str> = blobs.iter().map(|number| BLOBS[*number]).collect();
            let children: Vec<&Document> = children.iter().map(|number| &documents[*number]).collect();
            let document = match subject {
                Some(subject) => Document::about(&documents[subject], "application/note", &blobs),
                None if children.is_empty() => Document::image(&blobs),
                None => Document::index(&children),
            };
            documents.push(document);
        }
        documents
    });
    &DOCUMENTS
}

/// A repository of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) tenant: usize,
    /// Number 0 is `sr`.
    pub(super) repository: usize,
}

impl Place {
    pub(super) fn all() -> impl Iterator<Item = Place> {
        (0..4).map(|number| Place { tenant: number / 2, repository: number % 2 })
    }
}

#[derive(Default)]
struct Repository {
    blobs: BTreeSet<usize>,
    /// The manifests, in the order in which they were put.
    manifests: Vec<usize>,
    tags: BTreeMap<usize, usize>,
}

struct Registered {
    from: Place,
    manifest: usize,
    image: ContainerImage,
}

#[derive(Default)]
struct Service {
    last_number: i64,
    images: Vec<Registered>,
    last_version: i64,
    /// The current and the next deployment: version and number of the image.
    current: Option<(i64, i64)>,
    next: Option<(i64, i64)>,
}

/// The expected state.
#[derive(Default)]
pub(super) struct State {
    /// The existing repositories.
    repositories: BTreeMap<Place, Repository>,
    /// The content keys of each tenant's blobs.
    content: BTreeMap<(usize, usize), ContentKey>,
    services: [Service; 2],
}

impl State {
    pub(super) fn add_blob(&mut self, place: Place, blob: usize, key: &ContentKey) {
        let kept = self.content.entry((place.tenant, blob)).or_insert_with(|| key.clone());
        assert_eq!(kept, key, "content is kept once in a tenant");
        self.repositories.entry(place).or_default().blobs.insert(blob);
    }

    pub(super) fn mount_blob(&mut self, place: Place, blob: usize) -> bool {
        let from = Place { repository: 1 - place.repository, ..place };
        let held = self.holds(from, blob);
        if held {
            self.repositories.entry(place).or_default().blobs.insert(blob);
        }
        held
    }

    pub(super) fn delete_blob(&mut self, place: Place, blob: usize) -> BlobDeleted {
        if !self.holds(place, blob) {
            return BlobDeleted::NoSuchBlob;
        }
        if self.registered(place).any(|manifest| PARTS[manifest].0.contains(&blob)) {
            return BlobDeleted::Registered;
        }
        self.repositories.entry(place).or_default().blobs.remove(&blob);
        if !(0..2).any(|repository| self.holds(Place { repository, ..place }, blob)) {
            self.content.remove(&(place.tenant, blob));
        }
        BlobDeleted::Deleted
    }

    pub(super) fn put_manifest(
        &mut self,
        place: Place,
        number: usize,
        tag: Option<usize>,
    ) -> ManifestOutcome {
        let (blobs, children, _) = PARTS[number];
        if let Some(missing) = blobs.iter().find(|blob| !self.holds(place, **blob)) {
            return ManifestOutcome::BlobUnknown(Digest::sha256(BLOBS[*missing].as_bytes()));
        }
        if let Some(missing) = children.iter().find(|child| !self.has_manifest(place, **child)) {
            return ManifestOutcome::ChildUnknown(documents()[*missing].digest());
        }
        let new = !self.has_manifest(place, number);
        let repository = self.repositories.entry(place).or_default();
        if new {
            repository.manifests.push(number);
        }
        if let Some(tag) = tag {
            repository.tags.insert(tag, number);
        }
        ManifestOutcome::Stored
    }

    pub(super) fn delete_manifest(&mut self, place: Place, number: usize) -> ManifestDeleted {
        if !self.has_manifest(place, number) {
            return ManifestDeleted::NoSuchManifest;
        }
        if self.registered(place).any(|manifest| manifest == number) {
            return ManifestDeleted::Registered;
        }
        let repository = self.repositories.entry(place).or_default();
        repository.manifests.retain(|manifest| *manifest != number);
        repository.tags.retain(|_, manifest| *manifest != number);
        ManifestDeleted::Deleted
    }

    pub(super) fn delete_tag(&mut self, place: Place, tag: usize) -> bool {
        self.repositories.get_mut(&place).is_some_and(|repository| repository.tags.remove(&tag).is_some())
    }

    pub(super) fn register(&mut self, tenant: usize, manifest: usize, quota: u32) -> ImageOutcome {
        let whole = |repository: usize| {
            let place = Place { tenant, repository };
            self.is_whole(place, manifest).then_some(place)
        };
        let Some(from) = whole(0).or_else(|| whole(1)) else { return ImageOutcome::NoSuchManifest };
        let service = &mut self.services[tenant];
        if service.images.len() >= quota as usize {
            return ImageOutcome::QuotaReached;
        }
        service.last_number += 1;
        let (service_name, label) = ("web".to_owned(), "app".to_owned());
        let image = ContainerImage {
            name: ImageName { service: service_name, label, number: service.last_number },
            digest: documents()[manifest].digest().to_string(),
            created_at: NOW,
        };
        service.images.insert(0, Registered { from, manifest, image: image.clone() });
        ImageOutcome::Registered(image)
    }

    pub(super) fn delete_image(&mut self, tenant: usize, number: i64) -> ImageDeleted {
        let Service { images, current, next, .. } = &mut self.services[tenant];
        let runs = |deployment: &&(i64, i64)| deployment.1 == number;
        match images.iter().position(|registered| registered.image.name.number == number) {
            Some(found) => match current.iter().chain(next.iter()).find(runs) {
                Some((version, _)) => ImageDeleted::InUse(*version),
                None => {
                    images.remove(found);
                    ImageDeleted::Deleted
                }
            },
            None => ImageDeleted::NoSuchImage,
        }
    }

    /// Deploys the image with this number, or the newest. Returns `Err` with the version of a deployment in
    /// progress, or with `None` if there is no such image.
    pub(super) fn deploy(&mut self, tenant: usize, number: Option<i64>) -> Result<(i64, i64), Option<i64>> {
        let service = &mut self.services[tenant];
        if let Some((version, _)) = service.next {
            return Err(Some(version));
        }
        let mut numbers = service.images.iter().map(|it| it.image.name.number);
        let number = numbers.find(|it| number.is_none_or(|number| number == *it)).ok_or(None)?;
        service.last_version += 1;
        let next = (service.last_version, number);
        service.next = Some(next);
        Ok(next)
    }

    /// Ends the next deployment; returns its version, if there is one.
    pub(super) fn end_deployment(&mut self, tenant: usize, well: bool) -> Option<i64> {
        let service = &mut self.services[tenant];
        let next = service.next.take()?;
        if well {
            service.current = Some(next);
        }
        Some(next.0)
    }

    /// The current and the next deployment of a service: version and number of the image.
    pub(super) fn deployments(&self, tenant: usize) -> [Option<(i64, i64)>; 2] {
        [self.services[tenant].current, self.services[tenant].next]
    }

    pub(super) fn recreate_service(&mut self, tenant: usize) {
        self.services[tenant] = Service::default();
    }

    pub(super) fn blob(&self, place: Place, blob: usize) -> Option<ContentKey> {
        self.holds(place, blob).then(|| self.content[&(place.tenant, blob)].clone())
    }

    pub(super) fn has_manifest(&self, place: Place, number: usize) -> bool {
        self.repositories.get(&place).is_some_and(|repository| repository.manifests.contains(&number))
    }

    pub(super) fn tag(&self, place: Place, tag: usize) -> Option<usize> {
        self.repositories.get(&place)?.tags.get(&tag).copied()
    }

    /// `None` if there is no such repository.
    pub(super) fn tags(&self, place: Place) -> Option<Vec<usize>> {
        Some(self.repositories.get(&place)?.tags.keys().copied().collect())
    }

    pub(super) fn referrers(&self, place: Place, subject: usize) -> Vec<String> {
        let about = |number: &&usize| PARTS[**number].2 == Some(subject);
        let manifests = self.repositories.get(&place).map_or(&[][..], |repository| &repository.manifests);
        manifests.iter().filter(about).map(|number| documents()[*number].digest().to_string()).collect()
    }

    pub(super) fn images(&self, tenant: usize) -> Vec<ContainerImage> {
        self.services[tenant].images.iter().map(|registered| registered.image.clone()).collect()
    }

    /// The keys of all content that is still needed.
    pub(super) fn keys(&self) -> Vec<ContentKey> {
        self.content.values().cloned().collect()
    }

    fn holds(&self, place: Place, blob: usize) -> bool {
        self.repositories.get(&place).is_some_and(|repository| repository.blobs.contains(&blob))
    }

    /// Whether a manifest exists with everything below it.
    fn is_whole(&self, place: Place, manifest: usize) -> bool {
        let parts = closure(manifest);
        parts.iter().all(|part| {
            self.has_manifest(place, *part) && PARTS[*part].0.iter().all(|blob| self.holds(place, *blob))
        })
    }

    /// The manifests that registrations from this repository need.
    fn registered(&self, place: Place) -> impl Iterator<Item = usize> {
        let images = self.services[place.tenant].images.iter();
        images.filter(move |registered| registered.from == place).flat_map(|it| closure(it.manifest))
    }
}

/// A manifest and all manifests below it.
fn closure(manifest: usize) -> BTreeSet<usize> {
    let mut all = BTreeSet::from([manifest]);
    for child in PARTS[manifest].1 {
        all.extend(closure(*child));
    }
    all
}
