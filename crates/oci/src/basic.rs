//! Basic credentials in the `Authorization` header (RFC 7617).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The user name and the password of an `Authorization` header. `None` unless it is a complete Basic header in UTF-8.
/// The case of the scheme does not matter.
pub fn basic_credentials(header: &[u8]) -> Option<(String, String)> {
    let (scheme, credentials) = header.split_first_chunk::<6>()?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let credentials = String::from_utf8(STANDARD.decode(credentials.trim_ascii()).ok()?).ok()?;
    let (user, password) = credentials.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
