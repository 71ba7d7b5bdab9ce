//! The contract that every engine keeps.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gangplank_engine::{ContainerState, Engine, EngineError, NodeHandle, NodeSeen, NodeSpec};

use crate::actor::{self, node};
use crate::recorder::Recorder;
use crate::world::World;

/// A case of the contract.
pub(crate) type Case = fn(Arc<World>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// A list of cases with their names.
#[macro_export]
macro_rules! cases {
    ($($name:path),* $(,)?) => { &[$((stringify!($name), |world| Box::pin($name(world)))),*] };
}

/// All cases of the contract.
pub(crate) const CASES: &[(&str, Case)] = cases![
    a_node_starts_and_answers,
    a_start_may_be_repeated,
    another_spec_replaces_a_node,
    ends_are_told,
    a_container_that_ended_starts_again,
    what_cannot_start_leaves_nothing,
    an_image_that_is_not_there_is_told,
    a_removal_may_be_repeated,
    a_stubborn_container_is_killed,
    nodes_of_one_service_are_listed,
    owners_do_not_see_each_other,
    a_node_without_its_namespace_is_not_whole,
    two_nodes_open_the_same_port,
    output_is_whole,
    another_server_goes_on_reading,
    ends_wake_those_who_watch,
    usage_is_of_what_runs,
];

/// Runs cases, and reports those that failed.
pub(crate) async fn hold(world: World, cases: &[&[(&str, Case)]]) {
    let world = Arc::new(world);
    let mut failed = Vec::new();
    let only = std::env::var("GANGPLANK_ENGINE_CASE").unwrap_or_default();
    let cases = cases.iter().copied().flatten().filter(|(name, _)| name.contains(&only));
    for (name, case) in cases {
        let began = Instant::now();
        let outcome = tokio::spawn(case(Arc::clone(&world))).await;
        eprintln!("{name}: {} ({:?})", if outcome.is_ok() { "ok" } else { "FAILED" }, began.elapsed());
        if outcome.is_err() {
            failed.push(*name);
        }
    }
    assert!(failed.is_empty(), "failed: {failed:?}");
}

pub(crate) struct Trial {
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) output: Arc<Recorder>,
    pub(crate) owner: String,
}

pub(crate) async fn trial(world: &World) -> Trial {
    let output = Recorder::new();
    let owner = World::owner();
    Trial { engine: world.engine(&owner, &output).await, output, owner }
}

impl Trial {
    /// Removes everything that the engine made.
    pub(crate) async fn end(&self) {
        for node in self.engine.nodes(None).await.expect("the nodes") {
            self.engine.remove(&node.handle, Duration::ZERO).await.expect("a removal");
        }
    }

    pub(crate) async fn only_node(&self) -> NodeSeen {
        let nodes = self.engine.nodes(None).await.expect("the nodes");
        assert_eq!(nodes.len(), 1, "{nodes:?}");
        nodes.into_iter().next().unwrap()
    }

    /// Waits until a container of the only node has ended.
    pub(crate) async fn wait_for_end(&self, container: &str) -> (i64, bool) {
        let began = Instant::now();
        loop {
            let node = self.only_node().await;
            if let ContainerState::Exited { status, out_of_memory } = node.containers[container].state {
                return (status, out_of_memory);
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{container} does not end: {node:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Makes an HTTP request to an address. Returns the status line.
pub(crate) fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")?;
    let mut answer = [0; 15];
    stream.read_exact(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Waits until an address answers.
pub(crate) async fn wait_for_answer(address: SocketAddr) {
    let began = Instant::now();
    loop {
        let asked = tokio::task::spawn_blocking(move || ask(address)).await.unwrap();
        match asked {
            Ok(answer) if answer.starts_with("HTTP/1.1 200") => return,
            other => assert!(began.elapsed() < Duration::from_secs(20), "{address}: {other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn start(trial: &Trial, spec: &NodeSpec) -> NodeSeen {
    trial.engine.start(spec).await.expect("a node that starts")
}

async fn a_node_starts_and_answers(world: Arc<World>) {
    let trial = trial(&world).await;
    let spec = node(7, &[("app", "serve 8080"), ("side", "wait")]);
    let started = start(&trial, &spec).await;
    let seen = trial.only_node().await;
    assert_eq!(seen, started);
    assert_eq!((&seen.name, &seen.spec, seen.is_whole), (&spec.name, &spec.hash(), true));
    assert!(seen.containers.values().all(|one| one.state == ContainerState::Running), "{seen:?}");
    assert_eq!(seen.addresses.keys().collect::<Vec<_>>(), [&8080]);
    wait_for_answer(seen.addresses[&8080]).await;
    trial.output.wait_for(&spec.name, "app", |lines| lines == ["listening"]).await;
    assert_eq!(trial.engine.reading(), std::slice::from_ref(&spec.name));
    let host = trial.engine.host().await.unwrap();
    assert!(host.cpus >= 1.0 && host.memory > 1 << 26, "{host:?}");
    trial.end().await;
}

async fn a_start_may_be_repeated(world: Arc<World>) {
    let trial = trial(&world).await;
    let spec = node(1, &[("app", "wait")]);
    let first = start(&trial, &spec).await;
    assert_eq!(start(&trial, &spec).await, first);
    assert_eq!(trial.only_node().await, first);
    trial.end().await;
}

async fn another_spec_replaces_a_node(world: Arc<World>) {
    let trial = trial(&world).await;
    let first = start(&trial, &node(1, &[("app", "wait")])).await;
    let other = start(&trial, &node(1, &[("app", "serve 8080")])).await;
    assert_ne!((&first.handle, &first.spec), (&other.handle, &other.spec));
    assert_eq!(trial.only_node().await, other);
    // The known lines of the first container do not affect the other container.
    trial.engine.remove(&first.handle, Duration::ZERO).await.unwrap();
    assert_eq!(trial.only_node().await, other);
    assert_eq!(trial.engine.restart(&first.handle, "app").await, Err(EngineError::NoNode));
    trial.end().await;
}

async fn ends_are_told(world: Arc<World>) {
    for (command, expected) in
        [("exit 3 50", (3, false)), ("exit 0", (0, false)), ("hog", (137, !world.is_podman()))]
    {
        let trial = trial(&world).await;
        start(&trial, &node(1, &[("app", command)])).await;
        assert_eq!(trial.wait_for_end("app").await, expected, "{command}");
        assert!(trial.only_node().await.is_whole);
        trial.end().await;
    }
}

async fn a_container_that_ended_starts_again(world: Arc<World>) {
    let trial = trial(&world).await;
    let spec = node(1, &[("app", "exit 3 300"), ("side", "serve 8080")]);
    let first = start(&trial, &spec).await;
    trial.wait_for_end("app").await;
    trial.engine.restart(&first.handle, "app").await.unwrap();
    // A running container is left alone.
    trial.engine.restart(&first.handle, "side").await.unwrap();
    let again = trial.only_node().await;
    assert_ne!(again.containers["app"].run, first.containers["app"].run);
    assert_eq!(again.containers["side"], first.containers["side"]);
    assert_eq!((&again.handle, &again.addresses), (&first.handle, &first.addresses));
    assert!(again.is_whole);
    trial.wait_for_end("app").await;
    assert_eq!(trial.engine.restart(&first.handle, "none").await, Err(EngineError::NoNode));
    trial.end().await;
}

async fn what_cannot_start_leaves_nothing(world: Arc<World>) {
    let trial = trial(&world).await;
    let mut spec = node(1, &[("app", "wait"), ("bad", "wait")]);
    spec.containers.get_mut("bad").unwrap().image = actor::BROKEN_IMAGE.into();
    let refused = trial.engine.start(&spec).await;
    assert!(
        matches!(&refused, Err(EngineError::Refused(why)) if why.starts_with("bad: ") && why.contains("nobody-here")),
        "{refused:?}"
    );
    assert_eq!(trial.engine.nodes(None).await, Ok(Vec::new()));
    assert!(trial.engine.reading().is_empty());
}

async fn an_image_that_is_not_there_is_told(world: Arc<World>) {
    let trial = trial(&world).await;
    let mut spec = node(1, &[("app", "wait")]);
    spec.containers.get_mut("app").unwrap().image = "absent:1".into();
    let refused = trial.engine.start(&spec).await;
    assert!(matches!(refused, Err(EngineError::NoImage(_))), "{refused:?}");
    assert_eq!(trial.engine.nodes(None).await, Ok(Vec::new()));
}

async fn a_removal_may_be_repeated(world: Arc<World>) {
    let trial = trial(&world).await;
    let seen = start(&trial, &node(1, &[("app", "wait")])).await;
    trial.engine.remove(&seen.handle, Duration::from_secs(5)).await.unwrap();
    assert_eq!(trial.engine.nodes(None).await, Ok(Vec::new()));
    trial.engine.remove(&seen.handle, Duration::from_secs(5)).await.unwrap();
    trial.engine.remove(&NodeHandle("nothing".into()), Duration::ZERO).await.unwrap();
    assert_eq!(trial.engine.restart(&seen.handle, "app").await, Err(EngineError::NoNode));
    assert_eq!(trial.engine.adopt(&seen.handle).await, Err(EngineError::NoNode));
    assert_eq!(trial.engine.usage(&seen.handle).await, Err(EngineError::NoNode));
}

async fn a_stubborn_container_is_killed(world: Arc<World>) {
    let trial = trial(&world).await;
    let spec = node(1, &[("app", "stubborn")]);
    let seen = start(&trial, &spec).await;
    trial.output.wait_for(&spec.name, "app", |lines| lines == ["stubborn"]).await;
    let began = Instant::now();
    trial.engine.remove(&seen.handle, Duration::from_secs(2)).await.unwrap();
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(8), "{took:?}");
    assert_eq!(trial.engine.nodes(None).await, Ok(Vec::new()));
}

async fn nodes_of_one_service_are_listed(world: Arc<World>) {
    let trial = trial(&world).await;
    let first = node(1, &[("app", "wait")]);
    let mut second = first.clone();
    second.name.service = "other".into();
    let mut third = first.clone();
    third.name.tenant = "2/us-east-1".into();
    for spec in [&first, &second, &third] {
        start(&trial, spec).await;
    }
    assert_eq!(trial.engine.nodes(None).await.unwrap().len(), 3);
    let nodes = trial.engine.nodes(Some(("1/us-east-1", "web"))).await.unwrap();
    assert_eq!(nodes.iter().map(|node| &node.name).collect::<Vec<_>>(), [&first.name]);
    trial.end().await;
}

async fn owners_do_not_see_each_other(world: Arc<World>) {
    let (one, other) = (trial(&world).await, trial(&world).await);
    let spec = node(1, &[("app", "wait")]);
    let ones = start(&one, &spec).await;
    let others = start(&other, &spec).await;
    assert_eq!(one.only_node().await, ones);
    assert_eq!(other.only_node().await, others);
    other.engine.remove(&ones.handle, Duration::ZERO).await.unwrap();
    assert_eq!(other.engine.restart(&ones.handle, "app").await, Err(EngineError::NoNode));
    other.end().await;
    assert_eq!(one.only_node().await, ones);
    one.end().await;
}

async fn a_node_without_its_namespace_is_not_whole(world: Arc<World>) {
    let trial = trial(&world).await;
    let spec = node(1, &[("app", "serve 8080")]);
    let seen = start(&trial, &spec).await;
    world.lose_pause(&trial.owner, &seen).await;
    let began = Instant::now();
    while trial.only_node().await.is_whole {
        assert!(began.elapsed() < Duration::from_secs(10), "a node without its namespace is whole");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(trial.only_node().await.addresses.is_empty());
    assert_eq!(trial.engine.restart(&seen.handle, "app").await, Err(EngineError::NoNode));
    let again = start(&trial, &spec).await;
    assert_ne!(again.handle, seen.handle);
    assert!(trial.only_node().await.is_whole);
    wait_for_answer(again.addresses[&8080]).await;
    trial.end().await;
}

async fn two_nodes_open_the_same_port(world: Arc<World>) {
    let trial = trial(&world).await;
    let first = node(1, &[("app", "serve 8080")]);
    let mut second = first.clone();
    second.name.ordinal = 1;
    assert_eq!(first.hash(), second.hash());
    let addresses = [start(&trial, &first).await, start(&trial, &second).await];
    let addresses = addresses.map(|seen| seen.addresses[&8080]);
    assert_ne!(addresses[0], addresses[1]);
    for address in addresses {
        wait_for_answer(address).await;
    }
    trial.end().await;
}

fn counted(count: usize) -> Vec<String> {
    (0..count).map(|line| format!("line {line}")).collect()
}

async fn output_is_whole(world: Arc<World>) {
    let trial = trial(&world).await;
    let spec = node(1, &[("app", "print 4000")]);
    start(&trial, &spec).await;
    let lines = trial.output.wait_for(&spec.name, "app", |lines| lines.len() >= 4_000).await;
    assert_eq!(lines, counted(4_000));
    trial.end().await;
}

async fn another_server_goes_on_reading(world: Arc<World>) {
    let mut trial = trial(&world).await;
    let spec = node(1, &[("app", "print 1500"), ("done", "exit 0")]);
    let seen = start(&trial, &spec).await;
    trial.output.wait_for(&spec.name, "app", |lines| lines.len() == 1_500).await;
    // Servers that have stored all of the output, a part, a part that they received late, and nothing.
    for (known, late) in [(1_500, 0), (700, 0), (700, 3_000), (0, 0)] {
        drop(trial.engine);
        trial.output = Recorder::with(&spec.name, "app", &trial.output, known, late);
        trial.engine = world.engine(&trial.owner, &trial.output).await;
        assert!(trial.engine.reading().is_empty());
        trial.engine.adopt(&seen.handle).await.unwrap();
        trial.engine.adopt(&seen.handle).await.unwrap();
        let lines = trial.output.wait_for(&spec.name, "app", |lines| lines.len() >= 1_500).await;
        assert_eq!(lines, counted(1_500), "known: {known}");
        assert!(trial.output.is_in_order(&spec.name, "app"), "known: {known}, {late} ms late");
        assert_eq!(trial.engine.reading(), std::slice::from_ref(&spec.name));
    }
    trial.end().await;
}

async fn ends_wake_those_who_watch(world: Arc<World>) {
    let trial = trial(&world).await;
    // The watch begins only after the connection was made.
    tokio::time::sleep(Duration::from_millis(500)).await;
    start(&trial, &node(1, &[("app", "exit 1 2000")])).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut changes = trial.engine.changes();
    changes.mark_unchanged();
    tokio::time::timeout(Duration::from_secs(10), changes.changed()).await.expect("a change").unwrap();
    trial.wait_for_end("app").await;
    trial.end().await;
}

async fn usage_is_of_what_runs(world: Arc<World>) {
    let trial = trial(&world).await;
    let seen = start(&trial, &node(1, &[("app", "serve 8080"), ("gone", "exit 0")])).await;
    wait_for_answer(seen.addresses[&8080]).await;
    trial.wait_for_end("gone").await;
    let first = trial.engine.usage(&seen.handle).await.unwrap().expect("what runs uses something");
    assert!(first.memory > 0 && first.memory < 64 << 20, "{first:?}");
    for _ in 0..20 {
        wait_for_answer(seen.addresses[&8080]).await;
    }
    let second = trial.engine.usage(&seen.handle).await.unwrap().expect("what runs uses something");
    assert!(second.processor > first.processor, "{first:?} {second:?}");
    trial.end().await;

    let gone = start(&trial, &node(1, &[("app", "exit 0")])).await;
    trial.wait_for_end("app").await;
    assert_eq!(trial.engine.usage(&gone.handle).await, Ok(None));
    trial.end().await;
}
