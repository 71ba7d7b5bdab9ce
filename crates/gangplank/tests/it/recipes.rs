//! Runs the manual's recipes for jobs without a secret, unchanged except for addresses: on a real server, with an
//! issuer on loopback for each CI, and an engine that has the image `app`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gangplank_testkit::{Image, Login};
use serde_json::{Value, json};
use yaml_rust2::{Yaml, YamlLoader};

use crate::PROGRAM;
use crate::cli::Ran;
use crate::fake_engine;
use crate::handler::{self, Reply};
use crate::image_files::{docker_archive, write_layout};
use crate::keyless::{Keyless, Session};

/// Stand-ins for programs of other projects. `docker` looks for its login as the real one does. `aws` is
/// `gangplank`, which accepts the same command line.
const STUBS: [(&str, &str); 2] = [
    ("docker", "case \"$1\" in push) grep -q '\"auth\"' \"$HOME/.docker/config.json\";; esac"),
    ("aws", "exec gangplank \"$@\""),
];

/// A block of a page: its language and its text.
type Block = (String, String);

/// A server, and the machine of a job.
struct Kitchen {
    keyless: Keyless,
    /// The folder with the job's programs.
    bin: PathBuf,
    engine: String,
}

impl Kitchen {
    fn start() -> Self {
        let keyless = Keyless::start();
        keyless.server.api().ensure_service("web");
        let home = keyless.server.home();
        let bin = home.join("bin");
        fs::create_dir(&bin).unwrap();
        for name in ["gangplank", "gangplank-credential-provider", "docker-credential-gangplank"] {
            symlink(PROGRAM, bin.join(name)).unwrap();
        }
        for (name, script) in STUBS {
            let file = bin.join(name);
            fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let engine = fake_engine::start(home, "app:latest", docker_archive(&Image::unique(1)));
        Self { keyless, bin, engine }
    }

    /// The text of a page, with the address of this server in place of the address of the registry, and the
    /// address of this issuer in place of all others.
    fn here(&self, text: &str) -> String {
        let (server, issuer) = (&self.keyless.server, &self.keyless.issuer.url);
        let of_ci = |text: String, option: &str| {
            let is_meant = text.contains(option) && !text.contains("--issuer");
            if is_meant { text.replace(option, &format!("--issuer {issuer} {option}")) } else { text }
        };
        let text = text.replace("https://registry.example.com", &server.endpoint());
        let text = text.replace("http://127.0.0.1:5000", &server.endpoint());
        let text = text.replace("./gangplank-data", &server.data_dir().display().to_string());
        let text = text.replace("registry.example.com", &server.host());
        let text = text.replace("https://cluster.example.com", issuer);
        of_ci(of_ci(text, "--github"), "--gitlab")
    }

    /// The blocks of a page under a heading, with the addresses replaced.
    fn blocks(&self, page: &str, heading: &str) -> Vec<Block> {
        let page = page_of_manual(page);
        let rest = page.split(&format!("# {heading}\n")).nth(1).unwrap_or_else(|| panic!("{heading}"));
        let section = rest.split("\n## ").next().unwrap().split("\n### ").next().unwrap();
        let blocks = section.split("\n```").skip(1).step_by(2);
        let split = |block: &str| {
            let (language, text) = block.split_once('\n').unwrap();
            (language.to_owned(), self.here(text))
        };
        blocks.map(split).collect()
    }

    /// Runs a script in the job's folder, without this test's environment.
    fn run(&self, script: &str, environment: &[(String, String)]) -> Ran {
        let path = format!("{}:/usr/bin:/bin", self.bin.display());
        let output = Command::new("/bin/sh")
            .args(["-e", "-c", script])
            .env_clear()
            .env("HOME", self.keyless.server.home())
            .env("TMPDIR", self.keyless.server.home())
            .env("PATH", path)
            .env("DOCKER_HOST", &self.engine)
            .envs(environment.iter().cloned())
            .current_dir(self.keyless.server.home())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    #[track_caller]
    fn succeed(&self, script: &str, environment: &[(String, String)]) -> String {
        let ran = self.run(script, environment);
        assert_eq!(ran.code, Some(0), "{script}: {ran:?}");
        ran.stdout
    }

    /// Runs the shell blocks with the server's key. Returns the output of each.
    #[track_caller]
    fn operate(&self, blocks: &[Block]) -> Vec<String> {
        let data_dir = self.keyless.server.data_dir().display().to_string();
        let environment = pairs(&[("GANGPLANK_DATA_DIR", &data_dir)]);
        let shell = blocks.iter().filter(|(language, _)| language == "sh");
        shell.map(|(_, script)| self.succeed(script, &environment)).collect()
    }

    /// The images of the service `web`.
    fn images(&self) -> usize {
        let images =
            self.keyless.server.api().lightsail("GetContainerImages", &json!({ "serviceName": "web" }));
        images.body["containerImages"].as_array().unwrap().len()
    }

    fn write_token(&self, token: &str) -> String {
        let file = self.keyless.server.home().join("token");
        fs::write(&file, token).unwrap();
        file.display().to_string()
    }
}

fn pairs(environment: &[(&str, &str)]) -> Vec<(String, String)> {
    environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn page_of_manual(name: &str) -> String {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/book/src");
    fs::read_to_string(pages.join(format!("{name}.md"))).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn yaml(text: &str) -> Yaml {
    YamlLoader::load_from_str(text).unwrap().remove(0)
}

fn text(yaml: &Yaml) -> String {
    yaml.as_str().unwrap_or_else(|| panic!("{yaml:?}")).to_owned()
}

/// The variables that a mapping in YAML sets.
fn variables(yaml: &Yaml) -> Vec<(String, String)> {
    yaml.as_hash().unwrap().iter().map(|(name, value)| (text(name), text(value))).collect()
}

/// The job of a GitHub workflow: its environment, and its steps.
fn job(workflow: &str) -> (Vec<(String, String)>, Vec<Yaml>) {
    let job = &yaml(workflow)["jobs"]["push"];
    assert_eq!(text(&job["permissions"]["id-token"]), "write");
    (variables(&job["env"]), job["steps"].as_vec().unwrap().clone())
}

#[test]
fn github_actions_without_the_action() {
    let kitchen = Kitchen::start();
    kitchen.operate(&kitchen.blocks("guides/github-actions", "Make the role"));
    let blocks = kitchen.blocks("guides/github-actions", "The job");
    let (token, endpoint) = (kitchen.keyless.token(), kitchen.keyless.server.endpoint());
    let ci = handler::serve(move |request| {
        // The requested audience is the server's address. The issuer makes its tokens for another name of the server.
        let audience = endpoint.replace(':', "%3A").replace('/', "%2F");
        assert!(request.path.ends_with(&format!("&audience={audience}")), "{}", request.path);
        Reply::new(200, json!({ "value": token }).to_string())
    });
    let url = format!("http://{ci}/token?api-version=2.0");
    let given = pairs(&[
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", &url),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner"),
    ]);
    let workflows: Vec<&Block> = blocks.iter().filter(|(language, _)| language == "yaml").collect();
    assert_eq!(workflows.len(), 2);
    for (_, workflow) in workflows {
        let (environment, steps) = job(workflow);
        let environment = [given.clone(), environment].concat();
        for step in steps.iter().filter_map(|step| step["run"].as_str()) {
            kitchen.succeed(step, &environment);
        }
    }
    assert_eq!(kitchen.images(), 1);
    assert!(kitchen.keyless.server.home().join(".docker/config.json").exists());
}

#[test]
fn github_actions_with_configure_aws_credentials() {
    let kitchen = Kitchen::start();
    kitchen.operate(&kitchen.blocks("guides/github-actions", "Make the role"));
    let blocks = kitchen.blocks("guides/github-actions", "With configure-aws-credentials");
    let (mut environment, steps) = job(&blocks[0].1);
    for step in &steps {
        if let Some(action) = step["uses"].as_str().filter(|action| action.contains("aws-credentials")) {
            let with = |name: &str| text(&step["with"][name]);
            assert_eq!(
                (action, with("sts-endpoint")),
                ("aws-actions/configure-aws-credentials@v6", kitchen.keyless.server.endpoint())
            );
            assert_eq!(with("audience"), kitchen.keyless.server.endpoint());
            // The effect of the action, and its results for later steps.
            let token = kitchen.keyless.token();
            let answer =
                kitchen.keyless.assume(&with("role-to-assume"), &token, "&RoleSessionName=GitHubActions");
            assert_eq!(answer.status, 200, "{}", answer.text());
            let Session { id, secret, token } = Session::of(&answer);
            environment.extend(pairs(&[
                ("AWS_ACCESS_KEY_ID", &id),
                ("AWS_SECRET_ACCESS_KEY", &secret),
                ("AWS_SESSION_TOKEN", &token),
                ("AWS_REGION", &with("aws-region")),
            ]));
        }
        if let Some(step) = step["run"].as_str() {
            kitchen.succeed(step, &environment);
        }
    }
    assert_eq!(kitchen.images(), 1);
}

#[test]
fn gitlab_ci() {
    let kitchen = Kitchen::start();
    kitchen.operate(&kitchen.blocks("guides/gitlab", "Make the role"));
    let blocks = kitchen.blocks("guides/gitlab", "The job");
    let job = &yaml(&blocks[0].1)["push"];
    assert_eq!(text(&job["id_tokens"]["GANGPLANK_ID_TOKEN"]["aud"]), kitchen.keyless.server.endpoint());
    let run = |protected: &str| {
        let token = kitchen.keyless.token_with(|claims| {
            claims["project_path"] = json!("acme/web");
            claims["ref_protected"] = json!(protected);
        });
        let given = pairs(&[("GITLAB_CI", "true"), ("GANGPLANK_ID_TOKEN", &token)]);
        let script: Vec<String> = job["script"].as_vec().unwrap().iter().map(text).collect();
        kitchen.run(&script.join("\n"), &[given, variables(&job["variables"])].concat())
    };
    let ran = run("true");
    assert_eq!((ran.code, kitchen.images()), (Some(0), 1), "{ran:?}");
    let ran = run("false");
    assert!(ran.code == Some(1) && ran.stderr.contains("AccessDenied"), "{ran:?}");
}

#[test]
fn a_pod_that_pushes() {
    let kitchen = Kitchen::start();
    let blocks = kitchen.blocks("guides/kubernetes", "A pod that pushes");
    kitchen.operate(&blocks);
    let pod = yaml(&blocks[1].1);
    let container = &pod["spec"]["containers"][0];
    let token = &pod["spec"]["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"];
    assert_eq!(text(&token["audience"]), kitchen.keyless.server.endpoint());
    let subject = format!(
        "system:serviceaccount:{}:{}",
        text(&pod["metadata"]["namespace"]),
        text(&pod["spec"]["serviceAccountName"])
    );
    let file = kitchen.write_token(&kitchen.keyless.token_with(|claims| claims["sub"] = json!(subject)));
    let mounted = format!("{}/{}", text(&container["volumeMounts"][0]["mountPath"]), text(&token["path"]));
    let environment = container["env"].as_vec().unwrap().iter();
    let environment: Vec<(String, String)> = environment
        .map(|each| (text(&each["name"]), text(&each["value"]).replace(&mounted, &file)))
        .collect();
    assert!(environment.iter().any(|(_, value)| *value == file));
    let layout = kitchen.keyless.server.home().join("app");
    write_layout(&layout, &Image::unique(1));
    let words: Vec<String> = container["command"].as_vec().unwrap().iter().map(text).collect();
    let command = words.join(" ").replace("/work/app", layout.to_str().unwrap());
    kitchen.succeed(&command, &environment);
    assert_eq!(kitchen.images(), 1);
}

#[test]
fn nodes_that_pull() {
    let kitchen = Kitchen::start();
    let server = &kitchen.keyless.server;
    let digest = server.registry_as(&server.api().push_login()).push_image("sr", "v1", &Image::unique(1));
    server.api().register("web", "app", &digest);
    let blocks = kitchen.blocks("guides/kubernetes", "Nodes that pull");
    let printed = kitchen.operate(&blocks);
    let provider = &yaml(&blocks[1].1)["providers"][0];
    assert_eq!(text(&provider["matchImages"][0]), server.host());
    let image = format!("{}/web", server.host());
    let mut request = json!({
        "kind": "CredentialProviderRequest", "apiVersion": text(&provider["apiVersion"]), "image": image,
    });
    let pull = |request: &Value, environment: &[(String, String)]| {
        fs::write(server.home().join("request"), request.to_string()).unwrap();
        let arguments: Vec<String> = provider["args"].as_vec().unwrap().iter().map(text).collect();
        let line = format!("{} {} < request", text(&provider["name"]), arguments.join(" "));
        let answer: Value = serde_json::from_str(&kitchen.succeed(&line, environment)).unwrap();
        let password = answer["auth"][&image]["password"].as_str().unwrap().to_owned();
        let login = Login { username: "AWS".into(), password, registry: server.host() };
        let registry = server.registry_as(&login);
        assert_eq!(
            (registry.status("GET", "web/manifests/app.1"), registry.status("GET", "sr/tags/list")),
            (200, 403)
        );
    };
    // The access key of a node.
    let key: Value = serde_json::from_str(&printed[1]).unwrap();
    let text_of = |name: &str| key[name].as_str().unwrap();
    let environment = pairs(&[
        ("AWS_ACCESS_KEY_ID", text_of("accessKeyId")),
        ("AWS_SECRET_ACCESS_KEY", text_of("secretAccessKey")),
    ]);
    fs::write(server.home().join("request"), request.to_string()).unwrap();
    let line = format!("gangplank-credential-provider --endpoint-url={} < request", server.endpoint());
    let refused = kitchen.run(&line, &environment);
    assert!(refused.stderr.contains("AccessDeniedException"), "it holds from 10.0.0.0/8 alone: {refused:?}");
    // The token of a pod.
    let token = kitchen.keyless.token_with(|claims| claims["sub"] = json!("system:serviceaccount:prod:web"));
    request["serviceAccountToken"] = json!(token);
    pull(&request, &[]);
}

#[test]
fn a_plain_machine() {
    let kitchen = Kitchen::start();
    let server = &kitchen.keyless.server;
    for heading in ["A key for the machine", "With the credential helper"] {
        for (_, script) in kitchen.blocks("guides/machines-that-pull", heading) {
            kitchen.succeed(&script, &[]);
        }
    }
    let get = format!("echo {} | docker-credential-gangplank get", server.host());
    let login: Value = serde_json::from_str(&kitchen.succeed(&get, &[])).unwrap();
    let password = login["Secret"].as_str().unwrap().to_owned();
    let registry = server.registry_as(&Login { username: "AWS".into(), password, registry: server.host() });
    assert_eq!(
        (registry.status("GET", "web/manifests/app.1"), registry.status("GET", "sr/tags/list")),
        (404, 403)
    );
    let units = kitchen.blocks("guides/machines-that-pull", "With a timer");
    let command = units[0].1.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    kitchen.succeed(command, &[]);
    assert!(units[1].1.contains("OnUnitActiveSec=6h"));
}

#[test]
fn when_a_job_is_refused() {
    let kitchen = Kitchen::start();
    kitchen.operate(&kitchen.blocks("guides/github-actions", "Make the role"));
    let blocks = kitchen.blocks("concepts/roles-and-policies", "When a job is refused");
    fs::write(kitchen.keyless.server.home().join("token.jwt"), kitchen.keyless.token()).unwrap();
    let printed = kitchen.operate(&blocks);
    assert!(printed[0].ends_with("The token opens the role push-web.\n"), "{printed:?}");
}

/// The block for the server's file is a valid file.
#[test]
fn the_servers_file_is_one() {
    let kitchen = Kitchen::start();
    let page = page_of_manual("concepts/roles-and-policies");
    let file = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    fs::write(kitchen.keyless.server.home().join("page.toml"), file).unwrap();
    let ran = kitchen.run("gangplank serve --check --config page.toml", &[]);
    assert!(ran.code == Some(0) && ran.stderr.contains("the options are right"), "{ran:?}");
}
