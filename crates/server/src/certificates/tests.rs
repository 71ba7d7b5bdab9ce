//! Tests with good and bad certificate files.

use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::config::TlsFiles;

/// Writes a certificate for these domains, and its key.
pub(crate) fn write(folder: &Path, name: &str, domains: &[&str]) -> TlsFiles {
    let domains: Vec<String> = domains.iter().map(|it| (*it).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(domains).unwrap();
    let files =
        TlsFiles { certificate: folder.join(format!("{name}.crt")), key: folder.join(format!("{name}.key")) };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    files
}

#[test]
fn a_domain_without_a_service_is_not_the_servers() {
    let home = TempDir::new().unwrap();
    let shop = write(home.path(), "shop", &["shop.example.com", "*.example.com"]);
    let own = PairInFiles::open(&write(home.path(), "own", &["registry.example.com"])).unwrap();
    let mut certificates = named(&[("shop", shop)]).unwrap();
    let of = |certificates: &Certificates, public: Option<&str>| {
        let hosts =
            ["shop.example.com", "www.example.com", "registry.example.com", "a.b.example.com", "localhost"];
        hosts.map(|host| certificates.are_for_services(host, public))
    };
    // Nobody knows the server's name: it may be any of those that match the star.
    assert_eq!(of(&certificates, None), [true, false, false, false, false]);
    assert_eq!(of(&certificates, Some("registry.example.com")), [true, true, false, false, false]);
    certificates.own = Some(own);
    assert_eq!(of(&certificates, None), [true, true, false, false, false]);
    assert_eq!(of(&certificates, Some("www.example.com")), [true, false, false, false, false]);
    let star = PairInFiles::open(&write(home.path(), "star", &["*.example.com"])).unwrap();
    certificates.own = Some(star);
    assert_eq!(of(&certificates, None), [false; 5]);
    assert_eq!(of(&certificates, Some("registry.example.com")), [true, false, false, false, false]);
}

fn named(pairs: &[(&str, TlsFiles)]) -> Result<Certificates> {
    let named = pairs
        .iter()
        .map(|(name, files)| PairInFiles::open_for_domains(files).map(|pair| ((*name).to_owned(), pair)));
    Ok(Certificates { own: None, named: named.collect::<Result<_>>()? })
}

#[test]
fn a_domain_is_led_only_by_a_certificate_that_is_for_it() {
    let home = TempDir::new().unwrap();
    let shop = write(home.path(), "shop", &["shop.example.com", "*.shop.example.com"]);
    let certificates = named(&[("shop", shop)]).unwrap();
    assert_eq!(certificates.certificate_covers("shop", "shop.example.com"), Ok(()));
    assert_eq!(certificates.certificate_covers("shop", "www.shop.example.com"), Ok(()));
    let other = certificates.certificate_covers("shop", "example.com").unwrap_err();
    assert_eq!(
        other.to_string(),
        "The certificate \"shop\" is not for example.com, but for shop.example.com, *.shop.example.com."
    );
    let unknown = certificates.certificate_covers("blog", "shop.example.com").unwrap_err().to_string();
    assert!(unknown.contains("\"blog\"") && unknown.contains("[certificates.NAME]"), "{unknown}");
}

#[test]
fn a_pair_that_cannot_be_used_is_refused_in_words() {
    let home = TempDir::new().unwrap();
    let (one, two) = (write(home.path(), "one", &["a.example"]), write(home.path(), "two", &["b.example"]));
    let says = |files: TlsFiles| format!("{:#}", named(&[("x", files)]).unwrap_err());
    let mixed = says(TlsFiles { certificate: one.certificate.clone(), key: two.key });
    assert!(mixed.contains("do not fit"), "{mixed}");
    let nameless = says(write(home.path(), "nameless", &["192.0.2.1"]));
    assert!(nameless.contains("names no domain"), "{nameless}");
    let away = says(TlsFiles { certificate: home.path().join("away"), key: one.key });
    assert!(away.contains("cannot read"), "{away}");
}

#[test]
fn a_certificate_that_was_replaced_is_taken_and_a_broken_one_is_not() {
    let home = TempDir::new().unwrap();
    let files = write(home.path(), "one", &["old.example"]);
    let certificates = named(&[("one", files.clone())]).unwrap();
    let covers = |domain: &str| certificates.certificate_covers("one", domain).is_ok();
    write(home.path(), "one", &["new.example"]);
    certificates.reload_if_changed();
    assert!(covers("new.example") && !covers("old.example"));
    std::fs::write(&files.certificate, "nothing").unwrap();
    certificates.reload_if_changed();
    certificates.reload();
    assert!(covers("new.example"), "what was there stays");
}
