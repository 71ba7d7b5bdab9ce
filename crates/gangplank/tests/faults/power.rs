//! Power cuts. The server's data is on its own file system. It is shut down without writing what is still in memory
//! (`FS_IOC_SHUTDOWN`), and mounted again.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::budget::{self, Rounds};
use crate::content::Numbers;
use crate::ledger::Ledger;
use crate::needs::{Need, trial};
use crate::world::World;
use crate::{leaks, load};

/// `ioctl(directory, EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH)`.
const CUT: &str = "import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

pub(crate) fn add(trials: &mut Vec<Trial>) {
    let needs = [Need::Compiler, Need::LoopDevice];
    trials.push(trial("power::what was acknowledged survives a cut", &needs, cut_again_and_again));
    trials.push(trial("power::a server that syncs nothing is found out", &needs, without_syncs));
}

/// A mounted ext4 in a file. Dropping it unmounts the file system.
struct Disk {
    image: PathBuf,
    at: PathBuf,
}

impl Disk {
    /// Makes a file system and mounts it at the data directory of a server in this home.
    fn mount(home: &Path) -> Self {
        let disk = Self { image: home.join("disk"), at: home.join("data") };
        std::fs::create_dir(&disk.at).unwrap();
        std::fs::File::create(&disk.image).unwrap().set_len(1 << 30).unwrap();
        run(Command::new("mkfs.ext4").args(["-q", "-E", "lazy_itable_init=1"]).arg(&disk.image));
        disk.mount_again();
        disk
    }

    fn mount_again(&self) {
        // Nothing is written back in the background, so the disk only has what was synced.
        run(Command::new("mount").args(["-o", "loop,commit=300"]).arg(&self.image).arg(&self.at));
    }

    fn cut(&self) {
        run(Command::new("python3").args(["-c", CUT]).arg(&self.at));
    }

    fn unmount(&self) {
        run(Command::new("umount").arg(&self.at));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.at).output();
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn start() -> (Disk, World) {
    let home: TempDir = tempfile::Builder::new().prefix("gangplank-power-").tempdir().unwrap();
    let disk = Disk::mount(home.path());
    (disk, World::start_in(home))
}

/// Cuts the power under load. Returns the answers until then.
fn cut(disk: &Disk, world: &mut World, numbers: &mut Numbers) -> Ledger {
    let patience = Duration::from_millis(200 + numbers.below(800));
    let operator = world.operator.clone();
    let told = load::until(&mut world.server, &operator, numbers.next(), patience, |server| {
        // The program is stopped before the power is cut. A running one could be told that a sync succeeded although
        // the shutdown of the file system had just discarded it (jbd2 calls an aborted transaction complete).
        server.signal(Signal::STOP);
        std::thread::sleep(Duration::from_millis(2));
        disk.cut();
        server.kill();
    });
    disk.unmount();
    disk.mount_again();
    told
}

/// The fewest acknowledged changes for a meaningful check.
const ENOUGH: usize = 50;

/// How many power cuts are made at most to get that many changes.
const MOST_CUTS: u32 = 30;

fn cut_again_and_again() {
    let mut numbers = Numbers(budget::seed("power"));
    let (disk, mut world) = start();
    let (mut ledger, mut rounds) = (Ledger::default(), Rounds::at_least(6));
    let mut cuts = 0;
    // On a busy machine the load does little between two cuts.
    while rounds.next().is_some() || ledger.len() < ENOUGH && cuts < MOST_CUTS {
        ledger.merge(cut(&disk, &mut world, &mut numbers));
        world.restart();
        let operator = world.operator.clone();
        ledger.check(&world.server, &operator, true);
        leaks::check(&world.server.data_dir());
        cuts += 1;
    }
    eprintln!("power: {cuts} cuts, {} promises kept", ledger.len());
    assert!(ledger.len() >= ENOUGH, "the load did next to nothing");
    world.server.kill();
    drop(disk);
}

/// Shows that the trial above can fail: here, syncs do nothing.
fn without_syncs() {
    let mut numbers = Numbers(budget::seed("power without syncs"));
    let (disk, mut world) = start();
    world.shim.skip_syncs(true);
    let mut ledger = cut(&disk, &mut world, &mut numbers);
    assert!(ledger.len() > 0);
    world.shim.skip_syncs(false);
    let operator = world.operator.clone();
    let kept = world.server.try_restart().is_ok_and(|()| {
        let check = std::panic::AssertUnwindSafe(|| ledger.check(&world.server, &operator, true));
        std::panic::catch_unwind(check).is_ok()
    });
    world.server.kill();
    drop(disk);
    assert!(!kept, "nothing was synced, and nothing was lost: the power was not cut");
}
