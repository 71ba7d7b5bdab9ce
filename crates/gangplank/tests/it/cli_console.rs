//! `gangplank console`: a link that signs a browser in, once.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use reqwest::blocking::{Client, Response};
use reqwest::redirect::Policy;
use serde_json::json;

use crate::cli::{Ran, home, run};
use crate::fake_server::{self, operation};
use crate::handler::Reply;
use crate::keyless::Keyless;
use crate::{server, server_with};

fn browser() -> Client {
    Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

/// The link that a command printed. The command must have printed nothing else.
#[track_caller]
fn link(ran: &Ran) -> &str {
    assert_eq!((ran.code, ran.stderr.as_str(), ran.stdout.lines().count()), (Some(0), "", 1), "{ran:?}");
    ran.stdout.trim_end()
}

/// Presses the button on the page of the link.
fn press(link: &str) -> Response {
    let (page, secret) = link.split_once("?t=").unwrap();
    assert!(secret.len() == 43 && page.ends_with("/console/in"), "{link}");
    assert!(browser().get(link).send().unwrap().text().unwrap().contains("Open the console"));
    let form = browser().post(page).header("sec-fetch-site", "same-origin");
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    form.body(format!("link={secret}")).send().unwrap()
}

/// The first page after signing in.
#[track_caller]
fn first_page(endpoint: &str, entered: &Response) -> (u16, String) {
    let header = |name: &str| entered.headers()[name].to_str().unwrap();
    assert_eq!(entered.status(), 303);
    let cookie = header("set-cookie").split(';').next().unwrap();
    let page = browser().get(format!("{endpoint}{}", header("location"))).header("cookie", cookie);
    let page = page.send().unwrap();
    (page.status().as_u16(), page.text().unwrap())
}

#[test]
fn a_printed_link_signs_in_once() {
    let server = server();
    let data_dir = server.data_dir();
    let args = ["console", "--print", "--data-dir", data_dir.to_str().unwrap(), "--region", "eu-west-1"];
    let printed = run(server.home(), &args, &[]);
    let link = link(&printed);
    assert!(link.starts_with(&server.endpoint()), "{link}");
    let entered = press(link);
    assert_eq!(entered.headers()["location"], "/console/000000000000/eu-west-1/services");
    let (status, page) = first_page(&server.endpoint(), &entered);
    assert!(status == 200 && page.contains("Root key GPAK"), "{page}");
    assert_eq!(press(link).status(), 403, "a second time");
}

#[test]
fn a_role_signs_in_and_is_out_when_it_is_disabled() {
    let keyless = Keyless::start();
    let role = keyless.role("read-all", &json!({ "preset": "read" }));
    let token = keyless.server.home().join("token");
    fs::write(&token, keyless.token()).unwrap();
    let environment = [
        ("AWS_ROLE_ARN", role.as_str()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
        ("AWS_ROLE_SESSION_NAME", "ann"),
        ("AWS_ENDPOINT_URL", &keyless.server.endpoint()),
    ];
    let printed = run(keyless.server.home(), &["console", "--print"], &environment);
    let entered = press(link(&printed));
    let (status, page) = first_page(&keyless.server.endpoint(), &entered);
    assert!(status == 200 && page.contains("Role read-all, session ann"), "{page}");
    let data_dir = keyless.server.data_dir();
    let disable = ["role", "disable", "read-all", "--data-dir", data_dir.to_str().unwrap()];
    assert_eq!(run(keyless.server.home(), &disable, &[]).code, Some(0));
    let (status, page) = first_page(&keyless.server.endpoint(), &entered);
    assert!(status == 403 && page.contains("The session of the role read-all was ended"), "{page}");
}

/// Puts a program under this name. It writes its arguments into a file, and exits with this status.
fn pretend(folder: &Path, name: &str, exit: u8) {
    let program = folder.join(name);
    let text = format!("#!/bin/sh\nprintf %s \"$1\" >{}/told\nexit {exit}\n", folder.display());
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn where_there_is_a_screen_the_browser_opens_and_elsewhere_the_link_is_printed() {
    let server = server();
    let data_dir = server.data_dir();
    let args = ["console", "--data-dir", data_dir.to_str().unwrap()];
    let folder = home();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    pretend(folder.path(), "xdg-open", 0);
    let opened = run(server.home(), &args, &[("PATH", &path), ("DISPLAY", ":0")]);
    assert_eq!(opened.code, Some(0), "{opened:?}");
    assert!(!opened.stdout.contains("?t="), "{opened:?}");
    let told = fs::read_to_string(folder.path().join("told")).unwrap();
    assert_eq!(press(&told).status(), 303);

    pretend(folder.path(), "xdg-open", 3);
    for environment in [&[("PATH", path.as_str()), ("DISPLAY", ":0")][..], &[("PATH", &path)]] {
        let printed = run(server.home(), &args, environment);
        assert_eq!(printed.code, Some(0), "{printed:?}");
        assert!(printed.stderr.contains("within a minute"), "{printed:?}");
        assert_eq!(press(printed.stdout.trim_end()).status(), 303);
    }
}

#[test]
fn a_server_that_leads_elsewhere_is_not_followed() {
    for path in ["https://evil.example/console/in?t=x", "//evil.example/x"] {
        let address = fake_server::start(move |request| {
            let link = json!({ "path": path, "expiresAt": 4e9 });
            (operation(request) == "CreateConsoleLink").then(|| Reply::new(200, link.to_string()))
        });
        fake_server::ask(&address, &["console", "--print"]).check_failed(&["leads elsewhere"]);
    }
}

#[test]
fn a_server_whose_console_is_off_says_so() {
    let server = server_with(|builder| builder.arg("--console").arg("off"));
    let data_dir = server.data_dir();
    let args = ["console", "--print", "--data-dir", data_dir.to_str().unwrap()];
    run(server.home(), &args, &[]).check_failed(&["switched off", "--console on"]);
    assert_eq!(browser().get(format!("{}/console/", server.endpoint())).send().unwrap().status(), 404);
}
