//! Random bytes from the operating system.

/// Fills an array with bytes fit for secrets.
///
/// # Errors
/// If the operating system has none. The request then fails, because a secret must not be weak.
pub(crate) fn bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    Ok(bytes)
}
