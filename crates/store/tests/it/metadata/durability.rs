//! Acknowledged changes still exist after the store is reopened.

use gangplank_core::Time;
use gangplank_oci::Digest;
use gangplank_store::metadata::registry_logins::LoginLookup;
use gangplank_store::metadata::role_sessions::Credential;
use gangplank_store::metadata::uploads::{UploadOwner, UploadSession};

use super::uploads::{fed, session};
use crate::backends::Scratch;
use crate::world::{
    At, Document, NOW, PLENTY, access_key, by, create_login, create_role, create_service, create_session,
    delete_image, delete_service, here, images_of, key_id, owner_of, password, push_login, register,
    repository, role_name, service_id, session_key, tagged,
};

durability_contract! {
    everything_is_there_after_opening_again,
    numbers_go_on_after_opening_again,
    deletions_stay_after_opening_again,
}

async fn everything_is_there_after_opening_again(scratch: &mut dyn Scratch) {
    let db = scratch.metadata();
    db.insert_access_key(&by(), access_key(&here(), 1), PLENTY).await.unwrap();
    create_login(db, push_login(&here(), 1)).await;
    let role = create_role(db, &here(), "push").await;
    create_session(db, &role, 1).await;
    let role = db.role(&here().account, &role.name).await.unwrap();
    create_service(db, &here(), "web").await;
    let web = service_id(db, &here(), "web").await;
    let service = db.service(&here(), "web").await.unwrap();
    let at = At::sr(db);
    let image = at.image(&["config", "layer"], &["latest"]).await;
    let note = Document::about(&image, "application/note", &["config"]);
    at.store(&note, &[]).await;
    let registered = register(db, &here(), "web", &image).await;
    let owner = UploadOwner { tenant: here(), repository: repository("sr"), owner: owner_of(1) };
    let upload = UploadSession { touched_at: Time(NOW.0 + 1), ..fed("one", 7) };
    db.open_upload(&owner, session("one"), PLENTY).await.unwrap();
    db.advance_upload(&owner, &session("one").checkpoint, upload.clone()).await.unwrap();
    let unwanted = at.add("unwanted").await;
    db.delete_blob(&by(), &here(), &at.repository, &Digest::sha256(b"unwanted")).await.unwrap();

    for _ in 0..2 {
        scratch.reopen();
        let db = scratch.metadata();
        let at = At::sr(db);
        assert!(db.is_healthy());
        assert!(db.access_key(&key_id(1)).await.unwrap().unwrap().enabled);
        assert!(matches!(db.login(&password(1).hash()).await.unwrap(), LoginLookup::Live(_)));
        assert_eq!(db.role(&here().account, &role_name("push")).await.unwrap(), role);
        let session = db.credential(&session_key(1)).await.unwrap();
        assert!(matches!(session, Some(Credential::Session(it)) if it.role == role));
        assert_eq!(db.service(&here(), "web").await.unwrap(), service);
        assert_eq!(images_of(db, &here(), "web").await, Some(vec![registered.clone()]));
        assert_eq!(db.image_manifest(&here(), web, "app", 1).await.unwrap(), Some(image.stored()));
        assert!(at.holds("layer").await);
        assert_eq!(at.get(&tagged("latest")).await, Some(image.stored()));
        assert_eq!(at.get(&note.reference()).await, Some(note.stored()));
        let referrers =
            db.referrers(&here(), &at.repository, &image.digest(), None, None, 0).await.unwrap().page;
        assert_eq!(referrers.len(), 1);
        assert_eq!(at.tags().await.unwrap(), ["latest"]);
        assert_eq!(db.upload(&owner, "one").await.unwrap(), Some(upload.clone()));
        assert_eq!(crate::world::discarded(db).await, std::slice::from_ref(&unwanted));
    }
}

async fn numbers_go_on_after_opening_again(scratch: &mut dyn Scratch) {
    let db = scratch.metadata();
    create_service(db, &here(), "web").await;
    let image = At::sr(db).image(&["config"], &[]).await;
    let old_service = service_id(db, &here(), "web").await;
    for number in 1..=3 {
        let db = scratch.metadata();
        let registered = register(db, &here(), "web", &image).await;
        assert_eq!(registered.name.number, number);
        delete_image(db, &here(), &registered.name, NOW).await;
        scratch.reopen();
    }
    let db = scratch.metadata();
    delete_service(db, &here(), "web", NOW).await;
    scratch.reopen();
    let db = scratch.metadata();
    create_service(db, &here(), "web").await;
    assert_ne!(service_id(db, &here(), "web").await, old_service);
}

async fn deletions_stay_after_opening_again(scratch: &mut dyn Scratch) {
    let db = scratch.metadata();
    let at = At::sr(db);
    let image = at.image(&["config"], &["latest"]).await;
    create_service(db, &here(), "web").await;
    register(db, &here(), "web", &image).await;
    delete_service(db, &here(), "web", NOW).await;
    db.delete_manifest(&by(), &here(), &at.repository, &image.digest(), NOW).await.unwrap();
    db.delete_blob(&by(), &here(), &at.repository, &Digest::sha256(b"config")).await.unwrap();
    scratch.reopen();
    let db = scratch.metadata();
    let at = At::sr(db);
    assert_eq!(db.services(&here()).await.unwrap(), []);
    assert_eq!(at.get(&image.reference()).await, None);
    assert_eq!(at.tags().await, Some(Vec::new()));
    assert!(!at.holds("config").await);
}
