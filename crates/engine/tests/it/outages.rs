//! An engine that is killed, and comes back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gangplank_engine::docker::Choice;
use gangplank_engine::{ContainerState, Engine, EngineError};

use crate::actor::node;
use crate::contract::{trial, wait_for_answer};
use crate::daemon::Daemon;
use crate::leftovers;
use crate::recorder::Recorder;
use crate::world::{World, docker};

/// While the daemon is down, the engine reports that it is out of reach. It works again when the daemon is
/// back.
pub(crate) async fn an_engine_comes_back(daemon: Daemon) {
    let choice = daemon.choice;
    let output = Recorder::new();
    let world = World::Daemon(daemon);
    let options = world.options(&World::owner(), &output);
    let World::Daemon(mut daemon) = world else { return };
    let engine = docker(&daemon, options).await;
    let spec = node(1, &[("app", "serve 8080"), ("tick", "tick 50")]);
    let seen = engine.start(&spec).await.expect("a node");
    wait_for_answer(seen.addresses[&8080]).await;
    output.wait_for(&spec.name, "tick", |lines| lines.len() > 5).await;
    let mut changes = engine.changes();

    daemon.kill_daemon();
    for answer in [
        engine.nodes(None).await.map(drop),
        engine.host().await.map(drop),
        engine.start(&node(2, &[("app", "wait")])).await.map(drop),
        engine.remove(&seen.handle, Duration::ZERO).await,
        engine.restart(&seen.handle, "app").await,
        engine.adopt(&seen.handle).await,
    ] {
        assert!(matches!(answer, Err(EngineError::Away(_))), "{answer:?}");
    }
    // Containers can still be reached on the engine's network while the engine is down.
    wait_for_answer(seen.addresses[&8080]).await;

    changes.mark_unchanged();
    daemon.start().await;
    tokio::time::timeout(Duration::from_secs(20), changes.changed()).await.expect("a change").unwrap();
    let nodes = engine.nodes(None).await.expect("the nodes");
    assert_eq!(nodes.len(), 1);
    if choice == Choice::Docker {
        // This engine stops running containers when it starts.
        assert!(!nodes[0].is_whole, "{nodes:?}");
        let ended = |state: &ContainerState| matches!(state, ContainerState::Exited { .. });
        assert!(nodes[0].containers.values().all(|one| ended(&one.state)), "{nodes:?}");
        let began = Instant::now();
        while !engine.reading().is_empty() {
            assert!(began.elapsed() < Duration::from_secs(20), "what has ended is read");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let again = engine.start(&spec).await.expect("a node");
    wait_for_answer(again.addresses[&8080]).await;
    let lines = output.lines(&spec.name, "tick");
    // Lines that were printed while no server read them are there too: each run counts from 0, without a gap.
    let mut expected = 0;
    for line in &lines {
        let number: usize = line.trim_start_matches("tick ").parse().expect("a number");
        assert!(number == expected || number == 0, "{line} after {expected}");
        expected = number + 1;
    }
    for node in engine.nodes(None).await.expect("the nodes") {
        engine.remove(&node.handle, Duration::ZERO).await.expect("a removal");
    }
    assert_eq!(engine.nodes(None).await, Ok(Vec::new()));
}

/// Podman forgets its containers if it is killed while it makes one. When the test ends, none of their rules,
/// bridges or addresses may be left.
pub(crate) async fn nothing_is_left_to_the_machine(daemon: Daemon) {
    let output = Recorder::new();
    let world = World::Daemon(daemon);
    let options = world.options(&World::owner(), &output);
    let World::Daemon(mut daemon) = world else { return };
    let engine = docker(&daemon, options).await;
    let seen = engine.start(&node(1, &[("app", "serve 8080")])).await.expect("a node");
    wait_for_answer(seen.addresses[&8080]).await;
    let networks = leftovers::networks(&daemon.networks_folder());
    let left = || networks.iter().map(leftovers::count).sum::<usize>();
    assert!(left() > 0, "the node has no rules");
    daemon.forget_containers().await;
    drop((engine, daemon));
    assert_eq!(left(), 0);
}

/// A start that is interrupted, for example because the server is killed, leaves no node that looks complete
/// and does not run.
pub(crate) async fn a_start_that_is_cut_short_is_seen(world: Arc<World>) {
    let trial = trial(&world).await;
    let spec = node(1, &[("app", "wait"), ("other", "wait")]);
    for step in 1..=8 {
        let _ = tokio::time::timeout(Duration::from_millis(80 * step), trial.engine.start(&spec)).await;
        // The engine may still execute the last request.
        tokio::time::sleep(Duration::from_millis(300)).await;
        for node in trial.engine.nodes(None).await.expect("the nodes") {
            let runs = node.containers.values().all(|one| one.state == ContainerState::Running);
            assert!(runs || !node.is_whole, "after {step}: {node:?}");
            trial.engine.remove(&node.handle, Duration::ZERO).await.expect("a removal");
        }
    }
}

/// The server waits for an engine that its options name. With `auto`, it starts without one.
#[tokio::test]
async fn a_named_engine_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::memory();
    let mut options = world.options("nobody", &Recorder::new());
    options.choice = Choice::Docker;
    options.host = Some(format!("unix://{}", folder.path().join("socket").display()));
    let engine = docker_that_is_away(options.clone()).await;
    let said = engine.nodes(None).await;
    assert!(matches!(&said, Err(EngineError::Away(why)) if why.contains("socket")), "{said:?}");
    assert_eq!(engine.name(), "docker");
    options.choice = Choice::Podman;
    assert_eq!(docker_that_is_away(options.clone()).await.name(), "podman");
    options.host = Some("ssh://somewhere".to_owned());
    let refused = gangplank_engine::docker::Docker::connect(options).await;
    assert!(matches!(refused.err(), Some(EngineError::Refused(why)) if why.contains("unix:///PATH")));
}

async fn docker_that_is_away(
    options: gangplank_engine::docker::Options,
) -> Arc<gangplank_engine::docker::Docker> {
    let engine = gangplank_engine::docker::Docker::connect(options).await.expect("options");
    Arc::new(engine.expect("a named engine"))
}
