//! The form of lists: a table on a terminal, the old format for scripts, and one way to write each kind of value.

use gangplank_testkit::{Image, TestServer};

use crate::cli::{Ran, run};
use crate::image_files::write_layout;
use crate::server;
use crate::terminal::on_a_terminal;

fn ran(server: &TestServer, args: &[&str]) -> Ran {
    run(server.home(), args, &[("GANGPLANK_DATA_DIR", server.data_dir().to_str().unwrap())])
}

fn titles(table: &str) -> Vec<&str> {
    table
        .lines()
        .next()
        .unwrap_or_default()
        .split("  ")
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .collect()
}

#[test]
fn every_list_has_a_table() {
    let server = server();
    server.api().ensure_service("web");
    server.registry_as(&server.push_login()).push_image("sr", "v1", &Image::unique(1));
    for (args, expected) in [
        (&["access-key", "list"][..], &["ACCESS KEY", "ACCOUNT", "STATUS", "CREATED", "ROOT"][..]),
        (&["registry-login", "list"], &["ID", "SCOPE", "ACCESS KEY", "CREATED", "ENDS", "STATUS"]),
        (&["audit"], &["AT", "KIND", "ACCOUNT"]),
        (&["services"], &["NAME", "STATE", "NODES"]),
        (
            &["gc", "--dry-run", "--grace", "0"],
            &["KIND", "ACCOUNT", "REGION", "REPOSITORY", "DIGEST", "SIZE"],
        ),
    ] {
        let table = ran(&server, &[args, &["--output", "table"]].concat());
        assert_eq!(table.code, Some(0), "{table:?}");
        assert!(titles(&table.stdout).starts_with(expected), "{table:?}");
        assert!(!table.stdout.contains('\u{1b}'), "no colour off a terminal: {table:?}");
        let text = ran(&server, &[args, &["--output", "text"]].concat());
        assert!(text.stdout.lines().count() > 0 && !text.stdout.contains(expected[0]), "{text:?}");
        assert!(
            serde_json::from_str::<serde_json::Value>(
                &ran(&server, &[args, &["--output=json"]].concat()).stdout
            )
            .is_ok()
        );
    }
    for args in [["access-key", "create"], ["registry-login", "create"]] {
        let more: &[&str] = if args[0] == "access-key" { &[] } else { &["--scope", "pull"] };
        let table = ran(&server, &[&args, more, &["--output", "table"]].concat());
        assert_eq!(table.code, Some(0), "{table:?}");
        assert!(table.stdout.lines().count() >= 4 && !table.stdout.contains('{'), "{table:?}");
    }
}

#[test]
fn sizes_and_times_are_written_in_one_way() {
    let server = server();
    server.api().ensure_service("web");
    write_layout(&server.home().join("layout"), &Image::of([vec![7; 300_000]]));
    let pushed = ran(&server, &["push", "oci:layout", "--service-name=web", "--label=app"]);
    assert!(pushed.stdout.contains(" KiB sent in ") && !pushed.stdout.contains("bytes"), "{pushed:?}");
    assert!(pushed.stderr.contains(": pushed, 294.5 KiB"), "{pushed:?}");
    let checked = ran(&server, &["fsck"]);
    assert!(checked.stdout.contains("checked 2 contents (29"), "{checked:?}");
    for args in [&["audit"][..], &["access-key", "list"], &["registry-login", "list"]] {
        for form in ["table", "json", "text"] {
            let shown = ran(&server, &[args, &["--output", form]].concat()).stdout;
            let times: Vec<&str> = shown
                .split([' ', '"', '=', '\n'])
                .filter(|word| word.starts_with("20") && word.contains('T'))
                .collect();
            assert!(!times.is_empty(), "{shown}");
            for time in times {
                let bare = time.strip_suffix("+00:00").unwrap_or_else(|| panic!("{time}"));
                let fraction = bare.split_once('.').map(|(_, fraction)| fraction);
                assert!(fraction.is_none_or(|it| it.len() == 3 && it != "000"), "{time}");
            }
        }
    }
}

#[test]
fn a_terminal_gets_tables_and_an_empty_result_says_so() {
    let server = server();
    let data_dir = server.data_dir();
    let environment = [("GANGPLANK_DATA_DIR", data_dir.to_str().unwrap())];
    let Some((code, keys)) = on_a_terminal(server.home(), "access-key list", &environment) else { return };
    assert_eq!(code, Some(0), "{keys}");
    assert!(keys.contains("ACCESS KEY") && keys.contains("\u{1b}[1m") && !keys.contains('{'), "{keys}");
    let plain = [environment[0], ("NO_COLOR", "1")];
    let (_, keys) = on_a_terminal(server.home(), "access-key list", &plain).unwrap();
    assert!(titles(&keys).starts_with(&["ACCESS KEY", "ACCOUNT"]), "{keys}");
    let (_, none) = on_a_terminal(server.home(), "registry-login list", &environment).unwrap();
    assert_eq!(none, "There are no registry logins.\n");
    let (_, none) = on_a_terminal(server.home(), "audit --until 1970-01-02", &environment).unwrap();
    assert_eq!(none, "There are no such events.\n");
    assert_eq!(ran(&server, &["audit", "--until", "1970-01-02"]).stdout, "", "scripts count lines");
}

#[test]
fn what_was_done_is_said_where_nothing_is_printed() {
    let server = server();
    let made = ran(&server, &["access-key", "create"]).json();
    let id = made["accessKeyId"].as_str().unwrap();
    for (word, said) in [("disable", "disabled"), ("enable", "enabled"), ("delete", "deleted")] {
        let done = ran(&server, &["access-key", word, id]);
        assert_eq!((done.code, done.stdout.as_str()), (Some(0), ""), "{done:?}");
        assert!(done.stderr.starts_with(&format!("gangplank: {said} {id}")), "{done:?}");
    }
}

#[test]
fn things_are_counted_as_people_count_them() {
    let server = server();
    server.registry_as(&server.operator_login()).push_image("sr", "v1", &Image::unique(0));
    let told = ran(&server, &["gc", "--dry-run", "--grace", "0"]);
    assert!(told.stdout.contains("would collect 1 manifest and 1 blob;"), "{told:?}");
}

#[test]
fn a_login_says_of_which_kind_it_is() {
    let server = server();
    server.api().ensure_service("web");
    let pushes = ran(&server, &["login"]).stdout;
    assert!(pushes.contains("A push login for ") && !pushes.contains("cannot push"), "{pushes}");
    let pulls = ran(&server, &["login", "--service-name", "web", "--force"]).stdout;
    for part in ["A login that pulls the images of web for ", "It cannot push", "`gangplank login --force`"] {
        assert!(pulls.contains(part), "{part}: {pulls}");
    }
}
