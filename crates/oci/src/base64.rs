//! Base 64, reading only: a descriptor may carry its content inside.

/// The bytes of a padded standard Base 64 text (RFC 4648, section 4). `None` for anything else, spare bits that are
/// not zero included, so that one content has one spelling.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let (groups, rest) = text.as_bytes().as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    let mut bytes = Vec::with_capacity(groups.len() * 3);
    let Some((last, whole)) = groups.split_last() else { return Some(bytes) };
    for group in whole {
        let [a, b, c, d] = [sextet(group[0])?, sextet(group[1])?, sextet(group[2])?, sextet(group[3])?];
        bytes.extend_from_slice(&join(a, b, c, d));
    }
    let digits = last.iter().position(|b| *b == b'=').unwrap_or(4);
    if digits < 2 || last[digits..].iter().any(|b| *b != b'=') {
        return None;
    }
    let mut sextets = [0; 4];
    for (slot, digit) in sextets.iter_mut().zip(&last[..digits]) {
        *slot = sextet(*digit)?;
    }
    let [a, b, c, d] = sextets;
    let joined = join(a, b, c, d);
    let (wanted, spare) = joined.split_at(digits - 1);
    if spare.iter().any(|b| *b != 0) {
        return None;
    }
    bytes.extend_from_slice(wanted);
    Some(bytes)
}

fn join(a: u8, b: u8, c: u8, d: u8) -> [u8; 3] {
    [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]
}

fn sextet(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn reads_the_standard_alphabet_with_padding() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("Zg==", b"f"),
            ("Zm8=", b"fo"),
            ("Zm9v", b"foo"),
            ("Zm9vYmFy", b"foobar"),
            ("e30=", b"{}"),
            ("+/+/", &[0xfb, 0xff, 0xbf]),
        ] {
            assert_eq!(decode(text).as_deref(), Some(bytes), "{text}");
        }
    }

    #[test]
    fn refuses_every_other_spelling() {
        for text in [
            "Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zg==Zg==", "Zm 9v", "-_-_", "Zm9v\n", "Z=g=", "é==",
        ] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
