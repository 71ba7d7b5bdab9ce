//! One file in which container tools keep logins, read as docker and podman read it. Those are Go programs, so the
//! case of a member's letters does not matter, and `null` counts as missing.

use std::path::Path;
use std::{fmt, fs};

use anyhow::{Result, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::kept::Login;
use crate::files::private_file::{self, Holds};

/// The content of a file.
#[derive(Debug, Default)]
pub(crate) struct AuthFile {
    /// Logins, by registry.
    pub(crate) auths: Option<Map<String, Value>>,
    /// The credential helper of each registry.
    pub(crate) helpers: Option<Map<String, Value>>,
    /// The credential helper for all other registries.
    store: Option<Value>,
    /// All other members, which stay as they are.
    rest: Map<String, Value>,
}

impl AuthFile {
    /// Reads a file. A missing file is an empty one.
    ///
    /// # Errors
    /// If the file cannot be read, or is no JSON of docker's form.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        // Reading a pipe would block, and a device has no end.
        if fs::metadata(file).is_ok_and(|it| !it.is_file()) {
            bail!("{} is no regular file, and is left as it is", file.display());
        }
        let text = private_file::read(file)?.filter(|text| !text.trim().is_empty());
        let Some(text) = text else { return Ok(Self::default()) };
        // Only the place of the error is shown. Its text may contain secrets of the file.
        let content: Option<Members> = serde_json::from_str(&text).map_err(|error| {
            let (file, line, column) = (file.display(), error.line(), error.column());
            anyhow!("{file} is not a JSON object (line {line}, column {column}), and is left as it is")
        })?;
        let shown = |name| anyhow!("`{name}` in {} is not a JSON object", file.display());
        Self::of(content.unwrap_or_default().0).map_err(shown)
    }

    /// Checks the members. The error is the name of one that should be an object.
    fn of(content: impl IntoIterator<Item = (String, Value)>) -> Result<Self, &'static str> {
        let mut read = Self::default();
        for (name, value) in content {
            if name.eq_ignore_ascii_case("auths") {
                add(&mut read.auths, value).ok_or("auths")?;
            } else if name.eq_ignore_ascii_case("credHelpers") {
                add(&mut read.helpers, value).ok_or("credHelpers")?;
            } else if !name.eq_ignore_ascii_case("credsStore") {
                read.rest.insert(name, value);
            } else if !value.is_null() {
                read.store = Some(value);
            }
        }
        Ok(read)
    }

    /// Writes the file, with docker's spelling of the members.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn write(self, file: &Path) -> Result<()> {
        let mut content = self.rest;
        let objects = [("auths", self.auths), ("credHelpers", self.helpers)];
        content.extend(objects.into_iter().filter_map(|(name, it)| Some((name.to_owned(), it?.into()))));
        content.extend(self.store.map(|store| ("credsStore".to_owned(), store)));
        let mut text = Vec::new();
        let tabs = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        serde::Serialize::serialize(&content, &mut serde_json::Serializer::with_formatter(&mut text, tabs))?;
        private_file::replace(file, &String::from_utf8_lossy(&text), Holds::Secrets)
    }

    /// Whether the file has an entry for a registry, in any form.
    pub(crate) fn has_login(&self, registry: &str) -> bool {
        self.auths.as_ref().is_some_and(|auths| auths.keys().any(|key| is_for(key, registry)))
    }

    /// The login for a registry, if the file has one that can be read.
    pub(crate) fn login(&self, registry: &str) -> Option<Login> {
        let auths = self.auths.as_ref()?;
        let older = || auths.iter().find(|(key, _)| is_for(key, registry)).map(|(_, entry)| entry);
        let entry = auths.get(registry).or_else(older)?;
        let decoded = STANDARD.decode(entry.get("auth")?.as_str()?).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (username, secret) = text.split_once(':')?;
        Some(Login { username: username.to_owned(), secret: secret.to_owned() })
    }

    /// Removes a registry's login under any key. Returns whether there was one.
    pub(crate) fn forget(&mut self, registry: &str) -> bool {
        let Some(auths) = &mut self.auths else { return false };
        let before = auths.len();
        auths.retain(|key, _| !is_for(key, registry));
        auths.len() < before
    }

    /// The helper that clients ask for a registry's login instead of reading it from the file.
    pub(crate) fn helper_for(&self, registry: &str) -> Option<String> {
        let one = self.helpers.as_ref().and_then(|helpers| helpers.get(registry));
        let helper = one.or(self.store.as_ref())?.as_str()?;
        (!helper.is_empty()).then(|| helper.to_owned())
    }
}

/// The members of an object. The same name may be there several times: then programs in Go add the content of
/// the later members to that of the earlier ones.
#[derive(Default)]
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Every;
        impl<'de> Visitor<'de> for Every {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Every)
    }
}

/// Whether a key of `auths` stands for a registry. It is the registry's name, or an address of it: old clients
/// wrote addresses, and docker still reads them. Podman also writes names with a path, which stand for a part
/// of the registry.
fn is_for(key: &str, registry: &str) -> bool {
    let host = key.split_once("://").and_then(|(_, address)| address.split('/').next());
    key == registry || host == Some(registry)
}

/// Adds the members of an object. `None` if the value is no object. `null` removes the object.
fn add(to: &mut Option<Map<String, Value>>, value: Value) -> Option<()> {
    match value {
        Value::Null => *to = None,
        Value::Object(members) => to.get_or_insert_default().extend(members),
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(content: Value) -> Result<AuthFile, &'static str> {
        let Value::Object(content) = content else { panic!("{content} is no object") };
        AuthFile::of(content)
    }

    #[test]
    fn members_are_read_whatever_their_case_and_null_is_nothing() {
        let read =
            of(json!({ "AUTHS": { "a": {} }, "CredHelpers": { "b": "x", "c": null }, "credsstore": "y" }));
        let read = read.unwrap();
        assert_eq!(read.helper_for("a").as_deref(), Some("y"));
        assert_eq!(read.helper_for("b").as_deref(), Some("x"));
        assert_eq!(read.helper_for("c"), None, "an empty name means the file");
        let mut read = of(json!({ "auths": null, "credHelpers": null, "credsStore": null })).unwrap();
        assert_eq!((read.helper_for("a"), read.forget("a")), (None, false));
        let addresses = json!({ "auths": { "http://a:1/v2/": {}, "a:1/sr": {}, "b": {} } });
        let mut read = of(addresses).unwrap();
        assert!(read.has_login("a:1") && read.forget("a:1") && !read.has_login("a:1"));
        assert_eq!(read.auths.unwrap().len(), 2);
        assert_eq!(of(json!({ "auths": [] })).unwrap_err(), "auths");
        assert_eq!(of(json!({ "credHelpers": "x" })).unwrap_err(), "credHelpers");
    }

    #[test]
    fn what_is_written_has_dockers_spelling_and_all_else_that_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        let before = json!({ "Auths": { "a": { "auth": "eDp5" } }, "proxies": null, "credsStore": "x" });
        std::fs::write(&file, before.to_string()).unwrap();
        AuthFile::read(&file).unwrap().write(&file).unwrap();
        let after: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let expected = json!({ "auths": { "a": { "auth": "eDp5" } }, "proxies": null, "credsStore": "x" });
        assert_eq!(after, expected);
        let twice = r#"{ "auths": { "a": { "auth": "eDp5" } }, "auths": { "b": {} }, "x": 1 }"#;
        std::fs::write(&file, twice).unwrap();
        AuthFile::read(&file).unwrap().write(&file).unwrap();
        let after: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(
            after,
            json!({ "x": 1, "auths": { "a": { "auth": "eDp5" }, "b": {} } }),
            "as docker reads it"
        );
        std::fs::write(&file, "null").unwrap();
        assert!(AuthFile::read(&file).unwrap().auths.is_none());
    }
}
