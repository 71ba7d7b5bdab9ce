//! Brings the images of a deployment to the engine, by their pinned digests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gangplank_core::deployment::Spec;
use gangplank_core::registry_login::USERNAME;
use gangplank_core::{LoginId, Origin, Password, Principal, Reach, Scope};
use gangplank_engine::{Credentials, Engine, EngineError, ImageWanted};
use gangplank_store::StoreError;
use gangplank_store::metadata::deployments::{DeployedService, Deployment};
use gangplank_store::metadata::registry_logins::{LoginCreated, NewLogin, Requires};

use crate::app::App;
use crate::sealing::random_bytes;

/// The lifetime of the server's own pull login, in case nothing revokes it.
const PULL_LIFETIME: Duration = Duration::from_hours(1);

/// The engine's reference to each container's image, by container name.
pub(super) type References = BTreeMap<String, String>;

/// Why images could not be brought.
#[derive(Debug)]
pub(super) enum NotThere {
    /// A temporary failure of the engine, the registry or the store.
    Yet(String),
    /// A failure that would repeat.
    Ever(String),
}

/// Images that are in the engine, and remarks for people about how they got there.
#[derive(Debug)]
pub(super) struct There {
    pub(super) references: References,
    pub(super) remarks: Vec<String>,
}

/// Brings the images of a deployment to the engine, and pins references that were not pinned.
pub(super) async fn bring(
    app: &App,
    engine: &Arc<dyn Engine>,
    of: &DeployedService,
    deployment: &Deployment,
    spec: &Spec,
) -> Result<There, NotThere> {
    let needs_login = deployment.images.iter().any(|image| image.registered.is_some());
    let login = if needs_login { Some(issue(app, of).await?) } else { None };
    let brought = bring_each(app, engine, of, deployment, spec, login.as_ref().map(|(_, login)| login)).await;
    if let Some((id, _)) = login {
        // Revoke the login after a failure, too. If it cannot be revoked, it expires.
        let _ = app.metadata.revoke_login(&origin(app), &of.tenant, id, app.clock.now()).await;
    }
    brought
}

async fn bring_each(
    app: &App,
    engine: &Arc<dyn Engine>,
    of: &DeployedService,
    deployment: &Deployment,
    spec: &Spec,
    login: Option<&Credentials>,
) -> Result<There, NotThere> {
    let mut there = There { references: References::new(), remarks: Vec::new() };
    for image in &deployment.images {
        let given = spec.containers.get(&image.container).map_or("", |container| container.image.as_str());
        let wanted = match (&image.registered, &image.digest, login) {
            (Some(_), Some(digest), Some(login)) => ImageWanted::Ours {
                repository: of.service.name.clone(),
                digest: digest.clone(),
                login: login.clone(),
            },
            _ => ImageWanted::Public { reference: given.to_owned(), pinned: image.digest.clone() },
        };
        let present = engine.ensure_image(&wanted).await.map_err(|error| {
            let said = format!("{}: {given}: {error}", image.container);
            match error {
                EngineError::Away(_) | EngineError::RegistryAway(_) => NotThere::Yet(said),
                EngineError::NoImage(_) | EngineError::Refused(_) | EngineError::NoNode => {
                    NotThere::Ever(said)
                }
            }
        })?;
        if let (None, Some(digest)) = (&image.digest, &present.digest) {
            app.metadata.pin_image(of.service.id, deployment.version, &image.container, digest).await?;
        }
        there.remarks.extend(present.remark.map(|remark| format!("{}: {remark}", image.container)));
        there.references.insert(image.container.clone(), present.reference);
    }
    Ok(there)
}

/// Makes a pull login for the server itself.
async fn issue(app: &App, of: &DeployedService) -> Result<(LoginId, Credentials), NotThere> {
    let random = random_bytes().map_err(|error| NotThere::Yet(error.to_string()))?;
    let password = Password::generate(random);
    let now = app.clock.now();
    let login = NewLogin {
        tenant: of.tenant.clone(),
        owner: Principal::Server.owner(),
        scope: Scope::PULL,
        service: Some(of.service.id),
        reach: Reach::default(),
        session: None,
        password: password.hash(),
        created_at: now,
        expires_at: now.plus(PULL_LIFETIME),
    };
    // The login belongs to the server, so the account's quota does not apply.
    match app.metadata.insert_login(&origin(app), login, Requires::Nothing, u32::MAX).await? {
        LoginCreated::Created(id) => {
            let (username, password) = (USERNAME.to_owned(), password.expose().to_owned());
            Ok((id, Credentials { username, password }))
        }
        LoginCreated::NoSuchService | LoginCreated::NoServiceYet | LoginCreated::SessionEnded => {
            Err(NotThere::Ever("the service was deleted".to_owned()))
        }
    }
}

/// Revokes pull logins that an earlier run left when it was stopped during a pull. If other servers use the store,
/// such a login may be in use. So none is revoked, and they end by themselves within the hour.
pub(super) async fn end_logins_of_earlier_runs(app: &App) {
    if app.deployer.among().is_some() {
        return;
    }
    let ended = async {
        for (tenant, login) in app.metadata.logins_of_server(app.clock.now()).await? {
            app.metadata.revoke_login(&origin(app), &tenant, login, app.clock.now()).await?;
        }
        Ok::<(), StoreError>(())
    };
    if let Err(error) = ended.await {
        tracing::warn!(%error, "cannot end the pull logins of an earlier run; they end by themselves within the hour");
    }
}

/// The origin of changes that the server makes by itself, now.
pub(super) fn origin(app: &App) -> Origin {
    Origin { steady: app.clock.steady(), ..Origin::local(app.clock.now()) }
}

impl From<StoreError> for NotThere {
    fn from(error: StoreError) -> Self {
        Self::Yet(error.to_string())
    }
}
