//! Images: how they are pulled, why a pull fails, and how they are removed.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use gangplank_engine::docker::{Docker, Options};
use gangplank_engine::{Archives, Credentials, Engine as _, EngineError, ImageWanted};
use tokio::io::AsyncRead;

use crate::recorder::Recorder;
use crate::registry::{LOGIN, Registry, refusal};
use crate::world::{World, docker};

async fn engine(world: &World, registry: &str, change: impl FnOnce(&mut Options)) -> Docker {
    let mut options = world.options(&World::owner(), &Recorder::new());
    registry.clone_into(&mut options.registry);
    change(&mut options);
    docker(world.daemon(), options).await
}

fn ours(repository: &str, digest: &str, password: &str) -> ImageWanted {
    ImageWanted::Ours {
        repository: repository.to_owned(),
        digest: digest.to_owned(),
        login: Credentials { username: LOGIN.0.to_owned(), password: password.to_owned() },
    }
}

fn public(reference: String) -> ImageWanted {
    ImageWanted::Public { reference, pinned: None }
}

/// Our images are pulled by digest with the login, once.
pub(crate) async fn ours_are_pulled_by_digest(world: Arc<World>) {
    let registry = Registry::start();
    let digest = registry.put("private/web");
    let engine = engine(&world, &registry.address, |_| {}).await;
    let image = ours("private/web", &digest, LOGIN.1);
    let present = engine.ensure_image(&image).await.expect("an image");
    assert_eq!(present.reference, format!("{}/private/web@{digest}", registry.address));
    assert_eq!((present.digest.as_deref(), &present.remark), (Some(digest.as_str()), &None));
    let asked = registry.asked("GET");
    assert_eq!(engine.ensure_image(&image).await, Ok(present.clone()));
    assert_eq!(registry.asked("GET"), asked, "what is there was pulled again");

    // The image is kept the first time, and removed the second time.
    engine.remove_images_except(std::slice::from_ref(&present.reference)).await.expect("a removal");
    assert_eq!(engine.ensure_image(&image).await, Ok(present));
    assert_eq!(registry.asked("GET"), asked);
    engine.remove_images_except(&[]).await.expect("a removal");
    engine.ensure_image(&image).await.expect("an image");
    assert!(registry.asked("GET") > asked, "what was removed is there");
    engine.remove_images_except(&[]).await.expect("a removal");
}

/// Each kind of refusal has its own error, with the registry's message if there is one.
pub(crate) async fn refusals_are_told_apart(world: Arc<World>) {
    let registry = Registry::start();
    let digest = registry.put("private/web");
    let engine = engine(&world, &registry.address, |_| {}).await;
    let wrong = engine.ensure_image(&ours("private/web", &digest, "wrong")).await;
    assert!(
        matches!(&wrong, Err(EngineError::NoImage(why)) if why.to_lowercase().contains("unauthorized")),
        "{wrong:?}"
    );
    let absent = format!("sha256:{}", "0".repeat(64));
    let unknown = engine.ensure_image(&ours("private/web", &absent, LOGIN.1)).await;
    assert!(
        matches!(&unknown, Err(EngineError::NoImage(why)) if why.contains("manifest unknown")),
        "{unknown:?}"
    );
    let (status, media_type, body) = refusal(503, "UNAVAILABLE", "the disk is away");
    registry.answer(&format!("/v2/private/web/manifests/{absent}"), status, &media_type, body);
    let away = engine.ensure_image(&ours("private/web", &absent, LOGIN.1)).await;
    assert!(matches!(&away, Err(EngineError::RegistryAway(_))), "{away:?}");

    let nobody = self::engine(&world, "127.0.0.1:1", |_| {}).await;
    let refused = nobody.ensure_image(&ours("private/web", &digest, LOGIN.1)).await;
    assert!(
        matches!(&refused, Err(EngineError::RegistryAway(why)) if why.contains("connection refused")),
        "{refused:?}"
    );
}

/// An archive, and the requests for it.
#[derive(Default)]
struct Archive(Mutex<Vec<String>>);

#[async_trait]
impl Archives for Archive {
    async fn archive(
        &self,
        login: &Credentials,
        digest: &str,
        name: &str,
    ) -> std::io::Result<Box<dyn AsyncRead + Send + Unpin>> {
        self.0.lock().unwrap().push(format!("{}@{digest}", login.username));
        Ok(Box::new(std::io::Cursor::new(crate::actor::archive_named(name))))
    }
}

/// If the engine cannot reach the registry, our images are loaded.
pub(crate) async fn what_cannot_be_pulled_is_loaded(world: Arc<World>) {
    let archives = Arc::new(Archive::default());
    let engine = engine(&world, "127.0.0.1:1", |options| options.archives = Some(archives.clone())).await;
    let digest = format!("sha256:{}", "ab".repeat(32));
    let image = ours("web", &digest, LOGIN.1);
    let present = engine.ensure_image(&image).await.expect("an image");
    assert_eq!(present.digest.as_deref(), Some(digest.as_str()));
    assert_eq!(engine.ensure_image(&image).await, Ok(present.clone()));
    assert_eq!(*archives.0.lock().unwrap(), [format!("{}@{digest}", LOGIN.0)]);
    let mut spec = crate::actor::node(1, &[("app", "wait")]);
    spec.containers.get_mut("app").unwrap().image = present.reference;
    let seen = engine.start(&spec).await.expect("a node of a loaded image");
    // An image in use stays.
    engine.remove_images_except(&[]).await.expect("a removal");
    engine.ensure_image(&image).await.expect("an image");
    assert_eq!(archives.0.lock().unwrap().len(), 1);
    engine.remove(&seen.handle, std::time::Duration::ZERO).await.expect("a removal");
    engine.remove_images_except(&[]).await.expect("a removal");
    engine.ensure_image(&image).await.expect("an image");
    assert_eq!(archives.0.lock().unwrap().len(), 2);
    engine.remove_images_except(&[]).await.expect("a removal");
}

/// Public images are pinned. If one cannot be pulled, the engine's own copy is used, and the user is told.
pub(crate) async fn public_images_are_pinned(world: Arc<World>) {
    let registry = Registry::start_open();
    let digest = registry.put("open/app");
    let engine = engine(&world, "127.0.0.1:1", |options| options.allow_private_registries = true).await;
    let reference = format!("{}/open/app", registry.address);
    if !world.is_podman() {
        // Podman needs its own setting for a registry with plain HTTP.
        let present = engine.ensure_image(&public(reference.clone())).await.expect("an image");
        assert_eq!(present.reference, format!("{reference}@{digest}"));
        assert_eq!((present.digest.as_deref(), &present.remark), (Some(digest.as_str()), &None));
        let pinned = ImageWanted::Public { reference: reference.clone(), pinned: Some(digest.clone()) };
        let asked = registry.asked("GET");
        assert_eq!(engine.ensure_image(&pinned).await, Ok(present));
        assert_eq!(registry.asked("GET"), asked, "what is pinned and there was pulled again");
        engine.remove_images_except(&[]).await.expect("a removal");
        engine.ensure_image(&pinned).await.expect("an image");
        assert!(registry.asked("GET") > asked);
        let absent = engine.ensure_image(&public(format!("{}/open/none", registry.address))).await;
        assert!(matches!(absent, Err(EngineError::NoImage(_))), "{absent:?}");
        engine.remove_images_except(&[]).await.expect("a removal");
    }
    let own = engine.ensure_image(&public(crate::actor::IMAGE.to_owned())).await.expect("the engine's own");
    assert_eq!(own.digest, None);
    assert!(own.remark.as_deref().is_some_and(|remark| remark.contains("own copy")), "{own:?}");
    // An image that gangplank did not pull stays.
    engine.remove_images_except(&[]).await.expect("a removal");
    engine.ensure_image(&public(crate::actor::IMAGE.to_owned())).await.expect("the engine's own");
}

/// A tenant cannot make the engine contact private hosts.
pub(crate) async fn private_registries_are_refused(world: Arc<World>) {
    let registry = Registry::start_open();
    registry.put("open/app");
    let engine = engine(&world, &registry.address, |_| {}).await;
    for reference in [
        format!("{}/open/app", registry.address),
        "localhost:1/x".to_owned(),
        "169.254.169.254/latest/meta-data".to_owned(),
        "gangplank/pause:1".to_owned(),
        // A tenant cannot find out which images an engine has.
        "sha256:0".to_owned(),
        "gangplank.invalid/x/y:z".to_owned(),
    ] {
        let refused = engine.ensure_image(&public(reference)).await;
        assert!(matches!(refused, Err(EngineError::NoImage(_))), "{refused:?}");
    }
    assert_eq!(registry.asked("GET"), 0);
}
