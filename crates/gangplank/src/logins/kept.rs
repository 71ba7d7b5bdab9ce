//! Registry logins that the credential helper keeps between calls. It keeps those that it made until shortly before
//! they end, and those that `docker login` gave to it.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use gangplank_core::Password;
use gangplank_core::registry_login::{LIFETIME, USERNAME};
use serde::{Deserialize, Serialize};

use crate::aws::api_client::Principal;
use crate::files::private_file::Holds;
use crate::files::{home_folders, private_file};

/// A login is replaced when it has less than this time left, or less than half of its life. A push that begins
/// with a login should also end with it. In milliseconds.
const MARGIN_MS: i64 = 60 * 60 * 1000;

/// A user name and a password, as container tools take them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Login {
    /// The user name; `AWS` for a registry login.
    pub(crate) username: String,
    /// The password.
    pub(crate) secret: String,
}

/// A login that was made for a principal.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Made {
    /// The principal, and its server.
    #[serde(flatten)]
    pub(crate) principal: Principal,
    /// The registry: `host[:port]`, as the server named it.
    pub(crate) registry: String,
    /// The kind of the login.
    #[serde(default)]
    pub(crate) kind: Kind,
    /// The login.
    pub(crate) login: Login,
    /// When it was made, in milliseconds since 1970.
    #[serde(default)]
    pub(crate) issued_at: i64,
    /// When it ends, in milliseconds since 1970.
    pub(crate) expires_at: i64,
}

impl Made {
    /// The time from which a new login replaces it, in milliseconds since 1970.
    pub(crate) fn renew_at(&self) -> i64 {
        let life = self.expires_at.saturating_sub(self.issued_at);
        self.expires_at - MARGIN_MS.min(life / 2)
    }
}

/// A login that a client gave to the helper.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    server: String,
    login: Login,
    since: i64,
}

impl Stored {
    /// Whether the login has ended. A login of one of our servers has ended at the latest when its maximal life
    /// has passed since it was given to the helper. The life of other logins is not known.
    fn is_over(&self, now: i64) -> bool {
        let lifetime = i64::try_from(LIFETIME.as_millis()).unwrap_or(i64::MAX);
        self.login.is_ours() && now >= self.since.saturating_add(lifetime)
    }
}

/// The kind of a login: the actions that it allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    /// Push.
    #[default]
    Push,
    /// Pull the images of a container service.
    Pull(String),
}

impl Kind {
    /// The service whose images the login pulls. `None` for a push login.
    pub(crate) fn service(&self) -> Option<&str> {
        match self {
            Self::Push => None,
            Self::Pull(service) => Some(service),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Push => f.write_str("push login"),
            Self::Pull(service) => write!(f, "login that pulls the images of {service}"),
        }
    }
}

/// A login that was written to a file: enough to recognise it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Placed {
    registry: String,
    /// The SHA-256 of the password.
    digest: String,
    kind: Kind,
    expires_at: i64,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Content {
    made: Vec<Made>,
    stored: Vec<Stored>,
    placed: Vec<Placed>,
}

fn digest(secret: &str) -> String {
    gangplank_oci::Digest::sha256(secret.as_bytes()).to_string()
}

impl Login {
    /// Whether our servers use this user name for their logins.
    pub(crate) fn is_ours(&self) -> bool {
        self.username == USERNAME && Password::parse(&self.secret).is_some()
    }
}

impl Content {
    fn read(file: &Path) -> Result<Self> {
        match private_file::read(file)? {
            // The error does not show the content, which holds secrets.
            Some(text) => serde_json::from_str(&text).ok().with_context(|| {
                format!("{} is damaged; remove it, and log in again to the registries where you logged in by hand", file.display())
            }),
            None => Ok(Self::default()),
        }
    }
}

/// The file of kept logins. It is locked while this value lives.
pub(crate) struct KeptLogins {
    file: PathBuf,
    content: Content,
    /// The lock. Without it, nothing can be written.
    lock: Option<File>,
}

impl KeptLogins {
    /// Opens the user's file: `$XDG_STATE_HOME/gangplank/logins.json`, else under `~/.local/state`.
    ///
    /// # Errors
    /// If the file cannot be read, or if there is no home folder.
    pub(crate) fn open() -> Result<Self> {
        let state = home_folders::state().context("there is no folder to keep logins in")?;
        Self::open_in(&state.join("gangplank"))
    }

    /// Opens the file for reading. Without a home folder, or with a read-only one, it has the logins that can be
    /// read, and [`keep`](Self::keep) fails.
    ///
    /// # Errors
    /// If the file is damaged.
    pub(crate) fn open_to_use() -> Result<Self> {
        let Ok(state) = home_folders::state() else {
            return Ok(Self { file: PathBuf::new(), content: Content::default(), lock: None });
        };
        let folder = state.join("gangplank");
        let file = folder.join("logins.json");
        let lock = private_file::lock(&folder.join("logins.lock")).ok();
        Ok(Self { content: Content::read(&file)?, file, lock })
    }

    fn open_in(folder: &Path) -> Result<Self> {
        let file = folder.join("logins.json");
        let lock = Some(private_file::lock(&folder.join("logins.lock"))?);
        Ok(Self { content: Content::read(&file)?, file, lock })
    }

    /// The login that a client gave for a server, if it has not ended.
    pub(crate) fn stored(&self, server: &str, now: i64) -> Option<&Login> {
        let stored = self.content.stored.iter().find(|each| each.server == server && !each.is_over(now))?;
        Some(&stored.login)
    }

    /// The login that was made for a principal, if enough time is left of it.
    pub(crate) fn made(&self, principal: &Principal, kind: &Kind, now: i64) -> Option<&Made> {
        let fresh =
            |each: &&Made| each.principal == *principal && each.kind == *kind && now < each.renew_at();
        self.content.made.iter().find(fresh)
    }

    /// The kind of the live login for a registry: the one with this password. Without a password, the login
    /// that was written last.
    pub(crate) fn kind(&self, registry: &str, secret: Option<&str>, now: i64) -> Option<&Kind> {
        let digest = secret.map(digest);
        let is_it = |placed: &&Placed| {
            let same = digest.as_ref().is_none_or(|digest| *digest == placed.digest);
            placed.registry == registry && now < placed.expires_at && same
        };
        self.content.placed.iter().rev().find(is_it).map(|placed| &placed.kind)
    }

    /// Records that a login was written to a file. It replaces an earlier record for its registry.
    pub(crate) fn note(&mut self, made: &Made, now: i64) -> Result<()> {
        self.content.placed.retain(|placed| placed.registry != made.registry);
        let (registry, digest) = (made.registry.clone(), digest(&made.login.secret));
        self.content.placed.push(Placed {
            registry,
            digest,
            kind: made.kind.clone(),
            expires_at: made.expires_at,
        });
        self.save(now)
    }

    /// The kind of the login that was made last for a registry, if it has not ended.
    pub(crate) fn made_kind(&self, registry: &str, now: i64) -> Option<&Kind> {
        let is_it = |made: &&Made| made.registry == registry && now < made.expires_at;
        self.content.made.iter().rev().find(is_it).map(|made| &made.kind)
    }

    /// Keeps a login that a client gave for a server. It replaces an earlier one.
    pub(crate) fn store(&mut self, server: &str, login: Login, now: i64) -> Result<()> {
        self.content.stored.retain(|each| each.server != server);
        self.content.stored.push(Stored { server: server.to_owned(), login, since: now });
        self.save(now)
    }

    /// Keeps a login that was made. It replaces an earlier one of the same principal and kind.
    pub(crate) fn keep(&mut self, made: Made, now: i64) -> Result<()> {
        self.content.made.retain(|each| each.principal != made.principal || each.kind != made.kind);
        self.content.made.push(made);
        self.save(now)
    }

    /// Forgets every login for a server. Returns whether there was one.
    pub(crate) fn forget(&mut self, server: &str, now: i64) -> Result<bool> {
        let count = |content: &Content| content.made.len() + content.stored.len();
        let before = count(&self.content);
        self.content.made.retain(|each| each.registry != server);
        self.content.stored.retain(|each| each.server != server);
        let placed = self.content.placed.len();
        self.content.placed.retain(|each| each.registry != server);
        let forgotten = count(&self.content) < before;
        if forgotten || self.content.placed.len() < placed {
            self.save(now)?;
        }
        Ok(forgotten)
    }

    /// The servers with their user names. A login that a client gave hides one that was made.
    pub(crate) fn servers(&self, now: i64) -> Vec<(&str, &str)> {
        let stored = self.content.stored.iter().filter(|each| !each.is_over(now));
        let mut servers: Vec<_> =
            stored.map(|each| (each.server.as_str(), each.login.username.as_str())).collect();
        for made in self.content.made.iter().filter(|each| now < each.expires_at) {
            if !servers.iter().any(|(server, _)| *server == made.registry) {
                servers.push((&made.registry, &made.login.username));
            }
        }
        servers
    }

    fn save(&mut self, now: i64) -> Result<()> {
        ensure!(
            self.lock.is_some(),
            "there is no folder to keep logins in: HOME is not set, or is read-only"
        );
        self.content.made.retain(|each| now < each.expires_at);
        self.content.stored.retain(|each| !each.is_over(now));
        self.content.placed.retain(|each| now < each.expires_at);
        private_file::replace(&self.file, &serde_json::to_string_pretty(&self.content)?, Holds::Secrets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = MARGIN_MS;

    fn principal(key: &str) -> Principal {
        Principal { endpoint: "http://here/".into(), region: "us-east-1".into(), access_key_id: key.into() }
    }

    fn made(key: &str, expires_at: i64) -> Made {
        let login = Login { username: USERNAME.into(), secret: "s".into() };
        let (principal, registry) = (principal(key), "here".into());
        Made { principal, registry, kind: Kind::Push, login, issued_at: 0, expires_at }
    }

    #[test]
    fn a_made_login_is_given_to_its_principal_until_an_hour_before_its_end() {
        let home = tempfile::tempdir().unwrap();
        let mut kept = KeptLogins::open_in(home.path()).unwrap();
        kept.keep(made("A", 12 * HOUR), 0).unwrap();
        drop(kept);
        let mut kept = KeptLogins::open_in(home.path()).unwrap();
        assert!(kept.made(&principal("A"), &Kind::Push, 11 * HOUR - 1).is_some());
        assert!(kept.made(&principal("A"), &Kind::Push, 11 * HOUR).is_none());
        assert!(kept.made(&principal("B"), &Kind::Push, 0).is_none());
        assert_eq!(kept.servers(0), [("here", "AWS")]);
        assert!(kept.forget("here", 0).unwrap() && !kept.forget("here", 0).unwrap());
        assert!(kept.made(&principal("A"), &Kind::Push, 0).is_none());
    }

    #[test]
    fn a_registry_login_that_was_stored_is_over_after_twelve_hours_and_any_other_is_not() {
        let home = tempfile::tempdir().unwrap();
        let mut kept = KeptLogins::open_in(home.path()).unwrap();
        let ours =
            Login { username: USERNAME.into(), secret: Password::generate([7; 32]).expose().to_owned() };
        kept.store("here", ours, 0).unwrap();
        kept.store("there", Login { username: "me".into(), secret: "x".into() }, 0).unwrap();
        assert!(kept.stored("here", 12 * HOUR - 1).is_some() && kept.stored("here", 12 * HOUR).is_none());
        assert!(kept.stored("there", 9000 * HOUR).is_some());
    }

    #[test]
    fn each_kind_is_kept_beside_the_other_and_short_ones_are_used_for_half_of_their_life() {
        let home = tempfile::tempdir().unwrap();
        let mut kept = KeptLogins::open_in(home.path()).unwrap();
        let pull = Kind::Pull("web".to_owned());
        kept.keep(made("A", 12 * HOUR), 0).unwrap();
        kept.keep(Made { kind: pull.clone(), ..made("A", HOUR) }, 0).unwrap();
        assert!(kept.made(&principal("A"), &Kind::Push, 0).is_some());
        assert!(kept.made(&principal("A"), &pull, HOUR / 2 - 1).is_some());
        assert!(kept.made(&principal("A"), &pull, HOUR / 2).is_none());
        assert_eq!(kept.made_kind("here", 0), Some(&pull));
        assert!(kept.made(&principal("A"), &Kind::Pull("api".to_owned()), 0).is_none());
    }

    #[test]
    fn a_file_of_an_earlier_version_is_read() {
        let principal = r#""endpoint":"http://here/","region":"us-east-1","accessKeyId":"A""#;
        let login = r#""registry":"here","login":{"Username":"AWS","Secret":"s"},"expiresAt":43200000"#;
        let content: Content =
            serde_json::from_str(&format!(r#"{{"made":[{{{principal},{login}}}]}}"#)).unwrap();
        assert_eq!((&content.made[0].kind, content.made[0].renew_at()), (&Kind::Push, 11 * HOUR));
    }
}
