//! Replies to requests, without a socket: rules, order of the rules, rate.

use std::sync::Arc;

use crate::metrics::Feed;
use crate::metrics::http::Desk;
use crate::metrics::http::bucket::Bucket;
use crate::metrics::http::gate::Gate;
use crate::metrics::http::reply::Refusal;
use crate::metrics::http::request::parse;
use crate::metrics::tests::sample::snapshot;

fn desk(token: Option<&str>, is_any_host_good: bool) -> Desk {
    let feed = Feed::default();
    feed.publish(Arc::new(snapshot(1, "a")));
    Desk { gate: Gate { token: token.map(Into::into), is_any_host_good }, feed, bucket: Bucket::default() }
}

/// The reply to a first line and headers, each ended by `|`.
fn ask(desk: &mut Desk, head: &str) -> String {
    let head = head.replace('|', "\r\n") + "\r\n";
    let asked = parse(head.as_bytes()).map(|request| request.expect("a whole head"));
    String::from_utf8(desk.answer(0, asked)).unwrap()
}

fn status(reply: &str) -> &str {
    &reply[9..12]
}

#[test]
fn strangers_learn_nothing_before_they_are_known() {
    let mut desk = desk(Some("t"), false);
    for (head, expected) in [
        ("POST /x HTTP/1.1|Host: evil.com|Origin: a|", "421"),
        ("POST /x HTTP/1.1|Host: localhost|Origin: a|", "403"),
        ("POST /x HTTP/1.1|Host: localhost|", "401"),
        ("POST /x HTTP/1.1|Host: localhost|Authorization: Bearer t|", "405"),
        ("GET /x HTTP/1.1|Host: localhost|Authorization: Bearer t|", "404"),
        ("GET /metrics HTTP/1.1|Host: localhost|Authorization: Bearer t|", "200"),
    ] {
        assert_eq!(status(&ask(&mut desk, head)), expected, "{head}");
    }
}

#[test]
fn a_public_server_answers_to_any_name_but_not_without_token() {
    let mut desk = desk(Some("t"), true);
    assert_eq!(
        status(&ask(&mut desk, "GET /metrics HTTP/1.1|Host: evil.com|Authorization: Bearer t|")),
        "200"
    );
    assert_eq!(status(&ask(&mut desk, "GET /metrics HTTP/1.1|Host: evil.com|")), "401");
}

#[test]
fn replies_have_the_headers_that_their_status_asks_for() {
    let refused = |token, head| ask(&mut desk(token, false), head);
    assert!(refused(Some("t"), "GET / HTTP/1.0|").contains("\r\nWWW-Authenticate: Bearer "));
    assert!(refused(None, "PUT / HTTP/1.0|").contains("\r\nAllow: GET, HEAD\r\n"));
}

#[test]
fn no_reply_is_kept_guessed_or_shared_with_other_origins() {
    for head in ["GET / HTTP/1.0|", "GET /metrics HTTP/1.0|", "GET /x HTTP/1.0|", "PUT / HTTP/1.0|"] {
        let reply = ask(&mut desk(None, false), head);
        for header in ["Cache-Control: no-store", "X-Content-Type-Options: nosniff", "Connection: close"] {
            assert!(reply.contains(&format!("\r\n{header}\r\n")), "{header} in {reply}");
        }
        assert!(!reply.to_ascii_lowercase().contains("access-control"), "{reply}");
    }
}

#[test]
fn head_is_get_without_the_body() {
    for path in ["/", "/metrics", "/x"] {
        let [get, head] =
            ["GET", "HEAD"].map(|method| ask(&mut desk(None, false), &format!("{method} {path} HTTP/1.0|")));
        let (get_head, body) = get.split_once("\r\n\r\n").unwrap();
        let (head_head, nothing) = head.split_once("\r\n\r\n").unwrap();
        assert!(get_head.contains(&format!("\r\nContent-Length: {}", body.len())), "{get_head}");
        assert_eq!((nothing, status(head_head)), ("", status(get_head)));
        // The figures of the process may have moved between the two.
        if path != "/metrics" {
            assert_eq!(head_head, get_head);
        }
    }
}

#[test]
fn the_front_page_leads_to_the_metrics() {
    let reply = ask(&mut desk(None, false), "GET / HTTP/1.0|");
    assert!(reply.contains("text/html") && reply.contains("href=\"/metrics\""), "{reply}");
}

#[test]
fn before_the_first_snapshot_the_server_is_not_ready() {
    let mut desk = desk(None, false);
    desk.feed = Feed::default();
    assert_eq!(status(&ask(&mut desk, "GET /metrics HTTP/1.0|")), "503");
}

#[test]
fn beyond_the_rate_all_requests_are_refused_good_and_bad() {
    let mut desk = desk(None, false);
    let good = parse(b"GET / HTTP/1.0\r\n\r\n").unwrap().unwrap();
    let replies: Vec<_> = (0..50).map(|_| desk.answer(0, Ok(good.clone()))).collect();
    let served = replies.iter().filter(|reply| reply.starts_with(b"HTTP/1.1 200 ")).count();
    assert_eq!(served, 40);
    for refused in [desk.answer(0, Ok(good.clone())), desk.answer(0, Err(Refusal::TOO_LARGE))] {
        assert!(refused.starts_with(b"HTTP/1.1 429 "));
    }
    assert!(desk.answer(1_000_000_000, Ok(good)).starts_with(b"HTTP/1.1 200 "));
}
