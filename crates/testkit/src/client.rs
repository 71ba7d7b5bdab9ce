//! One HTTP client for all tests of a program.

use std::sync::LazyLock;

use reqwest::blocking::Client;

/// A handle to the client. It is shared, because making one reads the system's certificates, which takes longer than
/// most tests. It uses no proxy, since every server is on this machine.
pub(crate) fn client() -> Client {
    static CLIENT: LazyLock<Client> =
        LazyLock::new(|| Client::builder().no_proxy().build().expect("a client"));
    CLIENT.clone()
}
