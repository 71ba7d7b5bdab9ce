//! A service runs on one replica, and all replicas answer for it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::world::{KNOWN, OWN, SHARED, SOON, World, done, get, log, wait_for_answer};
use crate::services_load::{Load, upgrade};
use crate::world::{Trials, until};

pub(crate) const TRIALS: Trials = &[
    ("services::twenty_switches_lose_no_request", twenty_switches),
    ("services::any_replica_answers_for_a_service", any_replica),
    ("services::one_engine_is_enough_for_all", one_engine),
    ("services::a_replica_without_an_engine_answers_too", without_an_engine),
];

/// Deployments while visitors make requests through each replica and through the load balancer.
fn twenty_switches() {
    let world = World::new(OWN);
    let host = world.serve("web", "v0", &[]);
    let places = || (0..3).map(|replica| world.at(replica)).chain([world.server.address()]);
    for at in places() {
        wait_for_answer(at, &host, "v0", KNOWN);
    }
    let loads: Vec<Load> = places().map(|at| Load::start(at, &host, 2, 1)).collect();
    let mut wanted = vec!["v0".to_owned()];
    for round in 1..=20 {
        let says = format!("v{round}");
        world.deploy("web", &says, &[]);
        // The other replicas know the service's place and not its nodes. So a switch of nodes takes effect on all of
        // them at once.
        for at in places() {
            wait_for_answer(at, &host, &says, KNOWN);
        }
        wanted.push(says);
    }
    std::thread::sleep(Duration::from_millis(500));
    let outcomes: Vec<_> = loads.into_iter().map(Load::end).collect();
    for outcome in &outcomes {
        assert_eq!(outcome.versions, wanted, "each version answered, one after the other");
        assert!(outcome.upgraded.iter().all(|lasted| lasted.as_secs() >= 29), "{:?}", outcome.upgraded);
    }
    let answers: Vec<u64> = outcomes.iter().map(|outcome| outcome.answers).collect();
    eprintln!(
        "services: {answers:?} requests on three replicas and through HAProxy in 20 switches, none failed"
    );
    world.wait_until_only(world.holder("web"), &["web 21"], SOON);
}

fn any_replica() {
    let world = World::new(OWN);
    let host = world.serve("web", "v1", &["tick"]);
    for replica in 0..3 {
        let took = wait_for_answer(world.at(replica), &host, "v1", KNOWN);
        eprintln!("services: replica {replica} answers {took:?} after the deployment");
    }
    let holder = world.holder("web");
    world.wait_until_only(holder, &["web 1"], SOON);
    let others: Vec<usize> = (0..3).filter(|replica| *replica != holder).collect();
    for replica in 0..3 {
        let at = world.at(replica);
        assert_eq!(get(at, &host, "/big").1.len(), 1 << 20);
        echoes(at, &host);
        posts(at, &host);
        logs(&world, replica);
    }
    assert_eq!(get(world.at(others[0]), "no-such.abcdefghijklm.us-east-1.cs.localhost", "/").0, 404);
    measured(&world);
    // Another replica gets the calls that change the service.
    let api = world.server.replica(others[0]).api();
    done(&api, "UpdateContainerService", json!({ "serviceName": "web", "scale": 2 }));
    world.wait_for_service("web", "RUNNING");
    world.wait_until_only(holder, &["web 1", "web 1"], SOON);
    done(&api, "UpdateContainerService", json!({ "serviceName": "web", "isDisabled": true }));
    for replica in 0..3 {
        until("it is disabled", KNOWN, || get(world.at(replica), &host, "/").0 == 503);
    }
    world.wait_until_only(holder, &[], SOON);
    done(&api, "UpdateContainerService", json!({ "serviceName": "web", "isDisabled": false }));
    for replica in 0..3 {
        wait_for_answer(world.at(replica), &host, "v1", SOON);
    }
    done(&api, "DeleteContainerService", json!({ "serviceName": "web" }));
    for replica in 0..3 {
        until("it is gone", KNOWN, || get(world.at(replica), &host, "/").0 == 404);
    }
    world.wait_until_only(holder, &[], SOON);
    until("it has no place", KNOWN, || world.placed_on("web").is_none());
}

/// An upgraded connection.
fn echoes(at: SocketAddr, host: &str) {
    let mut stream = BufReader::new(TcpStream::connect(at).unwrap());
    stream.get_ref().set_read_timeout(Some(SOON)).unwrap();
    stream.get_mut().write_all(upgrade(host).as_bytes()).unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 101 "), "{line}");
    while line.trim() != "" {
        line.clear();
        stream.read_line(&mut line).unwrap();
    }
    let sent = vec![b'w'; 200_000];
    let mut writer = stream.get_ref().try_clone().unwrap();
    let copy = sent.clone();
    let writing = std::thread::spawn(move || writer.write_all(&copy).unwrap());
    let mut came_back = vec![0; sent.len()];
    stream.read_exact(&mut came_back).unwrap();
    writing.join().unwrap();
    assert!(came_back == sent);
}

/// A large body with a length, and one in chunks.
fn posts(at: SocketAddr, host: &str) {
    let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let body = vec![b'x'; 20 << 20];
    let post = client.post(format!("http://{at}/")).header("host", host).body(body);
    let answer = post.send().unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().unwrap()), (200, "v1".to_owned()));
}

/// Any replica has the lines of the application and of the platform.
fn logs(world: &World, replica: usize) {
    let api = world.server.replica(replica).api();
    let lines = || log(&api, "web");
    until("the log has lines", KNOWN, || lines().iter().any(|line| line == "tick v1 100"));
    let lines = lines();
    for wanted in
        ["begins v1", "[deployment:1] Creating your deployment", "[deployment:1] Reached a steady state"]
    {
        assert_eq!(
            lines.iter().filter(|line| *line == wanted).count(),
            1,
            "{wanted} on {replica}: {lines:#?}"
        );
    }
    let ticks = lines.iter().filter(|line| *line == "tick v1 7").count();
    assert_eq!(ticks, 1, "a line twice on {replica}");
}

/// The use of the one node is counted once a minute, and each replica says the same.
fn measured(world: &World) {
    let now = || i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let from = now() - 300;
    let points = |replica: usize| {
        let input = json!({
            "serviceName": "web", "metricName": "MemoryUtilization", "startTime": from, "endTime": now() + 300,
            "period": 300, "statistics": ["Average", "SampleCount", "Maximum"],
        });
        done(&world.server.replica(replica).api(), "GetContainerServiceMetricData", input)["metricData"]
            .clone()
    };
    let samples = |points: &Value| -> f64 {
        let all = points.as_array().expect("points").iter();
        all.map(|point| point["sampleCount"].as_f64().expect("a count")).sum()
    };
    until("it is measured", Duration::from_secs(90), || samples(&points(0)) >= 1.0);
    for replica in 0..3 {
        let points = points(replica);
        assert!((1.0..=2.0).contains(&samples(&points)), "samples of two minutes at most: {points}");
    }
}

/// Several services on an engine that three replicas use: no replica removes what another one runs.
fn one_engine() {
    let world = World::new(SHARED);
    let services = ["one", "two", "three", "four"];
    let hosts: Vec<String> = services.iter().map(|service| world.serve(service, service, &[])).collect();
    let holders: Vec<usize> = services.iter().map(|service| world.holder(service)).collect();
    eprintln!("services: four services run on replicas {holders:?}");
    assert!(holders.iter().any(|holder| *holder != holders[0]), "one replica runs all: {holders:?}");
    let wanted = ["four 1", "one 1", "three 1", "two 1"];
    world.wait_until_only(0, &wanted, SOON);
    let ids = world.ids(0);
    // Each replica looks at its engine several times.
    std::thread::sleep(Duration::from_secs(12));
    assert_eq!(world.ids(0), ids, "the same containers");
    for (service, host) in services.iter().zip(&hosts) {
        for replica in 0..3 {
            assert_eq!(get(world.at(replica), host, "/"), (200, (*service).to_owned()));
        }
    }
    for service in services {
        done(&world.server.api(), "DeleteContainerService", json!({ "serviceName": service }));
    }
    world.wait_until_only(0, &[], SOON);
    let images =
        || world.engines[0].run(&["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).ok().stdout;
    // The image of pause containers is the only one that stays.
    until("images are removed", SOON, || images().lines().count() <= 1);
}

fn without_an_engine() {
    let world = World::new([None, Some(0), Some(0)]);
    let host = world.serve("web", "v1", &[]);
    for replica in 0..3 {
        wait_for_answer(world.at(replica), &host, "v1", KNOWN);
    }
    assert_ne!(world.holder("web"), 0);
    echoes(world.at(0), &host);
    let log = log(&world.server.replica(0).api(), "web");
    assert!(log.iter().any(|line| line == "begins v1"), "{log:#?}");
    // A replica without an engine has a job that ends deployments. It must end no deployment that another replica
    // runs.
    let version = world.begin("web", "v2", &[]);
    world.server.replica(0).api().ensure_service("other");
    until("it is active", SOON, || world.state_of("web", version) != "ACTIVATING");
    assert_eq!(world.state_of("web", version), "ACTIVE");
    wait_for_answer(world.at(0), &host, "v2", KNOWN);
}
