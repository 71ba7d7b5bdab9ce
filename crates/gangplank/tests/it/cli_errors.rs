//! Error messages: one style, with the thing, the reason, and advice.

use crate::cli::{home, run};
use crate::server;
use crate::terminal::on_a_terminal;

#[test]
fn every_error_begins_with_the_programs_name() {
    let home = home();
    for args in [
        &["--bogus"][..],
        &["bogus"],
        &["serve", "--bogus"],
        &["audit", "--limit", "0"],
        &["registry-login", "create"],
        &["push"],
    ] {
        let ran = run(home.path(), args, &[]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.starts_with("gangplank: ") && !ran.stderr.contains("error:"), "{ran:?}");
        assert!(!ran.stderr.contains('\u{1b}'), "{ran:?}");
    }
    run(home.path(), &["serve", "--lisden", "x"], &[]).check_usage(&["--listen"]);
    run(home.path(), &["adit"], &[]).check_usage(&["audit"]);
}

#[test]
fn errors_are_coloured_on_a_terminal_alone() {
    let home = home();
    for arguments in ["serve --bogus", "fsck --data-dir none"] {
        let Some((_, shown)) = on_a_terminal(home.path(), arguments, &[]) else { return };
        assert!(shown.contains("\u{1b}[1") && shown.contains("gangplank:"), "{shown:?}");
        let (_, plain) = on_a_terminal(home.path(), arguments, &[("NO_COLOR", "1")]).unwrap();
        assert!(plain.starts_with("gangplank: ") && !plain.contains('\u{1b}'), "{plain:?}");
    }
}

#[test]
fn a_usage_line_does_not_ask_for_what_a_variable_gives() {
    let home = home();
    for args in
        [&["audit", "--bogus"][..], &["fsck", "--bogus"], &["serve", "--bogus"], &["access-key", "list", "x"]]
    {
        let ran = run(home.path(), args, &[("GANGPLANK_DATA_DIR", "somewhere")]);
        let usage = ran.stderr.lines().find(|line| line.starts_with("Usage: ")).unwrap();
        assert!(!usage.contains("--data-dir") && usage.contains(args[0]), "{ran:?}");
    }
}

#[test]
fn words_of_other_programs_lead_to_the_command_that_is_meant() {
    let home = home();
    for (args, tip) in [
        (&["ps"][..], "`gangplank services`"),
        (&["images"], "get-container-images --service-name"),
        (&["image", "ls"], "get-container-images --service-name"),
        (&["pull", "web:app.1"], "`gangplank login --service-name"),
        (&["rmi", ":web.app.1"], "delete-container-image"),
        (&["start"], "`gangplank serve`"),
    ] {
        let ran = run(home.path(), args, &[]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains(tip) && !ran.stderr.contains("similar"), "{ran:?}");
        assert_eq!(ran.stderr.matches("tip:").count(), 1, "{ran:?}");
    }
}

#[test]
fn the_version_is_told_in_every_way_it_is_asked_for() {
    let home = home();
    let expected = concat!("gangplank ", env!("CARGO_PKG_VERSION"), "\n");
    for args in ["version", "--version", "-V", "-v"] {
        let ran = run(home.path(), &[args], &[]);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), expected, ""), "{args}");
    }
}

#[test]
fn a_data_directory_has_to_be_named_and_one_that_is_here_is_pointed_to() {
    let server = server();
    run(server.home(), &["fsck"], &[]).check_failed(&["--data-dir", "GANGPLANK_DATA_DIR"]);
    run(server.home(), &["audit"], &[]).check_failed(&["--data-dir", "--endpoint-url"]);
    let here = server.home().join("gangplank-data");
    std::os::unix::fs::symlink(server.data_dir(), &here).unwrap();
    run(server.home(), &["audit"], &[]).check_failed(&["--data-dir gangplank-data"]);
    assert_eq!(run(server.home(), &["fsck"], &[]).code, Some(0));
}

#[test]
fn refusals_of_the_api_say_in_words_what_is_meant() {
    let server = server();
    let ran = |args: &[&str]| {
        run(server.home(), args, &[("GANGPLANK_DATA_DIR", server.data_dir().to_str().unwrap())])
    };
    ran(&["registry-login", "create", "--service-name", "Bad Name!"])
        .check_failed(&["does not match pattern", "Use lower-case letters, digits and hyphens"]);
    ran(&["push", "oci:none", "--service-name=web", "--label=Bad Label!"])
        .check_failed(&["does not match pattern", "Use lower-case letters, digits and hyphens"]);
    ran(&["login"]).check_failed(&["login credentials. Make one with create-container-service"]);
    ran(&["audit", "--region", "mars-1"])
        .check_failed(&["Credential should be scoped to a valid region, not 'mars-1'.", "us-east-1, "]);
}

#[test]
fn help_shows_examples_and_the_commands_own_options_first() {
    let home = home();
    for args in [
        &["audit"][..],
        &["gc"],
        &["login"],
        &["configure"],
        &["push"],
        &["deploy"],
        &["logs"],
        &["services"],
        &["registry-login", "create"],
        &["serve"],
        &["fsck"],
        &["access-key", "list"],
    ] {
        let help = run(home.path(), &[args, &["--help"]].concat(), &[]).stdout;
        assert!(help.contains("\nExamples:\n  "), "{args:?}: {help}");
        let at = |heading: &str| help.find(heading);
        assert!(
            at("\nServer:").is_none_or(|server| at("\nOptions:").is_some_and(|own| own < server)),
            "{help}"
        );
    }
}
