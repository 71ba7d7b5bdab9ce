//! A server, a home for the client, and code that every journey needs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gangplank_testkit::s3::{Program as S3Program, S3Server};
use gangplank_testkit::{Login, TestServer};
use serde_json::json;

use crate::client::{Call, Program};

/// The service for registered images.
pub(crate) const SERVICE: &str = "web";

/// A server for one trial, with the client's home.
pub(crate) struct Bench {
    pub(crate) server: TestServer,
}

impl Bench {
    /// Starts a server and makes the service.
    pub(crate) fn new() -> Self {
        Self::over(TestServer::start(env!("CARGO_BIN_EXE_gangplank")))
    }

    /// A bench with a server that was started already.
    pub(crate) fn over(server: TestServer) -> Self {
        let bench = Self { server };
        std::fs::create_dir_all(bench.home()).expect("the client's home");
        bench
    }

    /// The S3 servers of other projects that are installed, each started. If a server is not installed, it is
    /// left out, and the output names it.
    pub(crate) fn s3_servers() -> impl Iterator<Item = S3Server> {
        S3Program::ALL.into_iter().filter_map(|program| {
            let server = S3Server::start(program);
            if server.is_none() {
                gangplank_testkit::skip(&format!("{} is not installed", program.name()));
            }
            server
        })
    }

    /// A bench whose server has its blobs in the bucket of this S3 server.
    pub(crate) fn over_s3(s3: &S3Server) -> Self {
        let server = TestServer::builder(env!("CARGO_BIN_EXE_gangplank"));
        Self::over(server.in_bucket(s3, &s3.endpoint(), "trials/blobs").start())
    }

    /// The client's home; removed with the server.
    pub(crate) fn home(&self) -> PathBuf {
        self.server.home().join("client")
    }

    /// Writes a file in the client's home.
    pub(crate) fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the file's folder");
        std::fs::write(&path, content).expect("a file in the client's home");
        path
    }

    /// A command of the client.
    pub(crate) fn call<'a>(&self, program: &Program, args: impl IntoIterator<Item = &'a str>) -> Call {
        program.call(&self.home(), args)
    }

    /// A call of the AWS CLI with only the two files that the server writes for AWS tools.
    pub(crate) fn call_with_keys<'a>(
        &self,
        program: &Program,
        args: impl IntoIterator<Item = &'a str>,
    ) -> Call {
        let data = self.server.data_dir();
        let call = self.call(program, args).env("AWS_SHARED_CREDENTIALS_FILE", data.join("credentials"));
        call.env("AWS_CONFIG_FILE", data.join("config"))
    }

    /// The id and the secret in the `credentials` file.
    pub(crate) fn access_key(&self) -> (String, String) {
        let text = std::fs::read_to_string(self.server.data_dir().join("credentials")).expect("credentials");
        let value = |name: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(" = "));
            lines.find(|(key, _)| *key == name).expect("a key").1.to_owned()
        };
        (value("aws_access_key_id"), value("aws_secret_access_key"))
    }

    /// `HOST/path`, as clients name an image.
    pub(crate) fn image(&self, path: &str) -> String {
        format!("{}/{path}", self.server.host())
    }

    /// A push login, made with Lightsail's operation.
    pub(crate) fn push_login(&self) -> Login {
        self.server.api().ensure_service(SERVICE);
        self.server.api().push_login()
    }

    /// A login that pulls the service's images.
    pub(crate) fn pull_login(&self) -> Login {
        self.server.api().registry_login(&json!({ "serviceName": SERVICE }))
    }

    /// Revokes every login.
    pub(crate) fn revoke_logins(&self) {
        let api = self.server.api();
        let logins = api.gangplank("ListRegistryLogins", &json!({})).body;
        for login in logins["registryLogins"].as_array().expect("logins") {
            assert_eq!(api.gangplank("RevokeRegistryLogin", &json!({ "id": login["id"] })).status, 200);
        }
        if gangplank_testkit::replicas::asked().is_some() {
            // The other replicas may need this time to learn of the revocation.
            std::thread::sleep(Duration::from_secs(5));
        }
    }

    /// Writes the file of `docker login`. Some clients read it, and have no other way to log in.
    pub(crate) fn remember(&self, login: &Login) {
        let auth = STANDARD.encode(format!("{}:{}", login.username, login.password));
        let config = json!({ "auths": { login.registry.as_str(): { "auth": auth } } });
        self.write(".docker/config.json", config.to_string());
    }

    /// Registers a digest.
    pub(crate) fn register(&self, label: &str, digest: &str) -> String {
        self.server.api().register(SERVICE, label, digest)
    }

    /// Whether the registry has a manifest, asked with a login without limits.
    pub(crate) fn has(&self, repository: &str, reference: &str) -> bool {
        let registry = self.server.registry_as(&self.server.operator_login());
        registry.status("HEAD", &format!("{repository}/manifests/{reference}")) == 200
    }
}
