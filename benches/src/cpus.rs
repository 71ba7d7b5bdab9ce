//! Which processors servers use, and which the load uses.

use std::process::{Child, Command};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

static PLACES: OnceLock<Places> = OnceLock::new();

/// Processors for both sides.
struct Places {
    servers: CpuSet,
    load: CpuSet,
}

/// Gives the processors of a list, such as `0` or `0-3,6`, to servers, and all other processors to the load. The
/// calling thread moves at once; threads and programs that it starts later inherit its processors.
///
/// # Errors
///
/// If the list is wrong, or leaves nothing to the load.
pub(crate) fn separate(list: &str) -> Result<()> {
    let usable = sched_getaffinity(None)?;
    let (mut servers, mut load) = (CpuSet::new(), CpuSet::new());
    for number in numbers(list)? {
        ensure!(number < CpuSet::MAX_CPU && usable.is_set(number), "this machine has no processor {number}");
        servers.set(number);
    }
    for number in (0..CpuSet::MAX_CPU).filter(|number| usable.is_set(*number) && !servers.is_set(*number)) {
        load.set(number);
    }
    ensure!(load.count() > 0, "{list} leaves no processor to the load");
    sched_setaffinity(None, &load)?;
    let _ = PLACES.set(Places { servers, load });
    Ok(())
}

/// Starts a server on the processors of servers.
pub(crate) fn spawn_server(command: &mut Command) -> Result<Child> {
    let program = command.get_program().to_owned();
    let places = PLACES.get();
    // A new process inherits the processors of the thread that starts it.
    if let Some(Places { servers, .. }) = places {
        sched_setaffinity(None, servers)?;
    }
    let child = command.spawn();
    if let Some(Places { load, .. }) = places {
        sched_setaffinity(None, load)?;
    }
    child.with_context(|| format!("cannot start {}", program.display()))
}

fn numbers(list: &str) -> Result<Vec<usize>> {
    let mut numbers = Vec::new();
    for part in list.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<usize>();
        let both = number(from).and_then(|from| Ok((from, number(to)?)));
        let (from, to) = both.with_context(|| format!("{list:?} is no list of processors; write 0-3,6"))?;
        numbers.extend(from..=to);
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn lists_have_single_numbers_and_ranges() {
        assert_eq!(numbers("0").unwrap(), [0]);
        assert_eq!(numbers("0-2,5").unwrap(), [0, 1, 2, 5]);
        assert!(numbers("").is_err() && numbers("0-").is_err() && numbers("one").is_err());
    }
}
