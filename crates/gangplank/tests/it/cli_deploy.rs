//! `gangplank deploy`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use gangplank_testkit::Image;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::cli::{Ran, command, home, run};
use crate::fake_engine;
use crate::fake_server::KEY;
use crate::fake_service::{FakeService, Step, step};
use crate::handler::Reply;
use crate::image_files::{docker_archive, write_layout};

const URL: &str = "http://web.abc.us-east-1.cs.localhost:5000/";

fn deploy_with(service: &FakeService, home: &Path, args: &[&str], environment: &[(&str, &str)]) -> Ran {
    let endpoint = format!("--endpoint-url=http://{}", service.address);
    let args = [&["deploy", "web", &endpoint], args].concat();
    run(home, &args, &[&KEY, environment].concat())
}

fn deploy(service: &FakeService, home: &Path, args: &[&str]) -> Ran {
    deploy_with(service, home, args, &[])
}

/// The input of the request that creates a deployment.
#[track_caller]
fn asked(service: &FakeService) -> Value {
    let mut bodies = service.bodies("CreateContainerServiceDeployment");
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    bodies.remove(0)
}

/// Checks that no request to change anything was sent.
#[track_caller]
fn check_nothing_was_done(service: &FakeService) {
    for operation in
        ["CreateContainerServiceRegistryLogin", "RegisterContainerImage", "CreateContainerServiceDeployment"]
    {
        assert_eq!(service.bodies(operation), Vec::<Value>::new(), "{operation}");
    }
}

fn exposing(ports: &Value) -> Image {
    Image::configured([b"a file".to_vec()], &json!({ "ExposedPorts": ports }))
}

const ACTIVATING: &[Step] = &[
    Step {
        state: "ACTIVATING",
        detail: Some(("CREATING_DEPLOYMENT", "")),
        lines: &["[deployment:1] Creating your deployment"],
    },
    Step {
        state: "ACTIVATING",
        detail: Some(("CREATING_DEPLOYMENT", "")),
        lines: &["[deployment:1] Started 1 new node"],
    },
    Step {
        state: "ACTIVATING",
        detail: Some(("EVALUATING_HEALTH_CHECK", "GET / on port 8080")),
        lines: &["listening on 8080", "\u{1b}[2J::add-mask::x"],
    },
];

#[test]
fn an_image_is_pushed_registered_and_deployed() {
    let (service, home) = (FakeService::start(), home());
    write_layout(&home.path().join("Shop_Site"), &exposing(&json!({ "8080/tcp": {}, "53/udp": {} })));
    let ran = deploy(&service, home.path(), &["--image", "oci:Shop_Site:v1"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.stdout,
        "Accepted. `gangplank logs web --follow` shows how it goes; --wait waits for it.\n"
    );
    assert!(ran.stderr.contains(": pushed, ") && ran.stderr.contains("Registered as :web.app.1."), "{ran:?}");
    assert!(ran.stderr.ends_with("Deployment 1 of web is on its way.\n"), "{ran:?}");
    assert_eq!(service.bodies("RegisterContainerImage")[0]["label"], "shop-site");
    let expected = json!({
        "serviceName": "web",
        "containers": { "app": { "image": ":web.app.1", "ports": { "8080": "HTTP" } } },
        "publicEndpoint": { "containerName": "app", "containerPort": 8080 },
    });
    assert_eq!(asked(&service), expected);
}

#[test]
fn everything_that_is_said_of_the_container_reaches_the_server() {
    let (service, home) = (FakeService::start(), home());
    let engine =
        fake_engine::start(home.path(), "app:v1", docker_archive(&exposing(&json!({ "80/tcp": {} }))));
    fs::write(home.path().join("app.env"), "# of the app\nA=from file\nB=two\n").unwrap();
    let args = [
        "--image=app:v1",
        "--name=site",
        "--port=90",
        "--health-path=/up",
        "--env-file=app.env",
        "--env=A=s3cret",
        "-e",
        "HERE",
        "--command",
        "serve --title 'two words'",
        "--label=own",
        "--output=json",
    ];
    let ran = deploy_with(&service, home.path(), &args, &[("DOCKER_HOST", &engine), ("HERE", "h3re")]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.stderr.contains("s3cret") && !ran.stderr.contains("h3re"), "{ran:?}");
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    let expected =
        json!({ "service": "web", "version": 1, "state": "ACTIVATING", "image": ":web.app.1", "url": URL });
    assert_eq!(told, expected);
    assert_eq!(service.bodies("RegisterContainerImage")[0]["label"], "own");
    let expected = json!({
        "serviceName": "web",
        "containers": { "site": {
            "image": ":web.app.1",
            "command": ["serve", "--title", "two words"],
            "environment": { "A": "s3cret", "B": "two", "HERE": "h3re" },
            "ports": { "90": "HTTP" },
        } },
        "publicEndpoint": { "containerName": "site", "containerPort": 90, "healthCheck": { "path": "/up" } },
    });
    assert_eq!(asked(&service), expected);
}

#[test]
fn what_is_registered_or_elsewhere_is_not_pushed() {
    let home = home();
    for image in [":web.app.3", ":web.app.latest", "docker.io/library/nginx:1.27", "127.0.0.1:5000/web:app.1"]
    {
        let service = FakeService::start();
        let ran = deploy(&service, home.path(), &["--image", image, "--port", "80"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(asked(&service)["containers"]["app"]["image"], *image);
        assert_eq!(service.bodies("CreateContainerServiceRegistryLogin"), Vec::<Value>::new());
    }
    // Without an option, the port comes from the image's last deployment, if there is one.
    let service = FakeService::start();
    deploy(&service, home.path(), &["--image", ":web.app.1"]).check_failed(&[":web.app.1", "--port none"]);
    check_nothing_was_done(&service);
    service.played().deploy("app", ":web.app.2", "ACTIVE");
    assert_eq!(deploy(&service, home.path(), &["--image", ":web.app.1"]).code, Some(0));
    assert_eq!(asked(&service)["publicEndpoint"]["containerPort"], 8080);
}

#[test]
fn the_port_is_the_only_one_that_can_be_meant() {
    let home = home();
    let image = |name: &str, ports: &Value| write_layout(&home.path().join(name), &exposing(ports));
    image("several", &json!({ "80/tcp": {}, "443/tcp": {} }));
    image("none", &json!(null));
    let service = FakeService::start();
    deploy(&service, home.path(), &["--image=oci:several"])
        .check_failed(&["oci:several exposes 2 ports, 80, 443", "--port 80"]);
    deploy(&service, home.path(), &["--image=oci:several", "--port=none", "--health-path=/"])
        .check_failed(&["--health-path is for a public endpoint", "--port"]);
    check_nothing_was_done(&service);
    for args in [&["--image=oci:none"][..], &["--image=oci:several", "--port=none"]] {
        let service = FakeService::start();
        let ran = deploy(&service, home.path(), args);
        assert!(ran.code == Some(0) && ran.stderr.contains("without a public endpoint"), "{ran:?}");
        let asked = asked(&service);
        assert!(
            asked.get("publicEndpoint").is_none() && asked["containers"]["app"].get("ports").is_none(),
            "{asked}"
        );
    }
    let service = FakeService::start();
    service.played().deploy("app", ":web.app.1", "ACTIVE");
    deploy(&service, home.path(), &["--image=oci:none"]).check_failed(&[
        "oci:none exposes no port",
        "web has a public endpoint on port 8080",
        "--port 8080",
        "--port none",
    ]);
    check_nothing_was_done(&service);
    let ran = deploy(&service, home.path(), &["--image=oci:none", "--port=none"]);
    assert!(ran.code == Some(0) && asked(&service).get("publicEndpoint").is_none(), "{ran:?}");
    for port in ["0", "65536", "http"] {
        deploy(&service, home.path(), &["--image=oci:none", "--port", port])
            .check_usage(&[port, "1 to 65535"]);
    }
}

#[test]
fn what_cannot_be_deployed_is_said_before_anything_is_pushed() {
    let (service, home) = (FakeService::start(), home());
    write_layout(&home.path().join("layout"), &exposing(&json!({ "80/tcp": {} })));
    let image = "--image=oci:layout";
    let endpoint = format!("--endpoint-url=http://{}", service.address);
    run(home.path(), &["deploy", "other", image, &endpoint], &KEY).check_failed(&[
        "\"other\" does not exist",
        "gangplank lightsail create-container-service --service-name other --power nano --scale 1",
    ]);
    deploy(&service, home.path(), &[image, "--name=my_app"])
        .check_failed(&["my_app", "does not match pattern"]);
    deploy(&service, home.path(), &[image, "--label=My Label"])
        .check_failed(&["My Label", "does not match pattern"]);
    deploy(&service, home.path(), &[image, "--health-path=up"]).check_failed(&["up", "does not begin with"]);
    deploy(&service, home.path(), &[image, "--env=MISSING"])
        .check_failed(&["--env 1", "MISSING is not set here"]);
    deploy(&service, home.path(), &[image, "--env-file=none"]).check_failed(&["cannot read none"]);
    deploy(&service, home.path(), &[image, "--command", "'open"]).check_usage(&["a quote is not closed"]);
    deploy(&service, home.path(), &[image, "--timeout=5m"]).check_usage(&["--wait"]);
    let wrong = deploy(&service, home.path(), &[image, "--env", "pass word=s3cret"]);
    wrong.check_failed(&["--env 1", "NAME=VALUE"]);
    assert!(!wrong.stderr.contains("s3cret"), "{wrong:?}");
    service.played().deploy("app", ":web.app.1", "ACTIVATING");
    deploy(&service, home.path(), &[image]).check_failed(&["deployment 1 of \"web\" is still on its way"]);
    service.played().shown = json!({ "state": "DISABLED" });
    deploy(&service, home.path(), &[image]).check_failed(&["is disabled", "--no-is-disabled"]);
    check_nothing_was_done(&service);
}

#[test]
fn a_refusal_is_told_in_the_servers_words() {
    let (service, home) = (FakeService::start(), home());
    let refusal = json!({
        "__type": "InvalidInputException",
        "message": "Sorry, deployment 8 is in progress for service \"web\". Please wait.\u{1b}[2J",
    });
    let reply = Reply::new(400, refusal.to_string());
    service.played().other.push_back(("CreateContainerServiceDeployment", reply));
    let ran = deploy(&service, home.path(), &["--image=:web.app.1", "--port=80", "--wait", "--env=A=s3cret"]);
    ran.check_failed(&["Sorry, deployment 8 is in progress for service \"web\". Please wait.\\x1b"]);
    assert!(!ran.stderr.contains("s3cret"), "{ran:?}");
}

#[test]
fn a_wait_shows_states_and_the_log_and_ends_with_the_address() {
    let home = home();
    let last = Step { state: "ACTIVE", detail: None, lines: &["[deployment:1] Reached a steady state"] };
    let steps = || ACTIVATING.iter().cloned().chain([last.clone()]);
    let service = FakeService::playing(steps());
    let ran = deploy(&service, home.path(), &["--image=:web.app.1", "--port=8080", "--wait"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), format!("{URL}\n").as_str()), "{ran:?}");
    let expected = "Deployment 1 of web is on its way.\n\
                    DEPLOYING: CREATING_DEPLOYMENT\n  \
                    | [deployment:1] Creating your deployment\n  \
                    | [deployment:1] Started 1 new node\n\
                    DEPLOYING: EVALUATING_HEALTH_CHECK: GET / on port 8080\n  \
                    | listening on 8080\n  \
                    | \\x1b[2J::add-mask::x\n  \
                    | [deployment:1] Reached a steady state\n\
                    Deployment 1 of web is ACTIVE.\n";
    assert_eq!(ran.stderr, expected);

    let service = FakeService::playing(steps());
    let ran =
        deploy(&service, home.path(), &["--image=:web.app.1", "--port=8080", "--wait", "--output=json"]);
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    let expected =
        json!({ "service": "web", "version": 1, "state": "ACTIVE", "image": ":web.app.1", "url": URL });
    assert_eq!((ran.code, told), (Some(0), expected));

    // Without an endpoint there is no address at the end.
    let service = FakeService::playing([step("ACTIVATING"), step("ACTIVE")]);
    let ran = deploy(&service, home.path(), &["--image=:web.app.1", "--port=none", "--wait"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
}

#[test]
fn a_failure_says_why_and_what_still_serves() {
    let home = home();
    let failed = Step {
        state: "FAILED",
        detail: None,
        lines: &["[deployment:2] Canceled", "[deployment:2] app: exited with 1, 3 times"],
    };
    let service = FakeService::playing([step("ACTIVATING"), failed]);
    service.played().deploy("app", ":web.app.1", "ACTIVE");
    let args = ["--image=:web.app.2", "--port=8080", "--wait"];
    deploy(&service, home.path(), &args).check_failed_last(&[
        "deployment 2 of web failed: app: exited with 1, 3 times; version 1 still serves",
    ]);
    // The log may come a little later than the state, or never.
    let late = [step("ACTIVATING"), step("FAILED")];
    let service = FakeService::playing(late);
    deploy(&service, home.path(), &args)
        .check_failed_last(&["deployment 1 of web failed: its log does not say why; nothing serves"]);
    let service = FakeService::playing([
        step("ACTIVATING"),
        Step {
            state: "FAILED",
            detail: None,
            lines: &["[deployment:1] Took too long", "[deployment:1] Canceled"],
        },
    ]);
    deploy(&service, home.path(), &args).check_failed_last(&["failed: it took too long; nothing serves"]);
}

#[test]
fn a_server_that_is_away_is_waited_for_and_what_is_gone_is_not() {
    let home = home();
    let args = ["--image=:web.app.1", "--port=8080", "--wait"];
    let service = FakeService::playing([step("ACTIVATING"), step("ACTIVE")]);
    let away = || ("GetContainerServiceDeployments", Reply::new(503, r#"{"__type":"ServiceUnavailable"}"#));
    service.played().other.extend((0..4).map(|_| away()));
    let ran = deploy(&service, home.path(), &args);
    assert_eq!((ran.code, ran.stdout), (Some(0), format!("{URL}\n")));
    assert!(ran.stderr.contains("goes on when the server answers again"), "{}", ran.stderr);

    let service = FakeService::playing([step("ACTIVATING")]);
    let none = Reply::new(200, r#"{"deployments":[]}"#);
    service.played().other.push_back(("GetContainerServiceDeployments", none));
    deploy(&service, home.path(), &args).check_failed_last(&["deployment 1 of web is gone"]);

    // A caller who may not read the log still sees the states.
    let service = FakeService::playing(ACTIVATING.iter().cloned().chain([step("ACTIVE")]));
    let refused = Reply::new(400, r#"{"__type":"AccessDeniedException","message":"Not yours."}"#);
    service.played().other.push_back(("GetContainerLog", refused));
    let ran = deploy(&service, home.path(), &args);
    assert!(ran.code == Some(0) && !ran.stderr.contains("listening"), "{ran:?}");
}

#[test]
fn a_wait_has_an_end() {
    let (service, home) = (FakeService::playing([step("ACTIVATING")]), home());
    let args = ["--image=:web.app.1", "--port=8080", "--wait", "--timeout=1s"];
    deploy(&service, home.path(), &args)
        .check_failed_last(&["deployment 1 of web is not active after 1s", "gangplank logs web --follow"]);
}

#[test]
fn ctrl_c_ends_the_wait_and_not_the_deployment() {
    let (service, home) = (FakeService::playing([step("ACTIVATING")]), home());
    let endpoint = format!("--endpoint-url=http://{}", service.address);
    let args = ["deploy", "web", "--image=:web.app.1", "--port=8080", "--wait", &endpoint];
    let mut process =
        command(home.path(), &args).envs(KEY).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line == "DEPLOYING"));
    kill_process(Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap(), Signal::INT).unwrap();
    let status = process.wait().unwrap();
    assert_eq!(status.code(), Some(130), "{status:?}");
    let last = lines.last().unwrap();
    assert_eq!(last, "gangplank: deployment 1 of web goes on; `gangplank logs web --follow` shows how");
}
