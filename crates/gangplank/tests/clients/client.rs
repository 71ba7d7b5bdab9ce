//! The program of a client. It sees nothing of this machine's user, and its time is limited.

use std::fmt;
use std::io::{Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// The longest time for a command. Chromium looks at all pages of the console for minutes on a loaded machine.
const TIMEOUT: Duration = Duration::from_mins(5);

/// An installed program.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// The number in its version output.
    pub(crate) version: String,
}

impl Program {
    /// The first program with this name on the path that prints a version.
    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::all(name).into_iter().next()
    }

    /// The program that CI built in the folder of `GANGPLANK_GO_CLIENTS`, else the first on the path.
    pub(crate) fn built(name: &str) -> Option<Self> {
        built(name).and_then(|path| Self::at(&path)).or_else(|| Self::find(name))
    }

    /// All programs with this name on the path, one of each version. Folders of root's programs are included.
    pub(crate) fn all(name: &str) -> Vec<Self> {
        let path = std::env::var("PATH").unwrap_or_default();
        let folders = path.split(':').chain(["/usr/bin", "/usr/sbin", "/usr/local/bin"]);
        let mut found: Vec<Self> = Vec::new();
        let mut seen: Vec<PathBuf> = Vec::new();
        for path in folders.map(|folder| Path::new(folder).join(name)) {
            if seen.contains(&path) {
                continue;
            }
            if let Some(program) = Self::at(&path)
                && !found.iter().any(|other| other.version == program.version)
            {
                found.push(program);
            }
            seen.push(path);
        }
        found
    }

    /// The program in this file, if it prints a version.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        if !path.is_file() {
            return None;
        }
        let ask = |word| Command::new(path).arg(word).output().ok().filter(|output| output.status.success());
        let output = ask("--version").or_else(|| ask("version"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let is_number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
        let mut words =
            text.split([' ', '/', '\n', ',', '"']).map(|word| word.strip_prefix('v').unwrap_or(word));
        let version = words.find(is_number).unwrap_or_default().to_owned();
        Some(Self { path: path.to_owned(), version })
    }

    /// A command to run with `home` as its only environment.
    pub(crate) fn call<'a>(&self, home: &Path, args: impl IntoIterator<Item = &'a str>) -> Call {
        let mut command = Command::new(&self.path);
        command.args(args).env_clear().current_dir(home).process_group(0);
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        for (name, folder) in [
            ("HOME", ""),
            ("TMPDIR", "tmp"),
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_DATA_HOME", ".local/share"),
            ("XDG_CACHE_HOME", ".cache"),
            ("DOCKER_CONFIG", ".docker"),
        ] {
            let folder = home.join(folder);
            std::fs::create_dir_all(&folder).expect("a folder in the home");
            command.env(name, folder);
        }
        command.env("LANG", "C.UTF-8").env("REGISTRY_AUTH_FILE", home.join("auth.json"));
        Call { command, input: Vec::new() }
    }
}

/// A command before it runs.
#[derive(Debug)]
pub(crate) struct Call {
    command: Command,
    input: Vec<u8>,
}

impl Call {
    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets its standard input.
    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// The command itself, for a program that does not end by itself.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }

    /// Runs it to its end.
    pub(crate) fn run(mut self) -> Done {
        let shown: Vec<String> = std::iter::once(self.command.get_program())
            .chain(self.command.get_args())
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let shown = shown.join(" ");
        let started = Instant::now();
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process =
            self.command.spawn().unwrap_or_else(|error| panic!("cannot start {shown}: {error}"));
        let mut stdin = process.stdin.take().expect("its standard input");
        let input = self.input;
        std::thread::spawn(move || stdin.write_all(&input));
        let stdout = collect(process.stdout.take().expect("its standard output"));
        let stderr = collect(process.stderr.take().expect("its standard error"));
        let status = loop {
            if let Some(status) = process.try_wait().expect("its end") {
                break status;
            }
            if started.elapsed() > TIMEOUT {
                let id = i32::try_from(process.id()).ok().and_then(Pid::from_raw).expect("a process id");
                let _ = kill_process_group(id, Signal::KILL);
                let _ = process.wait();
                let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
                panic!("$ {shown}\nwas still running after {TIMEOUT:?}\n{stdout}{stderr}");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let (stdout, stderr) = (stdout.join().expect("output"), stderr.join().expect("output"));
        Done { shown, code: status.code(), stdout, stderr }
    }
}

/// The path of a client that CI built.
pub(crate) fn built(name: &str) -> Option<PathBuf> {
    std::env::var_os("GANGPLANK_GO_CLIENTS").map(|folder| Path::new(&folder).join(name))
}

fn collect(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A command after it has ended.
#[derive(Debug)]
pub(crate) struct Done {
    shown: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shown, code, stdout, stderr } = self;
        write!(f, "$ {shown}\nexit code {code:?}\nstdout: {stdout}\nstderr: {stderr}")
    }
}

impl Done {
    /// Checks that it succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "should have succeeded:\n{self}");
        self
    }

    /// Checks that it failed, with one of `words` in its output.
    #[track_caller]
    pub(crate) fn refused(self, words: &[&str]) -> Self {
        assert!(self.code.is_some_and(|code| code != 0), "should have failed:\n{self}");
        let said = words.iter().any(|word| self.stderr.contains(word) || self.stdout.contains(word));
        assert!(said, "should have said one of {words:?}:\n{self}");
        self
    }

    /// The first `sha256:` digest in its output.
    #[track_caller]
    pub(crate) fn digest(&self) -> String {
        let words = self.stdout.split(|c: char| c.is_whitespace() || c == '@' || c == '"');
        let digest = words.into_iter().find(|word| word.starts_with("sha256:") && word.len() == 71);
        digest.unwrap_or_else(|| panic!("no digest:\n{self}")).to_owned()
    }
}
