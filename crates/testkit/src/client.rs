//! One HTTP client for all tests of a program.

use std::sync::LazyLock;

use reqwest::Certificate;
use reqwest::blocking::Client;

use crate::identity::tls_file;

/// A handle to the client. It is shared, because making one reads the system's certificates, which takes longer than
/// most tests. It uses no proxy, since every server is on this machine. It trusts the tests' certificate.
pub(crate) fn client() -> Client {
    static CLIENT: LazyLock<Client> = LazyLock::new(|| {
        let authority = std::fs::read(tls_file("ca.pem")).expect("a certificate");
        let authority = Certificate::from_pem(&authority).expect("a certificate");
        let client = Client::builder().no_proxy().tls_certs_merge([authority]);
        client.build().expect("a client")
    });
    CLIENT.clone()
}
