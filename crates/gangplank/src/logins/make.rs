//! Has a server make a registry login, and checks the answer before anybody uses it.

use anyhow::{Context as _, Result, ensure};
use gangplank_api::gangplank::{CreateRegistryLoginRequest, RegistryLoginScope};
use gangplank_api::lightsail::{ContainerServiceRegistryLogin, CreateContainerServiceRegistryLoginRequest};

use super::kept::{Kind, Login, Made};
use crate::aws::api_client::{ApiClient, Principal, present};
use crate::terminal::{foreign, output};

/// Makes a login of a kind.
///
/// # Errors
/// If the server refuses or cannot be reached, or if its answer has no usable login.
pub(crate) async fn make(client: &ApiClient, kind: &Kind) -> Result<Made> {
    match kind {
        // The call that every AWS client makes.
        Kind::Push => {
            let answer = client.call(&CreateContainerServiceRegistryLoginRequest {}).await?;
            let login = answer.registry_login.context("the server's answer has no login")?;
            checked(client.principal(), login, kind)
        }
        Kind::Pull(_) => make_with(client, kind, |request| request).await,
    }
}

/// Makes a login of a kind. `narrow` adds limits to the request.
///
/// # Errors
/// Those of [`make`].
pub(crate) async fn make_with(
    client: &ApiClient,
    kind: &Kind,
    narrow: impl FnOnce(CreateRegistryLoginRequest) -> CreateRegistryLoginRequest,
) -> Result<Made> {
    let service_name = kind.service().map(str::to_owned);
    let scope = service_name.is_none().then(|| vec![RegistryLoginScope::Push]);
    let request = CreateRegistryLoginRequest { scope, service_name, ..Default::default() };
    let login = client.call(&narrow(request)).await?.registry_login;
    checked(client.principal(), login, kind)
}

/// Checks a login that a server made.
///
/// # Errors
/// If a member is missing, or has letters that no login has.
pub(crate) fn checked(
    principal: Principal,
    login: ContainerServiceRegistryLogin,
    kind: &Kind,
) -> Result<Made> {
    let secret = present(login.password, "password")?.expose().to_owned();
    let registry = present(login.registry, "registry")?;
    let username = present(login.username, "username")?;
    // Each is printed or written as it is, and scripts read it.
    for word in [&registry, &username, &secret] {
        let is_word = !word.is_empty()
            && !word.contains(|letter: char| letter.is_whitespace() || foreign::is_hidden(letter));
        ensure!(is_word && !foreign::gives_orders(word), "the server made a login that nobody can use");
    }
    ensure!(!username.contains(':'), "the server made a login that nobody can use");
    Ok(Made {
        principal,
        registry,
        kind: kind.clone(),
        login: Login { username, secret },
        issued_at: output::now(),
        expires_at: present(login.expires_at, "expiresAt")?.0,
    })
}
