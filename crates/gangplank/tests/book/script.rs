//! The script of a page. Every step is a file with the page's line numbers, so that the shell's errors name the
//! page's lines.

use std::fmt::Write as _;
use std::path::Path;

use crate::clients;
use crate::commands::Command;
use crate::page::{Kind, Page, Part};

/// The beginning of a comment that is run.
const GIVEN: &str = "<!-- given:";
/// The beginning of a comment that names programs.
const NEEDS: &str = "<!-- needs:";

/// The programs of a page that not every machine has.
pub(crate) fn needed(page: &Page) -> Vec<String> {
    let blocks = page.shell_blocks().flat_map(|(_, block)| Command::all(block));
    let words = blocks.flat_map(|command| command.first_words());
    let given = page.parts.iter().filter_map(given).flat_map(|text| Command::all(text.trim()));
    let words = words.chain(given.flat_map(|command| needed_by(&command)));
    let named = page.parts.iter().filter_map(|part| comment(part, NEEDS)).flat_map(str::split_whitespace);
    clients::among(words).chain(named.map(str::to_owned)).collect()
}

/// The programs that a preparation needs: those that it names, and those that `given.sh` runs for it.
fn needed_by(command: &Command) -> Vec<String> {
    let mut words = command.first_words();
    let text = command.lines.join(" ");
    let what = text.trim().strip_prefix("given ").and_then(|rest| rest.split_whitespace().next());
    let beside: &[&str] = match what {
        Some("docker" | "image") => &["docker"],
        Some("registry" | "certificate") => &["openssl"],
        Some("issuer") => &["openssl", "python3"],
        Some("layout") => &["python3"],
        _ => &[],
    };
    words.extend(beside.iter().map(|name| (*name).to_owned()));
    words
}

/// Writes the steps into a folder, and the script that runs them. Returns the script's name.
pub(crate) fn write(page: &Page, folder: &Path) -> String {
    let mut main = String::from("set -euo pipefail\n. \"$BOOK/given.sh\"\n");
    if needed(page).iter().any(|program| program == "docker") {
        main.push_str("given docker\n");
    }
    for part in &page.parts {
        let step = match (&part.kind, given(part)) {
            (_, Some(text)) => text.to_owned(),
            (Kind::Block { language, text }, _) if language == "sh" => step(part.line + 1, text),
            _ => continue,
        };
        let file = folder.join(format!("{}.sh", part.line));
        // The text of a block begins in the line after its fence. The text of a comment begins in the comment's own
        // line.
        let before = if given(part).is_some() { part.line - 1 } else { part.line };
        std::fs::write(&file, "\n".repeat(before) + &step + "\n").unwrap();
        let _ = writeln!(main, "step {} {}", part.line, file.display());
        let _ = writeln!(main, ". {}", file.display());
    }
    main.push_str("ended\n");
    let file = folder.join("page.sh");
    std::fs::write(&file, main).unwrap();
    file.display().to_string()
}

fn given(part: &Part) -> Option<&str> {
    comment(part, GIVEN)
}

fn comment<'a>(part: &'a Part, begin: &str) -> Option<&'a str> {
    let Kind::Comment(text) = &part.kind else { return None };
    text.trim().strip_prefix(begin)?.strip_suffix("-->")
}

/// A block with its checks.
fn step(first: usize, block: &str) -> String {
    let mut text = String::new();
    let mut line = first;
    let commands = Command::all(block);
    let goes_on = commands.last().and_then(Command::goes_on);
    for command in commands {
        let length = command.lines.len();
        if command.is_denied() {
            let command = command.unmarked().lines.join("\n");
            let outcome = format!("then allowed {line}; else denied {line}; fi");
            let _ = write!(text, "if {{ {command}; }} > $ROOM/denied 2>&1; {outcome}");
        } else {
            text.push_str(&command.lines.join("\n"));
        }
        text.push('\n');
        line += length;
    }
    match goes_on {
        // A new terminal begins in the reader's home folder, and does not change other terminals.
        Some(said) => {
            format!("( cd; {text}) > $ROOM/terminal-{first} 2>&1 & terminal {first} $! '{said}'\n")
        }
        None => text,
    }
}
