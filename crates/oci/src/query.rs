//! Percent-encoding and query strings (RFC 3986).

use std::borrow::Cow;

/// Decodes percent-encoding. A text with invalid encoding is returned unchanged. It still has a `%`, which no name,
/// tag, digest, session or number has, so it is refused later.
pub(crate) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    decode_bytes(text.as_bytes())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map_or(Cow::Borrowed(text), Cow::Owned)
}

fn decode_bytes(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte == b'%' {
            let (digits, behind) = rest.split_first_chunk::<2>()?;
            decoded.push(hex_digit(digits[0])? << 4 | hex_digit(digits[1])?);
            rest = behind;
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The query of a URL: `name=value` pairs in order. A `+` stays a `+`: media types contain it, and no parameter
/// contains a space.
#[derive(Clone, Copy)]
pub(crate) struct Query<'q>(&'q str);

/// A parameter with only one possible meaning was given more than once.
pub(crate) struct Repeated;

impl<'q> Query<'q> {
    pub(crate) fn new(query: Option<&'q str>) -> Query<'q> {
        Query(query.unwrap_or_default())
    }

    /// Every value of a parameter. A parameter without `=` has an empty value.
    pub(crate) fn all(self, name: &'static str) -> impl Iterator<Item = Cow<'q, str>> {
        self.0.split('&').filter_map(move |pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key) == name).then(|| decode(value))
        })
    }

    /// The first value of a parameter, for parameters where a second one does no harm.
    pub(crate) fn first(self, name: &'static str) -> Option<Cow<'q, str>> {
        self.all(name).next()
    }

    /// The value of a parameter that must not be there twice. A proxy between the client and us may have looked at
    /// the other value.
    pub(crate) fn only(self, name: &'static str) -> Result<Option<Cow<'q, str>>, Repeated> {
        let mut values = self.all(name);
        let value = values.next();
        if values.next().is_some() { Err(Repeated) } else { Ok(value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_once_and_only_what_is_valid() {
        for (text, decoded) in [
            ("sha256%3Aab", "sha256:ab"),
            ("a%2Fb%2fc", "a/b/c"),
            ("%2525", "%25"),
            ("%", "%"),
            ("%4", "%4"),
            ("%zz", "%zz"),
            ("%+1", "%+1"),
            ("%ff", "%ff"),
            ("%C3%A9", "é"),
            ("a+b", "a+b"),
        ] {
            assert_eq!(decode(text), decoded);
        }
    }

    #[test]
    fn finds_parameters() {
        let query = Query::new(Some("n=1&tag=a&&digest&t%61g=b=c&last="));
        assert_eq!(query.all("tag").collect::<Vec<_>>(), ["a", "b=c"]);
        assert_eq!(query.first("digest").as_deref(), Some(""));
        assert_eq!(query.first("last").as_deref(), Some(""));
        assert_eq!(query.first("absent"), None);
        assert!(query.only("tag").is_err());
        assert_eq!(query.only("n").ok().flatten().as_deref(), Some("1"));
        assert_eq!(Query::new(None).first("n"), None);
    }
}
