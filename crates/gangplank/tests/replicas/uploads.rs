//! One upload over several replicas.

use std::time::{Duration, Instant};

use gangplank_testkit::{Blob, Registry};
use reqwest::header::LOCATION;

use crate::world::{PART, Sending, Trials, append, assert_pulled, blob, received, start};

pub(crate) const TRIALS: Trials = &[
    ("uploads::begun_on_one_replica_go_on_at_another", go_on_at_another),
    ("uploads::in_chunks_through_the_load_balancer", in_chunks),
    ("uploads::to_two_replicas_at_once_have_one_writer", have_one_writer),
    ("uploads::are_cancelled_on_any_replica", are_cancelled),
    ("uploads::an_end_that_is_sent_again_gets_the_same_answer_anywhere", ends_again),
];

/// Each request goes to another replica. The lengths are a little more or less than those of parts.
fn go_on_at_another() {
    let server = start();
    let login = server.operator_login();
    let all: Vec<_> = server.all_replicas().map(|replica| replica.registry_as(&login)).collect();
    for lengths in [
        vec![1, 1, 1, 1],
        vec![100, PART, 5],
        vec![PART, PART],
        vec![PART - 1, 2, PART + 7, 1],
        vec![2 * PART + 3, PART / 2, 3 * PART, 9],
        vec![64 << 10; 12],
    ] {
        let blob = blob(lengths.iter().sum());
        let mut location = all[0].start_upload("sr");
        let mut sent = 0;
        for (number, length) in lengths.iter().enumerate() {
            let registry = &all[(number + 1) % 3];
            location = append(registry, &location, sent, &blob.bytes[sent..sent + length]);
            sent += length;
            let seen = received(&all[(number + 2) % 3], &location);
            // The answer for one byte is the same as the answer for none.
            assert_eq!(seen, Ok(if sent == 1 { 0 } else { sent }), "{lengths:?}");
        }
        let put = all[lengths.len() % 3].status("PUT", &format!("{location}?digest={}", blob.digest));
        assert_eq!(put, 201, "{lengths:?}");
        for registry in &all {
            assert_pulled(registry, "sr", &blob);
            assert_eq!(registry.status("GET", &location), 404, "the session has ended");
        }
    }
}

fn in_chunks() {
    let server = start();
    let registry = server.registry_as(&server.operator_login());
    let chunk = 16 << 20;
    for (length, in_last_request) in [(5 * chunk + 12_345, false), (3 * chunk, true)] {
        let blob = blob(length);
        let mut location = registry.start_upload("sr");
        let mut chunks: Vec<&[u8]> = blob.bytes.chunks(chunk).collect();
        let last = if in_last_request { chunks.pop().unwrap() } else { &[] };
        let mut sent = 0;
        for piece in chunks {
            location = append(&registry, &location, sent, piece);
            sent += piece.len();
        }
        assert_eq!(registry.put_blob(&format!("{location}?digest={}", blob.digest), last), 201);
        assert_pulled(&registry, "sr", &blob);
    }
}

/// The second writer is told to wait. The first one's bytes count.
fn have_one_writer() {
    let server = start();
    let login = server.operator_login();
    let (first, second) = (server.replica(0).registry_as(&login), server.replica(1).registry_as(&login));
    let blob = blob(2 * PART + 100);
    let location = first.start_upload("sr");
    let sending = Sending::patch(&first, &location, blob.bytes.len());
    sending.send(&blob.bytes[..PART + 50]);
    std::thread::sleep(Duration::from_secs(1));
    let asked = Instant::now();
    let known = received(&second, &location);
    assert!(known.is_ok_and(|known| known <= PART + 50), "{known:?}");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    let other = vec![b'x'; 1000];
    let refused = second.request("PATCH", &location).body(other).send().unwrap();
    assert_eq!(refused.status(), 416, "{:?}", refused.text());
    let put = second.status("PUT", &format!("{location}?digest={}", blob.digest));
    assert_eq!(put, 416);
    sending.send(&blob.bytes[PART + 50..]);
    assert_eq!(sending.answer(), Some(202));
    assert_eq!(second.status("PUT", &format!("{location}?digest={}", blob.digest)), 201);
    assert_pulled(&first, "sr", &blob);
}

/// The client did not see the first answer. The load balancer sends its next try elsewhere.
fn ends_again() {
    let server = start();
    let (pushes, other) = (server.push_login(), server.push_login());
    let all: Vec<Registry> = server.all_replicas().map(|replica| replica.registry_as(&pushes)).collect();
    for length in [1000, PART + 1000] {
        let blob = blob(length);
        let location = all[0].start_upload("sr");
        let put = format!("{location}?digest={}", blob.digest);
        let wrong = format!("{location}?digest={}", Blob::unique().digest);
        for registry in &all {
            assert_eq!(registry.put_blob(&put, &blob.bytes), 201, "{length}");
            assert_eq!(registry.put_blob(&wrong, b""), 404, "{length}");
        }
        // The answer reveals no more than a HEAD would.
        let others = server.replica(1).registry_as(&other);
        let is_known = others.status("HEAD", &format!("sr/blobs/{}", blob.digest)) == 200;
        assert_eq!(others.put_blob(&put, &blob.bytes), if is_known { 201 } else { 404 }, "{length}");
        assert_pulled(&server.registry_as(&server.operator_login()), "sr", &blob);
    }
}

fn are_cancelled() {
    let server = start();
    let login = server.operator_login();
    let all: Vec<Registry> = server.all_replicas().map(|replica| replica.registry_as(&login)).collect();
    let blob = blob(PART + 1000);
    let location = all[0].start_upload("sr");
    let patch = all[1].request("PATCH", &location).body(blob.bytes.clone()).send().unwrap();
    assert_eq!(patch.status(), 202);
    let location = patch.headers()[LOCATION].to_str().unwrap().to_owned();
    assert_eq!(all[2].status("DELETE", &location), 204);
    for registry in &all {
        assert_eq!(registry.status("GET", &location), 404);
        assert_eq!(registry.status("PUT", &format!("{location}?digest={}", blob.digest)), 404);
        assert_eq!(registry.status("HEAD", &format!("sr/blobs/{}", blob.digest)), 404);
    }
}
