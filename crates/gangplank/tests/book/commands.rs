//! The commands of a shell block, split as far as the runner needs.

/// A command in a block. It may have several lines, joined by backslashes or a here-document.
#[derive(Debug, PartialEq)]
pub(crate) struct Command {
    pub(crate) lines: Vec<String>,
}

/// The mark of a command that has to fail.
const DENIED: &str = "# denied";

impl Command {
    /// Splits a block into commands.
    pub(crate) fn all(block: &str) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        let mut is_open = false;
        let mut document: Option<String> = None;
        for line in block.lines() {
            match all.last_mut() {
                Some(command) if is_open || document.is_some() => command.lines.push(line.to_owned()),
                _ => all.push(Self { lines: vec![line.to_owned()] }),
            }
            if document.as_deref().is_some_and(|end| line.trim() == end) {
                document = None;
            } else if document.is_none() {
                document = end_of_document(line);
            }
            // A pipe continues in the next line, as after a backslash.
            is_open = document.is_none() && line.trim_end().ends_with(['\\', '|']);
        }
        all
    }

    /// Whether the command has to fail.
    pub(crate) fn is_denied(&self) -> bool {
        self.lines.last().is_some_and(|line| line.trim_end().ends_with(DENIED))
    }

    /// Returns the command without that mark.
    pub(crate) fn unmarked(mut self) -> Self {
        if let Some(last) = self.lines.last_mut() {
            *last = last.trim_end().trim_end_matches(DENIED).trim_end().to_owned();
        }
        self
    }

    /// The text that a long-running command prints when it is ready. A reader would leave such a command
    /// running in its own terminal. `None` for a command that ends.
    pub(crate) fn goes_on(&self) -> Option<&'static str> {
        let text = self.lines.join(" ");
        let is_ended = ["--check", "--help", "timeout "].iter().any(|each| text.contains(each));
        if is_ended || text.trim_end().ends_with('&') {
            None
        } else if text.contains("gangplank serve") {
            Some("listening on")
        } else {
            text.contains(" --follow").then_some(".")
        }
    }

    /// The programs that it calls.
    pub(crate) fn first_words(&self) -> Vec<String> {
        let text = self.lines.join("\n").replace("\\\n", " ");
        let text = ["&&", "||", "$(", "<("].iter().fold(text, |text, each| text.replace(each, "\n"));
        let commands = text.split(['\n', '|', ';', '(', '`', '{']);
        commands.filter_map(first_word).map(str::to_owned).collect()
    }
}

fn end_of_document(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("<<")?;
    // `<<<` is followed by a string.
    let word = rest.trim_start_matches('-').split_whitespace().next().filter(|_| !rest.starts_with('<'))?;
    Some(word.trim_matches(['\'', '"']).to_owned())
}

fn first_word(command: &str) -> Option<&str> {
    const BEFORE: [&str; 12] =
        ["if", "then", "else", "do", "while", "until", "!", "sudo", "env", "exec", "time", "timeout"];
    let is_value = |word: &str| word.split_once('=').is_some_and(|(name, _)| !name.contains(['/', '-']));
    let is_number = |word: &str| word.starts_with(|first: char| first.is_ascii_digit());
    let mut words = command.split_whitespace().map(|word| word.trim_start_matches(['"', '\'']));
    words.find(|word| !BEFORE.contains(word) && !is_value(word) && !is_number(word) && !word.starts_with('-'))
}

/// Tests the parts of this suite. `main` calls it, because this suite has its own harness.
pub(crate) fn check() -> Result<(), String> {
    let block = "gangplank push app \\\n  --label app\nX=1 docker ps | grep x  # denied\ncat > f <<'END'\naws \\\nEND\ngangplank serve";
    let commands = Command::all(block);
    let lengths: Vec<usize> = commands.iter().map(|command| command.lines.len()).collect();
    let denied: Vec<bool> = commands.iter().map(Command::is_denied).collect();
    let words = commands[1].first_words();
    let goes_on: Vec<bool> = commands.iter().map(|command| command.goes_on().is_some()).collect();
    let all = (lengths, denied, words, goes_on);
    let wanted = (
        vec![2, 1, 3, 1],
        vec![false, true, false, false],
        vec!["docker".to_owned(), "grep".to_owned()],
        vec![false, false, false, true],
    );
    if all == wanted { Ok(()) } else { Err(format!("{all:?}")) }
}
