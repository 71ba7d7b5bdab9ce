//! `gangplank lightsail`: every way to ask for help, and the data directory as in other commands.

use crate::cli::{home, run};
use crate::server;
use crate::terminal::on_a_terminal;

#[test]
fn help_is_shown_in_every_way_it_is_asked_for() {
    let home = home();
    for args in [&["--help"][..], &["-h"], &["help"]] {
        let ran = run(home.path(), &[&["lightsail"], args].concat(), &[]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{args:?}");
        assert!(ran.stdout.contains("get-container-images") && ran.stdout.contains("--data-dir"), "{args:?}");
    }
    for args in [
        &["get-container-images", "--help"][..],
        &["get-container-images", "-h"],
        &["get-container-images", "help"],
        &["get-container-images", "--service-name", "web", "--help"],
        &["--region", "us-east-1", "get-container-images", "--help"],
    ] {
        let ran = run(home.path(), &[&["lightsail"], args].concat(), &[]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{args:?}");
        assert!(ran.stdout.contains("--service-name (string) [required]"), "{args:?}: {}", ran.stdout);
        for heading in ["EXIT STATUS", "ENVIRONMENT", "FILES", "SEE ALSO"] {
            assert!(ran.stdout.contains(&format!("{heading}\n")), "{heading}");
        }
    }
    assert_eq!(run(home.path(), &["help", "lightsail"], &[]).code, Some(0));
    assert_eq!(run(home.path(), &["lightsail"], &[]).code, Some(252));
    assert_eq!(run(home.path(), &["lightsail", "no-such-thing", "--help"], &[]).code, Some(252));
}

#[test]
fn the_data_directory_names_server_region_and_key() {
    let server = server();
    server.api().ensure_service("web");
    let data_dir = server.data_dir();
    let data_dir = data_dir.to_str().unwrap();
    let call = ["lightsail", "get-container-services", "--query", "containerServices[].containerServiceName"];
    for ran in [
        run(server.home(), &[&call[..], &["--data-dir", data_dir]].concat(), &[]),
        run(server.home(), &[&["--data-dir", data_dir], &call[..]].concat(), &[]),
        run(server.home(), &call, &[("GANGPLANK_DATA_DIR", data_dir)]),
    ] {
        assert_eq!(ran.json(), serde_json::json!(["web"]));
    }
    // A profile that is named on the command line is used, and not the one in a variable.
    let ran = run(
        server.home(),
        &[&call[..], &["--profile", "none"]].concat(),
        &[("GANGPLANK_DATA_DIR", data_dir)],
    );
    assert!(ran.code == Some(255) && ran.stderr.contains("(none)"), "{ran:?}");
    let ran = run(server.home(), &call, &[("GANGPLANK_DATA_DIR", "none")]);
    assert!(ran.code == Some(253) && ran.stderr.contains("no data directory of gangplank's"), "{ran:?}");
}

#[test]
fn help_goes_through_a_pager_on_a_terminal() {
    let home = home();
    let pager = [("PAGER", "sed s/^/paged:/")];
    let Some((code, shown)) = on_a_terminal(home.path(), "lightsail help", &pager) else { return };
    assert!(code == Some(0) && shown.starts_with("paged:NAME"), "{shown}");
    let (code, shown) = on_a_terminal(home.path(), "lightsail help", &[("PAGER", "/none/pager")]).unwrap();
    assert!(
        code == Some(0) && shown.starts_with("NAME"),
        "without a pager it is shown all the same: {shown}"
    );
}
