//! One-time links to the web console.
//!
//! A link opens nothing that its maker may not do, because each page and each button asks the maker's policies.
//! So making one needs no permission.

use gangplank_api::gangplank::{CreateConsoleLinkRequest, CreateConsoleLinkResult};
use gangplank_api::{ApiError, Timestamp};
use gangplank_core::{ConsoleSecret, console};
use gangplank_store::metadata::console_logins::NewConsoleLink;

use super::{Context, Result};
use crate::console::link_path;
use crate::sealing::random_bytes;

pub(super) async fn create(
    context: &Context<'_>,
    _: CreateConsoleLinkRequest,
) -> Result<CreateConsoleLinkResult> {
    let Context { app, tenant, .. } = context;
    if !app.console {
        return Err(ApiError::invalid_input("The web console of this server is switched off.")
            .with_tip("Its operator switches it on with --console on.")
            .into());
    }
    let secret = ConsoleSecret::generate(random_bytes()?);
    let created_at = app.clock.now();
    let ends_at = created_at.plus(console::LINK);
    let link = NewConsoleLink {
        secret: secret.hash(),
        key: context.call.caller.key().clone(),
        tenant: (*tenant).clone(),
        created_at,
        ends_at,
    };
    app.metadata.insert_console_link(&context.origin(), link).await?;
    let (access_key, peer) = (context.owner(), context.peer());
    tracing::info!(%tenant, %access_key, %peer, "made a link to the console");
    Ok(CreateConsoleLinkResult { path: link_path(&secret).into(), expires_at: Timestamp(ends_at.0) })
}
