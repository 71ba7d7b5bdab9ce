//! Tests the operator's questions: each line of jq runs on the log of a server that was used, and each line of `PromQL`
//! in a Prometheus that scrapes this server. Every answer has to name what really happened.

pub(crate) mod of_replicas;
pub(crate) mod one_server;
mod prometheus;
mod wanted;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::page::{Kind, Page};
use crate::{clients, top};
use prometheus::Prometheus;
use wanted::Wanted;

const PAGE: &str = "docs/book/src/operate/questions.md";

/// The longest wait for the log and for Prometheus.
const PATIENCE: Duration = Duration::from_mins(1);

/// The right answers, by question and language.
type Expected = BTreeMap<(&'static str, &'static str), Wanted>;

/// Programs that are missing here.
pub(crate) fn missing() -> Vec<String> {
    clients::missing(&["jq", "prometheus", "promtool"].map(str::to_owned))
}

/// Checks that every question of the page is tested, and that every tested question is on the page.
pub(crate) fn check_all_are_tested() -> Result<(), String> {
    let on_page = questions();
    let tested: Expected = one_server::questions().into_iter().chain(of_replicas::questions()).collect();
    let is_tested = |(question, language): &(String, String)| tested.contains_key(&(question, language));
    let is_asked = |(question, language): &(&str, &str)| {
        on_page.contains_key(&((*question).to_owned(), (*language).to_owned()))
    };
    let untested = on_page.keys().filter(|key| !is_tested(key)).map(|it| format!("nobody tests {it:?}"));
    let gone = tested.keys().filter(|key| !is_asked(key)).map(|it| format!("the page lacks {it:?}"));
    let faults: Vec<_> = untested.chain(gone).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// Asks questions. The log is in the folder.
fn check_all(expected: Expected, folder: &Path, prometheus: &Prometheus) -> Result<(), String> {
    let questions = questions();
    let mut faults = Vec::new();
    for ((question, language), wanted) in expected {
        let lines = questions.get(&(question.to_owned(), language.to_owned()));
        for line in lines.into_iter().flatten() {
            let answer = match language {
                "sh" => shell(folder, line),
                _ => prometheus.ask(line),
            };
            if let Some(fault) = answer.and_then(|answer| wanted.check(&answer)).err() {
                faults.push(format!("{question}\n  {line}\n  {fault}"));
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// The lines of the page by their question and language.
fn questions() -> BTreeMap<(String, String), Vec<String>> {
    let page = Page::all(&top()).into_iter().find(|page| page.name == PAGE).unwrap();
    let mut question = String::new();
    let mut found = BTreeMap::<_, Vec<String>>::new();
    for part in page.parts {
        match part.kind {
            Kind::Heading(text) => question = text,
            Kind::Block { language, text } => {
                let line = text.trim().to_owned();
                assert_eq!(line.lines().count(), 1, "{question} is answered in one line");
                found.entry((question.clone(), language)).or_default().push(line);
            }
            _ => {}
        }
    }
    found
}

fn wait_until(is_so: impl Fn() -> bool) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        if Instant::now() > end {
            return Err("it does not come".to_owned());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn shell(folder: &Path, line: &str) -> Result<String, String> {
    output(Command::new("sh").args(["-euc", line]).current_dir(folder))
}

fn output(command: &mut Command) -> Result<String, String> {
    let done = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if done.status.success() { Ok(said(&done.stdout)) } else { Err(said(&done.stderr)) }
}
