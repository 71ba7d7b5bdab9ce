//! One of several processes of a server.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitStatus;

use rustix::process::Signal;

use super::{Process, ROOT_KEY, TestServer};
use crate::replicas::HaProxy;
use crate::{Api, Login, Registry};

/// A replica, reached past the load balancer.
#[derive(Clone, Copy, Debug)]
pub struct Replica<'a>(&'a Process);

impl TestServer {
    /// The number of processes.
    pub fn replica_count(&self) -> usize {
        self.processes.len()
    }

    /// One of the processes, from 0.
    pub fn replica(&self, number: usize) -> Replica<'_> {
        Replica(&self.processes[number])
    }

    /// All processes.
    pub fn all_replicas(&self) -> impl Iterator<Item = Replica<'_>> {
        self.processes.iter().map(Replica)
    }

    /// The load balancer before the replicas.
    pub fn proxy(&self) -> &HaProxy {
        self.proxy.as_ref().expect("a server of replicas")
    }

    /// Kills a replica, as a crash would.
    pub fn kill_replica(&mut self, number: usize) {
        self.processes[number].kill();
    }

    /// Waits for the end of a replica.
    pub fn wait_for_replica(&mut self, number: usize) -> ExitStatus {
        self.processes[number].wait()
    }

    /// Starts a replica again at its address, and waits until it is ready.
    pub fn restart_replica(&mut self, number: usize) {
        self.start_replica_unready(number, &[]);
        self.processes[number].wait_until_ready().unwrap_or_else(|why| panic!("{why}"));
    }

    /// Starts a replica again with more variables in its environment, and does not wait until it is ready.
    pub fn start_replica_unready(&mut self, number: usize, environment: &[(&str, &str)]) {
        self.processes[number].kill();
        let listen = self.processes[number].address.to_string();
        let again = self.builder.process(number, self.home.path(), &listen, environment);
        self.processes[number] = again.unwrap_or_else(|why| panic!("{why}"));
    }

    /// The variables that name this server and its root key to the program's commands. Replicas have no data
    /// directory, so there the variables name files for AWS tools.
    pub fn client_variables(&self) -> Vec<(&'static str, PathBuf)> {
        let folder = self.data_dir();
        if self.proxy.is_none() {
            return vec![("GANGPLANK_DATA_DIR", folder)];
        }
        vec![
            ("AWS_CONFIG_FILE", folder.join("config")),
            ("AWS_SHARED_CREDENTIALS_FILE", folder.join("credentials")),
        ]
    }

    /// Writes the files that a single server writes for AWS tools, as an operator does for replicas.
    pub(super) fn write_client_files(&self) {
        let folder = self.data_dir();
        fs::create_dir_all(&folder).expect("a folder");
        let (id, secret) = ROOT_KEY;
        let credentials = format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
        fs::write(folder.join("credentials"), credentials).expect("a file");
        let config = format!("[default]\nregion = us-east-1\nendpoint_url = {}\n", self.endpoint());
        fs::write(folder.join("config"), config).expect("a file");
    }
}

impl Replica<'_> {
    /// Where it listens.
    pub fn address(self) -> SocketAddr {
        self.0.address
    }

    /// Its URL.
    pub fn endpoint(self) -> String {
        format!("{}://{}", self.0.scheme, self.0.address)
    }

    /// Its API, called with the root access key in `us-east-1`.
    pub fn api(self) -> Api {
        Api::new(&self.endpoint(), ROOT_KEY.0, ROOT_KEY.1)
    }

    /// Its registry, with a login.
    pub fn registry_as(self, login: &Login) -> Registry {
        Registry::new(&self.endpoint(), Some(login.clone()))
    }

    /// Its log so far.
    pub fn log(self) -> String {
        self.0.log()
    }

    /// Sends it a signal.
    pub fn signal(self, signal: Signal) {
        self.0.signal(signal);
    }

    /// Whether it says that it is ready.
    pub fn is_ready(self) -> bool {
        self.0.is_ready()
    }
}
