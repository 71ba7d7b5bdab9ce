//! SHA-256 values in hexadecimal.

/// The 64 lower-case digits of a value.
pub(crate) fn format(value: &[u8; 32]) -> [u8; 64] {
    let mut digits = [0; 64];
    hex::encode_to_slice(value, &mut digits).expect("32 bytes have 64 digits");
    digits
}

/// Reads 64 lower-case digits as 32 bytes. Each value has one spelling, so upper case is refused.
pub(crate) fn parse(text: &[u8]) -> Option<[u8; 32]> {
    if text.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}
