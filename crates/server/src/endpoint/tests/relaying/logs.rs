//! Logs that are on the disk of another replica.

use gangplank_core::{AccountId, LogFilter};
use gangplank_store::logs::{LogLine, LogName, PageLimits, Pipe, Position, Wanted};

use super::*;
use crate::relay;

#[tokio::test]
async fn a_log_is_read_where_it_is() {
    let pair = Pair::start().await;
    let (front, holder) = (&pair.front.server.app, &pair.holder.server.app);
    let log = LogName { service: "s-1".to_owned(), container: "app".to_owned() };
    let account = AccountId::root();
    let ask = async |replica: &Authority, from: Option<Position>, pattern: &str| {
        let wanted = Wanted {
            start: None,
            end: None,
            filter: LogFilter::parse(pattern).unwrap(),
            from,
            limits: PageLimits::default(),
        };
        relay::logs::ask(front, replica, &account, &log, &wanted, pattern).await
    };
    let there = pair.holder.for_replicas();
    assert!(ask(&there, None, "").await.unwrap().is_none(), "no such log");
    // Text that takes the most bytes on its way.
    let hard = "\u{1}".repeat(1 << 10);
    for number in 0..1_100 {
        let (node, text) = ("1-0".to_owned(), format!("{number} \u{e9}\"{hard}"));
        holder
            .logs
            .append(&log, &LogLine { at: Time(1_700_000_000_000 + number), node, pipe: Pipe::Output, text });
    }
    let last = ask(&there, None, "").await.unwrap().unwrap();
    assert!(last.lines.last().unwrap().text.starts_with("1099 \u{e9}\"\u{1}"));
    assert_eq!(last.lines.last().unwrap().at, Time(1_700_000_001_099));
    let (newer, next) = (last.lines.len(), last.next.unwrap());
    let older = ask(&there, Some(next), "").await.unwrap().unwrap();
    assert_eq!(newer + older.lines.len(), 1_100);
    assert_eq!(ask(&there, None, "1050").await.unwrap().unwrap().lines.len(), 1);
    assert!(front.logs.services().unwrap().is_empty());
    // Only a replica with a proof gets the log.
    let target = format!("/log/{}", "e30");
    let (answer, _) = pair.ask_holder(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    assert_eq!(answer.status, 403);
    let (answer, _) = pair.ask_holder(pair.proven_for(Errand::Log, &format!("GET {target}"), "a", 0)).await;
    assert_eq!(answer.status, 400, "a proven question without sense");
    let (answer, _) = pair.ask_holder(pair.proven(&format!("GET {target}"), "a", 0)).await;
    assert_eq!(answer.status, 421, "a visit is no question");
    let nowhere = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert!(ask(&nowhere.to_string().parse().unwrap(), None, "").await.is_err());
}
