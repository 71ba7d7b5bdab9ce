//! The whole life of a service, as users of Amazon's tools know it: a push with docker, the rest with the AWS CLI or
//! boto3.

use std::path::{Path, PathBuf};

use gangplank_testkit::Login;
use serde_json::{Value, json};

use crate::boto3;
use crate::client::{Call, Program};
use crate::services::{World, deployment, rounds, until};
use crate::services_app;
use crate::suite::{Suite, Test};

const BY_CLI: [(&str, Test); 1] = [("a_service_from_begin_to_end", by_cli)];
const BY_BOTO3: [(&str, Test); 1] = [("a_service_from_begin_to_end", by_boto3)];

/// Adds the trials with the AWS CLI version 1 and with boto3, if there is a docker too.
pub(crate) fn add(suite: &mut Suite) {
    let with_docker = |program: Option<Program>| {
        program.filter(|_| Program::find("dockerd").is_some() && Program::find("docker").is_some())
    };
    let venv = std::env::var_os("GANGPLANK_AWS_CLI_V1").map(PathBuf::from);
    let aws = venv.and_then(|venv| Program::at(&venv.join("bin/aws"))).or_else(|| Program::find("aws"));
    let install = "docker.io, and what the trials of the client alone need";
    suite.client("services_by_aws_cli", install, with_docker(aws), &BY_CLI);
    let python = boto3::python("import boto3; print(boto3.__version__)");
    suite.client("services_by_boto3", install, with_docker(python), &BY_BOTO3);
}

/// Makes the image in docker and pushes it. Returns its digest.
fn push(world: &World, login: &Login) -> String {
    let home = world.server.home().join("client");
    let docker = |args: &[&str]| world.docker.call_in(&home, args);
    let image = format!("{}/sr:app", login.registry);
    docker(&["login", "-u", &login.username, "--password-stdin", &login.registry])
        .input(login.password.as_str())
        .run()
        .ok();
    docker(&["import", "--change=ENTRYPOINT [\"/app\"]", "-", &image])
        .input(services_app::layer())
        .run()
        .ok();
    docker(&["push", &image]).run().ok().digest()
}

fn call<'a>(world: &World, program: &Program, args: impl IntoIterator<Item = &'a str>) -> Call {
    let data = world.server.data_dir();
    let call = program.call(&world.server.home().join("client"), args).env("AWS_PAGER", "");
    call.env("AWS_SHARED_CREDENTIALS_FILE", data.join("credentials"))
        .env("AWS_CONFIG_FILE", data.join("config"))
}

fn by_cli(program: &Program) {
    let docker = Program::find("docker").expect("docker");
    let world = World::new(&docker, &[]);
    let endpoint = format!("--endpoint-url={}", world.server.endpoint());
    let aws = |args: &[&str]| -> Value {
        let args = ["lightsail", endpoint.as_str(), "--output=json"].into_iter().chain(args.iter().copied());
        let done = call(&world, program, args).run().ok();
        serde_json::from_str(&done.stdout).unwrap_or(Value::Null)
    };
    let named = "--service-name=cli";
    let made = aws(&["create-container-service", named, "--power=nano", "--scale=1"]);
    assert_eq!(made["containerService"]["state"], "READY", "{made}");
    let login = &aws(&["create-container-service-registry-login"])["registryLogin"];
    let member = |name: &str| login[name].as_str().unwrap_or_else(|| panic!("{login}")).to_owned();
    let digest = push(
        &world,
        &Login { username: member("username"), password: member("password"), registry: member("registry") },
    );
    let image = aws(&["register-container-image", named, "--label=app", "--digest", &digest]);
    assert_eq!(image["containerImage"]["image"], ":cli.app.1");

    let wanted = deployment("cli", "by-cli", &[]);
    let (containers, endpoint) = (wanted["containers"].to_string(), wanted["publicEndpoint"].to_string());
    let created = aws(&[
        "create-container-service-deployment",
        named,
        "--containers",
        &containers,
        "--public-endpoint",
        &endpoint,
    ]);
    assert_eq!(created["containerService"]["state"], "DEPLOYING", "{created}");
    let state = || aws(&["get-container-services", named])["containerServices"][0]["state"].clone();
    until("it runs", || state() == "RUNNING");
    let shown = aws(&["get-container-service-deployments", named]);
    assert_eq!(shown["deployments"][0]["state"], "ACTIVE", "{shown}");
    assert_eq!(shown["deployments"][0]["containers"]["app"]["image"], ":cli.app.1", "{shown}");
    let host = world.host("cli");
    assert_eq!(world.get(&host, "/"), (200, "by-cli".to_owned()));
    let log = aws(&["get-container-log", named, "--container-name=app", "--filter-pattern=begins"]);
    assert_eq!(log["logEvents"][0]["message"], "begins by-cli", "{log}");
    if rounds(1) > 1 {
        until_measured(|| {
            let metric = aws(&[
                "get-container-service-metric-data",
                named,
                "--metric-name=MemoryUtilization",
                "--start-time=2020-01-01T00:00:00Z",
                "--end-time=2099-01-01T00:00:00Z",
                "--period=300",
                "--statistics=Average",
            ]);
            metric["metricData"].as_array().is_some_and(|points| !points.is_empty())
        });
    }

    let updated = aws(&["update-container-service", named, "--scale=2", "--power=micro"]);
    assert_eq!(updated["containerService"]["state"], "UPDATING", "{updated}");
    until("it is larger", || state() == "RUNNING");
    world.wait_until_only(&[("cli", 1, 2)]);
    aws(&["update-container-service", named, "--is-disabled"]);
    until("it is disabled", || state() == "DISABLED");
    assert_eq!(world.get(&host, "/").0, 503);
    aws(&["update-container-service", named, "--no-is-disabled"]);
    until("it runs again", || state() == "RUNNING");
    assert_eq!(world.get(&host, "/"), (200, "by-cli".to_owned()));
    aws(&["delete-container-service", named]);
    assert_eq!(world.get(&host, "/").0, 404);
    world.wait_until_only(&[]);
}

/// Waits for the first data point, which comes after a minute.
fn until_measured(mut is_there: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !is_there() {
        assert!(
            began.elapsed() < std::time::Duration::from_secs(100),
            "no point after {:?}",
            began.elapsed()
        );
        std::thread::sleep(std::time::Duration::from_secs(2));
    }
    eprintln!("the first point came after {:?}", began.elapsed());
}

fn by_boto3(python: &Program) {
    let docker = Program::find("docker").expect("docker");
    let world = World::new(&docker, &[]);
    world.api().ensure_service("py");
    let login = world.api().push_login();
    let digest = push(&world, &login);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/services_flow.py");
    let wanted = json!({ "deployment": deployment("py", "by-boto3", &[]), "digest": digest });
    let (script, wanted) = (script.display().to_string(), wanted.to_string());
    let patience = if rounds(1) > 1 { "100" } else { "0" };
    let args = ["-B", script.as_str(), &wanted, patience];
    eprint!("{}", call(&world, python, args).run().ok().stderr);
    world.wait_until_only(&[]);
}
