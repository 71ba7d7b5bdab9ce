//! The page tokens of logs. A token is a sealed place in one log. It opens no other log, and nobody can forge
//! one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gangplank_store::logs::{LogName, Position};

use super::{Result, page};
use crate::sealing::{MasterKey, Purpose};

/// The token for a place in a log.
///
/// # Errors
/// If the system has no random bytes.
pub(super) fn give(master: &MasterKey, log: &LogName, position: Position) -> Result<String> {
    let sealed = master.seal(Purpose::PlaceInLog(log), position.to_text().as_bytes())?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

/// The place that a token of this log stands for.
///
/// # Errors
/// `InvalidInputException` if the token was not issued for this log.
pub(super) fn take(master: &MasterKey, log: &LogName, token: &str) -> Result<Position> {
    let opened = URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|sealed| master.open(Purpose::PlaceInLog(log), &sealed).ok());
    let position = opened.as_deref().and_then(|text| Position::parse(std::str::from_utf8(text).ok()?));
    position.ok_or_else(|| page::unknown("pageToken"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_dir::DataDir;

    fn log(service: &str, container: &str) -> LogName {
        LogName { service: service.to_owned(), container: container.to_owned() }
    }

    #[test]
    fn a_token_opens_its_own_log_and_no_other() {
        let home = tempfile::tempdir().unwrap();
        let master = MasterKey::of(&DataDir::take(home.path()).unwrap(), None, &[]).unwrap();
        let (app, position) = (log("s-1", "app"), Position::parse("b.500000.3.42").unwrap());
        let token = give(&master, &app, position).unwrap();
        assert_eq!(take(&master, &app, &token).unwrap(), position);
        assert!(!token.contains("500000"));
        for other in [log("s-1", "other"), log("s-2", "app")] {
            assert!(take(&master, &other, &token).is_err());
        }
        for at in 0..token.len() {
            let mut tampered = token.clone().into_bytes();
            tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
            let tampered = String::from_utf8(tampered).unwrap();
            assert!(take(&master, &app, &tampered).is_err(), "{tampered}");
        }
        for bad in ["", "x", "b.500000.3.42", "{}", &"A".repeat(100)] {
            assert!(take(&master, &app, bad).is_err(), "{bad}");
        }
    }
}
