//! Deployments that cannot become active: they fail in time and say why, and the deployment before them serves
//! all the time.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Program;
use crate::services::{World, deployment, until};
use crate::services_load::Load;
use crate::suite::Test;

pub(crate) const TESTS: [(&str, Test); 1] = [("what_cannot_run_fails_in_words", failures)];

/// The longest time for a deployment here. It is long enough for deployments without a fault to become active
/// on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A failure: the service, the deployment, the expected text in the log, and the expected number of starts.
type Case = (&'static str, Value, &'static str, RangeInclusive<usize>);

fn cases(bare: &str) -> Vec<Case> {
    let with = |service: &str, change: &dyn Fn(&mut Value)| {
        let mut input = deployment(service, "broken", &[]);
        change(&mut input);
        input
    };
    vec![
        ("crash", deployment("crash", "broken", &["crash"]), "app: exited with 3, 3 times", 3..=3),
        ("mute", deployment("mute", "broken", &["mute"]), "GET / on port 8080: ", 1..=1),
        (
            "wrong",
            deployment("wrong", "broken", &["wrong"]),
            "the answer was 500; wanted is a status of",
            1..=1,
        ),
        (
            "unpulled",
            with("unpulled", &|input| input["containers"]["app"]["image"] = json!("127.0.0.1:1/x:1")),
            "app: 127.0.0.1:1/x:1: ",
            0..=0,
        ),
        (
            "port",
            with("port", &|input| {
                input["containers"]["app"]["ports"] = json!({ "81": "HTTP" });
                input["publicEndpoint"]["containerPort"] = json!(81);
            }),
            "GET / on port 81: ",
            1..=1,
        ),
        ("eats", deployment("eats", "broken", &["eat"]), "wanted more than the 512 MB of memory", 1..=3),
        (
            "command",
            with("command", &|input| {
                input["containers"]["app"]["image"] = json!(bare);
                input["containers"]["app"]["command"] = json!(["/nowhere/to-be-found"]);
            }),
            "/nowhere/to-be-found",
            3..=3,
        ),
    ]
}

fn failures(client: &Program) {
    let world = World::new(client, &["--deployment-timeout", &TIMEOUT.as_secs().to_string()]);
    let services: Vec<_> = cases("").iter().map(|case| case.0).collect();
    for service in &services {
        world.make_service(service);
    }
    let cases = cases(&world.register_bare("command"));
    std::thread::scope(|scope| {
        // Few at a time, because each keeps a small machine busy.
        let lanes: Vec<_> = cases
            .chunks(3)
            .map(|lane| scope.spawn(|| lane.iter().for_each(|case| check(&world, case))))
            .collect();
        for lane in lanes {
            lane.join().expect("what fails as it should");
        }
    });
    world.wait_until_only(&services.iter().map(|service| (*service, 1, 1)).collect::<Vec<_>>());
}

fn check(world: &World, (service, input, words, starts): &Case) {
    world.deploy(service, "good", &[]);
    let load = Load::start(world.server.address(), &world.host(service), 2, 1);
    let began = Instant::now();
    assert_eq!(world.begin(input.clone()), 2, "{service}");
    until(&format!("{service} ends"), || world.state_of(service, 2) != "ACTIVATING");
    let took = began.elapsed();
    assert_eq!(world.state_of(service, 2), "FAILED", "{service}: {:#?}", world.log(service));
    let shown = world.service(service);
    assert_eq!(
        (&shown["state"], &shown["currentDeployment"]["version"], &shown["nextDeployment"]),
        (&json!("RUNNING"), &json!(1), &Value::Null),
        "{service}"
    );
    let log = world.log(service);
    assert!(log.iter().any(|line| line.contains(words)), "{service}: {words} in {log:#?}");
    assert_eq!(log.last().map(String::as_str), Some("[deployment:2] Canceled"), "{service}: {log:#?}");
    let started = log.iter().filter(|line| *line == "[deployment:2] Started 1 new node").count();
    // A program that uses up its memory slowly may not reach the third start.
    assert!(starts.contains(&started), "{service}: {log:#?}");
    if *service == "crash" {
        assert_eq!(log.iter().filter(|line| *line == "no database").count(), 3, "{log:#?}");
    }
    let outcome = load.end();
    assert_eq!(outcome.versions, ["good"], "{service}");
    eprintln!("{service}: FAILED after {took:?}, {} requests: {:#?}", outcome.answers, &log[log.len() - 3..]);
    assert!(took < TIMEOUT + Duration::from_secs(4), "{service}: {took:?}");
}
