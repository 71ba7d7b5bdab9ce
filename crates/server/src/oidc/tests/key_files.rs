//! Keys from a file.

use std::fs;

use super::*;
use crate::config::{Issuer, IssuerKeys};
use gangplank_testkit::identity::Decoy;

#[tokio::test]
async fn a_changed_file_is_taken_and_a_broken_one_is_not() {
    let decoy = Decoy::start().await;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("jwks.json");
    let put = |text: &str| {
        let new = home.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(&new, &path).unwrap();
    };
    let (old, new) = (TestKey::p256("old"), TestKey::p256("new"));
    put(&jwks(&[old.jwk()]));
    let url = format!("http://localhost:{}", decoy.address.port());
    let keys = IssuerKeys::File(path.clone());
    let issuers =
        Issuers::open(&[Issuer { keys, ..Issuer::new(&url, ["https://registry.example"]) }]).unwrap();
    let accepts = async |key: &TestKey| {
        issuers
            .verify(&key.token("ES256", &claims(&url)), at(0), at(0))
            .await
            .map_err(|refused| kind(&refused))
    };

    assert!(accepts(&old).await.is_ok());
    assert_eq!(accepts(&new).await.unwrap_err(), "invalid");
    put(&jwks(&[new.jwk()]));
    assert!(accepts(&new).await.is_ok());
    assert_eq!(accepts(&old).await.unwrap_err(), "invalid");
    put("{\"keys\": [");
    assert!(accepts(&new).await.is_ok());
    fs::remove_file(&path).unwrap();
    assert!(accepts(&new).await.is_ok());
    put(&jwks(&[old.jwk(), new.jwk()]));
    assert!(accepts(&new).await.is_ok() && accepts(&old).await.is_ok());
    assert_eq!(decoy.met().await, 0, "keys in a file need no connection");
}
