//! Heads of requests: what is taken and what is refused, without a socket.

use proptest::prelude::*;

use crate::metrics::http::reply::Refusal;
use crate::metrics::http::request::{MAX_HEAD_BYTES, Method, Request, parse};

const GOOD: &str = "GET /metrics?a=b HTTP/1.1\r\nHOST: \t localhost:9 \r\nX-Odd:\r\naccept: a\r\nAccept: b\r\n\
    authorization: Bearer x\r\n\r\n";

fn status(head: impl AsRef<[u8]>) -> &'static str {
    match parse(head.as_ref()) {
        Ok(Some(_)) => "whole",
        Ok(None) => "partial",
        Err(refusal) => &refusal.status[..3],
    }
}

#[test]
fn a_good_head_is_read() {
    let request = Request {
        method: Method::Get,
        path: "/metrics",
        host: Some("localhost:9"),
        authorization: Some("Bearer x"),
        accept: vec!["a", "b"],
        is_cross_origin: false,
    };
    assert_eq!(parse(GOOD.as_bytes()), Ok(Some(request)));
}

#[test]
fn every_piece_of_a_good_head_is_waited_for() {
    for end in 0..GOOD.len() {
        assert_eq!(status(&GOOD[..end]), "partial", "{end}");
    }
}

#[test]
fn what_comes_behind_the_head_is_not_looked_at() {
    let behind = [b"\0\xff\r\rPOST".as_slice(), &[b'x'; 2 * MAX_HEAD_BYTES]].concat();
    assert_eq!(status([GOOD.as_bytes(), &behind].concat()), "whole");
}

#[test]
fn an_old_client_need_not_name_a_host() {
    assert_eq!(status("GET / HTTP/1.0\r\n\r\n"), "whole");
    assert_eq!(status("GET / HTTP/1.1\r\n\r\n"), "400");
}

#[test]
fn doubtful_first_lines_are_refused_at_once() {
    for line in [
        "GET /metrics",
        "",
        " ",
        "GET",
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET / http/1.1",
        "GET / HTTP/1",
        "GET / HTTP/11.1",
        "GET / HTTP/1.1x",
        "GET /\t HTTP/1.1",
        "G(T / HTTP/1.1",
        "GET http://localhost/metrics HTTP/1.1",
        "GET metrics HTTP/1.1",
        "GET * HTTP/1.1",
        "GET\t/ HTTP/1.1",
    ] {
        assert_eq!(status(format!("{line}\r\n")), "400", "{line}");
    }
    for version in ["HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/3.0"] {
        assert_eq!(status(format!("GET / {version}\r\n")), "505", "{version}");
    }
}

#[test]
fn other_methods_are_told_apart() {
    for line in ["POST / HTTP/1.0", "get / HTTP/1.0", "OPTIONS * HTTP/1.0", "CONNECT localhost:80 HTTP/1.0"] {
        let head = format!("{line}\r\n\r\n");
        assert_eq!(parse(head.as_bytes()).unwrap().unwrap().method, Method::Other, "{line}");
    }
}

#[test]
fn doubtful_headers_are_refused() {
    for header in [
        "Host: a\r\nhost: a",
        "Host: a\r\n folded",
        "Host: a\r\n\tfolded",
        " Host: a",
        "Host : a",
        "Host",
        ": a",
        "Ho st: a",
        "Host: a\r\nX: \x01",
        "Host: a\r\nX: \0",
        "Host: a\r\nX: \u{e9}",
        "Host: a\r\nX: \x7f",
        "Host: a\rX: b",
        "Host: a\nX: b",
        "Host: a\r\r\nX: b",
        "X: b",
        "Host: a\r\nHöst: b",
        "Host: a\r\nAuthorization: a\r\nAuthorization: a",
    ] {
        assert_eq!(status(format!("GET / HTTP/1.1\r\n{header}\r\n\r\n")), "400", "{header:?}");
    }
}

#[test]
fn bare_ends_of_lines_and_other_protocols_are_refused_before_the_head_is_whole() {
    for start in [
        "GET / HTTP/1.1\n",
        "\n",
        "GET\rX",
        "\0",
        "\u{16}\u{3}\u{1}\u{2}",
        "GET \u{e9}",
        "PRI * HTTP/2.0\r\n",
    ] {
        assert!(["400", "505"].contains(&status(start)), "{start:?}");
    }
    assert_eq!(status("GET / HTTP/1.1\r"), "partial");
}

#[test]
fn a_head_may_be_eight_kibibytes_long_and_no_longer() {
    let head = |bytes: usize| {
        let (start, end) = ("GET / HTTP/1.0\r\nX: ", "\r\n\r\n");
        format!("{start}{}{end}", "a".repeat(bytes - start.len() - end.len()))
    };
    assert_eq!(status(head(MAX_HEAD_BYTES)), "whole");
    assert_eq!(status(head(MAX_HEAD_BYTES + 1)), "431");
    assert_eq!(status(&head(MAX_HEAD_BYTES + 100)[..MAX_HEAD_BYTES]), "partial");
    assert_eq!(status(&head(MAX_HEAD_BYTES + 100)[..MAX_HEAD_BYTES + 1]), "431");
}

#[test]
fn a_head_may_have_sixty_four_headers_and_no_more() {
    let head = |count| format!("GET / HTTP/1.0\r\n{}\r\n", "X: a\r\n".repeat(count));
    assert_eq!((status(head(64)), status(head(65))), ("whole", "431"));
}

#[test]
fn pages_of_other_origins_are_noticed() {
    let is_cross = |header: &str| {
        let head = format!("GET / HTTP/1.0\r\n{header}\r\n\r\n");
        parse(head.as_bytes()).unwrap().unwrap().is_cross_origin
    };
    for header in
        ["Origin: http://evil.com", "origin: null", "Sec-Fetch-Site: cross-site", "sec-fetch-site: same-site"]
    {
        assert!(is_cross(header), "{header}");
    }
    for header in ["Sec-Fetch-Site: none", "Sec-Fetch-Site: same-origin", "X-Origin: a"] {
        assert!(!is_cross(header), "{header}");
    }
}

proptest! {
    #[test]
    fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let with_start = [b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n".as_slice(), &bytes, b"\r\n\r\n"].concat();
        for head in [bytes, with_start] {
            if let Ok(Some(request)) = parse(&head) {
                prop_assert!(request.path.starts_with('/') && request.path.is_ascii());
            }
        }
    }

    #[test]
    fn a_refusal_does_not_depend_on_how_the_bytes_come(noise in "[ -~\r\n\t\0é:]{0,40}", cut in 0..90_usize) {
        let whole = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{noise}\r\n\r\n").into_bytes();
        let early: Result<Option<Request<'_>>, Refusal> = parse(&whole[..cut.min(whole.len())]);
        if early.is_err() {
            prop_assert!(parse(&whole).is_err());
        }
    }
}
