//! Random calls on a small world. A model that is simple enough to be right predicts the answers.

mod state;

use gangplank_core::{ImageName, Tenant};
use gangplank_oci::Digest;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::blobs::{BlobDeleted, Mount};
use gangplank_store::metadata::container_images::{ImageDeleted, ImageOutcome};
use gangplank_store::metadata::deployments::{Deployment, DeploymentOutcome};
use gangplank_store::metadata::manifests::{ManifestDeleted, ManifestOutcome, NewManifest};
use proptest::prelude::*;

use self::state::{BLOBS, Place, State, documents};
use crate::backends::{Contended, Recording, Scratch, ScratchDatabase};
use crate::world::{
    At, NOW, blob, by, create_service, delete_image, delete_service, deployment, end_next, image_of,
    images_of, quotas, register_on, registered, repository, service_id, tag, tagged, tenants,
};
use gangplank_store::metadata::Sqlite;

/// How many images a service may have.
const QUOTA: u32 = 3;

/// The tags that the calls use.
const TAGS: [&str; 2] = ["a", "b"];

/// A call. Its numbers choose among the few objects of the world.
#[derive(Clone, Debug)]
enum Step {
    AddBlob(Place, usize),
    MountBlob(Place, usize),
    DeleteBlob(Place, usize),
    PutManifest(Place, usize, Option<usize>),
    DeleteManifest(Place, usize),
    DeleteTag(Place, usize),
    Register(usize, usize),
    DeleteImage(usize, i64),
    Deploy(usize, Option<i64>),
    EndDeployment(usize, bool),
    RecreateService(usize),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let place = || (0usize..2, 0usize..2).prop_map(|(tenant, repository)| Place { tenant, repository });
    let (blob, manifest) = (|| 0..BLOBS.len(), || 0..documents().len());
    let step = prop_oneof![
        8 => (place(), blob()).prop_map(|(place, blob)| Step::AddBlob(place, blob)),
        3 => (place(), blob()).prop_map(|(place, blob)| Step::MountBlob(place, blob)),
        4 => (place(), blob()).prop_map(|(place, blob)| Step::DeleteBlob(place, blob)),
        10 => (place(), manifest(), prop::option::of(0..TAGS.len()))
            .prop_map(|(place, manifest, tag)| Step::PutManifest(place, manifest, tag)),
        4 => (place(), manifest()).prop_map(|(place, manifest)| Step::DeleteManifest(place, manifest)),
        2 => (place(), 0..TAGS.len()).prop_map(|(place, tag)| Step::DeleteTag(place, tag)),
        6 => (0usize..2, manifest()).prop_map(|(tenant, manifest)| Step::Register(tenant, manifest)),
        3 => (0usize..2, 1i64..8).prop_map(|(tenant, number)| Step::DeleteImage(tenant, number)),
        4 => (0usize..2, prop::option::of(1i64..8)).prop_map(|(tenant, number)| Step::Deploy(tenant, number)),
        3 => (0usize..2, any::<bool>()).prop_map(|(tenant, well)| Step::EndDeployment(tenant, well)),
        1 => (0usize..2).prop_map(Step::RecreateService),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..120)
}

/// The first tenant, or the same account in another region. No two tenants are more alike.
fn tenant(number: usize) -> Tenant {
    tenants()[number].clone()
}

fn at(db: &dyn Metadata, place: Place) -> At<'_> {
    At::new(db, tenant(place.tenant), ["sr", "other"][place.repository])
}

fn digest(blob: usize) -> Digest {
    Digest::sha256(BLOBS[blob].as_bytes())
}

/// Makes the call on the store and on the model, and compares the outcomes.
async fn take(db: &dyn Metadata, model: &mut State, step: &Step) {
    match step {
        Step::AddBlob(place, number) => {
            let blob = blob(BLOBS[*number], gangplank_store::blobs::ContentKey::unused());
            let key = at_add(db, *place, blob).await;
            model.add_blob(*place, *number, &key);
        }
        Step::MountBlob(place, number) => {
            let at = at(db, *place);
            let from = repository(["other", "sr"][place.repository]);
            let mounted = db
                .mount_blob(
                    &at.tenant,
                    &at.repository,
                    Mount { from: Some(from.clone()), digest: digest(*number), seen_by: None },
                    NOW,
                    &quotas(),
                )
                .await;
            assert_eq!(mounted.unwrap(), model.mount_blob(*place, *number));
        }
        Step::DeleteBlob(place, number) => {
            let at = at(db, *place);
            let deleted: BlobDeleted =
                db.delete_blob(&by(), &at.tenant, &at.repository, &digest(*number)).await.unwrap();
            assert_eq!(deleted, model.delete_blob(*place, *number));
        }
        Step::PutManifest(place, number, tagged) => {
            let tags = tagged.iter().map(|number| tag(TAGS[*number])).collect();
            let put = NewManifest { tags, ..documents()[*number].put() };
            let outcome: ManifestOutcome = at(db, *place).put(put).await;
            assert_eq!(outcome, model.put_manifest(*place, *number, *tagged));
        }
        Step::DeleteManifest(place, number) => {
            let at = at(db, *place);
            let digest = documents()[*number].digest();
            let deleted: ManifestDeleted =
                db.delete_manifest(&by(), &at.tenant, &at.repository, &digest, NOW).await.unwrap();
            assert_eq!(deleted, model.delete_manifest(*place, *number));
        }
        Step::DeleteTag(place, number) => {
            let at = at(db, *place);
            let deleted =
                db.delete_tag(&by(), &at.tenant, &at.repository, &tag(TAGS[*number])).await.unwrap();
            assert_eq!(deleted, model.delete_tag(*place, *number));
        }
        Step::Register(number, manifest) => {
            let image = image_of("app", documents()[*manifest].digest());
            let outcome: ImageOutcome = register_on(db, &tenant(*number), "web", image, QUOTA).await;
            assert_eq!(outcome, model.register(*number, *manifest, QUOTA));
        }
        Step::DeleteImage(owner, number) => {
            let name = ImageName { service: "web".to_owned(), label: "app".to_owned(), number: *number };
            let deleted: ImageDeleted = delete_image(db, &tenant(*owner), &name, NOW).await;
            assert_eq!(deleted, model.delete_image(*owner, *number));
        }
        Step::Deploy(number, image) => {
            let (at, new) = (tenant(*number), deployment(&[registered(*image)]));
            let web = service_id(db, &at, "web").await;
            let outcome = match db.create_deployment(&by(), &at, web, new).await.unwrap() {
                DeploymentOutcome::Made(made) => Ok(of_app(&made.next.unwrap())),
                DeploymentOutcome::InProgress(version) => Err(Some(version)),
                DeploymentOutcome::NoSuchImage(_) => Err(None),
                refused => panic!("{refused:?}"),
            };
            assert_eq!(outcome, model.deploy(*number, *image));
        }
        Step::EndDeployment(number, well) => {
            let ended = end_next(db, &by(), &tenant(*number), "web", *well).await;
            assert_eq!(ended, model.end_deployment(*number, *well));
        }
        Step::RecreateService(number) => {
            assert!(delete_service(db, &tenant(*number), "web", NOW).await);
            create_service(db, &tenant(*number), "web").await;
            model.recreate_service(*number);
        }
        Step::Reopen => {}
    }
}

/// The version of a deployment, and the number of its only image.
fn of_app(deployment: &Deployment) -> (i64, i64) {
    (deployment.version, deployment.images[0].registered.as_ref().unwrap().number)
}

async fn at_add(
    db: &dyn Metadata,
    place: Place,
    blob: gangplank_store::metadata::blobs::NewBlob,
) -> gangplank_store::blobs::ContentKey {
    let at = at(db, place);
    db.add_blob(&at.tenant, &at.repository, blob, NOW).await.unwrap().unwrap()
}

/// Compares everything that can be read.
async fn compare(db: &dyn Metadata, model: &State) {
    for place in Place::all() {
        let at = at(db, place);
        for number in 0..BLOBS.len() {
            let found = db
                .find_blob(&at.tenant, &at.repository, &digest(number), Some(crate::world::asked(NOW)))
                .await
                .unwrap();
            assert_eq!(found.map(|found| found.key), model.blob(place, number), "{place:?} blob {number}");
        }
        for (number, document) in documents().iter().enumerate() {
            let found = at.get(&document.reference()).await;
            let expected = model.has_manifest(place, number).then(|| document.stored());
            assert_eq!(found, expected, "{place:?} manifest {number}");
            let referrers = db
                .referrers(&at.tenant, &at.repository, &document.digest(), None, None, 0)
                .await
                .unwrap()
                .page;
            let referrers: Vec<String> = referrers.into_iter().map(|referrer| referrer.digest).collect();
            assert_eq!(referrers, model.referrers(place, number));
        }
        for (number, name) in TAGS.iter().enumerate() {
            let found = at.get(&tagged(name)).await;
            let expected = model.tag(place, number).map(|manifest| documents()[manifest].stored());
            assert_eq!(found, expected, "{place:?} tag {name}");
        }
        let names = |numbers: Vec<usize>| numbers.into_iter().map(|number| TAGS[number].to_owned()).collect();
        assert_eq!(at.tags().await, model.tags(place).map(names));
    }
    for number in 0..2 {
        assert_eq!(images_of(db, &tenant(number), "web").await.unwrap(), model.images(number));
        let deployed = db.deployed_services(&tenant(number)).await.unwrap().remove(0);
        let found = [deployed.current, deployed.next].map(|it| it.as_ref().map(of_app));
        assert_eq!(found, model.deployments(number));
    }
    let discarded = crate::world::discarded(db).await;
    let kept = model.keys();
    assert!(discarded.iter().all(|key| !kept.contains(key)), "content that is needed is discarded");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_agrees_with_the_model(steps in steps()) {
        agrees(&mut ScratchDatabase::<Sqlite>::new(), &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_watched_database_agrees_with_the_model(steps in steps()) {
        agrees(&mut ScratchDatabase::<Recording>::new(), &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_database_with_others_in_the_way_agrees_with_the_model(steps in steps()) {
        agrees(&mut ScratchDatabase::<Contended>::new(), &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 50, ..ProptestConfig::default() })]

    #[test]
    fn a_store_that_moves_agrees_with_the_model(steps in steps()) {
        wanders(&steps);
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn wanders(steps: &[Step]) {
    if let Some(mut wandering) = crate::migration::Wandering::new() {
        follow(&mut wandering, steps).await;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn agrees(scratch: &mut dyn Scratch, steps: &[Step]) {
    follow(scratch, steps).await;
}

async fn follow(scratch: &mut dyn Scratch, steps: &[Step]) {
    for number in 0..2 {
        create_service(scratch.metadata(), &tenant(number), "web").await;
    }
    let mut model = State::default();
    for (number, step) in steps.iter().enumerate() {
        if matches!(step, Step::Reopen) {
            scratch.reopen();
        }
        take(scratch.metadata(), &mut model, step).await;
        assert_eq!(scratch.metadata().contradictions(NOW).await.unwrap(), [], "after {step:?}");
        if number % 8 == 0 {
            compare(scratch.metadata(), &model).await;
        }
    }
    scratch.reopen();
    compare(scratch.metadata(), &model).await;
}
