//! Runs other programs that are asked for something. None is trusted to end, or to print little.

use std::io::{self, Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::http::answers::{LONGEST, LONGEST_ERROR};

/// How long a program may run. It is the same time as in the AWS SDKs.
const PATIENCE: Duration = Duration::from_mins(1);
/// The pause between two looks at whether a program has ended.
const STEP: Duration = Duration::from_millis(10);

/// The result of a program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    /// The beginning of its standard error.
    pub(crate) stderr: Vec<u8>,
}

/// Runs a program to its end. `input` becomes its standard input; without it, the program inherits ours.
///
/// # Errors
/// If the program cannot be run, takes too long or prints too much.
pub(crate) fn run(command: &mut Command, input: Option<&str>) -> io::Result<Ended> {
    run_within(command, input, PATIENCE)
}

fn run_within(command: &mut Command, input: Option<&str>, patience: Duration) -> io::Result<Ended> {
    let end = Instant::now() + patience;
    #[cfg(unix)]
    command.env_remove(crate::serving::service_manager::VARIABLE);
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::inherit() });
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let outcome = watch(&mut child, input, end, patience);
    if outcome.is_err() {
        // The program may have ended since the last look.
        let _ = child.kill();
        let _ = child.wait();
    }
    outcome
}

fn watch(child: &mut Child, input: Option<&str>, end: Instant, patience: Duration) -> io::Result<Ended> {
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        let input = input.to_owned();
        // A program that does not read its input ends all the same.
        thread::spawn(move || stdin.write_all(input.as_bytes()));
    }
    let stdout = child.stdout.take().map(|stdout| gather(stdout, LONGEST));
    let stderr = child.stderr.take().map(|stderr| gather(stderr, LONGEST_ERROR));
    let late = || io::Error::other(format!("it did not end within {} s", patience.as_secs()));
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= end {
            return Err(late());
        }
        thread::sleep(STEP);
    };
    // A child of the program may still hold the other end of the pipe.
    let taken = |gathered: Option<Receiver<Vec<u8>>>| match gathered {
        Some(gathered) => {
            gathered.recv_timeout(end.saturating_duration_since(Instant::now())).map_err(|_| late())
        }
        None => Ok(Vec::new()),
    };
    let (stdout, mut stderr) = (taken(stdout)?, taken(stderr)?);
    if stdout.len() > LONGEST {
        return Err(io::Error::other(format!("it printed more than {} MiB", LONGEST >> 20)));
    }
    stderr.truncate(LONGEST_ERROR);
    Ok(Ended { status, stdout, stderr })
}

/// Reads to the end, and keeps at most one byte more than `most`. The additional byte shows that there were too many.
fn gather(mut from: impl Read + Send + 'static, most: usize) -> Receiver<Vec<u8>> {
    let (give, taken) = channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        // After an error, only the bytes read before it count.
        let _ = from.by_ref().take(most as u64 + 1).read_to_end(&mut kept);
        let _ = give.send(kept);
        io::copy(&mut from, &mut io::sink())
    });
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_a_program_prints_is_taken_up_to_a_limit() {
        let ended = run(&mut shell("cat; echo no >&2; exit 3"), Some("words")).unwrap();
        assert_eq!(
            (ended.status.code(), &ended.stdout[..], &ended.stderr[..]),
            (Some(3), &b"words"[..], &b"no\n"[..])
        );
        let error = run(&mut shell("head -c 9000000 /dev/zero"), None).unwrap_err();
        assert!(error.to_string().contains("more than 8 MiB"), "{error}");
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let began = Instant::now();
        let error = run_within(&mut shell("exec sleep 60"), None, Duration::from_millis(100)).unwrap_err();
        assert!(error.to_string().contains("did not end"), "{error}");
        // A program whose child process keeps running and holds its output.
        assert!(run_within(&mut shell("sleep 5 &"), None, Duration::from_millis(300)).is_err());
        assert!(began.elapsed() < Duration::from_secs(4));
    }
}
