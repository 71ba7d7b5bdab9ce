//! Properties of a bucket: how often bytes are written, and what happens to an upload when the server or the
//! network fails at the worst moment.

mod ends;
mod prefixes;

use std::time::Duration;

use gangplank_oci::{Algorithm, Digest};
use gangplank_store::StoreError;
use gangplank_store::blobs::{Checkpoint, ContentKey, Owner};
use gangplank_store::identity::Identity;
use gangplank_testkit::s3::{Fault, FaultProxy, Program};

use super::{beginning, finish, publish, read, write, writer};
use crate::backends::ScratchBlobs as _;
use crate::buckets::{PART, ScratchBucket, bucket, server};

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at * 13 % 241).unwrap()).collect()
}

fn world(program: Program) -> Option<(FaultProxy, ScratchBucket)> {
    let server = server(program)?;
    let proxy = FaultProxy::before(&server.address());
    let bucket = bucket(server, Some(&proxy.endpoint()));
    Some((proxy, bucket))
}

fn counts(proxy: &FaultProxy) -> Vec<(&'static str, usize)> {
    let mut counts: Vec<(&'static str, usize)> = Vec::new();
    for seen in proxy.seen() {
        match counts.iter_mut().find(|(call, _)| *call == seen.call) {
            Some((_, count)) => *count += 1,
            None => counts.push((seen.call, 1)),
        }
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_blob_costs_one_put() {
    let Some((proxy, bucket)) = world(Program::Versitygw) else { return };
    publish(bucket.blobs(), b"").await;
    assert_eq!(counts(&proxy), [("PutObject", 1)]);
    proxy.mend();
    publish(bucket.blobs(), &content(PART)).await;
    assert_eq!(counts(&proxy), [("PutObject", 1)], "one part is no multipart upload");
    proxy.mend();
    // Docker sends the bytes in one request and ends the upload with another, empty one.
    let key = ContentKey::unused();
    let staged = write(bucket.blobs(), &key, &beginning(), &content(1_000_000)).await;
    let vouched = bucket.blobs().vouch(&key, &staged).await.unwrap().unwrap();
    finish(bucket.blobs(), &key, &vouched, b"").await;
    assert_eq!(counts(&proxy), [("PutObject", 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_blob_costs_its_parts_and_four_more() {
    let Some((proxy, bucket)) = world(Program::Versitygw) else { return };
    let bytes = content(3 * PART + 5);
    let key = publish(bucket.blobs(), &bytes).await;
    let mut seen = counts(&proxy);
    seen.sort_unstable();
    let expected =
        [("CompleteMultipartUpload", 1), ("CreateMultipartUpload", 1), ("HeadObject", 1), ("UploadPart", 4)];
    assert_eq!(seen, expected);
    assert!(read(bucket.blobs(), &key).await.unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_goes_on_in_another_process_at_any_place() {
    for program in Program::ALL {
        let Some(server) = server(program) else { continue };
        let bucket = bucket(server, None);
        let bytes = content(2 * PART + 1_000);
        for cuts in
            [&[1][..], &[PART], &[PART + 1], &[100, 2 * PART], &[PART, 2 * PART], &[3, 4, 5, 2 * PART + 999]]
        {
            let (key, mut staged, mut from) = (ContentKey::unused(), beginning(), 0);
            for to in cuts {
                let process = bucket.again();
                assert_eq!(process.blobs().vouch(&key, &staged).await.unwrap(), Some(staged.clone()));
                staged = write(process.blobs(), &key, &staged, &bytes[from..*to]).await;
                from = *to;
            }
            let process = bucket.again();
            let last = writer(process.blobs(), &key, &staged, &bytes[from..]).await.unwrap();
            assert_eq!(last.hasher().clone().finish(), Digest::of(Algorithm::Sha256, &bytes));
            let published = last.commit().await.unwrap();
            assert!(read(bucket.blobs(), &published).await.unwrap() == bytes, "{program:?} {cuts:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_loses_what_was_under_way() {
    let Some((_proxy, bucket)) = world(Program::Versitygw) else { return };
    let (key, bytes) = (ContentKey::unused(), content(4 * PART));
    let mut writing = bucket.blobs().writer(&key, &beginning()).unwrap();
    let mut last = beginning();
    for piece in bytes.chunks(100_000) {
        writing.ready().await.unwrap();
        writing.write(piece).unwrap();
        last = writing.progress().unwrap_or(last);
    }
    while last.received < 2 * PART as u64 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        writing.ready().await.unwrap();
        last = writing.progress().unwrap_or(last);
    }
    assert_eq!(last.received % PART as u64, 0);
    drop(writing);
    let process = bucket.again();
    let from = usize::try_from(last.received).unwrap();
    let key = finish(process.blobs(), &key, &last, &bytes[from..]).await;
    assert!(read(process.blobs(), &key).await.unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_nobody_knows_of_is_given_up() {
    let Some((proxy, bucket)) = world(Program::Versitygw) else { return };
    proxy.decide(|seen| if seen.call == "UploadPart" { Fault::Freeze } else { Fault::None });
    let writing =
        writer(bucket.blobs(), &ContentKey::unused(), &beginning(), &content(2 * PART)).await.unwrap();
    while proxy.count("UploadPart") == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(bucket.uploads().len(), 1);
    drop(writing);
    for _ in 0..200 {
        if bucket.uploads().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", bucket.uploads());
}

/// A writer was paused for a long time, and continues after another has taken its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_part_is_never_taken_for_another() {
    for program in Program::ALL {
        let Some(server) = server(program) else { continue };
        let bucket = bucket(server, None);
        let (key, bytes) = (ContentKey::unused(), content(2 * PART + 9));
        let staged = write(bucket.blobs(), &key, &beginning(), &bytes[..=PART]).await;
        // Both writers upload part 2, with different bytes.
        let other = vec![0; PART];
        let mine = write(bucket.again().blobs(), &key, &staged, &bytes[PART + 1..]).await;
        drop(write(bucket.again().blobs(), &key, &staged, &other).await);
        let ended = writer(bucket.blobs(), &key, &mine, b"").await.unwrap().commit().await;
        match ended {
            // The server has kept the part whose tag the checkpoint names.
            Ok(published) => assert!(read(bucket.blobs(), &published).await.unwrap() == bytes, "{program:?}"),
            Err(StoreError::Damaged(_)) => assert_eq!(bucket.blobs().stat(&key).await.unwrap(), None),
            Err(error) => panic!("{program:?}: {error}"),
        }
    }
}

/// Two writers begin an upload of the same content.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lost_a_session_aborts_its_own_upload_alone() {
    for program in Program::ALL {
        let Some(server) = server(program) else { continue };
        let bucket = bucket(server, None);
        let (key, bytes) = (ContentKey::unused(), content(2 * PART + 9));
        let row = write(bucket.blobs(), &key, &beginning(), &bytes[..9]).await;
        let [mine, other] = [bucket.again(), bucket.again()];
        let lost = write(mine.blobs(), &key, &row, &content(2 * PART)).await;
        let row = write(other.blobs(), &key, &row, &bytes[9..]).await;
        mine.blobs().cancel_beyond(&key, &lost, &row).await.unwrap();
        assert_eq!(bucket.uploads().len(), 1, "{program:?}");
        assert_eq!(bucket.again().blobs().vouch(&key, &row).await.unwrap(), Some(row.clone()));
        let kept = finish(other.blobs(), &key, &row, b"").await;
        assert!(read(bucket.blobs(), &kept).await.unwrap() == bytes, "{program:?}");
        assert_eq!(bucket.uploads(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_goes_on_after_the_server_was_away() {
    for program in Program::ALL {
        let Some((proxy, bucket)) = world(program) else { continue };
        let (key, bytes) = (ContentKey::unused(), content(2 * PART + 9));
        let mut staged = beginning();
        for (call, to) in
            [("CreateMultipartUpload", 2 * PART), ("UploadPart", 2 * PART), ("PutObject", PART + 1)]
        {
            proxy.decide(
                move |seen| {
                    if seen.call == call { Fault::Refuse(503, "SlowDown") } else { Fault::None }
                },
            );
            let from = usize::try_from(staged.received).unwrap();
            let writing = writer(bucket.blobs(), &key, &staged, &bytes[from..to]).await;
            let failed = match writing {
                Ok(writing) => writing.suspend().await.map(drop),
                Err(error) => Err(error),
            };
            assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{call}: {failed:?}");
            proxy.mend();
            assert_eq!(bucket.blobs().vouch(&key, &staged).await.unwrap(), Some(staged.clone()));
            let to = if call == "UploadPart" { PART } else { from };
            staged = write(bucket.blobs(), &key, &staged, &bytes[from..to.max(from)]).await;
        }
        let kept = finish(bucket.again().blobs(), &key, &staged, &bytes[PART..]).await;
        assert!(read(bucket.blobs(), &kept).await.unwrap() == bytes, "{program:?}");
        assert_eq!(bucket.uploads(), Vec::<String>::new(), "{program:?}");
    }
}

/// A HEAD's answer does not say what is missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_bucket_is_no_missing_content() {
    let Some((proxy, bucket)) = world(Program::Versitygw) else { return };
    let (key, bytes) = (ContentKey::unused(), content(PART + 9));
    let staged = write(bucket.blobs(), &key, &beginning(), &bytes).await;
    let process = bucket.again();
    let is_away = |error: StoreError| assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    for code in ["NoSuchBucket", ""] {
        proxy.decide(move |_| Fault::Refuse(404, code));
        is_away(process.blobs().stat(&key).await.unwrap_err());
        is_away(process.blobs().vouch(&key, &staged).await.unwrap_err());
        is_away(process.blobs().cancel(&key, &staged).await.unwrap_err());
        is_away(writer(process.blobs(), &key, &staged, b"more").await.unwrap().commit().await.unwrap_err());
        proxy.mend();
    }
    let kept = finish(process.blobs(), &key, &staged, b"").await;
    assert!(read(process.blobs(), &kept).await.unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_whose_beginning_got_no_answer_is_aborted() {
    for program in Program::ALL {
        let Some((proxy, bucket)) = world(program) else { continue };
        let key = ContentKey::unused();
        proxy.decide(|seen| match seen.call {
            "CreateMultipartUpload" if seen.before == 0 => Fault::SwallowAnswer,
            _ => Fault::None,
        });
        let bytes = content(2 * PART + 1);
        let staged = write(bucket.blobs(), &key, &beginning(), &bytes).await;
        assert_eq!(bucket.uploads().len(), 1, "{program:?}");
        let kept = finish(bucket.blobs(), &key, &staged, b"").await;
        assert!(read(bucket.blobs(), &kept).await.unwrap() == bytes);
        // No try gets an answer, so no checkpoint has an id.
        let key = ContentKey::unused();
        proxy.decide(
            |seen| {
                if seen.call == "CreateMultipartUpload" { Fault::SwallowAnswer } else { Fault::None }
            },
        );
        let failed = writer(bucket.blobs(), &key, &beginning(), &bytes).await;
        let failed = match failed {
            Ok(writing) => writing.suspend().await.map(drop),
            Err(error) => Err(error),
        };
        assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
        assert!(!bucket.uploads().is_empty());
        proxy.mend();
        bucket.blobs().cancel(&key, &beginning()).await.unwrap();
        assert_eq!(bucket.uploads(), Vec::<String>::new(), "{program:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_stays_open_is_not_said_to_be_gone() {
    let Some((proxy, bucket)) = world(Program::Versitygw) else { return };
    let key = ContentKey::unused();
    let staged = write(bucket.blobs(), &key, &beginning(), &content(PART + 9)).await;
    proxy.decide(|seen| match seen.call {
        "AbortMultipartUpload" => Fault::Answer(""),
        _ => Fault::None,
    });
    let left = bucket.blobs().cancel(&key, &staged).await;
    assert!(matches!(left, Err(StoreError::Unavailable(_))), "{left:?}");
    proxy.mend();
    bucket.blobs().cancel(&key, &staged).await.unwrap();
    assert_eq!((bucket.uploads(), bucket.objects()), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_passes_costs_no_upload() {
    let Some((proxy, bucket)) = world(Program::Versitygw) else { return };
    let bytes = content(2 * PART + 3);
    for fault in [Fault::Refuse(503, "SlowDown"), Fault::SwallowAnswer, Fault::CutRequest(1_000_000)] {
        // Only the first call of each kind fails.
        proxy.decide(move |seen| match seen.call {
            "CreateMultipartUpload" | "UploadPart" | "HeadObject" if seen.before == 0 => fault.clone(),
            _ => Fault::None,
        });
        let key = publish(bucket.blobs(), &bytes).await;
        proxy.mend();
        assert!(read(bucket.blobs(), &key).await.unwrap() == bytes);
    }
}

/// The hash continues from the earlier bytes, so it does not show the change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tail_that_has_changed_is_in_no_blob() {
    for program in Program::ALL {
        let Some(server) = server(program) else { continue };
        let bucket = bucket(server, None);
        let (key, bytes) = (ContentKey::unused(), content(PART + 1_000));
        let staged = write(bucket.blobs(), &key, &beginning(), &bytes).await;
        let tail = &staged.keys[0];
        let object = bucket.location.key(&format!("content/{:02x}/{tail}", tail.part()));
        server.put(&object, &[0; 1_000]);
        let ended = writer(bucket.again().blobs(), &key, &staged, b"more").await.unwrap().commit().await;
        assert!(matches!(ended, Err(StoreError::Damaged(_))), "{program:?}: {ended:?}");
        assert_eq!(bucket.blobs().stat(&key).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_writes_is_held_up_when_the_server_is_slow() {
    let Some((proxy, bucket)) = world(Program::Versitygw) else { return };
    proxy.decide(|seen| if seen.call == "UploadPart" { Fault::Freeze } else { Fault::None });
    let mut writing = bucket.blobs().writer(&ContentKey::unused(), &beginning()).unwrap();
    let (piece, mut taken) = (vec![1; 1 << 20], 0);
    while tokio::time::timeout(Duration::from_millis(300), writing.ready())
        .await
        .is_ok_and(|ready| ready.is_ok())
    {
        writing.write(&piece).unwrap();
        taken += piece.len();
        assert!(taken < 10 * PART);
    }
    assert!(taken >= 4 * PART, "{taken} bytes");
}

/// Parts wait in files for their turn. There are few such files, however many uploads there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_parts_wait_for_their_turn() {
    const AT_ONCE: usize = 32;
    let Some((proxy, bucket)) = world(Program::Versitygw) else { return };
    proxy.decide(|seen| if seen.call == "UploadPart" { Fault::Freeze } else { Fault::None });
    let mut writers = Vec::new();
    let piece = vec![1; 1 << 20];
    let fill = async || {
        let mut writing = bucket.blobs().writer(&ContentKey::unused(), &beginning()).unwrap();
        let mut taken = 0;
        let patience = Duration::from_secs(1);
        while tokio::time::timeout(patience, writing.ready()).await.is_ok_and(|ready| ready.is_ok()) {
            writing.write(&piece).unwrap();
            taken += piece.len();
        }
        (writing, taken)
    };
    for _ in 0..AT_ONCE / 4 {
        let (writing, taken) = fill().await;
        assert!(taken >= 4 * PART, "{taken} bytes");
        writers.push(writing);
    }
    for _ in 0..2 {
        let (writing, taken) = fill().await;
        assert!(taken <= PART + 2 * piece.len(), "{taken} bytes");
        writers.push(writing);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_is_known_for_a_while_without_the_server() {
    let Some((proxy, bucket)) = world(Program::Versitygw) else { return };
    let keys = [publish(bucket.blobs(), b"one").await, publish(bucket.blobs(), b"two").await];
    proxy.decide(|_| Fault::Refuse(503, "SlowDown"));
    for key in &keys {
        assert_eq!(bucket.blobs().stat(key).await.unwrap(), Some(3));
    }
    assert!(matches!(bucket.again().blobs().stat(&keys[0]).await, Err(StoreError::Unavailable(_))));
    proxy.mend();
    assert!(bucket.blobs().remove(&keys).await.iter().all(Result::is_ok));
    assert_eq!(bucket.blobs().stat(&keys[0]).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_removed_is_told() {
    let Some((proxy, bucket)) = world(Program::Versitygw) else { return };
    let keys = [publish(bucket.blobs(), b"one").await, publish(bucket.blobs(), b"two").await];
    proxy.decide(
        |seen| if seen.call == "DeleteObjects" { Fault::Refuse(403, "AccessDenied") } else { Fault::None },
    );
    assert!(bucket.blobs().remove(&keys).await.iter().all(Result::is_err));
    proxy.mend();
    assert!(bucket.blobs().remove(&keys).await.iter().all(Result::is_ok));
    assert_eq!(bucket.objects(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_of_another_version_is_over() {
    let Some(server) = server(Program::Versitygw) else { return };
    let bucket = bucket(server, None);
    let key = ContentKey::unused();
    let staged = write(bucket.blobs(), &key, &beginning(), b"content").await;
    let newer = Checkpoint { opaque: vec![9, 9], ..staged };
    assert_eq!(bucket.blobs().vouch(&key, &newer).await.unwrap(), None);
    assert!(bucket.blobs().writer(&key, &newer).is_err());
    bucket.blobs().cancel(&key, &newer).await.unwrap();
    assert_eq!(bucket.objects(), Vec::<String>::new(), "its tails are known all the same");
}
