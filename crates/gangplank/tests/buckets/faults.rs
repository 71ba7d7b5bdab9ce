//! Failures of networks and servers at the worst moment, and their effect on a client of the registry.

use std::time::{Duration, Instant};

use gangplank_testkit::Blob;
use gangplank_testkit::s3::{Fault, Program};

use crate::world::{PART, World, blob, code, until};

#[test]
fn answers_that_are_lost_lose_no_push() {
    for program in Program::ALL {
        let Some(world) = World::start(program) else { continue };
        for call in
            ["PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "HeadObject"]
        {
            for length in [5_000, PART + 5] {
                let blob = blob(length);
                world.proxy.decide(move |seen| {
                    if seen.call == call && seen.before == 0 { Fault::SwallowAnswer } else { Fault::None }
                });
                assert_eq!(world.registry.push_blob("sr", &blob), 201, "{call} of {length} by {program:?}");
                world.proxy.mend();
                assert!(world.pull(&blob.digest).unwrap() == blob.bytes);
            }
        }
        assert_eq!(world.objects().len(), 10);
    }
}

/// The object was stored, but the answer was lost. The server refuses the next tries before it has read them.
#[test]
fn an_object_that_is_refused_on_the_way_is_found() {
    let Some(world) = World::start(Program::Versitygw) else { return };
    let blob = blob(3_000_000);
    world.proxy.decide(move |seen| match (seen.call, seen.before) {
        ("PutObject", 0) => Fault::SwallowAnswer,
        ("PutObject", _) => Fault::CutRequest(1_000),
        _ => Fault::None,
    });
    assert_eq!(world.registry.push_blob("sr", &blob), 201);
    world.proxy.mend();
    assert!(world.pull(&blob.digest).unwrap() == blob.bytes);
    assert_eq!(world.objects().len(), 1);
}

#[test]
fn a_server_that_is_busy_for_a_while_costs_no_push() {
    let Some(world) = World::start(Program::Versitygw) else { return };
    world.proxy.decide(|seen| if seen.before < 2 { Fault::Refuse(503, "SlowDown") } else { Fault::None });
    let blob = blob(3 * PART);
    assert_eq!(world.registry.push_blob("sr", &blob), 201);
    assert!(world.pull(&blob.digest).unwrap() == blob.bytes);
}

#[test]
fn an_end_that_is_refused_is_503_and_nothing_is_left() {
    for fault in [Fault::Refuse(503, "SlowDown"), Fault::ErrorIn200("InternalError"), Fault::SwallowAnswer] {
        let Some(world) = World::start(Program::Versitygw) else { return };
        let blob = blob(PART + 7);
        let location = world.staged(&blob);
        let is_lost = fault == Fault::SwallowAnswer;
        world.proxy.decide(move |seen| match seen.call {
            "CompleteMultipartUpload" => fault.clone(),
            // The server's question whether the object exists after all gets no answer either.
            "HeadObject" if is_lost => Fault::Refuse(503, "SlowDown"),
            _ => Fault::None,
        });
        let put = world.registry.request("PUT", &format!("{location}?digest={}", blob.digest));
        let (status, retry) = code(put.send().unwrap());
        assert_eq!(status, 503);
        assert!(retry.is_some());
        world.proxy.mend();
        let again = world.registry.put_blob(&format!("{location}?digest={}", blob.digest), b"");
        assert!(matches!(again, 201 | 404), "{again}");
        if again == 404 {
            assert_eq!(world.registry.push_blob("sr", &blob), 201, "from the start it works");
        }
        assert!(world.pull(&blob.digest).unwrap() == blob.bytes);
        until(Duration::from_secs(90), || world.objects().len() == 1 && world.uploads().is_empty());
    }
}

/// The parts were joined, but the answer was lost. The client sends its last bytes again.
#[test]
fn an_end_that_is_sent_again_is_answered_if_the_parts_were_joined_before() {
    for program in Program::ALL {
        let Some(world) = World::start(program) else { continue };
        for last in [0, 7, 2 * PART + 9] {
            // Content that fits into one part is not joined.
            for first in [PART + 1000, 2 * PART] {
                let blob = blob(first + last);
                let location = world.staged(&Blob::new(blob.bytes[..first].to_vec()));
                let location = format!("{location}?digest={}", blob.digest);
                let put = |from: usize| {
                    world.registry.request("PUT", &location).body(blob.bytes[from..].to_vec()).send().unwrap()
                };
                world.proxy.decide(move |seen| match seen.call {
                    "CompleteMultipartUpload" => Fault::SwallowAnswer,
                    "HeadObject" => Fault::Refuse(503, "SlowDown"),
                    _ => Fault::None,
                });
                let what = format!("{last} after {first} by {program:?}");
                let answer = put(first);
                assert_eq!(answer.status(), 503, "{what}");
                // A server that no longer knows the upload may close the connection while it gets a part.
                world.proxy.decide(|seen| match seen.call {
                    "UploadPart" => Fault::CutRequest(100_000),
                    _ => Fault::None,
                });
                let range = answer.headers()["range"].to_str().unwrap().to_owned();
                let at = range.strip_prefix("0-").unwrap().parse::<usize>().unwrap() + 1;
                assert!(at >= first, "{what}: {range}");
                let again = put(at);
                world.proxy.mend();
                assert_eq!(again.status(), 201, "{what}: {:?}", again.text());
                assert!(world.pull(&blob.digest).unwrap() == blob.bytes, "{what}");
            }
        }
        until(Duration::from_secs(90), || world.objects().len() == 6 && world.uploads().is_empty());
    }
}

/// Here the client repeats the request with other last bytes. They are not the bytes that were joined.
#[test]
fn other_last_bytes_are_not_those_that_were_joined_before() {
    for program in Program::ALL {
        let Some(world) = World::start(program) else { continue };
        let (blob, mut other) = (blob(PART + 7), blob(PART + 7).bytes);
        other[..PART].copy_from_slice(&blob.bytes[..PART]);
        let other = Blob::new(other);
        let location = world.staged(&Blob::new(blob.bytes[..PART].to_vec()));
        world.proxy.decide(move |seen| match seen.call {
            "CompleteMultipartUpload" => Fault::SwallowAnswer,
            "HeadObject" => Fault::Refuse(503, "SlowDown"),
            _ => Fault::None,
        });
        let put = |blob: &Blob| {
            let put = world.registry.request("PUT", &format!("{location}?digest={}", blob.digest));
            put.body(blob.bytes[PART..].to_vec()).send().unwrap().status()
        };
        assert_eq!(put(&blob), 503);
        world.proxy.mend();
        assert_eq!(put(&other), 404, "{program:?}");
        assert_eq!(world.pull(&other.digest), None);
        until(Duration::from_secs(90), || world.objects().is_empty() && world.uploads().is_empty());
    }
}

#[test]
fn a_pull_that_stands_still_on_the_way_goes_on_soon() {
    let Some(world) = World::start(Program::Versitygw) else { return };
    let blob = blob(2 * PART + 99);
    assert_eq!(world.registry.push_blob("sr", &blob), 201);
    world.proxy.decide(|seen| {
        if seen.call == "GetObject" && seen.before == 0 { Fault::StallAnswer(3_000_000) } else { Fault::None }
    });
    let begun = Instant::now();
    assert!(world.pull(&blob.digest).unwrap() == blob.bytes);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_pull_that_breaks_off_on_the_way_comes_whole() {
    let Some(world) = World::start(Program::Versitygw) else { return };
    let blob = blob(2 * PART + 99);
    assert_eq!(world.registry.push_blob("sr", &blob), 201);
    world
        .proxy
        .decide(|seen| if seen.call == "GetObject" { Fault::CutAnswer(3_000_000) } else { Fault::None });
    assert!(world.pull(&blob.digest).unwrap() == blob.bytes);
    assert!(world.proxy.count("GetObject") > 5);
}

#[test]
fn content_that_is_gone_is_not_there_and_the_next_push_mends_it() {
    let Some(mut world) = World::start(Program::Versitygw) else { return };
    let blob = blob(1_000);
    assert_eq!(world.registry.push_blob("sr", &blob), 201);
    world.objects().iter().for_each(|key| world.s3.delete(key));
    assert_eq!(world.pull(&blob.digest), None);
    // A server that has recently seen the blob believes that it exists. After a restart it asks the bucket.
    world.server.terminate();
    world.server.restart();
    assert_eq!(world.registry.status("HEAD", &format!("sr/blobs/{}", blob.digest)), 404);
}
