//! Backups of a server, and servers that are restored from them.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{PATIENCE, Postgres};

impl Postgres {
    /// A dump of a database, as `pg_dump` makes it.
    pub fn dump(&self, database: &str) -> String {
        let made = self.program("pg_dump").args(self.connection(database)).output().expect("pg_dump");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).expect("SQL")
    }

    /// Fills a new database from a dump.
    pub fn load(&self, database: &str, dump: &str) {
        self.create(database);
        let mut psql = self.program("psql");
        psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]).args(self.connection(database));
        psql.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut psql = psql.spawn().expect("psql");
        psql.stdin.take().expect("its input").write_all(dump.as_bytes()).expect("a dump that is read");
        assert!(psql.wait().expect("its end").success(), "the dump is loaded");
    }

    /// Takes a base backup, and returns a server that has not run on it yet.
    #[must_use]
    pub fn base_backup(&self) -> Self {
        let copy = Self::placed(&self.programs);
        let made = copy
            .program("pg_basebackup")
            .args(["--checkpoint=fast", "--wal-method=stream", "--no-sync"])
            .args(["--host=127.0.0.1", "--username=gangplank", "--port", &self.port.to_string(), "--pgdata"])
            .arg(copy.data())
            .output()
            .expect("pg_basebackup");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        copy
    }

    /// Starts a server on a base backup, restored to the moment at which the backup ended.
    pub fn restore(&mut self) {
        let settings =
            "restore_command = 'false'\nrecovery_target = 'immediate'\nrecovery_target_action = 'promote'\n";
        fs::write(self.data().join("postgresql.auto.conf"), settings).expect("its settings");
        fs::write(self.data().join("recovery.signal"), "").expect("the sign for a restore");
        self.run();
        let since = Instant::now();
        while self.query("postgres", "SELECT pg_is_in_recovery()").is_ok_and(|answer| answer != "f") {
            assert!(since.elapsed() < PATIENCE, "{}", self.log());
            sleep(Duration::from_millis(50));
        }
    }

    fn connection(&self, database: &str) -> [String; 4] {
        [
            "--host=127.0.0.1".to_owned(),
            format!("--port={}", self.port),
            "--username=gangplank".to_owned(),
            format!("--dbname={database}"),
        ]
    }
}
