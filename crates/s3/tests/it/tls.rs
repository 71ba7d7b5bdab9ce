//! A server whose certificate is signed by a private authority.

use std::io::Write as _;

use bytes::Bytes;
use gangplank_s3::{Client, Endpoint, Guard, Settings};
use gangplank_testkit::s3::{BUCKET, FaultProxy, Program};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::world::{Fixed, key, server};

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_of_ones_own_is_trusted_and_no_other() {
    let Some(server) = server(Program::Versitygw) else { return };
    let mut authority = CertificateParams::new(vec![]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let own_key = KeyPair::generate().unwrap();
    let own =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&own_key, &issuer).unwrap();
    let proxy = FaultProxy::with_tls(&server.address(), &own.pem(), &own_key.serialize_pem());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(authority_pem.as_bytes()).unwrap();
    let client = |ca_file| {
        Client::new(Settings {
            bucket: BUCKET.to_owned(),
            endpoint: Some(Endpoint::parse(&proxy.endpoint().replace("http:", "https:")).unwrap()),
            region: "us-east-1".to_owned(),
            style: None,
            ca_file,
            credentials: vec![std::sync::Arc::new(Fixed(server.keys().0, server.keys().1))],
        })
    };
    let trusting = client(Some(file.path().to_owned())).unwrap();
    let key = key("tls");
    trusting.put_object(&key, Bytes::from_static(b"by TLS").into(), Guard::of(b"by TLS")).await.unwrap();
    assert_eq!(trusting.head_object(&key).await.unwrap().unwrap().length, 6);
    let refused = client(None).unwrap().head_object(&key).await.unwrap_err();
    assert!(refused.to_string().contains("certificate"), "{refused}");
    let empty = tempfile::NamedTempFile::new().unwrap();
    let said = client(Some(empty.path().to_owned())).map(drop).unwrap_err().to_string();
    assert!(said.contains("no PEM certificate"), "{said}");
}
