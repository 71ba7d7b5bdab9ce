use gangplank_oci::{Digest, NameError, Reference, ReferenceError, RepositoryName, Tag, TagError};
use proptest::prelude::*;

#[test]
fn repository_names_follow_the_grammar() {
    for name in [
        "sr",
        "a",
        "0",
        "team/app",
        "a.b/c_d/e__f/g-h/i---j",
        "blobs/manifests/tags/uploads/list",
        "v2",
        &"a".repeat(255),
    ] {
        assert_eq!(RepositoryName::parse(name).map(|name| name.to_string()).as_deref(), Ok(name));
    }
    for name in [
        "/", "a/", "/a", "a//b", ".", "..", "a/..", "../a", "a..b", "a/./b", ".a", "a.", "_a", "a_", "a___b",
        "-a", "a-", "a.-b", "a-_b", "a_.b", "A", "aB", "é", "a b", "a\0", "a%2fb", "a\\b", "a:b", "a@b",
        "a\n", "_catalog",
    ] {
        assert_eq!(RepositoryName::parse(name), Err(NameError::Malformed), "{name}");
    }
    assert_eq!(RepositoryName::parse(""), Err(NameError::Empty));
    assert_eq!(RepositoryName::parse(&"a".repeat(256)), Err(NameError::TooLong));
}

#[test]
fn tags_follow_the_grammar() {
    for tag in ["latest", "_", "1.0.0-rc.1", "A__b--c..d", "www.73", &"t".repeat(128)] {
        assert_eq!(Tag::parse(tag).map(|tag| tag.to_string()).as_deref(), Ok(tag));
    }
    for tag in ["", ".", "..", ".a", "-a", "a b", "a:b", "a/b", "a+b", "é", "a\0", "a\n", &"t".repeat(129)] {
        assert_eq!(Tag::parse(tag), Err(TagError), "{tag}");
    }
}

#[test]
fn some_tags_are_about_a_manifest() {
    let hex = "0123456789abcdef".repeat(4);
    for about in [
        format!("sha256-{hex}"),
        format!("sha256-{hex}.sig"),
        format!("sha512-{hex}"),
        format!("sha256-{hex}-x"),
    ] {
        assert!(Tag::parse(&about).unwrap().is_about_a_manifest(), "{about}");
    }
    for other in [
        "latest".to_owned(),
        format!("sha256-{}", &hex[1..]),
        format!("sha1-{hex}"),
        hex.clone(),
        format!("sha256-{}", hex.to_uppercase()),
    ] {
        assert!(!Tag::parse(&other).unwrap().is_about_a_manifest(), "{other}");
    }
}

#[test]
fn a_colon_makes_a_reference_a_digest() {
    let digest = Digest::sha256(b"");
    assert_eq!(Reference::parse(&digest.to_string()), Ok(Reference::Digest(digest)));
    assert_eq!(Reference::parse("v1"), Ok(Reference::Tag(Tag::parse("v1").unwrap())));
    assert_eq!(Reference::parse("v1").unwrap().tag().map(Tag::as_str), Some("v1"));
    assert_eq!(Reference::parse(&digest.to_string()).unwrap().digest(), Some(&digest));
    assert!(matches!(Reference::parse("v1:"), Err(ReferenceError::Digest(_))));
    assert!(matches!(Reference::parse(""), Err(ReferenceError::Tag(_))));
}

#[test]
fn names_are_plain_strings_to_serde() {
    let name = RepositoryName::parse("team/app").unwrap();
    assert_eq!(serde_json::to_string(&name).unwrap(), "\"team/app\"");
    assert_eq!(serde_json::from_str::<RepositoryName>("\"team/app\"").unwrap(), name);
    assert!(serde_json::from_str::<RepositoryName>("\"Team\"").is_err());
    assert!(serde_json::from_str::<Tag>("\"-\"").is_err());
}

proptest! {
    #[test]
    fn every_name_of_the_grammar_is_accepted(
        name in "[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,3}(/[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,3}){0,3}",
    ) {
        prop_assert_eq!(RepositoryName::parse(&name).map(|name| name.to_string()), Ok(name));
    }

    #[test]
    fn no_accepted_name_is_dangerous(name in "[a-z0-9._/-]{0,12}") {
        if RepositoryName::parse(&name).is_ok() {
            prop_assert!(!name.contains("..") && !name.contains("//") && !name.contains("___"));
            prop_assert!(name.split('/').all(|c| !c.is_empty()));
            prop_assert!(name.starts_with(|c: char| c.is_ascii_alphanumeric()));
            prop_assert!(name.ends_with(|c: char| c.is_ascii_alphanumeric()));
        }
    }

    #[test]
    fn every_tag_of_the_grammar_is_accepted(tag in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}") {
        prop_assert_eq!(Tag::parse(&tag).map(|tag| tag.to_string()), Ok(tag));
    }

    #[test]
    fn parsing_never_panics(text: String) {
        let _ = RepositoryName::parse(&text);
        let _ = Reference::parse(&text);
    }
}
