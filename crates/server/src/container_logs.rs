//! Writes the output of containers, and messages about their deployments, to the logs.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use gangplank_core::Time;
use gangplank_engine::{self as engine, KeptLine, Line, NodeName, Output};
use gangplank_store::logs::{LogLine, LogName, Logs, Pipe};

use crate::clock::Clock;

const NANOS_PER_MILLI: i64 = 1_000_000;

/// Receives the output of containers. An engine knows a service by its name. Its log has the service's unique
/// id, so a new service with an old name does not get the old log.
pub(crate) struct ContainerLogs {
    logs: Arc<Logs>,
    clock: Clock,
    /// The ids of services, by tenant and name.
    services: RwLock<HashMap<String, HashMap<String, String>>>,
}

impl ContainerLogs {
    pub(crate) fn new(logs: Arc<Logs>, clock: Clock) -> Self {
        Self { logs, clock, services: RwLock::default() }
    }

    /// Starts to write the output of a service's nodes to the logs of this id. Earlier lines are dropped.
    pub(crate) fn register(&self, tenant: &str, service: &str, uuid: &str) {
        let mut services = self.services.write().unwrap_or_else(PoisonError::into_inner);
        services.entry(tenant.to_owned()).or_default().insert(service.to_owned(), uuid.to_owned());
    }

    /// Drops further output of a service, because the service is deleted.
    pub(crate) fn forget(&self, tenant: &str, service: &str) {
        let mut services = self.services.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_tenant) = services.get_mut(tenant) {
            of_tenant.remove(service);
            if of_tenant.is_empty() {
                services.remove(tenant);
            }
        }
    }

    /// Writes a message about a deployment to the log of each of its containers. Each line begins in the form
    /// that clients look for: `[deployment:4] Took too long`.
    pub(crate) fn platform<'a>(
        &self,
        uuid: &str,
        containers: impl IntoIterator<Item = &'a str>,
        version: i64,
        text: &str,
    ) {
        let at = self.clock.now();
        for container in containers {
            let log = LogName { service: uuid.to_owned(), container: container.to_owned() };
            for line in text.lines() {
                let text = format!("[deployment:{version}] {line}");
                self.logs.append(&log, &LogLine { at, node: String::new(), pipe: Pipe::Output, text });
            }
        }
    }

    fn log_of(&self, node: &NodeName, container: &str) -> Option<LogName> {
        let services = self.services.read().unwrap_or_else(PoisonError::into_inner);
        let service = services.get(&node.tenant)?.get(&node.service)?.clone();
        Some(LogName { service, container: container.to_owned() })
    }
}

impl Output for ContainerLogs {
    fn line(&self, node: &NodeName, container: &str, line: Line) {
        let Some(log) = self.log_of(node, container) else { return };
        let now = self.clock.now();
        // If the engine's clock is ahead, this line must not get a later time than the lines that come after
        // it.
        let at = line.at.map_or(now, |at| Time(at.div_euclid(NANOS_PER_MILLI)).min(now));
        let text = String::from_utf8(line.text)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        self.logs.append(&log, &LogLine { at, node: shown(node), pipe: stored(line.pipe), text });
    }

    fn kept(&self, node: &NodeName, container: &str, count: usize) -> Vec<KeptLine> {
        let Some(log) = self.log_of(node, container) else { return Vec::new() };
        let kept = self.logs.kept(&log, &shown(node), count).unwrap_or_else(|error| {
            tracing::warn!(service = node.service, container, %error, "cannot read back a container's log");
            Vec::new()
        });
        let line = |line: LogLine| KeptLine {
            at: line.at.0,
            pipe: printed(line.pipe),
            text: line.text.into_bytes(),
        };
        kept.into_iter().map(line).collect()
    }
}

fn stored(pipe: engine::Pipe) -> Pipe {
    match pipe {
        engine::Pipe::Output => Pipe::Output,
        engine::Pipe::Errors => Pipe::Errors,
    }
}

fn printed(pipe: Pipe) -> engine::Pipe {
    match pipe {
        Pipe::Output => engine::Pipe::Output,
        Pipe::Errors => engine::Pipe::Errors,
    }
}

/// The name of a node within its service.
fn shown(node: &NodeName) -> String {
    format!("{}-{}", node.version, node.ordinal)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gangplank_store::logs::LogsKept;

    use super::*;

    fn node(service: &str, ordinal: u32) -> NodeName {
        NodeName {
            tenant: "000000000000/us-east-1".to_owned(),
            service: service.to_owned(),
            version: 7,
            ordinal,
        }
    }

    fn line(text: &[u8]) -> Line {
        Line { at: None, pipe: engine::Pipe::Output, text: text.to_vec() }
    }

    struct World {
        _home: tempfile::TempDir,
        logs: Arc<Logs>,
        output: ContainerLogs,
    }

    fn world() -> World {
        let home = tempfile::tempdir().unwrap();
        let kept = LogsKept { age: Duration::from_hours(1), bytes: 1 << 20 };
        let logs = Arc::new(Logs::open(home.path().join("logs"), kept, 0));
        let output = ContainerLogs::new(Arc::clone(&logs), Clock::start(None));
        output.register("000000000000/us-east-1", "web", "id-1");
        World { _home: home, logs, output }
    }

    fn texts(world: &World, uuid: &str, node: &str) -> Vec<String> {
        let log = LogName { service: uuid.to_owned(), container: "app".to_owned() };
        world.logs.kept(&log, node, 100).unwrap().into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn lines_go_under_the_id_of_their_service() {
        let world = world();
        world.output.line(&node("web", 0), "app", line(b"one"));
        world.output.line(&node("web", 1), "app", line(b"of another node"));
        world.output.line(&node("other", 0), "app", line(b"of nobody"));
        assert_eq!(texts(&world, "id-1", "7-0"), ["one"]);
        world.output.register("000000000000/us-east-1", "web", "id-2");
        world.output.line(&node("web", 0), "app", line(b"two"));
        assert_eq!(texts(&world, "id-1", "7-0"), ["one"]);
        assert_eq!(texts(&world, "id-2", "7-0"), ["two"]);
        world.output.forget("000000000000/us-east-1", "web");
        world.output.line(&node("web", 0), "app", line(b"three"));
        assert_eq!(texts(&world, "id-2", "7-0"), ["two"]);
        assert!(world.output.services.read().unwrap().is_empty());
    }

    #[test]
    fn what_is_no_text_is_made_one() {
        let world = world();
        world.output.line(&node("web", 0), "app", line(b"\xffone\x1b[0m\x00"));
        assert_eq!(texts(&world, "id-1", "7-0"), ["\u{fffd}one\u{1b}[0m\0"]);
    }

    #[test]
    fn an_engine_sees_its_lines_again_by_their_own_times_but_none_of_the_future() {
        let world = world();
        let now = world.output.clock.now();
        let earlier = now.minus(Duration::from_mins(1));
        let pipe = engine::Pipe::Errors;
        for (at, text) in [(earlier, "earlier"), (now.plus(Duration::from_hours(9)), "ahead")] {
            let line = Line { at: Some(at.0 * NANOS_PER_MILLI + 999_999), pipe, text: text.into() };
            world.output.line(&node("web", 0), "app", line);
        }
        let kept = world.output.kept(&node("web", 0), "app", 9);
        assert_eq!(kept[0], KeptLine { at: earlier.0, pipe, text: b"earlier".to_vec() });
        assert!(kept[1].text == b"ahead" && (now.0..now.0 + 60_000).contains(&kept[1].at), "{kept:?}");
        assert_eq!(world.output.kept(&node("web", 0), "app", 1), kept[1..]);
        assert_eq!(world.output.kept(&node("other", 0), "app", 9), []);
    }

    #[test]
    fn what_is_told_goes_into_every_containers_log() {
        let world = world();
        world.output.platform("id-1", ["app", "db"], 4, "Took too long\napp: no answer");
        for container in ["app", "db"] {
            let log = LogName { service: "id-1".to_owned(), container: container.to_owned() };
            let told: Vec<_> =
                world.logs.kept(&log, "", 9).unwrap().into_iter().map(|line| line.text).collect();
            assert_eq!(told, ["[deployment:4] Took too long", "[deployment:4] app: no answer"]);
        }
    }
}
