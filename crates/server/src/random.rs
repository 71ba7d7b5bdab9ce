//! Random bytes from the operating system.

/// Fills an array with bytes fit for secrets.
///
/// # Errors
/// If the operating system has none to give, which ends the request rather than weaken a secret.
pub(crate) fn bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    Ok(bytes)
}
