//! Stored content is read again in the background. Damage is reported and marked, and the next push repairs it.

use std::fs;
use std::time::Duration;

use gangplank_testkit::Blob;

use crate::server_with;

#[test]
fn damage_is_found_marked_and_mended() {
    let mut server = server_with(|builder| {
        builder.env("GANGPLANK_ADMIN_LISTEN", "127.0.0.1:0").env("GANGPLANK_SCRUB_INTERVAL", "1s")
    });
    let registry = server.registry_as(&server.operator_login());
    let (rotten, kept) = (Blob::unique(), Blob::unique());
    for blob in [&rotten, &kept] {
        assert_eq!(registry.push_blob("sr", blob), 201);
    }
    let shards = server.data_dir().join("blobs/content").read_dir().unwrap();
    let mut files =
        shards.flat_map(|shard| shard.unwrap().path().read_dir().unwrap()).map(|file| file.unwrap().path());
    let file = files.find(|file| fs::read(file).unwrap() == rotten.bytes).unwrap();
    let mut bytes = rotten.bytes.clone();
    bytes[0] ^= 1;
    fs::write(&file, bytes).unwrap();
    let path = format!("sr/blobs/{}", rotten.digest);
    let marked = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        registry.status("HEAD", &path) == 404
    });
    assert!(marked, "{}", server.log());
    let metrics = reqwest::blocking::get(format!("http://{}/metrics", server.admin_address().unwrap()));
    let metrics = metrics.unwrap().text().unwrap();
    assert!(metrics.contains("gangplank_scrub_damaged_total 1\n"), "{metrics}");
    assert!(server.log().contains("stored content is damaged"));
    assert!(file.exists(), "nothing is deleted");
    let mount = format!("other/blobs/uploads/?mount={}&from=sr", rotten.digest);
    assert_eq!(registry.status("POST", &mount), 202, "nobody is told to skip it");
    server.kill();
    server.restart();
    assert_eq!(registry.status("HEAD", &path), 404, "the mark is kept");
    assert_eq!(registry.push_blob("sr", &rotten), 201);
    assert_eq!(registry.send("GET", &path).bytes().unwrap(), rotten.bytes);
    assert_eq!(registry.status("HEAD", &format!("sr/blobs/{}", kept.digest)), 200);
}
