//! Lists of repositories and manifests for people.

use gangplank_oci::Reference;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::catalogue::{ManifestFilter, ManifestPage};

use crate::world::{At, Document, create_service, here, register, tagged, tenants};

metadata_contract! {
    repositories_are_listed_by_the_beginning_of_their_names,
    manifests_are_listed_newest_first_page_by_page,
    parts_are_listed_under_what_they_belong_to,
    a_prefix_of_tags_finds_the_manifests_that_have_one,
    a_manifest_says_what_holds_it,
}

async fn page(at: &At<'_>, filter: &ManifestFilter, before: Option<i64>, limit: usize) -> ManifestPage {
    at.db.list_manifests(&at.tenant, &at.repository, filter, before, limit).await.unwrap().unwrap()
}

fn digests(page: &ManifestPage) -> Vec<&str> {
    page.manifests.iter().map(|manifest| manifest.digest.as_str()).collect()
}

fn digest(document: &Document) -> String {
    document.digest().to_string()
}

async fn repositories_are_listed_by_the_beginning_of_their_names(db: &dyn Metadata) {
    for name in ["app", "team", "team/a", "team/b", "teamx", "zoo"] {
        At::new(db, here(), name).image(&["config"], &[]).await;
    }
    let list = async |prefix: &str, last: Option<&str>, limit| -> Vec<String> {
        let found = db.list_repositories(&here(), prefix, last, limit).await.unwrap();
        assert!(found.iter().all(|found| found.newest_at.is_some()));
        found.into_iter().map(|found| found.name).collect()
    };
    assert_eq!(list("", None, 2).await, ["app", "team"]);
    assert_eq!(list("", Some("team"), 2).await, ["team/a", "team/b"]);
    assert_eq!(list("team", None, 9).await, ["team", "team/a", "team/b", "teamx"]);
    assert_eq!(list("team", Some("app"), 1).await, ["team"]);
    assert_eq!(list("team/", Some("team/a"), 9).await, ["team/b"]);
    assert_eq!(list("none", None, 9).await, [""; 0]);
    for tenant in &tenants()[1..] {
        assert!(db.list_repositories(tenant, "", None, 9).await.unwrap().is_empty());
    }
}

async fn manifests_are_listed_newest_first_page_by_page(db: &dyn Metadata) {
    let at = At::sr(db);
    let mut made = Vec::new();
    for name in ["a", "b", "c"] {
        made.push(digest(&at.image(&[name], &[name, "moving"]).await));
    }
    made.reverse();
    let all = ManifestFilter::default();
    let first = page(&at, &all, None, 2).await;
    assert_eq!(digests(&first), made[..2]);
    assert_eq!(first.manifests[0].tags, ["c", "moving"]);
    assert_eq!(first.manifests[1].tags, ["b"]);
    let second = page(&at, &all, first.more, 2).await;
    assert_eq!((digests(&second), second.more), (vec![made[2].as_str()], None));
    assert_eq!(page(&at, &all, None, 3).await.more, None);
    for tenant in &tenants()[1..] {
        let none = db.list_manifests(tenant, &at.repository, &all, None, 9).await.unwrap();
        assert_eq!(none, None);
    }
    assert_eq!(
        At::new(db, here(), "other")
            .db
            .list_manifests(&here(), &At::new(db, here(), "other").repository, &all, None, 9)
            .await
            .unwrap(),
        None
    );
}

async fn parts_are_listed_under_what_they_belong_to(db: &dyn Metadata) {
    let at = At::sr(db);
    let (child, tagged_child) = (at.image(&["a"], &[]).await, at.image(&["b"], &["b"]).await);
    let index = Document::index(&[&child, &tagged_child]);
    at.store(&index, &[]).await;
    let about = Document::about(&index, "application/note", &["a"]);
    at.store(&about, &[]).await;
    let folded = page(&at, &ManifestFilter::default(), None, 9).await;
    assert_eq!(digests(&folded), [digest(&index), digest(&tagged_child)]);
    let all = ManifestFilter { with_parts: true, ..ManifestFilter::default() };
    let all = page(&at, &all, None, 9).await;
    assert_eq!(digests(&all), [digest(&about), digest(&index), digest(&tagged_child), digest(&child)]);
    assert_eq!(all.manifests[0].subject, Some(digest(&index)));
}

async fn a_prefix_of_tags_finds_the_manifests_that_have_one(db: &dyn Metadata) {
    let at = At::sr(db);
    let old = at.image(&["a"], &["v1.0", "a", "z"]).await;
    let new = at.image(&["b"], &["v1.1"]).await;
    at.image(&["c"], &["v2"]).await;
    let of = |prefix: &str| ManifestFilter { tag_prefix: Some(prefix.to_owned()), with_parts: false };
    assert_eq!(digests(&page(&at, &of("v1"), None, 9).await), [digest(&new), digest(&old)]);
    assert_eq!(digests(&page(&at, &of("w"), None, 9).await), [""; 0]);
    assert_eq!(digests(&page(&at, &of("v1%"), None, 9).await), [""; 0], "it is no pattern");
}

async fn a_manifest_says_what_holds_it(db: &dyn Metadata) {
    let at = At::sr(db);
    create_service(db, &here(), "web").await;
    let child = at.image(&["a"], &["one"]).await;
    let show = async |reference: &Reference| {
        db.show_manifest(&here(), &at.repository, reference).await.unwrap().unwrap()
    };
    let alone = show(&tagged("one")).await;
    assert_eq!(alone.listed.digest, digest(&child));
    assert!(!alone.is_held && alone.images.is_empty() && alone.indexes.is_empty());
    let index = Document::index(&[&child]);
    at.store(&index, &[]).await;
    register(db, &here(), "web", &index).await;
    let held = show(&child.reference()).await;
    assert_eq!(
        (held.is_held, held.indexes, held.images),
        (true, vec![digest(&index)], vec![":web.app.1".to_owned()])
    );
    assert_eq!(held.services, [""; 0]);
    assert_eq!(db.show_manifest(&here(), &at.repository, &tagged("two")).await.unwrap(), None);
    for tenant in &tenants()[1..] {
        assert_eq!(db.show_manifest(tenant, &at.repository, &child.reference()).await.unwrap(), None);
    }
}
