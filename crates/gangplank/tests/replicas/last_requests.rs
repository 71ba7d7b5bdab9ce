//! A replica is killed inside the last requests of many uploads. Every answer given is true, no session answers 500 on
//! the other replicas, and no blob is lost.

use std::time::Duration;

use gangplank_testkit::replicas::s3;
use gangplank_testkit::s3::{Fault, FaultProxy, Seen};
use gangplank_testkit::{Blob, Registry};

use crate::world::{PART, Trials, append, assert_pulled, blob, builder, go_on};

pub(crate) const TRIALS: Trials = &[("last_requests::killed_inside_they_lose_nothing", killed_inside)];

/// Uploads that end at once.
const UPLOADS: usize = 10;

fn killed_inside() {
    let proxy = FaultProxy::before(&s3().address());
    let prefix = Blob::unique().digest.replace(':', "-");
    let mut server = builder().in_bucket(s3(), &proxy.endpoint(), &prefix).start();
    let login = server.operator_login();
    let all: Vec<Registry> = server.all_replicas().map(|replica| replica.registry_as(&login)).collect();
    let uploads: Vec<(String, Blob)> = (0..UPLOADS)
        .map(|number| {
            let blob = blob([PART + 5, 2 * PART + 9, 3000][number % 3]);
            let location = append(&all[0], &all[0].start_upload("sr"), 0, &blob.bytes);
            (location, blob)
        })
        .collect();
    // Each call of a last request is slow, and the requests begin one after the other. So the kill hits all steps.
    proxy.decide(|seen: &Seen| match seen.call {
        "UploadPart" | "CompleteMultipartUpload" | "HeadObject" | "GetObject" => {
            Fault::Delay(Duration::from_millis(60))
        }
        _ => Fault::None,
    });
    let endings: Vec<_> = uploads
        .iter()
        .map(|(location, blob)| {
            let put = all[0].request("PUT", &format!("{location}?digest={}", blob.digest));
            std::thread::sleep(Duration::from_millis(30));
            std::thread::spawn(move || put.send().ok().map(|answer| answer.status().as_u16()))
        })
        .collect();
    server.kill_replica(0);
    let answers: Vec<Option<u16>> = endings.into_iter().map(|ending| ending.join().unwrap()).collect();
    proxy.mend();
    eprintln!("replicas: the killed replica's answers to last requests: {answers:?}");
    assert!(answers.iter().all(|answer| matches!(answer, None | Some(201))), "{answers:?}");
    assert!(answers.iter().any(Option::is_none), "the kill came too late: {answers:?}");
    std::thread::scope(|scope| {
        for (number, ((location, blob), answer)) in uploads.iter().zip(&answers).enumerate() {
            let registry = &all[1 + number % 2];
            scope.spawn(move || settle(registry, location, blob, *answer));
        }
    });
    server.restart_replica(0);
    for (_, blob) in &uploads {
        for registry in &all {
            assert_pulled(registry, "sr", blob);
        }
    }
}

/// Continues as the upload's client does. If it got no answer, it continues the session, or begins a new one if
/// the session is gone.
fn settle(registry: &Registry, location: &str, blob: &Blob, answer: Option<u16>) {
    if answer == Some(201) {
        assert_pulled(registry, "sr", blob);
        return;
    }
    if go_on(registry, location, blob, Duration::from_secs(45)).is_none() {
        let there = registry.status("HEAD", &format!("sr/blobs/{}", blob.digest));
        assert!(matches!(there, 200 | 404), "{there}");
        if there == 404 {
            assert_eq!(registry.push_blob("sr", blob), 201, "from the start");
        }
    }
    assert_pulled(registry, "sr", blob);
}
