//! Reads the configuration of an image (image specification, config.md). The pusher controls its content, so
//! malformed parts are left out.

use gangplank_api::gangplank::{BuildStep, ImageConfiguration};
use serde_json::Value;

/// Whether a media type is one for the configuration of a container image.
pub(super) fn is_one(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json"
    )
}

/// Reads a configuration. `None` if the bytes are no JSON object.
pub(super) fn read(bytes: &[u8]) -> Option<ImageConfiguration> {
    let read: Value = serde_json::from_slice(bytes).ok().filter(Value::is_object)?;
    let config = &read["config"];
    let names = |value: &Value| -> Option<Vec<String>> {
        value.as_object().map(|names| names.keys().cloned().collect())
    };
    let labels = config["Labels"]
        .as_object()
        .map(|labels| labels.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect());
    let history = read["history"].as_array().map(|steps| steps.iter().map(step).collect());
    Some(ImageConfiguration {
        platform: platform(&read),
        created: text(&read["created"]),
        author: text(&read["author"]),
        user: text(&config["User"]),
        working_directory: text(&config["WorkingDir"]),
        entrypoint: texts(&config["Entrypoint"]),
        command: texts(&config["Cmd"]),
        environment: texts(&config["Env"]),
        exposed_ports: names(&config["ExposedPorts"]),
        volumes: names(&config["Volumes"]),
        stop_signal: text(&config["StopSignal"]),
        labels,
        history,
    })
}

/// A platform in one word, such as `linux/arm64/v8`. `None` without a system and an architecture.
pub(super) fn platform(value: &Value) -> Option<String> {
    let (system, architecture) = (text(&value["os"])?, text(&value["architecture"])?);
    let more = [text(&value["variant"]), text(&value["os.version"])];
    let parts = [Some(system), Some(architecture)].into_iter().chain(more).flatten();
    Some(parts.collect::<Vec<_>>().join("/"))
}

fn step(value: &Value) -> BuildStep {
    BuildStep {
        created_by: text(&value["created_by"]),
        created: text(&value["created"]),
        comment: text(&value["comment"]),
        is_empty: value["empty_layer"] == true,
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let texts = value.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned);
    Some(texts.collect::<Vec<_>>()).filter(|texts| !texts.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_of_the_form_is_left_out() {
        assert_eq!(read(b"[]"), None);
        assert_eq!(read(b"{"), None);
        let odd = br#"{"os":1,"architecture":"amd64","config":{"Env":{"a":1},"Cmd":["x",2],"Labels":{"a":"b","c":3},
            "ExposedPorts":["80"]},"history":[1,{"created_by":"RUN","empty_layer":true}]}"#;
        let odd = read(odd).unwrap();
        assert_eq!((odd.platform, odd.environment, odd.exposed_ports), (None, None, None));
        assert_eq!(odd.command, Some(vec!["x".to_owned()]));
        assert_eq!(odd.labels.unwrap().len(), 1);
        let steps = odd.history.unwrap();
        assert_eq!((steps.len(), steps[0].created_by.clone(), steps[1].is_empty), (2, None, true));
    }

    #[test]
    fn a_platform_is_one_word() {
        let platform = |json: &str| platform(&serde_json::from_str(json).unwrap());
        assert_eq!(
            platform(r#"{"os":"linux","architecture":"arm64","variant":"v8"}"#).unwrap(),
            "linux/arm64/v8"
        );
        assert_eq!(platform(r#"{"os":"linux"}"#), None);
    }
}
