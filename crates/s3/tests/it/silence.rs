//! A server that is silent, for a while or for good, with short limits.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use gangplank_s3::{Client, Deadlines, Error, Guard, Style};
use gangplank_testkit::s3::{Fault, FaultProxy, Program};

use crate::world::{impatient, key, server};

const DEADLINES: Deadlines = Deadlines {
    head: Duration::from_secs(3),
    first: Duration::from_millis(500),
    piece: Duration::from_millis(500),
    resume: Duration::from_secs(6),
};

/// The time that a call may take beyond its limit on a busy machine.
const SLACK: Duration = Duration::from_secs(3);

fn world() -> Option<(FaultProxy, Client)> {
    let server = server(Program::Versitygw)?;
    let proxy = FaultProxy::before(&server.address());
    let client = impatient(server, Some(&proxy.endpoint()), Style::Path, DEADLINES);
    Some((proxy, client))
}

async fn put(client: &Client, key: &str, bytes: &[u8]) {
    client.put_object(key, Bytes::copy_from_slice(bytes).into(), Guard::of(bytes)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_connection_costs_only_the_first_try() {
    let Some((proxy, client)) = world() else { return };
    let key = key("dead");
    put(&client, &key, b"content").await;
    proxy.decide(|seen| if seen.before == 0 { Fault::Freeze } else { Fault::None });
    let begun = Instant::now();
    assert_eq!(client.head_object(&key).await.unwrap().unwrap().length, 7);
    assert!(begun.elapsed() < DEADLINES.head, "{:?}", begun.elapsed());
    proxy.decide(|seen| if seen.before == 0 { Fault::Delay(Duration::from_secs(2)) } else { Fault::None });
    put(&client, &key, b"content").await;
    assert_eq!(proxy.count("PutObject"), 1, "a slow answer to a body is waited for");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_needs_long_for_each_answer_is_waited_for() {
    let Some((proxy, client)) = world() else { return };
    let key = key("long");
    put(&client, &key, b"content").await;
    proxy.decide(|_| Fault::Delay(Duration::from_millis(1_500)));
    assert_eq!(client.head_object(&key).await.unwrap().unwrap().length, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_to_a_silent_server_ends_in_time_however_many_there_are() {
    let Some((proxy, client)) = world() else { return };
    let key = key("silent");
    proxy.decide(|_| Fault::Freeze);
    let timed = |client: Client, key: String, is_put: bool| async move {
        let begun = Instant::now();
        let outcome = if is_put {
            client.put_object(&key, Bytes::from_static(b"x").into(), Guard::of(b"x")).await
        } else {
            client.head_object(&key).await.map(drop)
        };
        (outcome, begun.elapsed())
    };
    // The client makes more calls than may run at once.
    let all = join_all((0..200).map(|n| timed(client.clone(), key.clone(), n % 2 == 0))).await;
    for (outcome, took) in all {
        assert!(outcome.as_ref().is_err_and(Error::may_pass), "{outcome:?}");
        assert!(took < DEADLINES.head + SLACK, "{took:?}");
    }
    proxy.mend();
    let begun = Instant::now();
    while client.head_object(&key).await.is_err() {}
    assert!(begun.elapsed() < SLACK, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_stands_still_ends_in_time() {
    let Some((proxy, client)) = world() else { return };
    proxy.decide(|_| Fault::StallAnswer(20));
    let begun = Instant::now();
    assert!(client.list_objects("any/", None).await.is_err_and(|error| error.may_pass()));
    assert!(begun.elapsed() < DEADLINES.head + SLACK, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_pull_may_take_longer_than_any_limit() {
    let Some((proxy, client)) = world() else { return };
    let key = key("slow-pull");
    let content: Vec<u8> = (0..8_000_000_u32).map(|at| (at % 251) as u8).collect();
    put(&client, &key, &content).await;
    // Some servers cut a connection like this if the client reads too slowly.
    proxy.decide(|_| Fault::CutAnswer(1_500_000));
    let mut object = client.get_object(&key, None).await.unwrap().unwrap();
    let (mut read, begun) = (Vec::new(), Instant::now());
    while let Some(piece) = object.content.next().await.unwrap() {
        read.extend_from_slice(&piece);
        if read.len() / 1_000_000 > (read.len() - piece.len()) / 1_000_000 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    assert!(read == content);
    assert!(begun.elapsed() > DEADLINES.resume, "{:?}", begun.elapsed());
    let ranges: Vec<_> = proxy.seen().into_iter().filter_map(|seen| seen.range).collect();
    assert!(ranges.len() >= 5, "{ranges:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_outlives_a_server_that_is_away_for_a_while() {
    for away in [Fault::SwallowAnswer, Fault::Freeze, Fault::Refuse(503, "SlowDown"), Fault::Answer("away")] {
        let Some((proxy, client)) = world() else { return };
        let key = key("outlives");
        let content: Vec<u8> = (0..2_000_000_u32).map(|at| (at % 249) as u8).collect();
        put(&client, &key, &content).await;
        proxy.decide(|_| Fault::CutAnswer(600_000));
        let mut object = client.get_object(&key, None).await.unwrap().unwrap();
        let mut read = object.content.next().await.unwrap().unwrap().to_vec();
        let fault = away.clone();
        proxy.decide(move |_| fault.clone());
        let rest = tokio::spawn(object.content.whole(4_000_000));
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert!(!rest.is_finished(), "{away:?}");
        proxy.mend();
        read.extend(rest.await.unwrap().unwrap_or_else(|error| panic!("{away:?}: {error}")));
        assert!(read == content, "{away:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_goes_on_ends() {
    let Some((proxy, client)) = world() else { return };
    let key = key("cut");
    put(&client, &key, &vec![1; 2_000_000]).await;
    proxy.decide(|seen| {
        if seen.call == "GetObject" && seen.before == 0 { Fault::CutAnswer(9) } else { Fault::CutAnswer(0) }
    });
    let object = client.get_object(&key, None).await.unwrap().unwrap();
    let error = object.content.whole(4_000_000).await.unwrap_err();
    assert!(error.may_pass(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_object_is_asked_for_again() {
    let Some((proxy, client)) = world() else { return };
    let key = key("again");
    put(&client, &key, b"content").await;
    for fault in [Fault::ErrorIn200("InternalError"), Fault::Answer("<html>back soon</html>")] {
        let first = fault.clone();
        proxy.decide(move |seen| if seen.before == 0 { first.clone() } else { Fault::None });
        let object = client.get_object(&key, None).await.unwrap().unwrap();
        assert_eq!(object.content.whole(100).await.unwrap(), b"content", "{fault:?}");
        assert_eq!(client.head_object(&key).await.unwrap().unwrap().length, 7, "{fault:?}");
        assert_eq!((proxy.count("GetObject"), proxy.count("HeadObject")), (2, 2), "{fault:?}");
        let always = fault.clone();
        proxy.decide(move |_| always.clone());
        assert!(client.get_object(&key, None).await.is_err(), "{fault:?}");
        assert!(client.head_object(&key).await.is_err(), "{fault:?}");
        let put = client.put_object(&key, Bytes::from_static(b"x").into(), Guard::of(b"x")).await;
        assert!(put.is_err(), "{fault:?}");
        assert!(client.delete_object(&key).await.is_err(), "{fault:?}");
    }
}
