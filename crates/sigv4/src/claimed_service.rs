//! The service that a request claims to be signed for. It is read before anything is checked.

use crate::{ALGORITHM, TERMINATOR};

/// The longest name that is accepted.
const MAX_LEN: usize = 64;

/// The service in the scope of a request's signature, from its `Authorization` header or else from its query. `None`
/// if there is no signature, or its scope has no service.
///
/// The caller chooses it. So it may decide about the form of an answer, and nothing else.
pub fn claimed_service<'a>(authorization: Option<&'a [u8]>, query: Option<&'a str>) -> Option<&'a str> {
    let credential = match authorization {
        Some(value) => {
            let parameters = value.trim_ascii_start().strip_prefix(ALGORITHM.as_bytes())?;
            let mut parameters = str::from_utf8(parameters).ok()?.split([',', ' ']);
            parameters.find_map(|parameter| parameter.strip_prefix("Credential="))
        }
        None => query?.split('&').find_map(|parameter| parameter.strip_prefix("X-Amz-Credential=")),
    };
    credential.and_then(service)
}

/// The part before the last. Slashes in it may be escaped.
fn service(credential: &str) -> Option<&str> {
    let scope = without_slash(credential.strip_suffix(TERMINATOR)?)?;
    let start = [("/", 1), ("%2F", 3), ("%2f", 3)]
        .into_iter()
        .filter_map(|(slash, length)| scope.rfind(slash).map(|at| at + length))
        .max()?;
    let service = &scope[start..];
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    ((1..=MAX_LEN).contains(&service.len()) && service.bytes().all(is_name)).then_some(service)
}

fn without_slash(text: &str) -> Option<&str> {
    text.strip_suffix('/').or_else(|| text.strip_suffix("%2F")).or_else(|| text.strip_suffix("%2f"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(authorization: Option<&'a str>, query: Option<&'a str>) -> Option<&'a str> {
        claimed_service(authorization.map(str::as_bytes), query)
    }

    #[test]
    fn the_scope_says_which_service_it_is() {
        for scope in ["AK/20261123/us-east-1/s3/aws4_request", "a/b/c/20261123/eu-west-1/s3/aws4_request"] {
            let header = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00");
            assert_eq!(of(Some(&header), None), Some("s3"), "{scope}");
            assert_eq!(of(Some(&header.replace(", ", ",")), Some("X-Amz-Credential=x")), Some("s3"));
            for slash in ["/", "%2F", "%2f"] {
                let query = format!("A=b&X-Amz-Credential={}&X-Amz-Date=x", scope.replace('/', slash));
                assert_eq!(of(None, Some(&query)), Some("s3"), "{query}");
            }
        }
    }

    #[test]
    fn what_is_no_scope_names_none() {
        let long = "x".repeat(65);
        for credential in
            ["", "a/b", "a/aws4_request", "a/b/aws4_reques", "a//aws4_request", "a/é/aws4_request"]
        {
            let header = format!("AWS4-HMAC-SHA256 Credential={credential},SignedHeaders=a");
            assert_eq!(of(Some(&header), None), None, "{credential}");
        }
        let header = format!("AWS4-HMAC-SHA256 Credential=a/{long}/aws4_request");
        for header in [header.as_str(), "Basic Credential=a/s3/aws4_request", "AWS4-HMAC-SHA256", ""] {
            assert_eq!(of(Some(header), None), None, "{header}");
        }
        assert_eq!(of(None, None), None);
        assert_eq!(of(None, Some("X-Amz-Credential=a%2Fb%2")), None);
    }
}
