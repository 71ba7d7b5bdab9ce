//! The S3 servers for tests, and how each is started.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::server::{ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY};

/// An S3 server of another project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `versitygw`, over a folder.
    Versitygw,
    /// `SeaweedFS`, which differs from versitygw in many ways.
    SeaweedFs,
}

impl Program {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Versitygw, Self::SeaweedFs];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Versitygw => "versitygw",
            Self::SeaweedFs => "SeaweedFS",
        }
    }

    /// The path of its program, in the folder that `GANGPLANK_S3_SERVERS` names. `None` if it is not there.
    pub fn path(self) -> Option<PathBuf> {
        let file = match self {
            Self::Versitygw => "versitygw",
            Self::SeaweedFs => "weed",
        };
        let path = PathBuf::from(std::env::var_os("GANGPLANK_S3_SERVERS")?).join(file);
        path.is_file().then_some(path)
    }

    /// The command that starts it in a folder, to listen on a port of this machine.
    pub(super) fn command(self, program: &Path, folder: &Path, port: u16) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).env_clear().env("HOME", folder);
        match self {
            Self::Versitygw => {
                let data = folder.join("data");
                fs::create_dir_all(data.join(BUCKET)).expect("the bucket");
                command.env("ROOT_ACCESS_KEY", ACCESS_KEY_ID).env("ROOT_SECRET_KEY", SECRET_ACCESS_KEY);
                // Without keep-alive the server closes every connection.
                command
                    .args(["--keep-alive", "--quiet", "--port", &format!("127.0.0.1:{port}"), "posix"])
                    .arg(data);
            }
            Self::SeaweedFs => {
                let config = folder.join("s3.json");
                let text = serde_json::json!({ "identities": [{
                    "name": "test",
                    "credentials": [{ "accessKey": ACCESS_KEY_ID, "secretKey": SECRET_ACCESS_KEY }],
                    "actions": ["Admin", "Read", "Write", "List", "Tagging"],
                }] });
                fs::write(&config, text.to_string()).expect("its file");
                let data = folder.join("data");
                fs::create_dir_all(&data).expect("its folder");
                command.args(["server", "-s3", "-filer", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]);
                command
                    .arg(format!("-dir={}", data.display()))
                    .arg(format!("-s3.config={}", config.display()));
                command.arg(format!("-s3.port={port}"));
                let socket = folder.join("filer.sock");
                command.arg(format!("-filer.localSocket={}", socket.display()));
                for option in [
                    "s3.port.grpc",
                    "master.port",
                    "master.port.grpc",
                    "volume.port",
                    "volume.port.grpc",
                    "filer.port",
                    "filer.port.grpc",
                ] {
                    command.arg(format!("-{option}={}", free_port()));
                }
                command.args([
                    "-s3.port.iceberg=0",
                    "-master.telemetry=false",
                    "-master.volumeSizeLimitMB=512",
                    "-volume.max=20",
                    "-volume.preStopSeconds=0",
                ]);
            }
        }
        command
    }
}

/// A port that nobody listens on now.
pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port()
}
