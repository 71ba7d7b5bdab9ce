//! The places where container tools look for a registry's login: docker's `config.json`, the credential helper that
//! it names, and the `auth.json` of podman, skopeo and buildah
//! (<https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md>).

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::auth_file::AuthFile;
use super::kept::{KeptLogins, Kind, Made};
use super::registries::Registries;
use crate::files::home_folders;
use crate::system::{self, child};
use crate::terminal::output;

/// The name of `docker-credential-gangplank` in configuration files.
const OUR_HELPER: &str = "gangplank";

/// Whether the files have a login for a registry, and all such logins are ours.
///
/// # Errors
/// If a file is no JSON object.
pub(crate) fn has_ours(registry: &str) -> Result<bool> {
    let mut found = false;
    for file in files()? {
        let content = AuthFile::read(&file)?;
        if !content.has_login(registry) {
            continue;
        }
        if !content.login(registry).is_some_and(|login| login.is_ours()) {
            return Ok(false);
        }
        found = true;
    }
    Ok(found)
}

/// Fails if the new login would replace a login of another kind that has not ended.
fn refuse_other_kind(made: &Made) -> Result<()> {
    let kind = &made.kind;
    let (kept, now, registry) = (KeptLogins::open()?, output::now(), made.registry.as_str());
    for file in files()? {
        let content = AuthFile::read(&file)?;
        let (there, place) = match content.helper_for(registry) {
            Some(helper) if helper == OUR_HELPER => {
                let stored =
                    kept.stored(registry, now).map(|login| kept.kind(registry, Some(&login.secret), now));
                (
                    stored.unwrap_or_else(|| kept.made_kind(registry, now)),
                    format!("docker-credential-{helper}"),
                )
            }
            // Other helpers are not asked for their logins.
            Some(helper) => (kept.kind(registry, None, now), format!("docker-credential-{helper}")),
            None => {
                let login = content.login(registry);
                let there = login.and_then(|login| kept.kind(registry, Some(&login.secret), now));
                (there, file.display().to_string())
            }
        };
        if let Some(there) = there.filter(|there| *there != kind) {
            bail!(
                "{place} has a {there} for {registry}, and holds one alone; --force puts a {kind} in its place"
            );
        }
    }
    Ok(())
}

/// The treatment of an existing login of another kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OtherKind {
    /// Keep the existing login, and write nothing.
    Refuse,
    /// Replace it by the new login.
    Replace,
}

/// Writes a login into every place where container tools look. Returns the places. The rest of each file stays as it
/// is.
///
/// # Errors
/// If a file is no JSON object or cannot be written, or if a helper refuses.
pub(crate) fn put(made: &Made, other_kind: OtherKind) -> Result<Vec<String>> {
    if other_kind == OtherKind::Refuse {
        refuse_other_kind(made)?;
    }
    let (registry, login) = (made.registry.as_str(), &made.login);
    let auth = STANDARD.encode(format!("{}:{}", login.username, login.secret));
    let mut places = Vec::new();
    for file in files()? {
        let mut content = AuthFile::read(&file)?;
        if let Some(helper) = content.helper_for(registry) {
            let given = json!({ "ServerURL": registry, "Username": login.username, "Secret": login.secret });
            match helper.as_str() {
                OUR_HELPER => hand_to_our_helper(made)?,
                helper => ask(helper, "store", &given.to_string())?,
            }
            places.push(format!("docker-credential-{helper}"));
        } else {
            content.forget(registry);
            content.auths.get_or_insert_default().insert(registry.to_owned(), json!({ "auth": auth }));
            content.write(&file)?;
            places.push(file.display().to_string());
        }
    }
    // The logins are written already, so a failure here is only reported.
    if let Err(error) = KeptLogins::open().and_then(|mut kept| kept.note(made, output::now())) {
        output::warn(format_args!("cannot record the kind of this login: {error:#}"));
    }
    Ok(places)
}

/// Reads every file that will be written. So a login that could not be stored is not made.
///
/// # Errors
/// If a file cannot be read, or does not have docker's form.
pub(crate) fn check() -> Result<()> {
    files()?.iter().try_for_each(|file| AuthFile::read(file).map(drop))
}

/// Makes clients ask our helper for a registry's login, in place of the login that the files have. Returns the files,
/// and what each had before.
///
/// # Errors
/// If a file is no JSON object or cannot be written.
pub(crate) fn set_helper(registry: &str) -> Result<Vec<String>> {
    let mut places = Vec::new();
    for file in files()? {
        let mut content = AuthFile::read(&file)?;
        let before = content.helper_for(registry).filter(|helper| helper != OUR_HELPER);
        content.helpers.get_or_insert_default().insert(registry.to_owned(), OUR_HELPER.into());
        let had_login = content.forget(registry);
        content.write(&file)?;
        places.push(match before {
            Some(helper) => format!("{}, in place of docker-credential-{helper}", file.display()),
            None if had_login => format!("{}, in place of the login that was there", file.display()),
            None => file.display().to_string(),
        });
    }
    Ok(places)
}

/// Removes the login for a registry from every place. Returns the places that had one.
///
/// # Errors
/// If a file is no JSON object or cannot be written, or if a helper fails.
pub(crate) fn remove(registry: &str) -> Result<Vec<String>> {
    let mut places = Vec::new();
    if KeptLogins::open()?.forget(registry, output::now())? {
        places.push(format!("docker-credential-{OUR_HELPER}"));
    }
    for file in files()? {
        let mut content = AuthFile::read(&file)?;
        if let Some(helper) = content.helper_for(registry).filter(|helper| helper != OUR_HELPER) {
            ask(&helper, "erase", registry)?;
            places.push(format!("docker-credential-{helper}"));
        }
        if content.forget(registry) {
            content.write(&file)?;
            places.push(file.display().to_string());
        }
    }
    Ok(places)
}

/// Gives a login to our helper. If the helper was set up for the registry, it remembers only the kind, and makes and
/// renews such logins itself. For another registry it stores the login.
fn hand_to_our_helper(made: &Made) -> Result<()> {
    let (mut kept, now) = (KeptLogins::open()?, output::now());
    let is_known = Registries::open()?.set_kind(&made.registry, &made.kind)?;
    if made.kind != Kind::Push && !is_known {
        return kept.store(&made.registry, made.login.clone(), now);
    }
    kept.forget(&made.registry, now)?;
    kept.keep(made.clone(), now)
}

/// The files to write: always the file of docker. Podman reads docker's file if its own has no entry, so
/// podman's own file is written only if it exists or was asked for.
fn files() -> Result<Vec<PathBuf>> {
    let docker = home_folders::docker_config().context("no folder for docker's configuration was found")?;
    let mut files = vec![docker.join("config.json")];
    if let Some(file) = std::env::var_os("REGISTRY_AUTH_FILE").filter(|value| !value.is_empty()) {
        files.push(file.into());
        return Ok(files);
    }
    let runtime = home_folders::runtime().map(|folder| folder.join("containers/auth.json"));
    let own = system::podman_folder().join("auth.json");
    // Without a home folder there is no such file.
    let config = home_folders::config().ok();
    let podman = [Some(runtime.unwrap_or(own)), config.map(|folder| folder.join("containers/auth.json"))];
    files.extend(podman.into_iter().flatten().filter(|file| file.exists()));
    Ok(files)
}

/// Runs another helper. Its output is never shown, because it may be a secret.
fn ask(helper: &str, action: &str, input: &str) -> Result<()> {
    let program = format!("docker-credential-{helper}");
    let run = child::run(Command::new(&program).arg(action), Some(input));
    let status =
        run.with_context(|| format!("cannot run {program}, which keeps this registry's login"))?.status;
    if !status.success() {
        bail!("{program} refused to {action} the login");
    }
    Ok(())
}
