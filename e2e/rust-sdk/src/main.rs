//! A program with the AWS SDK for Rust that calls a Gangplank server.
//!
//! The server is `GANGPLANK_ENDPOINT`. The keys are in `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`. With `login`
//! or `register DIGEST` it acts as a job without a key, and the environment has everything. It panics at the first
//! unexpected answer. `cargo test --test clients` runs it if `GANGPLANK_RUST_SDK` names it.

use aws_sdk_lightsail::Client;
use aws_sdk_lightsail::config::{Builder, Credentials, Region};
use aws_sdk_lightsail::error::ProvideErrorMetadata as _;
use aws_sdk_lightsail::types::{ContainerServicePowerName, ContainerServiceState};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--version"] => {
            return println!("aws-sdk-lightsail {}", aws_sdk_lightsail::meta::PKG_VERSION);
        }
        ["login"] => return log_in(&of_the_environment().await).await,
        ["register", digest] => return register(&of_the_environment().await, digest).await,
        _ => {}
    }
    let (id, secret) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"));
    control_flow(&client(&id, &secret)).await;
    unknown_callers(&id, &secret).await;
}

async fn control_flow(client: &Client) {
    let refused =
        client.create_container_service_registry_login().send().await.unwrap_err().into_service_error();
    assert!(refused.is_invalid_input_exception(), "no login without a service: {refused:?}");

    let create = client.create_container_service().service_name("rust").scale(2);
    let made = create.power(ContainerServicePowerName::Nano).send().await.expect("a service");
    let service = made.container_service().expect("the service");
    assert_eq!(service.state(), Some(&ContainerServiceState::Ready));

    let login = client.create_container_service_registry_login().send().await.expect("a login");
    let login = login.registry_login().expect("the login");
    assert_eq!(login.username(), Some("AWS"));
    let hours = (login.expires_at().expect("its end").as_secs_f64() - now()) / 3600.0;
    assert!((11.99..=12.0).contains(&hours), "a login lasts 12 hours, not {hours}");

    let listed = client.get_container_services().send().await.expect("the services");
    let names = listed.container_services().iter().filter_map(|service| service.container_service_name());
    assert_eq!(names.collect::<Vec<_>>(), ["rust"]);
    let absent = client.get_container_services().service_name("absent").send().await.unwrap_err();
    assert!(absent.into_service_error().is_not_found_exception());
    let register = client.register_container_image().service_name("rust").label("app");
    let absent = register.digest(format!("sha256:{}", "0".repeat(64))).send().await.unwrap_err();
    assert!(absent.into_service_error().is_not_found_exception());

    let powers = client.get_container_service_powers().send().await.expect("the powers");
    assert_eq!(powers.powers()[0].name(), Some("nano"));
    client.delete_container_service().service_name("rust").send().await.expect("to delete it");
}

/// A client that the SDK makes from the environment: here with a role and the file of a token.
async fn of_the_environment() -> Client {
    let http = aws_smithy_http_client::Builder::new().build_http();
    Client::new(&aws_config::from_env().http_client(http).load().await)
}

/// Prints the password of a push login.
async fn log_in(client: &Client) {
    let login = client.create_container_service_registry_login().send().await.expect("a login");
    println!("{}", login.registry_login().and_then(|login| login.password()).expect("its password"));
}

/// Registers an image. Then checks that another action is refused.
async fn register(client: &Client, digest: &str) {
    let register = client.register_container_image().service_name("web").label("app").digest(digest);
    let made = register.send().await.expect("a registration");
    let refused = client.delete_container_service().service_name("web").send().await.unwrap_err();
    assert!(refused.into_service_error().is_access_denied_exception());
    println!("{}", made.container_image().and_then(|image| image.image()).expect("its name"));
}

async fn unknown_callers(id: &str, secret: &str) {
    for (id, secret, code) in [
        ("GPAKNOBODYNOBODYNOBO", secret, "UnrecognizedClientException"),
        (id, "wrong", "InvalidSignatureException"),
    ] {
        let refused = client(id, secret).get_container_services().send().await.unwrap_err();
        assert_eq!(refused.code(), Some(code), "{refused:?}");
    }
}

fn client(id: &str, secret: &str) -> Client {
    let config = Builder::new()
        .endpoint_url(variable("GANGPLANK_ENDPOINT"))
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(id, secret, None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}
