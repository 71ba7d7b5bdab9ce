//! The database server and the S3 server that all replicas of a test program share. Each group of replicas has
//! its own database and a prefix.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::haproxy;
use crate::Postgres;
use crate::postgres;
use crate::s3::{Program, S3Server};

/// The version of PostgreSQL that replicas use unless a test names a database.
const VERSION: u32 = 15;

/// The first program that replicas need and that is not installed here.
pub fn missing() -> Option<String> {
    if postgres::programs(VERSION).is_none() {
        return Some(format!("PostgreSQL {VERSION} is not installed"));
    }
    if Program::Versitygw.path().is_none() {
        return Some("versitygw is not installed".to_owned());
    }
    (!Path::new(haproxy::PROGRAM).is_file()).then(|| "haproxy is not installed".to_owned())
}

/// The PostgreSQL server of this test program. The first use starts the server.
pub fn postgres() -> &'static Postgres {
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    SERVER.get_or_init(|| Postgres::start(&postgres::programs(VERSION).expect("PostgreSQL is installed")))
}

/// The versitygw of this test program. The first use starts the server.
pub fn s3() -> &'static S3Server {
    static SERVER: OnceLock<S3Server> = OnceLock::new();
    SERVER.get_or_init(|| S3Server::start(Program::Versitygw).expect("versitygw is installed"))
}

/// A database of the shared server. Removed when dropped.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) name: String,
}

impl Database {
    /// Makes a new database.
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("replicas_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        postgres().create(&name);
        Self { name }
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        postgres().url(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        postgres().remove(&self.name);
    }
}
