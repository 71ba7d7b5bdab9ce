//! The output of containers arrives complete, however it is printed.

use std::sync::Arc;
use std::time::Duration;

use gangplank_engine::EngineError;

use crate::actor::node;
use crate::contract::trial;
use crate::recorder::Recorder;
use crate::world::World;

/// The limit of a line.
const LONGEST: usize = 256 * 1024;

pub(crate) async fn long_lines_are_joined(world: Arc<World>) {
    let trial = trial(&world).await;
    let spec = node(1, &[("app", "long 600000")]);
    let text = |length: usize| -> String {
        (0..length).map(|place| char::from(b'a' + u8::try_from(place % 26).unwrap())).collect()
    };
    let mut expected: Vec<String> = Vec::new();
    let longest = text(600_000);
    let mut rest = longest.as_str();
    while rest.len() > LONGEST {
        expected.push(rest[..LONGEST].to_owned());
        rest = &rest[LONGEST..];
    }
    expected.push(rest.to_owned());
    expected.extend([60_000, 6_000, 600, 60, 6].map(text));
    expected.push("no line feed".to_owned());

    let seen = trial.engine.start(&spec).await.expect("a node");
    let lines = trial.output.wait_for(&spec.name, "app", |lines| lines.len() >= expected.len()).await;
    assert!(lines == expected, "{:?}", lines.iter().map(String::len).collect::<Vec<_>>());
    trial.wait_for_end("app").await;

    // Then the same lines are read from the engine's log.
    drop(trial.engine);
    let output = Recorder::new();
    let engine = world.engine(&trial.owner, &output).await;
    engine.adopt(&seen.handle).await.expect("an adoption");
    let lines = output.wait_for(&spec.name, "app", |lines| lines.len() >= expected.len()).await;
    assert!(lines == expected, "{:?}", lines.iter().map(String::len).collect::<Vec<_>>());
    engine.remove(&seen.handle, Duration::ZERO).await.expect("a removal");
}

pub(crate) async fn both_streams_arrive(world: Arc<World>) {
    let trial = trial(&world).await;
    let spec = node(1, &[("app", "both 2000")]);
    trial.engine.start(&spec).await.expect("a node");
    let lines = trial.output.wait_for(&spec.name, "app", |lines| lines.len() >= 4_000).await;
    for stream in ["out", "err"] {
        let own: Vec<_> = lines.iter().filter(|line| line.starts_with(stream)).cloned().collect();
        let expected: Vec<_> = (0..2_000).map(|place| format!("{stream} {place}")).collect();
        assert_eq!(own, expected);
    }
    trial.end().await;
}

/// 30 MB, more than the engine keeps.
pub(crate) async fn much_output_is_whole(world: Arc<World>) {
    const LINES: usize = 2_600_000;
    let trial = trial(&world).await;
    let mut spec = node(1, &[("app", &format!("print {LINES}"))]);
    spec.cpus = 2.0;
    trial.engine.start(&spec).await.expect("a node");
    let expected: usize = (0..LINES).map(|line| format!("line {line}\n").len()).sum();
    assert!(expected > 30_000_000);
    let began = std::time::Instant::now();
    while trial.output.bytes(&spec.name, "app") < expected {
        assert!(began.elapsed() < Duration::from_mins(2), "{} bytes", trial.output.bytes(&spec.name, "app"));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let lines = trial.output.lines(&spec.name, "app");
    assert!(lines.iter().enumerate().all(|(place, line)| *line == format!("line {place}")));
    assert_eq!(lines.len(), LINES);
    trial.end().await;
}

/// Servers start and stop while lines are printed. No line is missing, and none is there twice.
pub(crate) async fn seams_are_tight(world: Arc<World>) {
    let mut trial = trial(&world).await;
    let spec = node(1, &[("app", "tick 3")]);
    let seen = trial.engine.start(&spec).await.expect("a node");
    for round in 1..=4 {
        trial.output.wait_for(&spec.name, "app", |lines| lines.len() > round * 100).await;
        drop(trial.engine);
        tokio::time::sleep(Duration::from_millis(300)).await;
        trial.engine = world.engine(&trial.owner, &trial.output).await;
        trial.engine.adopt(&seen.handle).await.expect("an adoption");
    }
    let lines = trial.output.wait_for(&spec.name, "app", |lines| lines.len() > 800).await;
    let wrong = lines.iter().enumerate().find(|(place, line)| **line != format!("tick {place}"));
    assert_eq!(wrong, None);
    trial.end().await;
}

/// If a program cannot be started, the reason is in the error or the container's log, where the user looks.
pub(crate) async fn a_command_that_is_not_there_is_said(world: Arc<World>) {
    let trial = trial(&world).await;
    let mut spec = node(1, &[("app", "/nope")]);
    spec.containers.get_mut("app").unwrap().image = crate::actor::BARE_IMAGE.into();
    match trial.engine.start(&spec).await {
        Err(EngineError::Refused(why)) => assert!(why.contains("/nope"), "{why}"),
        Err(other) => panic!("{other:?}"),
        Ok(_) => {
            let (status, _) = trial.wait_for_end("app").await;
            assert!([1, 126, 127].contains(&status), "{status}");
            trial
                .output
                .wait_for(&spec.name, "app", |lines| lines.iter().any(|line| line.contains("exec")))
                .await;
        }
    }
    trial.end().await;
}
