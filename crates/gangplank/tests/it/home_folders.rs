//! The places of a person's files: in the home folder, or at an absolute path in a variable, but never in the
//! current folder.

use std::fs;

use crate::cli::{command, home, run_with_input};

#[test]
fn without_a_home_the_current_folder_is_not_taken_for_it() {
    let home = home();
    fs::create_dir(home.path().join(".aws")).unwrap();
    let config = home.path().join(".aws/config");
    fs::write(&config, "[default]\nregion = us-east-1\nendpoint_url = http://127.0.0.1:1\n").unwrap();
    let call = |environment: &[(&str, &str)]| {
        let mut command = command(home.path(), &["lightsail", "get-container-services"]);
        command.env_remove("HOME").envs(environment.iter().copied());
        run_with_input(command, "")
    };
    for environment in [&[][..], &[("HOME", "")], &[("HOME", ""), ("AWS_CONFIG_FILE", "~/.aws/config")]] {
        let ran = call(environment);
        assert!(ran.code != Some(0) && ran.stderr.contains("HOME is not set"), "{ran:?}");
    }
    let ran = call(&[
        ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/none"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_MAX_ATTEMPTS", "1"),
    ]);
    assert!(ran.stderr.contains("http://127.0.0.1:1"), "{ran:?}");
}

#[test]
fn a_relative_variable_does_not_lead_into_the_current_folder() {
    let home = home();
    for folder in ["config", "state"] {
        fs::create_dir_all(home.path().join(folder).join("gangplank")).unwrap();
    }
    fs::write(home.path().join("config/gangplank/registries.toml"), "damaged").unwrap();
    fs::write(home.path().join("state/gangplank/logins.json"), "damaged").unwrap();
    let mut command = command(home.path(), &["docker-credential", "get"]);
    command.env("XDG_CONFIG_HOME", "config").env("XDG_STATE_HOME", "./state");
    let ran = run_with_input(command, "ghcr.io");
    assert!(ran.stdout.starts_with("credentials not found"), "{ran:?}");
    assert!(home.path().join(".local/state/gangplank").is_dir());
}
