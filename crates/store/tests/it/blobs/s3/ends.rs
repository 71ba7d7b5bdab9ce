//! The end of an upload, when the server or the network fails during it.

use super::*;

/// Ends an upload of three parts twice: first while `fault` disturbs the call, then without a fault.
async fn ended_twice(
    proxy: &FaultProxy,
    bucket: &ScratchBucket,
    fault: Fault,
) -> (gangplank_store::Result<ContentKey>, gangplank_store::Result<ContentKey>, ContentKey, Vec<u8>) {
    let (key, bytes) = (ContentKey::unused(), content(2 * PART + 77));
    let staged = write(bucket.blobs(), &key, &beginning(), &bytes).await;
    proxy
        .decide(move |seen| if seen.call == "CompleteMultipartUpload" { fault.clone() } else { Fault::None });
    let first = writer(bucket.blobs(), &key, &staged, b"").await.unwrap().commit().await;
    proxy.mend();
    let process = bucket.again();
    let again = writer(process.blobs(), &key, &staged, b"").await.unwrap().commit().await;
    (first, again, key, bytes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_the_end_is_found_out() {
    for program in Program::ALL {
        let Some((proxy, bucket)) = world(program) else { continue };
        let (first, again, key, bytes) = ended_twice(&proxy, &bucket, Fault::SwallowAnswer).await;
        assert_eq!(first.unwrap(), key, "it was done, and the object says so");
        assert_eq!(again.unwrap(), key, "whoever asks once more hears the same");
        assert!(read(bucket.blobs(), &key).await.unwrap() == bytes);
        assert_eq!(bucket.uploads(), Vec::<String>::new(), "{program:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_fails_can_be_asked_for_again() {
    for program in Program::ALL {
        for fault in
            [Fault::Refuse(503, "SlowDown"), Fault::ErrorIn200("InternalError"), Fault::CutRequest(5)]
        {
            let Some((proxy, bucket)) = world(program) else { continue };
            let (first, again, key, bytes) = ended_twice(&proxy, &bucket, fault.clone()).await;
            assert!(matches!(first, Err(StoreError::Unavailable(_))), "{fault:?}: {first:?}");
            assert_eq!(again.unwrap(), key);
            assert!(read(bucket.blobs(), &key).await.unwrap() == bytes);
        }
    }
}

/// A server that is killed while it joins the parts may report success afterwards although the object does not
/// exist.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_it_has_what_it_has_not_is_not_believed() {
    let Some((proxy, bucket)) = world(Program::Versitygw) else { return };
    let (key, bytes) = (ContentKey::unused(), content(PART + 1));
    let staged = write(bucket.blobs(), &key, &beginning(), &bytes).await;
    proxy.decide(|seen| match seen.call {
        "CompleteMultipartUpload" => {
            Fault::Answer("<CompleteMultipartUploadResult><ETag>\"x\"</ETag></CompleteMultipartUploadResult>")
        }
        "ListParts" => Fault::Refuse(404, "NoSuchUpload"),
        _ => Fault::None,
    });
    let ended = writer(bucket.blobs(), &key, &staged, b"").await.unwrap().commit().await;
    assert!(matches!(ended, Err(StoreError::Damaged(_))), "{ended:?}");
    assert_eq!(bucket.blobs().stat(&key).await.unwrap(), None);
}

/// A part arrives after the end of the upload. On one of the servers, this brings the upload back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_arrives_after_the_end_leaves_nothing() {
    for program in Program::ALL {
        let Some((proxy, bucket)) = world(program) else { continue };
        let (key, bytes) = (ContentKey::unused(), content(2 * PART + 9));
        let staged = write(bucket.blobs(), &key, &beginning(), &bytes[..=PART]).await;
        proxy.decide(|seen| match seen.call {
            "UploadPart" => Fault::Delay(Duration::from_secs(2)),
            _ => Fault::None,
        });
        let late = {
            let (process, key, staged) = (bucket.again(), key.clone(), staged.clone());
            tokio::spawn(async move {
                let late = writer(process.blobs(), &key, &staged, &vec![0; PART]).await.unwrap();
                late.suspend().await
            })
        };
        while proxy.count("UploadPart") == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let other = crate::buckets::bucket_at(bucket.server, None, bucket.location.clone());
        let kept = finish(other.blobs(), &key, &staged, &bytes[PART + 1..]).await;
        let late = late.await.unwrap();
        // A server of ours does this for a writer whose session has ended.
        let mine = late.unwrap_or_else(|_| staged.clone());
        let keys = mine.keys.iter().filter(|key| !staged.keys.contains(key)).cloned().collect();
        bucket.blobs().cancel(&key, &Checkpoint { keys, ..mine }).await.unwrap();
        assert_eq!(bucket.uploads(), Vec::<String>::new(), "{program:?}");
        assert!(read(bucket.again().blobs(), &kept).await.unwrap() == bytes, "{program:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_end_never_replaces_a_blob() {
    for program in Program::ALL {
        let Some(server) = server(program) else { continue };
        let bucket = bucket(server, None);
        let (key, bytes) = (ContentKey::unused(), content(PART + 9));
        let staged = write(bucket.blobs(), &key, &beginning(), &bytes).await;
        finish(bucket.blobs(), &key, &staged, b"first").await;
        let late = writer(bucket.again().blobs(), &key, &staged, b"later").await.unwrap().commit().await;
        assert!(matches!(late, Err(StoreError::Damaged(_))), "{program:?}: {late:?}");
        assert!(read(bucket.again().blobs(), &key).await.unwrap() == [&bytes[..], b"first"].concat());
        assert_eq!(bucket.uploads(), Vec::<String>::new(), "{program:?}");
    }
}

/// Two writers of a session end it with different bytes, each with one request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_small_ends_the_first_counts() {
    for program in Program::ALL {
        let Some((proxy, bucket)) = world(program) else { continue };
        let key = ContentKey::unused();
        finish(bucket.blobs(), &key, &beginning(), b"first").await;
        for late in [&b"other"[..], b"longer than it"] {
            let ended = writer(bucket.blobs(), &key, &beginning(), late).await.unwrap().commit().await;
            assert!(matches!(ended, Err(StoreError::Damaged(_))), "{program:?}: {ended:?}");
        }
        assert_eq!(read(bucket.again().blobs(), &key).await.unwrap(), b"first");
        finish(bucket.blobs(), &key, &beginning(), b"first").await;
        proxy.decide(|seen| match seen.call {
            "PutObject" if seen.before == 0 => Fault::SwallowAnswer,
            _ => Fault::None,
        });
        let key = publish(bucket.blobs(), b"put twice").await;
        assert_eq!(read(bucket.again().blobs(), &key).await.unwrap(), b"put twice");
        // Another client is writing the object at the same time.
        let key = ContentKey::unused();
        proxy.decide(|seen| match seen.call {
            "PutObject" => Fault::Refuse(412, "PreconditionFailed"),
            _ => Fault::None,
        });
        let ended = writer(bucket.blobs(), &key, &beginning(), b"x").await.unwrap().commit().await;
        assert!(matches!(ended, Err(StoreError::Unavailable(_))), "{program:?}: {ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_whose_tag_is_another_is_not_joined() {
    let Some((proxy, bucket)) = world(Program::Versitygw) else { return };
    proxy.decide(
        |seen| if seen.call == "UploadPart" && seen.before == 0 { Fault::OtherEtag } else { Fault::None },
    );
    let key = ContentKey::unused();
    let ended = writer(bucket.blobs(), &key, &beginning(), &content(2 * PART)).await.unwrap().commit().await;
    assert!(matches!(ended, Err(StoreError::Damaged(_))), "{ended:?}");
    assert_eq!(bucket.blobs().stat(&key).await.unwrap(), None);
}
