//! Recorded runs of the AWS CLI 2.38, replayed against `gangplank lightsail`. Each runs in an empty home,
//! against an endpoint that gives the recorded answer. Exit status, standard output and requests have to be the
//! same. For standard error, only two things are compared: whether there is any, and the server's error in it.
//! The comments of YAML samples are in our own words, so only their marks are compared.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::PROGRAM;
use crate::fake_endpoint::{FakeEndpoint, Response};

/// One recorded run, as a line of the file.
#[derive(Deserialize)]
struct Case {
    operation: String,
    #[serde(rename = "case")]
    name: String,
    argv: Vec<String>,
    env: Map<String, Value>,
    unset: Vec<String>,
    files: Map<String, Value>,
    response: Option<Response>,
    requests: Vec<Recorded>,
    exit: i32,
    stdout: String,
    stderr: String,
}

#[derive(Deserialize)]
struct Recorded {
    path: String,
    target: Option<String>,
    scope: Option<String>,
    body: String,
}

const ENVIRONMENT: [(&str, &str); 7] = [
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("AWS_DEFAULT_REGION", "us-west-2"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_PAGER", ""),
    ("LC_ALL", "C.UTF-8"),
    ("TZ", "UTC"),
];

#[test]
fn recorded_runs_of_the_aws_cli_are_reproduced() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/aws-cli-2.38.jsonl");
    let text = fs::read_to_string(file).unwrap();
    let mut differences = Vec::new();
    let mut count = 0;
    for line in text.lines() {
        count += 1;
        let case: Case = serde_json::from_str(line).unwrap();
        differences
            .extend(replay(line).into_iter().map(|what| format!("{}/{}: {what}", case.operation, case.name)));
    }
    assert_eq!(count, 92);
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

fn replay(line: &str) -> Vec<String> {
    let home = tempfile::tempdir().unwrap();
    let endpoint = FakeEndpoint::start();
    let line = line
        .replace("{endpoint}", &format!("http://{}", endpoint.address))
        .replace("{hostport}", &endpoint.address)
        .replace("{dir}", home.path().to_str().unwrap());
    let case: Case = serde_json::from_str(&line).unwrap();
    endpoint.answer_with(case.response.clone());
    for (name, text) in &case.files {
        fs::write(home.path().join(name), text.as_str().unwrap()).unwrap();
    }
    let mut command = Command::new(PROGRAM);
    command.args(&case.argv).current_dir(&home).stdin(Stdio::null());
    command.env_clear().env("HOME", home.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs(ENVIRONMENT);
    case.unset.iter().for_each(|name| {
        command.env_remove(name);
    });
    command.envs(case.env.iter().map(|(name, value)| (name, value.as_str().unwrap())));
    let done = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));

    let mut differences = Vec::new();
    if done.status.code() != Some(case.exit) {
        differences.push(format!("{}, recorded {}: {stderr}", done.status, case.exit));
    }
    let is_yaml_sample = case.argv.iter().any(|argument| argument == "yaml-input");
    let stdout = if is_yaml_sample { without_words(&stdout) } else { stdout.into_owned() };
    if stdout != case.stdout {
        differences.push(format!("stdout {stdout:?}, recorded {:?}", case.stdout));
    }
    if stderr.trim().is_empty() != case.stderr.trim().is_empty() {
        differences.push(format!("stderr {stderr:?}, recorded {:?}", case.stderr));
    }
    if let Some((code, message)) = service_error(&case.stderr)
        && case.response.is_some()
        && !(stderr.contains(code) && stderr.contains(message))
    {
        differences.push(format!("stderr {stderr:?} lacks ({code}) {message:?}"));
    }
    let seen = endpoint.seen();
    let same = seen.len() == case.requests.len()
        && seen.iter().zip(&case.requests).all(|(seen, recorded)| {
            let as_json = |text: &str| serde_json::from_str::<Value>(text).ok();
            seen.path == recorded.path
                && seen.target == recorded.target
                && seen.scope == recorded.scope
                && as_json(&seen.body) == as_json(&recorded.body)
        });
    // A server recognises a repeated call by its id.
    if seen.windows(2).any(|pair| pair[0].invocation.is_none() || pair[0].invocation != pair[1].invocation) {
        differences.push(format!("the attempts have different ids: {seen:?}"));
    }
    if !same {
        let recorded: Vec<_> = case.requests.iter().map(|request| &request.body).collect();
        differences.push(format!("requests {seen:?}, recorded {recorded:?}"));
    }
    differences
}

/// The name and the message of a service error in a text for standard error.
fn service_error(stderr: &str) -> Option<(&str, &str)> {
    let (_, rest) = stderr.split_once("An error occurred (")?;
    let (code, rest) = rest.split_once(") when calling the ")?;
    let (_, message) = rest.lines().next()?.split_once(": ")?;
    Some((code, message))
}

/// A YAML sample in which the words of each comment are replaced by `...`. The places of comments, `[REQUIRED]`
/// and the lists of valid values stay.
fn without_words(sample: &str) -> String {
    let line = |line: &str| {
        let Some((code, comment)) = line.split_once("# ") else { return line.to_owned() };
        let (mark, comment) = match comment.strip_prefix("[REQUIRED] ") {
            Some(rest) => ("[REQUIRED] ", rest),
            None => ("", comment),
        };
        let values = comment.find(" Valid values are: ").unwrap_or(comment.len());
        let (words, values) = comment.split_at(values);
        let words = if words.trim().is_empty() { "" } else { "..." };
        format!("{code}# {mark}{words}{values}")
    };
    sample.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn of_a_sample_only_the_words_of_comments_are_not_compared() {
    for (sample, compared) in [
        ("tags: # The tags.\n- key: ''  # A key. And more.\n", "tags: # ...\n- key: ''  # ...\n"),
        (
            "power: nano # [REQUIRED] How big. Valid values are: nano, micro.\n",
            "power: nano # [REQUIRED] ... Valid values are: nano, micro.\n",
        ),
        ("ports:\n  KeyName: HTTP\n", "ports:\n  KeyName: HTTP\n"),
        ("name: '' # [REQUIRED] \n", "name: '' # [REQUIRED] \n"),
    ] {
        assert_eq!(without_words(sample), compared);
    }
}
