//! The content that counts as content of a login, or of its owner.

use std::time::Duration;

use gangplank_core::{LoginId, Origin};
use gangplank_oci::Digest;
use gangplank_store::blobs::ContentKey;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::blobs::{MAX_CONFIGURATION, Mount, NewBlob, SeenBlob};
use gangplank_store::metadata::manifests::{ManifestDeleted, ManifestOutcome, NewManifest};

use crate::world::{
    At, Document, NOW, blob, by, create_login, here, owner_of, push_login, quotas, repository, tag, tagged,
};

metadata_contract! {
    a_tag_is_of_those_who_set_it_to_where_it_is,
    a_tag_that_goes_is_nobodys,
    children_may_have_to_be_of_one_owner,
    referrers_may_have_to_be_of_one_login,
    a_configuration_is_known_to_those_who_uploaded_it,
    a_configuration_is_mounted_by_those_who_uploaded_it,
    what_was_uploaded_goes_with_the_blob_and_with_the_login,
}

async fn logins(db: &dyn Metadata) -> [LoginId; 2] {
    [create_login(db, push_login(&here(), 1)).await, create_login(db, push_login(&here(), 2)).await]
}

async fn has_tag(at: &At<'_>, login: LoginId, name: &str) -> bool {
    at.db.manifest(&at.tenant, &at.repository, &tagged(name), Some(login), None).await.unwrap().is_some()
}

async fn seen(at: &At<'_>, login: LoginId, content: &str) -> SeenBlob {
    let digest = Digest::sha256(content.as_bytes());
    let found = at.db.find_blob_seen_by(login, &at.tenant, &at.repository, &digest, None).await.unwrap();
    found.unwrap()
}

async fn upload(at: &At<'_>, login: LoginId, content: &str) {
    let blob = NewBlob { put_by: Some(login), ..blob(content, ContentKey::unused()) };
    at.db.add_blob(&at.tenant, &at.repository, blob, NOW).await.unwrap();
}

async fn a_tag_is_of_those_who_set_it_to_where_it_is(db: &dyn Metadata) {
    let at = At::sr(db);
    let [mine, other] = logins(db).await;
    let (one, two) = (at.image(&["config"], &[]).await, at.image(&["config", "layer"], &[]).await);
    at.with(mine).store(&one, &["v1"]).await;
    at.with(mine).store(&two, &[]).await;
    at.with(other).store(&one, &["v2"]).await;
    assert!(has_tag(&at, mine, "v1").await);
    assert!(!has_tag(&at, other, "v1").await && !has_tag(&at, mine, "v2").await, "one manifest, two tags");
    at.with(other).store(&one, &["v1"]).await;
    assert!(has_tag(&at, mine, "v1").await && has_tag(&at, other, "v1").await, "both set it there");
    at.with(other).store(&two, &["v1"]).await;
    assert!(!has_tag(&at, mine, "v1").await && has_tag(&at, other, "v1").await);
    at.with(other).store(&one, &["v1"]).await;
    assert!(!has_tag(&at, mine, "v1").await, "it has been elsewhere meanwhile");
}

async fn a_tag_that_goes_is_nobodys(db: &dyn Metadata) {
    let at = At::sr(db);
    let [mine, _] = logins(db).await;
    let image = at.image(&["config"], &[]).await;
    at.with(mine).store(&image, &["a", "b"]).await;
    assert!(db.delete_tag(&by(), &here(), &at.repository, &tag("a")).await.unwrap());
    at.store(&image, &["a"]).await;
    assert!(!has_tag(&at, mine, "a").await && has_tag(&at, mine, "b").await);
    let deleted = db.delete_manifest(&by(), &here(), &at.repository, &image.digest(), NOW).await.unwrap();
    assert_eq!(deleted, ManifestDeleted::Deleted);
    at.with(mine).store(&image, &[]).await;
    at.store(&image, &["b"]).await;
    assert!(!has_tag(&at, mine, "b").await);
}

async fn children_may_have_to_be_of_one_owner(db: &dyn Metadata) {
    let at = At::sr(db);
    let of = |number| At { by: Origin { owner: Some(owner_of(number)), ..by() }, ..at.clone() };
    of(1).image(&["config"], &[]).await;
    let (mine, other) = (Document::image(&["config"]), of(2).image(&["config", "layer"], &[]).await);
    let put = |children: &[&Document]| {
        let put = NewManifest { pushed_by: Some(owner_of(1)), ..Document::index(children).put() };
        let at = of(1);
        async move { at.put(put).await }
    };
    assert_eq!(put(&[&mine]).await, ManifestOutcome::Stored);
    assert_eq!(put(&[&mine, &other]).await, ManifestOutcome::ChildUnknown(other.digest()));
    let mut lie = Document::index(&[&other]).put();
    lie.view.children[0].size += 1;
    let lie = NewManifest { pushed_by: Some(owner_of(1)), ..lie };
    assert_eq!(of(1).put(lie).await, ManifestOutcome::ChildUnknown(other.digest()), "not even its size");
    of(1).store(&other, &[]).await;
    assert_eq!(put(&[&mine, &other]).await, ManifestOutcome::Stored);
    of(2).store(&Document::index(&[&mine, &other]), &[]).await;
}

async fn referrers_may_have_to_be_of_one_login(db: &dyn Metadata) {
    let at = At::sr(db);
    let [mine, other] = logins(db).await;
    let image = at.image(&["config"], &[]).await;
    let (signature, sbom) =
        (Document::about(&image, "a/signature", &["config"]), Document::about(&image, "a/sbom", &["config"]));
    at.with(mine).store(&signature, &[]).await;
    at.with(other).store(&sbom, &[]).await;
    for (login, wanted) in
        [(Some(mine), vec![&signature]), (Some(other), vec![&sbom]), (None, vec![&signature, &sbom])]
    {
        let found =
            db.referrers(&here(), &at.repository, &image.digest(), None, login, 0).await.unwrap().page;
        let found: Vec<_> = found.into_iter().map(|referrer| referrer.digest).collect();
        assert_eq!(found, wanted.iter().map(|it| it.digest().to_string()).collect::<Vec<_>>());
    }
}

async fn a_configuration_is_known_to_those_who_uploaded_it(db: &dyn Metadata) {
    let at = At::sr(db);
    let [mine, other] = logins(db).await;
    upload(&at, mine, "config").await;
    upload(&at, mine, "layer").await;
    let config = seen(&at, mine, "config").await;
    assert!(config.may_be_known() && !config.may_be_read(), "no manifest has it as its configuration");
    assert!(seen(&at, other, "config").await.may_be_known());
    at.store(&Document::image(&["config", "layer"]), &[]).await;
    let (layer, config) = (seen(&at, mine, "layer").await, seen(&at, mine, "config").await);
    assert!(layer.may_be_known() && !layer.may_be_read());
    assert!(config.may_be_known() && config.may_be_read());
    assert!(seen(&at, other, "layer").await.may_be_known());
    let config = seen(&at, other, "config").await;
    assert!(!config.may_be_known() && !config.may_be_read());
    upload(&at, other, "config").await;
    assert!(seen(&at, other, "config").await.may_be_read());

    // A large blob stays a layer, even if a manifest names it as its configuration.
    let large =
        NewBlob { size: MAX_CONFIGURATION + 1, put_by: Some(mine), ..blob("large", ContentKey::unused()) };
    db.add_blob(&here(), &at.repository, large, NOW).await.unwrap();
    let mut image = Document::image(&["large"]).put();
    image.view.blobs[0].size = MAX_CONFIGURATION + 1;
    assert_eq!(at.put(image).await, ManifestOutcome::Stored);
    assert!(seen(&at, other, "large").await.may_be_known() && !seen(&at, mine, "large").await.may_be_read());
}

async fn a_configuration_is_mounted_by_those_who_uploaded_it(db: &dyn Metadata) {
    let at = At::sr(db);
    let [mine, other] = logins(db).await;
    upload(&at, mine, "config").await;
    upload(&at, mine, "layer").await;
    at.store(&Document::image(&["config", "layer"]), &[]).await;
    let to = At::new(db, here(), "to");
    let mount = |login, content: &str| {
        let digest = Digest::sha256(content.as_bytes());
        let (from, to) = (repository("sr"), repository("to"));
        async move {
            db.mount_blob(
                &here(),
                &to,
                Mount { from: Some(from.clone()), digest, seen_by: Some(login) },
                NOW,
                &quotas(),
            )
            .await
            .unwrap()
        }
    };
    assert!(mount(other, "layer").await && !mount(other, "config").await);
    assert!(mount(mine, "config").await);
    to.store(&Document::image(&["config", "layer"]), &[]).await;
    assert!(
        seen(&to, mine, "config").await.may_be_read() && !seen(&to, other, "config").await.may_be_known()
    );
    let layer = Digest::sha256(b"layer");
    assert!(
        !db.mount_blob(
            &here(),
            &to.repository,
            Mount { from: None, digest: layer, seen_by: Some(mine) },
            NOW,
            &quotas()
        )
        .await
        .unwrap()
    );
}

async fn what_was_uploaded_goes_with_the_blob_and_with_the_login(db: &dyn Metadata) {
    let at = At::sr(db);
    let [mine, other] = logins(db).await;
    for content in ["config", "other"] {
        upload(&at, mine, content).await;
        at.store(&Document::image(&[content]), &["latest"]).await;
    }
    at.with(mine).store(&Document::image(&["other"]), &["latest"]).await;
    let digest = Digest::sha256(b"config");
    db.delete_blob(&by(), &here(), &at.repository, &digest).await.unwrap();
    at.add("config").await;
    assert!(!seen(&at, mine, "config").await.may_be_known(), "it is another's upload now");
    assert!(seen(&at, mine, "other").await.may_be_read());
    let end = push_login(&here(), 1).expires_at.plus(Duration::from_secs(1));
    assert_eq!(db.forget_logins(end).await.unwrap(), 2);
    for login in [mine, other] {
        assert!(!seen(&at, login, "other").await.may_be_known() && !has_tag(&at, login, "latest").await);
    }
    // The login is forgotten during its upload.
    upload(&at, mine, "other").await;
    at.with(mine).store(&Document::image(&["other"]), &["latest"]).await;
    assert!(!seen(&at, mine, "other").await.may_be_known() && !has_tag(&at, mine, "latest").await);
}
