//! Manifests.

use gangplank_core::LoginId;
use gangplank_oci::Digest;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::manifests::{ManifestDeleted, ManifestOutcome, NewManifest};

use crate::world::{
    At, Document, MAX_DEPTH, NOW, PLENTY, access_key, by, create_login, create_service, delete_image,
    delete_service, here, push_login, register, tag, tagged, tenants,
};

metadata_contract! {
    a_manifest_is_kept_verbatim,
    a_manifest_is_put_again,
    every_blob_must_be_in_the_repository,
    every_child_must_be_in_the_repository,
    sizes_must_be_true,
    what_is_refused_leaves_nothing,
    indexes_nest_so_deep_and_no_deeper,
    a_tag_moves,
    a_put_moves_all_its_tags,
    puts_of_one_tag_at_once_are_all_kept,
    a_login_finds_what_it_put,
    a_forgotten_login_put_nothing,
    a_deleted_manifest_takes_its_tags_with_it,
    a_manifest_is_deleted_where_it_is_said,
    a_registered_manifest_is_not_deleted,
}

async fn delete(at: &At<'_>, manifest: &Document) -> ManifestDeleted {
    at.db.delete_manifest(&by(), &at.tenant, &at.repository, &manifest.digest(), NOW).await.unwrap()
}

async fn found_by(at: &At<'_>, login: LoginId, reference: &gangplank_oci::Reference) -> bool {
    at.db.manifest(&at.tenant, &at.repository, reference, Some(login), None).await.unwrap().is_some()
}

async fn a_manifest_is_kept_verbatim(db: &dyn Metadata) {
    let at = At::sr(db);
    at.add("config").await;
    let mut image = Document::image(&["config"]);
    image.body.splice(0..1, *b"{ \n");
    assert_eq!(at.get(&image.reference()).await, None);
    at.store(&image, &["latest"]).await;
    for reference in [image.reference(), tagged("latest")] {
        assert_eq!(at.get(&reference).await, Some(image.stored()));
    }
    assert_eq!(at.get(&tagged("other")).await, None);
    // A manifest is not found as a blob, nor a blob as a manifest.
    let digest = image.digest();
    assert_eq!(
        db.find_blob(&here(), &at.repository, &digest, Some(crate::world::asked(crate::world::NOW)))
            .await
            .unwrap(),
        None
    );
    assert_eq!(at.get(&Digest::sha256(b"config").into()).await, None);
    let long = Digest::of(gangplank_oci::Algorithm::Sha512, &image.body);
    assert_eq!(at.put(NewManifest { digest: long, ..image.put() }).await, ManifestOutcome::Stored);
    assert_eq!(at.get(&long.into()).await.unwrap().digest, long.to_string());
}

async fn a_manifest_is_put_again(db: &dyn Metadata) {
    let at = At::sr(db);
    let image = at.image(&["config"], &["one"]).await;
    at.store(&image, &["two"]).await;
    assert_eq!(at.tags().await, Some(vec!["one".to_owned(), "two".to_owned()]));
    db.delete_blob(&by(), &here(), &at.repository, &Digest::sha256(b"config")).await.unwrap();
    let refused = at.put(image.put()).await;
    assert_eq!(refused, ManifestOutcome::BlobUnknown(Digest::sha256(b"config")));
    assert!(at.get(&tagged("two")).await.is_some(), "what was kept stays");
}

async fn every_blob_must_be_in_the_repository(db: &dyn Metadata) {
    let at = At::sr(db);
    At::new(db, here(), "other").add("layer").await;
    for tenant in &tenants()[1..] {
        At::new(db, tenant.clone(), "sr").add("layer").await;
    }
    at.add("config").await;
    let image = Document::image(&["config", "layer"]);
    let outcome = at.put(image.put()).await;
    assert_eq!(outcome, ManifestOutcome::BlobUnknown(Digest::sha256(b"layer")));
    at.add("layer").await;
    assert_eq!(at.put(image.put()).await, ManifestOutcome::Stored);
}

async fn every_child_must_be_in_the_repository(db: &dyn Metadata) {
    let image = At::new(db, here(), "other").image(&["config"], &[]).await;
    for tenant in &tenants()[1..] {
        At::new(db, tenant.clone(), "sr").image(&["config"], &[]).await;
    }
    let at = At::sr(db);
    let index = Document::index(&[&image]);
    assert_eq!(at.put(index.put()).await, ManifestOutcome::ChildUnknown(image.digest()));
    // A blob with the bytes of the manifest is not the manifest.
    at.add(std::str::from_utf8(&image.body).unwrap()).await;
    assert_eq!(at.put(index.put()).await, ManifestOutcome::ChildUnknown(image.digest()));
    at.image(&["config"], &[]).await;
    assert_eq!(at.put(index.put()).await, ManifestOutcome::Stored);
}

async fn sizes_must_be_true(db: &dyn Metadata) {
    let at = At::sr(db);
    let image = at.image(&["config", "layer"], &[]).await;
    let mut lie = Document::image(&["config", "layer"]).put();
    lie.view.blobs[1].size = 6;
    let digest = Digest::sha256(b"layer");
    assert_eq!(at.put(lie).await, ManifestOutcome::SizeMismatch(digest));
    let mut lie = Document::index(&[&image]).put();
    lie.view.children[0].size -= 1;
    assert_eq!(at.put(lie).await, ManifestOutcome::SizeMismatch(image.digest()));
}

async fn what_is_refused_leaves_nothing(db: &dyn Metadata) {
    let at = At::sr(db);
    let kept = at.image(&["config"], &["latest"]).await;
    let image = Document::image(&["config", "layer"]);
    let tags = vec![tag("latest"), tag("new")];
    assert_ne!(at.put(NewManifest { tags, ..image.put() }).await, ManifestOutcome::Stored);
    assert_eq!(at.get(&image.reference()).await, None);
    assert_eq!(at.get(&tagged("latest")).await, Some(kept.stored()));
    assert_eq!(at.tags().await, Some(vec!["latest".to_owned()]));
    let nowhere = At::new(db, here(), "nowhere");
    assert_ne!(nowhere.put(image.put()).await, ManifestOutcome::Stored);
    assert_eq!(nowhere.tags().await, None, "nor the repository it was meant for");
    assert_eq!(db.repositories(&here(), None, 9).await.unwrap(), ["sr"]);
}

async fn indexes_nest_so_deep_and_no_deeper(db: &dyn Metadata) {
    let at = At::sr(db);
    let shallow = at.image(&["config"], &[]).await;
    let mut top = shallow.clone();
    for _ in 0..MAX_DEPTH {
        top = Document::index(&[&shallow, &top]);
        at.store(&top, &[]).await;
    }
    let too_deep = Document::index(&[&top, &shallow]);
    assert_eq!(at.put(too_deep.put()).await, ManifestOutcome::TooDeep);
    assert_eq!(at.get(&too_deep.reference()).await, None);
    let about = Document::about(&top, "application/note", &["config"]);
    assert_eq!(at.put(about.put()).await, ManifestOutcome::Stored, "a subject is no child");
}

async fn a_tag_moves(db: &dyn Metadata) {
    let at = At::sr(db);
    let first = at.image(&["one"], &["latest"]).await;
    let second = at.image(&["two"], &["latest"]).await;
    assert_eq!(at.get(&tagged("latest")).await, Some(second.stored()));
    assert_eq!(at.get(&first.reference()).await, Some(first.stored()));
    at.store(&first, &["latest"]).await;
    assert_eq!(at.get(&tagged("latest")).await, Some(first.stored()));
    let other = At::new(db, here(), "other");
    other.image(&["three"], &["latest"]).await;
    assert_eq!(at.get(&tagged("latest")).await, Some(first.stored()), "a repository's tags are its own");
}

async fn a_put_moves_all_its_tags(db: &dyn Metadata) {
    let at = At::sr(db);
    at.image(&["one"], &["a", "b", "c"]).await;
    let second = at.image(&["two"], &["b", "b", "c", "d"]).await;
    assert_eq!(at.tags().await.unwrap(), ["a", "b", "c", "d"]);
    for name in ["b", "c", "d"] {
        assert_eq!(at.get(&tagged(name)).await, Some(second.stored()));
    }
}

async fn puts_of_one_tag_at_once_are_all_kept(db: &dyn Metadata) {
    let at = At::sr(db);
    let configs: Vec<String> = (0..16).map(|number| format!("config {number}")).collect();
    for config in &configs {
        at.add(config).await;
    }
    let first = at.image(&["config"], &["latest"]).await;
    let images: Vec<Document> = configs.iter().map(|config| Document::image(&[config])).collect();
    let runtime = tokio::runtime::Handle::current();
    std::thread::scope(|scope| {
        for image in &images {
            let (runtime, at) = (runtime.clone(), at.clone());
            scope.spawn(move || {
                runtime.block_on(async {
                    at.store(image, &["latest"]).await;
                    assert!(at.get(&tagged("latest")).await.is_some(), "never untagged");
                });
            });
        }
    });
    for image in &images {
        assert_eq!(at.get(&image.reference()).await, Some(image.stored()));
    }
    let last = at.get(&tagged("latest")).await.unwrap();
    assert!(images.iter().any(|image| image.stored() == last));
    assert_ne!(last, first.stored());
}

async fn a_login_finds_what_it_put(db: &dyn Metadata) {
    let at = At::sr(db);
    db.insert_access_key(&by(), access_key(&here(), 1), PLENTY).await.unwrap();
    let mine = create_login(db, push_login(&here(), 1)).await;
    let other = create_login(db, push_login(&here(), 2)).await;
    let image = at.image(&["config"], &["latest"]).await;
    let index = Document::index(&[&image]);
    let put = || NewManifest { tags: vec![tag("index")], ..index.put() };
    at.with(mine).put(put()).await;
    for reference in [index.reference(), tagged("index")] {
        assert!(found_by(&at, mine, &reference).await);
        assert!(!found_by(&at, other, &reference).await);
        assert!(at.get(&reference).await.is_some());
    }
    for reference in [image.reference(), tagged("latest")] {
        assert!(!found_by(&at, mine, &reference).await, "another login put the child");
    }
    at.with(other).put(put()).await;
    at.with(mine).put(put()).await;
    for login in [mine, other] {
        assert!(found_by(&at, login, &index.reference()).await, "the same one, put by both");
    }
    let elsewhere = At::new(db, here(), "other");
    elsewhere.image(&["config"], &[]).await;
    elsewhere.store(&index, &[]).await;
    assert!(!found_by(&elsewhere, mine, &index.reference()).await, "there it was put by another");
}

async fn a_forgotten_login_put_nothing(db: &dyn Metadata) {
    let at = At::sr(db);
    at.add("config").await;
    let login = create_login(db, push_login(&here(), 1)).await;
    let image = Document::image(&["config"]);
    at.with(login).put(image.put()).await;
    db.forget_logins(push_login(&here(), 1).expires_at.plus(std::time::Duration::from_secs(1)))
        .await
        .unwrap();
    assert!(!found_by(&at, login, &image.reference()).await);
    assert_eq!(at.with(login).put(image.put()).await, ManifestOutcome::Stored);
    assert!(!found_by(&at, login, &image.reference()).await);
    assert!(at.get(&image.reference()).await.is_some());
}

async fn a_deleted_manifest_takes_its_tags_with_it(db: &dyn Metadata) {
    let at = At::sr(db);
    let image = at.image(&["config"], &["a", "b"]).await;
    let other = at.image(&["config", "layer"], &["c"]).await;
    assert_eq!(delete(&at, &image).await, ManifestDeleted::Deleted);
    assert_eq!(delete(&at, &image).await, ManifestDeleted::NoSuchManifest);
    for reference in [image.reference(), tagged("a"), tagged("b")] {
        assert_eq!(at.get(&reference).await, None);
    }
    assert_eq!(at.get(&tagged("c")).await, Some(other.stored()));
    assert_eq!(at.tags().await.unwrap(), ["c"]);
    assert!(at.holds("config").await, "blobs are deleted by name or collected");
    at.store(&image, &["b"]).await;
    assert_eq!(at.tags().await.unwrap(), ["b", "c"]);
}

async fn a_manifest_is_deleted_where_it_is_said(db: &dyn Metadata) {
    let image = At::sr(db).image(&["config"], &[]).await;
    let mut places: Vec<At<'_>> = tenants().map(|tenant| At::new(db, tenant, "other")).into();
    places.extend(tenants()[1..].iter().map(|tenant| At::new(db, tenant.clone(), "sr")));
    for at in &places {
        assert_eq!(delete(at, &image).await, ManifestDeleted::NoSuchManifest);
        at.image(&["config"], &["latest"]).await;
        assert_eq!(delete(at, &image).await, ManifestDeleted::Deleted);
    }
    assert!(At::sr(db).get(&image.reference()).await.is_some());
}

async fn a_registered_manifest_is_not_deleted(db: &dyn Metadata) {
    let at = At::sr(db);
    let image = at.image(&["config"], &[]).await;
    let inner = Document::index(&[&image]);
    let outer = Document::index(&[&inner]);
    at.store(&inner, &[]).await;
    at.store(&outer, &["latest"]).await;
    create_service(db, &here(), "web").await;
    let registered = register(db, &here(), "web", &inner).await;
    for needed in [&inner, &image] {
        assert_eq!(delete(&at, needed).await, ManifestDeleted::Registered);
        assert!(at.get(&needed.reference()).await.is_some());
    }
    assert_eq!(delete(&at, &outer).await, ManifestDeleted::Deleted, "what holds it can go");
    at.store(&outer, &[]).await;
    register(db, &here(), "web", &outer).await;
    delete_image(db, &here(), &registered.name, NOW).await;
    for needed in [&outer, &inner, &image] {
        assert_eq!(delete(&at, needed).await, ManifestDeleted::Registered);
    }
    delete_service(db, &here(), "web", NOW).await;
    for free in [&image, &inner, &outer] {
        assert_eq!(delete(&at, free).await, ManifestDeleted::Deleted);
    }
}
