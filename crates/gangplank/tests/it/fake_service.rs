//! A server with one container service, `web`, that follows a script: states of a deployment, a log, refusals.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use crate::fake_server::{self, operation};
use crate::handler::{Reply, Request};

/// The beginning of the script, in seconds since 1970.
pub(crate) const BEGIN: i64 = 1_500_000_000;
/// The number of lines on a page of the log.
const PAGE: usize = 4;

/// Each request for the deployments shows the next step. The last one stays.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The state of the newest deployment.
    pub(crate) state: &'static str,
    /// The code and the message of the service's state.
    pub(crate) detail: Option<(&'static str, &'static str)>,
    /// Lines that are added to the container's log at this step.
    pub(crate) lines: &'static [&'static str],
}

/// A step without lines.
pub(crate) fn step(state: &'static str) -> Step {
    Step { state, detail: None, lines: &[] }
}

/// The service.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// Deployments in the API's form, the newest first.
    pub(crate) deployments: Vec<Value>,
    pub(crate) steps: VecDeque<Step>,
    /// The log of each container: seconds since 1970, and the text. It is sorted.
    pub(crate) logs: BTreeMap<String, Vec<(f64, String)>>,
    /// The other members of the service in the API's answers.
    pub(crate) shown: Value,
    /// Scripted answers by operation. Each is given once.
    pub(crate) other: VecDeque<(&'static str, Reply)>,
    /// The calls, with their bodies.
    pub(crate) calls: Vec<(String, Value)>,
}

/// A server with its script.
pub(crate) struct FakeService {
    /// Host and port.
    pub(crate) address: String,
    played: Arc<Mutex<Played>>,
}

impl FakeService {
    /// A service that runs nothing.
    pub(crate) fn start() -> Self {
        let played = Arc::new(Mutex::new(Played { shown: json!({}), ..Played::default() }));
        let own = Arc::clone(&played);
        let address = fake_server::start(move |request| own.lock().unwrap().answer(request));
        Self { address, played }
    }

    /// A service whose next deployment goes through these steps.
    pub(crate) fn playing(steps: impl IntoIterator<Item = Step>) -> Self {
        let service = Self::start();
        service.played().steps = steps.into_iter().collect();
        service
    }

    /// Its script, and the calls so far.
    pub(crate) fn played(&self) -> MutexGuard<'_, Played> {
        self.played.lock().unwrap()
    }

    /// The bodies of the calls of an operation.
    pub(crate) fn bodies(&self, operation: &str) -> Vec<Value> {
        let calls = self.played().calls.clone();
        calls.into_iter().filter(|(name, _)| name == operation).map(|(_, body)| body).collect()
    }
}

impl Played {
    /// Adds a line to a log.
    pub(crate) fn print(&mut self, container: &str, at: f64, text: &str) {
        let log = self.logs.entry(container.to_owned()).or_default();
        let place = log.iter().position(|(other, _)| *other > at).unwrap_or(log.len());
        log.insert(place, (at, text.to_owned()));
    }

    /// Adds a deployment of one container with an endpoint.
    pub(crate) fn deploy(&mut self, container: &str, image: &str, state: &str) {
        let version = self.deployments.len() + 1;
        self.deployments.insert(0, json!({
            "version": version,
            "state": state,
            "createdAt": BEGIN,
            "containers": { container: { "image": image, "command": [], "environment": {}, "ports": { "8080": "HTTP" } } },
            "publicEndpoint": { "containerName": container, "containerPort": 8080 },
        }));
    }

    fn answer(&mut self, request: &Request) -> Option<Reply> {
        let called = operation(request).to_owned();
        if called.is_empty() {
            return None;
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        self.calls.push((called.clone(), body.clone()));
        if let Some(place) = self.other.iter().position(|(operation, _)| *operation == called) {
            return self.other.remove(place).map(|(_, reply)| reply);
        }
        let answer = match called.as_str() {
            "GetContainerServices" => {
                if body["serviceName"].as_str().is_some_and(|name| name != "web") {
                    let refusal =
                        json!({ "__type": "NotFoundException", "message": "The service is not there." });
                    return Some(Reply::new(404, refusal.to_string()));
                }
                json!({ "containerServices": [self.service()] })
            }
            "CreateContainerServiceDeployment" => self.create(&body),
            "GetContainerServiceDeployments" => {
                self.go_on();
                json!({ "deployments": self.deployments })
            }
            "GetContainerLog" => return Some(self.log(&body)),
            _ => return None,
        };
        Some(Reply::new(200, answer.to_string()))
    }

    fn service(&self) -> Value {
        let with = |state: &str| self.deployments.iter().find(|deployment| deployment["state"] == state);
        let mut service = json!({
            "containerServiceName": "web", "power": "nano", "scale": 2,
            "url": "http://web.abc.us-east-1.cs.localhost:5000/",
            "state": match (with("ACTIVATING"), with("ACTIVE")) {
                (Some(_), _) => "DEPLOYING",
                (None, Some(_)) => "RUNNING",
                (None, None) => "READY",
            },
        });
        for (member, state) in [("currentDeployment", "ACTIVE"), ("nextDeployment", "ACTIVATING")] {
            if let Some(deployment) = with(state) {
                service[member] = deployment.clone();
            }
        }
        for (member, value) in self.shown.as_object().unwrap() {
            service[member] = value.clone();
        }
        service
    }

    fn create(&mut self, body: &Value) -> Value {
        let version = self.deployments.len() + 1;
        let mut made = body.clone();
        made.as_object_mut().unwrap().remove("serviceName");
        made["version"] = version.into();
        made["state"] = "ACTIVATING".into();
        made["createdAt"] = BEGIN.into();
        self.deployments.insert(0, made);
        json!({ "containerService": self.service() })
    }

    /// Moves the newest deployment to its next step.
    fn go_on(&mut self) {
        let step = match self.steps.len() {
            0 => return,
            1 => {
                let step = self.steps[0].clone();
                // The last step stays, and its lines come once.
                self.steps[0].lines = &[];
                step
            }
            _ => self.steps.pop_front().unwrap(),
        };
        if step.state == "ACTIVE" {
            for deployment in self.deployments.iter_mut().filter(|other| other["state"] == "ACTIVE") {
                deployment["state"] = "INACTIVE".into();
            }
        }
        self.deployments[0]["state"] = step.state.into();
        if let Some((code, message)) = step.detail {
            self.shown["stateDetail"] = json!({ "code": code, "message": message });
        } else if let Some(shown) = self.shown.as_object_mut() {
            shown.remove("stateDetail");
        }
        let container = self.deployments[0]["containers"].as_object().unwrap().keys().next().unwrap().clone();
        for line in step.lines {
            let number = u32::try_from(self.logs.get(&container).map_or(0, Vec::len)).unwrap();
            self.print(&container, 1_500_000_000.25 + f64::from(number) * 0.25, line);
        }
    }

    /// Answers as the API does. With a start time, pages go forward from this time. Without one, the first page
    /// has the newest lines, and the next ones have older lines.
    fn log(&self, body: &Value) -> Reply {
        let Some(log) = self.logs.get(body["containerName"].as_str().unwrap()) else {
            let refusal = json!({ "__type": "NotFoundException", "message": "No such container." });
            return Reply::new(404, refusal.to_string());
        };
        let pattern = body["filterPattern"].as_str().unwrap_or_default();
        let start = body["startTime"].as_f64().map(f64::floor);
        let lines: Vec<&(f64, String)> = log
            .iter()
            .filter(|(at, text)| text.contains(pattern) && start.is_none_or(|start| at.floor() >= start))
            .collect();
        // A token is the number of lines on the pages before: newer ones if the pages go back, or else older ones.
        let passed: usize = body["pageToken"].as_str().map_or(0, |token| token.parse().unwrap());
        let left = lines.len().saturating_sub(passed);
        let page = match start {
            Some(_) => &lines[lines.len() - left..][..left.min(PAGE)],
            None => &lines[left.saturating_sub(PAGE)..left],
        };
        let page: Vec<Value> =
            page.iter().map(|(at, text)| json!({ "createdAt": at, "message": text })).collect();
        let mut answer = json!({ "logEvents": page });
        if left > PAGE {
            answer["nextPageToken"] = (passed + PAGE).to_string().into();
        }
        Reply::new(200, answer.to_string())
    }
}
