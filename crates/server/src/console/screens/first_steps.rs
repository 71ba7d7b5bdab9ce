//! Commands for beginners, with this server's address: they push and register a first image, and pull it on
//! another machine.

use gangplank_console::Command;

use super::super::visit::Visit;

/// The commands that push and register the first image of a service.
pub(super) fn push(visit: &Visit<'_>, service: &str, is_there: bool) -> Vec<Command> {
    let (endpoint, registry, region) = (visit.endpoint(), visit.registry(), visit.place().region);
    let mut steps = vec![Command::new(
        "Set up this server on your machine, which asks for your access key",
        format!("gangplank configure --endpoint-url {endpoint} --region {region}"),
    )];
    if !is_there {
        steps.push(Command::new(
            "Make a container service",
            format!(
                "gangplank lightsail create-container-service --service-name {service} --power nano --scale 1"
            ),
        ));
    }
    steps.extend([
        Command::new("Log docker and podman in, for twelve hours, to push and nothing else", "gangplank login"),
        Command::new(
            "Push an image",
            format!("docker tag app:latest {registry}/sr:app\ndocker push {registry}/sr:app"),
        ),
        Command::new(
            "Register what was pushed: docker said its digest",
            format!(
                "gangplank lightsail register-container-image --service-name {service} --label app --digest sha256:..."
            ),
        ),
        Command::new(
            "Or all three in one",
            format!("gangplank push app:latest --service-name {service} --label app"),
        ),
    ]);
    steps
}

/// The commands that pull an image of a service. `newest` is its label and number, such as `app.7`.
pub(super) fn pull(visit: &Visit<'_>, service: &str, newest: &str) -> Vec<Command> {
    let (endpoint, registry, region) = (visit.endpoint(), visit.registry(), visit.place().region);
    let login = format!(
        "gangplank registry-login create --service-name {service} --password-only \\\n  --endpoint-url {endpoint} \
         --region {region} |\n  docker login --username AWS --password-stdin {registry}"
    );
    vec![
        Command::new(
            "Log in where it runs, for twelve hours, to pull the images of this service and nothing else",
            login,
        ),
        Command::new("Pull the newest image", format!("docker pull {registry}/{service}:{newest}")),
    ]
}
