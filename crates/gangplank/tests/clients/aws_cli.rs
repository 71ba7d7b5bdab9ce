//! Both versions of the AWS CLI, used as people use them.

use std::path::PathBuf;

use gangplank_testkit::{Image, Login};
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::client::{Call, Done, Program};
use crate::keyless::Job;
use crate::suite::{Suite, Test};

const TESTS: [(&str, Test); 6] = [
    ("control_flow", control_flow),
    ("errors", errors),
    ("skeletons_and_json", skeletons),
    ("who_am_i", who_am_i),
    ("other_services", other_services),
    ("job_without_a_key", job_without_a_key),
];

/// Adds the CLI's trials, for each of its versions.
pub(crate) fn add(suite: &mut Suite) {
    let mut found = Program::all("aws");
    let chosen = std::env::var_os("GANGPLANK_AWS_CLI_V1").map(PathBuf::from);
    found.splice(0..0, chosen.and_then(|venv| Program::at(&venv.join("bin/aws"))));
    let version = |major: &str| found.iter().find(|aws| aws.version.starts_with(major)).cloned();
    let v1 = "pip install awscli, on the PATH or in a venv named by GANGPLANK_AWS_CLI_V1";
    suite.client("aws_cli_v1", v1, version("1."), &TESTS);
    suite.client("aws_cli_v2", "apt-get install awscli", version("2."), &TESTS);
}

fn control_flow(program: &Program) {
    let bench = Bench::new();
    let aws = Aws { bench: &bench, program };
    let create = ["create-container-service", "--service-name", "web", "--power", "nano", "--scale", "1"];
    let made = aws.json(&[create.as_slice(), &["--tags", "key=team,value=ops"]].concat());
    assert_eq!(made["containerService"]["state"], "READY", "{made}");

    let login = &aws.json(&["create-container-service-registry-login"])["registryLogin"];
    let member = |name: &str| login[name].as_str().unwrap_or_else(|| panic!("{login}")).to_owned();
    let login =
        Login { username: member("username"), password: member("password"), registry: member("registry") };
    assert_eq!((login.username.as_str(), &login.registry), ("AWS", &bench.server.host()));
    let digest = bench.server.registry_as(&login).push_image("sr", "cli", &Image::unique(1));

    let register =
        ["register-container-image", "--service-name", "web", "--label", "app", "--digest", &digest];
    assert_eq!(aws.json(&register)["containerImage"]["image"], ":web.app.1");
    let query = ["get-container-images", "--service-name=web", "--query=containerImages[].image"];
    assert_eq!(aws.text(&[query.as_slice(), &["--output=text"]].concat()), ":web.app.1");
    aws.text(&["delete-container-image", "--service-name=web", "--image=:web.app.1"]);
    assert_eq!(aws.json(&["get-container-images", "--service-name=web"]), json!({ "containerImages": [] }));

    let updated = aws.json(&["update-container-service", "--service-name=web", "--power=micro", "--scale=3"]);
    assert_eq!(updated["containerService"]["scale"], 3);
    aws.json(&["tag-resource", "--resource-name=web", "--tags", "key=stage,value=test"]);
    aws.json(&["untag-resource", "--resource-name=web", "--tag-keys", "team"]);
    let services = aws.json(&["get-container-services"]);
    assert_eq!(services["containerServices"][0]["tags"], json!([{ "key": "stage", "value": "test" }]));
    let powers = aws.json(&["get-container-service-powers"]);
    assert_eq!(powers["powers"][0]["name"], "nano");
    aws.json(&["get-container-api-metadata"]);
    aws.json(&["get-container-service-deployments", "--service-name=web"]);
    aws.text(&["delete-container-service", "--service-name=web"]);
    assert_eq!(aws.json(&["get-container-services"]), json!({ "containerServices": [] }));
}

/// A refused call ends with 255 in version 1, and with 254 in version 2.
fn errors(program: &Program) {
    let bench = Bench::new();
    let aws = Aws { bench: &bench, program };
    aws.run(&["create-container-service-registry-login"])
        .refused(&["(InvalidInputException) when calling the CreateContainerServiceRegistryLogin operation"]);
    aws.run(&["get-container-services", "--service-name=absent"]).refused(&["(NotFoundException)"]);
    let wrong = aws.run(&["create-container-service", "--service-name=A_b", "--power=nano", "--scale=1"]);
    assert_eq!(wrong.code, Some(if program.version.starts_with("1.") { 255 } else { 254 }), "{wrong}");
    wrong.refused(&["(InvalidInputException)"]);
    let listing = ["get-container-services"];
    let unsigned = aws.run(&["get-container-services", "--no-sign-request"]);
    unsigned.refused(&["(MissingAuthenticationTokenException)"]);
    let keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
    let nobody = aws.call(&listing).env(keys.0, "GPAKNOBODYNOBODYNOBO").env(keys.1, "no");
    nobody.run().refused(&["(UnrecognizedClientException)"]);
    let wrong = aws.call(&listing).env(keys.0, bench.access_key().0).env(keys.1, "wrong");
    wrong.run().refused(&["(InvalidSignatureException)"]);
}

/// The first call of many scripts.
fn who_am_i(program: &Program) {
    let bench = Bench::new();
    let aws = Aws { bench: &bench, program };
    let call = |args: &[&str]| aws.call_of("sts", args);
    let asked = call(&["get-caller-identity", "--output=json"]).run().ok().stdout;
    let identity: Value = serde_json::from_str(&asked).unwrap_or_else(|error| panic!("{error}: {asked}"));
    let root = json!({
        "Account": "000000000000", "Arn": "arn:aws:iam::000000000000:root", "UserId": "000000000000"
    });
    assert_eq!(identity, root);
    let account = call(&["get-caller-identity", "--query=Account", "--output=text"]).run().ok();
    assert_eq!(account.stdout.trim(), "000000000000");

    let who = || call(&["get-caller-identity"]);
    let keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
    let nobody = who().env(keys.0, "GPAKNOBODYNOBODYNOBO").env(keys.1, "no");
    nobody.run().refused(&["(InvalidClientTokenId)"]);
    let wrong = who().env(keys.0, bench.access_key().0).env(keys.1, "wrong");
    wrong.run().refused(&["(SignatureDoesNotMatch)"]);
    call(&["get-caller-identity", "--no-sign-request"]).run().refused(&["(MissingAuthenticationToken)"]);
    call(&["get-session-token"]).run().refused(&["(InvalidAction)"]);
    let role = ["assume-role-with-web-identity", "--role-arn=arn:aws:iam::000000000000:role/push-web"];
    let assume = call(&[role.as_slice(), &["--role-session-name=ci", "--web-identity-token=a.b.c"]].concat());
    assume.run().refused(&["(InvalidIdentityToken)"]);
}

/// A push and a registration with only a role and a token file.
fn job_without_a_key(program: &Program) {
    let job = Job::new();
    let bench = &job.bench;
    let aws = Aws { bench, program };
    let keys = (!aws.reads_address()).then(|| {
        // This version is too old to read an address from the environment. If the address is on the command line,
        // this version does not use the token.
        let role =
            ["sts", "assume-role-with-web-identity", "--role-session-name=ci", "--output=json", "--role-arn"];
        let token = format!("file://{}", job.token.display());
        let endpoint = format!("--endpoint-url={}", bench.server.endpoint());
        let more = [job.role.as_str(), "--web-identity-token", &token, &endpoint, "--region=us-east-1"];
        let text = bench.call(program, [role.as_slice(), &more].concat()).run().ok().stdout;
        let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let key = |name: &str| {
            answer["Credentials"][name].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
        };
        ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(key)
    });
    let call = |args: &[&str]| {
        let endpoint = format!("--endpoint-url={}", bench.server.endpoint());
        let endpoint = keys.as_ref().map(|_| endpoint.as_str());
        let call = bench.call(program, args.iter().copied().chain(endpoint).chain(["--output=json"]));
        let text = match &keys {
            None => job.given(call).run(),
            Some([id, secret, token]) => call
                .env("AWS_ACCESS_KEY_ID", id)
                .env("AWS_SECRET_ACCESS_KEY", secret)
                .env("AWS_SESSION_TOKEN", token)
                .env("AWS_DEFAULT_REGION", "us-east-1")
                .env("AWS_PAGER", "")
                .run(),
        };
        let text = text.ok().stdout;
        serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{args:?}: {error}: {text}"))
    };
    let who = call(&["sts", "get-caller-identity"]);
    let arn = who["Arn"].as_str().unwrap_or_else(|| panic!("{who}"));
    assert!(arn.starts_with("arn:aws:sts::000000000000:assumed-role/push-web/"), "{who}");
    let login = &call(&["lightsail", "create-container-service-registry-login"])["registryLogin"];
    let member = |name: &str| login[name].as_str().unwrap_or_else(|| panic!("{login}")).to_owned();
    let login =
        Login { username: member("username"), password: member("password"), registry: member("registry") };
    let digest = match Program::built("crane") {
        Some(crane) => crate::crane::push(bench, &crane, &login, "sr:job"),
        None => bench.server.registry_as(&login).push_image("sr", "job", &Image::unique(1)),
    };
    let register =
        ["lightsail", "register-container-image", "--service-name=web", "--label=app", "--digest", &digest];
    assert_eq!(call(&register)["containerImage"]["image"], ":web.app.1");
    job.check_origin(":web.app.1");
}

/// A profile with one address for all services: calls of services that are not here are refused with a message.
fn other_services(program: &Program) {
    let bench = Bench::new();
    let aws = Aws { bench: &bench, program };
    for (service, args) in [
        ("s3", &["ls"][..]),
        ("ec2", &["describe-instances"]),
        ("iam", &["get-user"]),
        ("ecr", &["get-authorization-token"]),
        ("logs", &["describe-log-groups"]),
        ("lambda", &["list-functions"]),
        ("apigatewayv2", &["get-apis"]),
    ] {
        let done = aws.call_of(service, args).run();
        done.refused(&["container part of Amazon Lightsail"]).refused(&["AWS_ENDPOINT_URL_STS"]);
    }
}

/// `--generate-cli-skeleton` and `--cli-input-json`. Options win over the members of the input.
fn skeletons(program: &Program) {
    let bench = Bench::new();
    let aws = Aws { bench: &bench, program };
    let skeleton = aws.json(&["create-container-service", "--generate-cli-skeleton"]);
    assert!(skeleton["serviceName"].is_string(), "{skeleton}");
    let input = json!({ "serviceName": "web", "power": "nano", "scale": 1 }).to_string();
    let made = aws.json(&["create-container-service", "--cli-input-json", &input, "--scale=2"]);
    assert_eq!(made["containerService"]["scale"], 2, "an option wins over the JSON");
    let login = aws.json(&["create-container-service-registry-login", "--cli-input-json", "{}"]);
    assert_eq!(login["registryLogin"]["username"], "AWS");
    let sample = aws.json(&["create-container-service-registry-login", "--generate-cli-skeleton", "output"]);
    assert!(sample["registryLogin"]["expiresAt"].is_string(), "{sample}");
}

pub(crate) struct Aws<'a> {
    pub(crate) bench: &'a Bench,
    pub(crate) program: &'a Program,
}

impl Aws<'_> {
    /// A call with only the two files, if the CLI is new enough to read the address from them.
    pub(crate) fn call(&self, args: &[&str]) -> Call {
        self.call_of("lightsail", args)
    }

    /// Whether it reads the server's address from the environment and from files.
    fn reads_address(&self) -> bool {
        let mut numbers = self.program.version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        matches!(version, (1, 29..) | (2, 13..) | (3.., _))
    }

    /// A call of any service, with only the two files.
    fn call_of(&self, service: &str, args: &[&str]) -> Call {
        let endpoint = format!("--endpoint-url={}", self.bench.server.endpoint());
        let endpoint = (!self.reads_address()).then_some(endpoint.as_str());
        let args = [service].into_iter().chain(endpoint).chain(args.iter().copied());
        self.bench.call_with_keys(self.program, args).env("AWS_PAGER", "")
    }

    fn run(&self, args: &[&str]) -> Done {
        self.call(args).run()
    }

    fn text(&self, args: &[&str]) -> String {
        self.run(args).ok().stdout.trim().to_owned()
    }

    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let text = self.text(args);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}: {text}"))
    }
}
