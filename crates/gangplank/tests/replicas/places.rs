//! Databases and prefixes that do not belong together, and keys that differ.

use gangplank_testkit::replicas::s3;
use gangplank_testkit::{Blob, Image, TestServer};

use crate::world::{Trials, builder};

pub(crate) const TRIALS: Trials = &[
    ("places::two_clusters_on_one_prefix_are_refused", two_clusters),
    ("places::another_master_key_is_refused", another_master_key),
    ("places::one_start_of_many_makes_the_store", one_start_of_many),
];

fn two_clusters() {
    let prefix = Blob::unique().digest.replace(':', "-");
    let at = |prefix: &str| builder().in_bucket(s3(), &s3().endpoint(), prefix);
    let url = gangplank_testkit::replicas::postgres().create("two_clusters");
    let server = at(&prefix).sharing(&url).start();
    let registry = server.registry_as(&server.operator_login());
    let image = Image::unique(2);
    registry.push_image("sr", "kept", &image);
    let objects = s3().keys_under(&prefix);

    // A new database on the used prefix, and the used database on a new prefix.
    let said = TestServer::refused(&at(&prefix).replicas(1));
    assert!(said.contains(&prefix) && said.contains("cluster"), "{said}");
    let said = TestServer::refused(&at(&format!("{prefix}-other")).replicas(1).sharing(&url));
    assert!(said.contains(&format!("{prefix}-other")) && said.contains("cluster"), "{said}");

    assert_eq!(s3().keys_under(&prefix), objects, "refusals have changed the bucket");
    image.blobs().for_each(|blob| crate::world::assert_pulled(&registry, "sr", blob));
}

fn another_master_key() {
    let url = gangplank_testkit::replicas::postgres().create("another_master_key");
    let prefix = Blob::unique().digest.replace(':', "-");
    let at = || builder().in_bucket(s3(), &s3().endpoint(), &prefix).sharing(&url);
    drop(at().start());
    let said = TestServer::refused(&at().replicas(1).env("GANGPLANK_MASTER_KEY", &"9".repeat(64)));
    assert!(said.contains("GANGPLANK_MASTER_KEY") && !said.contains(&"9".repeat(64)), "{said}");
    drop(at().start());
}

/// Eight processes start at once on an empty database and an empty prefix.
fn one_start_of_many() {
    let server = builder().replicas(8).start();
    let login = server.operator_login();
    let digest = server.replica(0).registry_as(&login).push_image("sr", "any", &Image::unique(1));
    for replica in server.all_replicas() {
        let registry = replica.registry_as(&login);
        assert_eq!(registry.status("GET", &format!("sr/manifests/{digest}")), 200);
    }
}
