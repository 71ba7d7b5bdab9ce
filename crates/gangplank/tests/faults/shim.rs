//! The library that is loaded into the server (`shim.c`), and the file that controls its faults.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use gangplank_testkit::ServerBuilder;

/// `EIO`.
pub(crate) const IO: u64 = 5;
/// `ENOSPC`.
pub(crate) const NO_SPACE: u64 = 28;

/// All calls that change files.
pub(crate) const ALL: u64 = 127;
/// `mkdir`.
pub(crate) const MAKE_DIRECTORY: u64 = 64;
/// `fsync`, `fdatasync`, `sync_file_range`.
pub(crate) const SYNC: u64 = 2;

/// The fields of the control file, in order; each has eight bytes.
#[derive(Clone, Copy)]
enum Field {
    Mode,
    At,
    Error,
    Kinds,
    Halve,
    SkipSync,
    WallMilliseconds,
    /// The number of calls so far. The shim writes it.
    Count,
    Hits,
}

/// The calls that fail, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    /// The number of the call, from 1.
    pub(crate) at: u64,
    /// Whether every later call fails too.
    pub(crate) lasting: bool,
    /// The `errno`.
    pub(crate) error: u64,
    /// The kinds of calls that are counted and may fail.
    pub(crate) kinds: u64,
    /// Whether the first failing call, if it is a write, writes half of its bytes instead.
    pub(crate) halve: bool,
}

/// A server's shim.
#[derive(Debug)]
pub(crate) struct Shim {
    control: File,
    log: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Shim {
    /// A shim for the server in a home. No call fails yet.
    pub(crate) fn new(home: &Path) -> Self {
        let home = home.canonicalize().unwrap();
        let (path, log) = (home.join("faults"), home.join("calls"));
        fs::write(&path, [0; 72]).unwrap();
        let control = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let shown = |path: &Path| path.to_str().unwrap().to_owned();
        let environment = vec![
            ("LD_PRELOAD", shown(&LIBRARY)),
            ("FAULT_SHIM_CONTROL", shown(&path)),
            ("FAULT_SHIM_UNDER", shown(&home)),
            ("FAULT_SHIM_LOG", shown(&log)),
        ];
        let shim = Self { control, log, environment };
        shim.set(Field::Kinds, ALL);
        shim
    }

    /// The environment variables that load the shim into a program.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.environment.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// A server with the shim.
    pub(crate) fn before(&self, builder: ServerBuilder) -> ServerBuilder {
        self.environment.iter().fold(builder, |builder, (name, value)| builder.env(name, value))
    }

    /// Makes calls fail, counted from now.
    pub(crate) fn arm(&self, fault: Fault) {
        self.lift();
        self.set(Field::At, fault.at);
        self.set(Field::Error, fault.error);
        self.set(Field::Kinds, fault.kinds);
        self.set(Field::Halve, fault.halve.into());
        self.set(Field::Count, 0);
        self.set(Field::Hits, 0);
        self.set(Field::Mode, if fault.lasting { 2 } else { 1 });
    }

    /// Makes no more calls fail.
    pub(crate) fn lift(&self) {
        self.set(Field::Mode, 0);
    }

    /// The number of calls that failed or were cut short since the shim was armed.
    pub(crate) fn hits(&self) -> u64 {
        self.get(Field::Hits)
    }

    /// Whether syncs do nothing and report success.
    pub(crate) fn skip_syncs(&self, skip: bool) {
        self.set(Field::SkipSync, skip.into());
    }

    /// Shifts the server's wall clock by this many milliseconds.
    pub(crate) fn set_clock_off(&self, milliseconds: i64) {
        self.set(Field::WallMilliseconds, milliseconds.cast_unsigned());
    }

    /// The calls so far, one in each line.
    pub(crate) fn calls(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Forgets the calls so far.
    pub(crate) fn forget_calls(&self) {
        // The server appends, so an emptied file grows from its beginning.
        let _ = OpenOptions::new().write(true).truncate(true).open(&self.log);
    }

    fn set(&self, field: Field, value: u64) {
        self.control.write_all_at(&value.to_ne_bytes(), field as u64 * 8).unwrap();
    }

    fn get(&self, field: Field) -> u64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, field as u64 * 8).unwrap();
        u64::from_ne_bytes(bytes)
    }
}

/// The library, compiled once for each test run.
static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/shim.c");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (made, library) =
        (folder.join(format!("shim-{}.so", std::process::id())), folder.join("fault-shim.so"));
    let flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"];
    let compiled = Command::new("cc").args(flags).arg(&made).args([source, "-ldl"]).output().unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    // Renamed, because another run may be using it.
    fs::rename(&made, &library).unwrap();
    library
});
