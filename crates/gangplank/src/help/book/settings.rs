//! The page about the server's settings.

use clap::{Arg, Args as _};

use super::commands::{meaning, variables, written};
use super::markdown::{Page, code, sentence};
use crate::help::notes;
use crate::serving::options::{ServeOptions, file_only};

const HEAD: &str = "
Each option of `gangplank serve` is a flag, an environment variable and a key of a TOML file, which `--config FILE` or
`GANGPLANK_CONFIG` names. A flag goes before a variable, and a variable before the file. Otherwise an option has its
default. In the file a key has the name of the flag, without the dashes before it.

- `gangplank serve --check --config FILE` checks all settings, and starts nothing.
- `gangplank generate config` prints a file with every option, explained and commented out.

Sizes are written `512m` or `10 GiB`, times `90s`, `15m`, `24h` or `7d`. A list is separated by commas, and may be an array
in the file.
";

const SIGNALS: &str = "
- **SIGTERM** and Ctrl-C make `/readyz` answer 503. After `--drain-delay` the server finishes the open requests, for at most
  `--drain-timeout`. A second signal ends it at once.
- **SIGHUP** reads certificates, file and log filter anew. It applies the changes that need no restart, and the log names
  the others. A certificate that is replaced in its file is also used without the signal, within 10 seconds.
- `kill -9` is safe too: nothing that was acknowledged is lost.
";

const IN_FILE: &str = "
These are tables of the file, and have no flag.
";

pub(super) fn page() -> Page {
    let mut page = Page::new("Settings of the server");
    page.text(HEAD);
    for heading in headings() {
        page.heading(2, heading.as_deref().unwrap_or("In general"));
        let rows: Vec<_> = options(heading.as_deref()).iter().map(row).collect();
        page.table(["flag", "variable", "default", "meaning"], &rows);
    }
    page.heading(2, "Only in the file");
    page.text(IN_FILE);
    page.code("toml", &file_only());
    page.heading(2, "Variables that are no options");
    variables(&mut page, notes::variables("gangplank serve"));
    page.heading(2, "Signals");
    page.text(SIGNALS);
    page
}

/// The headings of the options, in the order of the help. The first options have none.
fn headings() -> Vec<Option<String>> {
    let mut headings = vec![None];
    for option in all() {
        let heading = option.get_help_heading().map(str::to_owned);
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    headings
}

fn all() -> Vec<Arg> {
    let command = ServeOptions::augment_args(clap::Command::new("serve"));
    command.get_arguments().cloned().collect()
}

/// The options under a heading.
pub(super) fn options(heading: Option<&str>) -> Vec<Arg> {
    all().into_iter().filter(|option| option.get_help_heading() == heading).collect()
}

fn row(option: &Arg) -> [String; 4] {
    let (meaning, default) = parts(option);
    let variable = option.get_env().and_then(|variable| variable.to_str()).unwrap_or_default();
    [code(&written(option)), code(variable), default, sentence(&meaning)]
}

/// The meaning of an option, and its default.
pub(super) fn parts(option: &Arg) -> (String, String) {
    let text = meaning(&option.clone().env(None::<&str>));
    match text.rsplit_once("[default: ") {
        Some((meaning, rest)) => {
            let (default, rest) = rest.split_once(']').unwrap_or((rest, ""));
            (format!("{}{rest}", meaning.trim()), default.to_owned())
        }
        None => (text, String::new()),
    }
}
