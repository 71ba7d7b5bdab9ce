//! `push-container-image`. The AWS CLI needs a plugin for it, and here it is built in.

use std::sync::Arc;

use serde_json::Value;

use super::argparse::Parsed;
use super::failure::Failure;
use super::globals::Globals;
use super::options::Command;
use super::{call, pager, unpack};
use crate::lightsailctl::{Order, push_image};

/// Pushes and registers. Any failure after parsing ends with status 255, as the plugin's failures do.
pub(crate) async fn run(given: &Parsed, globals: &Globals) -> Result<(), Failure> {
    let input = unpack::input(Command::PushContainerImage.input(), given)?;
    let member = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let order = Order { service: member("serviceName"), image: member("image"), label: member("label") };
    let settings = call::settings(globals)?;
    let client = call::region(globals, &settings).and_then(|region| call::client(region, globals, &settings));
    let client = Arc::new(client.map_err(|failure| Failure::Other(failure.message()))?);
    let text = push_image(&client, &order, &|what| globals.note(what)).await;
    pager::print(&text.map_err(|error| Failure::Other(format!("{error:#}")))?, None)
}
