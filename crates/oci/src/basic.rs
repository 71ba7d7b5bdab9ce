//! Basic credentials, as clients send them with every request (RFC 7617).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The user name and the password of an `Authorization` header; `None` unless it is a whole Basic one, in
/// UTF-8. The scheme is read without regard to case.
pub fn basic_credentials(header: &[u8]) -> Option<(String, String)> {
    let (scheme, credentials) = header.split_first_chunk::<6>()?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let credentials = String::from_utf8(STANDARD.decode(credentials.trim_ascii()).ok()?).ok()?;
    let (user, password) = credentials.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
