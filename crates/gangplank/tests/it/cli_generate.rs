//! `gangplank generate`: files for people who package the program.

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use crate::cli::{command, home, run, run_with_input};

/// The commands in a help text, without `help` itself.
fn commands(help: &str) -> Vec<&str> {
    let Some((_, rest)) = help.split_once("Commands:\n") else { return Vec::new() };
    let lines = rest.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    lines.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect()
}

/// The options in a help text.
fn options(help: &str) -> impl Iterator<Item = &str> {
    let words = help.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    words.filter(|word| word.starts_with("--") && word.len() > 2)
}

/// Follows the help texts downwards, and compares each with its page.
fn check_pages(home: &Path, words: &[&str], found: &mut BTreeSet<String>) {
    let name = std::iter::once(&"gangplank").chain(words).copied().collect::<Vec<_>>().join("-");
    let file = format!("{name}.1");
    let page = std::fs::read_to_string(home.join("man").join(&file)).unwrap_or_else(|_| panic!("no {file}"));
    found.insert(file);
    if words == ["lightsail"] {
        return;
    }
    let help = run(home, &[words, &["--help"]].concat(), &[]).stdout;
    for option in options(&help) {
        assert!(page.contains(&option.replace('-', "\\-")), "{option} is not in {name}: {page}");
    }
    for command in commands(&help) {
        check_pages(home, &[words, &[command]].concat(), found);
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let home = home();
    let written = run(home.path(), &["generate", "man", "man"], &[]);
    assert_eq!((written.code, written.stdout.as_str()), (Some(0), ""), "{written:?}");
    assert!(written.stderr.ends_with(" manual pages into man\n"), "{written:?}");

    let mut found = BTreeSet::new();
    check_pages(home.path(), &[], &mut found);
    for page in ["gangplank-serve.1", "gangplank-access-key-create.1", "gangplank-generate-man.1"] {
        assert!(found.contains(page), "{page} is not in {found:?}");
    }
    let read = |name: &str| std::fs::read_to_string(home.path().join("man").join(name)).unwrap();
    let serve = read("gangplank-serve.1");
    assert!(serve.contains("GANGPLANK_LISTEN") && serve.contains(".SH \"FILES\""), "{serve}");
    let synopsis = serve.split(".SH SYNOPSIS").nth(1).unwrap().split(".SH").next().unwrap();
    assert!(synopsis.len() < 200 && synopsis.contains("OPTIONS"), "{synopsis}");
    // Commands with the AWS CLI's syntax have pages made from the descriptions of their operations.
    assert!(read("gangplank-lightsail.1").contains("register\\-container\\-image"));
    assert!(read("gangplank-lightsail-register-container-image.1").contains("\\-\\-digest"));
    // The names under which other programs call it have pages too.
    assert!(read("docker-credential-gangplank.1").contains("docker\\-credential\\-gangplank"));
    assert!(read("docker-credential-gangplank-get.1").contains("making one"));
    assert!(read("lightsailctl.1").contains("\\-\\-input\\-stdin"));

    for entry in std::fs::read_dir(home.path().join("man")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.contains("-help"), "{name}");
        let page = read(&name);
        assert!(
            page.contains(concat!("gangplank ", env!("CARGO_PKG_VERSION")))
                && page.contains(".SH NAME")
                && page.contains(".SH SYNOPSIS"),
            "{name}"
        );
        for heading in ["EXAMPLES", "ENVIRONMENT", "EXIT STATUS", "SEE ALSO"] {
            let plain = page.replace('"', "");
            assert!(plain.contains(&format!(".SH {heading}\n")), "{name} has no {heading}");
        }
    }
}

#[test]
fn a_place_that_cannot_be_written_to_is_named() {
    let home = home();
    std::fs::write(home.path().join("taken"), "").unwrap();
    run(home.path(), &["generate", "man", "taken"], &[]).check_failed(&["cannot write to taken"]);
}

#[test]
fn lightsailctl_shows_its_help_when_asked() {
    let home = home();
    for word in ["--help", "-help", "-h"] {
        let mut command = command(home.path(), &[word]);
        command.arg0("lightsailctl");
        let ran = run_with_input(command, "");
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{word}");
        assert!(ran.stdout.contains("--input-stdin"), "{ran:?}");
    }
}

#[test]
fn completions_know_the_values_of_options() {
    let home = home();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(home.path(), &["generate", "completions", shell], &[]).stdout;
        assert!(script.contains("ManifestPushed") && script.contains("table json text"), "{shell}: {script}");
        assert!(script.contains("bash zsh fish"), "{shell}: {script}");
        // A global option of the command above.
        let list = script.lines().filter(|line| line.contains("gangplank registry-login list"));
        assert!(list.into_iter().any(|line| line.contains("endpoint-url")), "{shell}: {script}");
    }
    let help = run(home.path(), &["generate", "completions", "--help"], &[]).stdout;
    for place in ["bash-completion/completions", "fpath", ".config/fish/completions"] {
        assert!(help.contains(place), "{help}");
    }
}

#[test]
fn bash_offers_values_after_their_option() {
    let home = home();
    let script = run(home.path(), &["generate", "completions", "bash"], &[]).stdout;
    let ask = format!(
        "{script}\nCOMP_WORDS=(gangplank audit --kind Manifest); COMP_CWORD=3; _gangplank; echo \"${{COMPREPLY[@]}}\""
    );
    let Ok(output) = std::process::Command::new("bash").args(["--norc", "-c", &ask]).output() else {
        return gangplank_testkit::skip("there is no bash");
    };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ManifestPushed ManifestDeleted\n");
}
