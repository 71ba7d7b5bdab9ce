//! Checks of deletions. They also remove the objects of the probe.

use super::objects::other;
use super::trial::Trial;
use crate::error::Error;

pub(super) async fn run(trial: &mut Trial) {
    const MANY: &str = "delete many objects at once";
    let client = trial.client.clone();
    let mut keys: Vec<String> = trial.left.iter().cloned().collect();
    let one = keys.iter().position(|key| key.ends_with("/object")).map(|at| keys.swap_remove(at));
    if let Some(one) = one {
        let gone = async {
            client.delete_object(&one).await?;
            client.delete_object(&one).await?;
            if client.head_object(&one).await?.is_some() { Err(other("DeleteObject")) } else { Ok(()) }
        };
        let gone: Result<(), Error> = gone.await;
        trial.needed("delete an object", gone);
    }
    let many = client.delete_objects(&keys).await;
    let joined = keys.iter().find(|key| key.ends_with("/joined"));
    let left = match joined {
        Some(key) => client.head_object(key).await.map(|head| head.is_some()),
        None => Ok(false),
    };
    match (many, left) {
        (Ok(failed), Ok(false)) if failed.is_empty() => {
            trial.abilities.delete_many = true;
            trial.works(MANY);
        }
        (many, _) => {
            let why = many.err().map(|error| format!(": {error}")).unwrap_or_default();
            trial.missing(MANY, format!("they are deleted one by one{why}"));
        }
    }
    for key in &keys {
        // An object that cannot be deleted is small, and under `probe/`.
        let _ = client.delete_object(key).await;
    }
}
