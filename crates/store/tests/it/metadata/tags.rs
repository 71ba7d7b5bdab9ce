//! Tags and the list of repositories.

use gangplank_core::Tenant;
use gangplank_store::metadata::Metadata;

use crate::world::{At, by, here, tag, tagged, tenants};

metadata_contract! {
    tags_are_listed_in_byte_order,
    tags_are_listed_page_by_page,
    an_unknown_repository_has_no_list,
    a_deleted_tag_leaves_its_manifest,
    a_tag_is_deleted_where_it_is_said,
    repositories_are_listed_in_byte_order,
    repositories_are_listed_page_by_page,
}

async fn page(at: &At<'_>, last: Option<&str>, limit: usize) -> Vec<String> {
    at.db.tags(&at.tenant, &at.repository, last, limit).await.unwrap().unwrap()
}

async fn repositories(db: &dyn Metadata, tenant: &Tenant, last: Option<&str>, limit: usize) -> Vec<String> {
    db.repositories(tenant, last, limit).await.unwrap()
}

async fn tags_are_listed_in_byte_order(db: &dyn Metadata) {
    let at = At::sr(db);
    at.image(&["config"], &["b", "B", "_x", "a.1", "a-1", "10", "9", "a"]).await;
    assert_eq!(page(&at, None, 100).await, ["10", "9", "B", "_x", "a", "a-1", "a.1", "b"]);
}

async fn tags_are_listed_page_by_page(db: &dyn Metadata) {
    let at = At::sr(db);
    at.image(&["config"], &["a", "b", "d"]).await;
    assert_eq!(page(&at, None, 2).await, ["a", "b"]);
    assert_eq!(page(&at, Some("b"), 2).await, ["d"]);
    assert_eq!(page(&at, Some("c"), 2).await, ["d"], "the last one need not be there");
    assert_eq!(page(&at, Some("d"), 2).await, [""; 0]);
    assert_eq!(page(&at, Some(""), 2).await, ["a", "b"]);
    assert_eq!(page(&at, None, 0).await, [""; 0]);
    assert_eq!(page(&at, None, usize::MAX).await.len(), 3);
}

async fn an_unknown_repository_has_no_list(db: &dyn Metadata) {
    let at = At::sr(db);
    assert_eq!(at.tags().await, None);
    at.add("config").await;
    assert_eq!(at.tags().await, Some(Vec::new()), "a repository with a blob and no tag");
    assert_eq!(At::new(db, here(), "other").tags().await, None);
    for tenant in &tenants()[1..] {
        assert_eq!(At::new(db, tenant.clone(), "sr").tags().await, None);
    }
}

async fn a_deleted_tag_leaves_its_manifest(db: &dyn Metadata) {
    let at = At::sr(db);
    let image = at.image(&["config"], &["a", "b"]).await;
    assert!(db.delete_tag(&by(), &here(), &at.repository, &tag("a")).await.unwrap());
    assert!(!db.delete_tag(&by(), &here(), &at.repository, &tag("a")).await.unwrap());
    assert_eq!(at.get(&tagged("a")).await, None);
    for reference in [tagged("b"), image.reference()] {
        assert_eq!(at.get(&reference).await, Some(image.stored()));
    }
}

async fn a_tag_is_deleted_where_it_is_said(db: &dyn Metadata) {
    At::sr(db).image(&["config"], &["a"]).await;
    let mut places: Vec<At<'_>> = tenants().map(|tenant| At::new(db, tenant, "other")).into();
    places.extend(tenants()[1..].iter().map(|tenant| At::new(db, tenant.clone(), "sr")));
    for at in &places {
        assert!(!db.delete_tag(&by(), &at.tenant, &at.repository, &tag("a")).await.unwrap());
        at.image(&["config"], &["a"]).await;
        assert!(db.delete_tag(&by(), &at.tenant, &at.repository, &tag("a")).await.unwrap());
    }
    assert_eq!(At::sr(db).tags().await.unwrap(), ["a"]);
}

async fn repositories_are_listed_in_byte_order(db: &dyn Metadata) {
    let [here, there, other] = tenants();
    assert_eq!(repositories(db, &here, None, 9).await, [""; 0]);
    for name in ["b", "a/b", "a-b", "a", "10"] {
        At::new(db, here.clone(), name).image(&["config"], &[]).await;
    }
    At::new(db, other.clone(), "theirs").add("config").await;
    assert_eq!(repositories(db, &here, None, 9).await, ["10", "a", "a-b", "a/b", "b"]);
    assert_eq!(repositories(db, &there, None, 9).await, [""; 0]);
    assert_eq!(repositories(db, &other, None, 9).await, ["theirs"]);
}

async fn repositories_are_listed_page_by_page(db: &dyn Metadata) {
    for name in ["a", "b", "d"] {
        At::new(db, here(), name).add("config").await;
    }
    assert_eq!(repositories(db, &here(), None, 2).await, ["a", "b"]);
    assert_eq!(repositories(db, &here(), Some("b"), 2).await, ["d"]);
    assert_eq!(repositories(db, &here(), Some("c"), 2).await, ["d"]);
    assert_eq!(repositories(db, &here(), Some("d"), 2).await, [""; 0]);
    assert_eq!(repositories(db, &here(), None, 0).await, [""; 0]);
}
