use gangplank_oci::{Algorithm, Digest, DigestError};
use proptest::prelude::*;

const EMPTY_SHA256: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const EMPTY_SHA512: &str = "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce\
                            47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";

#[test]
fn is_the_hash_of_the_content() {
    assert_eq!(Digest::sha256(b"").to_string(), EMPTY_SHA256);
    assert_eq!(Digest::of(Algorithm::Sha512, b"").to_string(), EMPTY_SHA512);
    let abc = Digest::sha256(b"abc");
    assert_eq!(abc.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(abc.algorithm(), Algorithm::Sha256);
    assert_eq!(abc.as_bytes().len(), 32);
    assert_eq!(format!("{abc:?}"), format!("Digest({abc})"));
}

#[test]
fn reads_what_it_prints() {
    for text in [EMPTY_SHA256, EMPTY_SHA512] {
        let digest: Digest = text.parse().unwrap();
        assert_eq!(digest.to_string(), text);
        assert_eq!(serde_json::to_string(&digest).unwrap(), format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Digest>(&format!("\"{text}\"")).unwrap(), digest);
    }
}

#[test]
fn refuses_what_is_no_digest() {
    let (_, hex) = EMPTY_SHA256.split_once(':').unwrap();
    for text in [
        "",
        ":",
        "sha256",
        "sha256:",
        "sha256:abc",
        hex,
        &format!("SHA256:{hex}"),
        &format!("sha256:{}", hex.to_uppercase()),
        &format!("sha256:{hex}0"),
        &format!("sha256:{hex} "),
        &format!(" sha256:{hex}"),
        &format!("sha256:{}", &hex[1..]),
        &format!("sha256::{}", &hex[1..]),
        &format!("sha512:{hex}"),
        &format!("sha256:{}é", &hex[2..]),
        &format!("sha+:{hex}"),
        &format!("+sha:{hex}"),
        &format!("s a:{hex}"),
    ] {
        assert_eq!(Digest::parse(text), Err(DigestError::Malformed), "{text}");
    }
    for text in [&format!("sha384:{hex}"), "md5:", "multihash+base58:QmRZ", "tarsum.v1+sha256:00"] {
        assert_eq!(Digest::parse(text), Err(DigestError::UnsupportedAlgorithm), "{text}");
    }
    assert!(serde_json::from_str::<Digest>("\"sha256:abc\"").is_err());
}

proptest! {
    #[test]
    fn parse_and_display_are_inverse(content: Vec<u8>, long: bool) {
        let digest = Digest::of(if long { Algorithm::Sha512 } else { Algorithm::Sha256 }, &content);
        prop_assert_eq!(Digest::parse(&digest.to_string()), Ok(digest));
    }

    #[test]
    fn one_digest_has_one_spelling(text in "sha(256|512):[0-9a-fA-F]{64}([0-9a-f]{64})?") {
        if let Ok(digest) = Digest::parse(&text) {
            prop_assert_eq!(digest.to_string(), text);
        }
    }

    #[test]
    fn sorts_as_it_prints(a: Vec<u8>, b: Vec<u8>, long: bool) {
        let a = Digest::of(if long { Algorithm::Sha512 } else { Algorithm::Sha256 }, &a);
        let b = Digest::sha256(&b);
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
    }

    #[test]
    fn parse_never_panics(text: String) {
        let _ = Digest::parse(&text);
    }
}
