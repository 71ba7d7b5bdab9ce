//! Common code for podman, skopeo and buildah: their configuration, and the registry's host for a login.

use gangplank_testkit::Login;

use crate::bench::Bench;
use crate::client::{Call, Done, Program};
use crate::daemon::Daemon;

/// One of the three, with its own home.
pub(crate) struct Containers<'a> {
    pub(crate) bench: &'a Bench,
    program: Program,
}

impl<'a> Containers<'a> {
    /// Writes the configuration. Everything is stored in the home, and needs neither a daemon nor kernel features.
    pub(crate) fn new(bench: &'a Bench, program: &Program) -> Self {
        let home = bench.home();
        let home = home.display();
        bench.write(
            "storage.conf",
            format!(
                "[storage]\ndriver = \"vfs\"\ngraphroot = \"{home}/storage\"\nrunroot = \"{home}/run/storage\"\n"
            ),
        );
        bench.write(
            "containers.conf",
            format!(
                "[containers]\nlog_driver = \"k8s-file\"\n\
                 [engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"none\"\nlock_type = \"file\"\n\
                 static_dir = \"{home}/libpod\"\ntmp_dir = \"{home}/run/libpod\"\n\
                 volume_path = \"{home}/volumes\"\n\
                 [network]\nnetwork_config_dir = \"{home}/networks\"\n"
            ),
        );
        bench.write("registries.conf", "unqualified-search-registries = []\n");
        bench.write(".config/containers/policy.json", r#"{"default":[{"type":"insecureAcceptAnything"}]}"#);
        Self { bench, program: program.clone() }
    }

    /// A command.
    pub(crate) fn call(&self, args: &[&str]) -> Call {
        let home = self.bench.home();
        self.bench
            .call(&self.program, args.iter().copied())
            .env("CONTAINERS_STORAGE_CONF", home.join("storage.conf"))
            .env("CONTAINERS_CONF", home.join("containers.conf"))
            .env("CONTAINERS_REGISTRIES_CONF", home.join("registries.conf"))
            .env("BUILDAH_ISOLATION", "chroot")
    }

    /// Runs a command.
    pub(crate) fn run(&self, args: &[&str]) -> Done {
        self.call(args).run()
    }

    /// Starts podman's service on a socket. Returns it with the value for `DOCKER_HOST`.
    pub(crate) fn service(&self) -> (Daemon, String) {
        let folder = self.bench.home().join("service");
        std::fs::create_dir_all(&folder).expect("the service's folder");
        let socket = folder.join("podman.sock");
        let address = format!("unix://{}", socket.display());
        let command = self.call(&["system", "service", "--time=0", &address]).into_command();
        let mut daemon = Daemon::run(command, &folder);
        daemon.wait_until(|| std::os::unix::net::UnixStream::connect(&socket).is_ok());
        (daemon, address)
    }

    /// `login`, which is the same in all three.
    pub(crate) fn log_in(&self, login: &Login) -> Done {
        let args =
            ["login", "--tls-verify=false", "-u", &login.username, "--password-stdin", &login.registry];
        self.call(&args).input(login.password.as_str()).run()
    }

    /// The digest in the file of `--digestfile digest`.
    pub(crate) fn digest_file(&self) -> String {
        std::fs::read_to_string(self.bench.home().join("digest")).expect("the digest file").trim().to_owned()
    }
}
