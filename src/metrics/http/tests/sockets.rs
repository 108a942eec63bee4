//! The port from outside, with raw sockets.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::metrics::tests::exposition::read;
use crate::metrics::tests::sample::{HOSTILE, snapshot};
use crate::metrics::{Feed, Format, MetricsError, MetricsServer, ServerOptions};

const SCRAPE: &str = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn options(address: impl Into<std::net::IpAddr>) -> ServerOptions {
    ServerOptions { address: SocketAddr::new(address.into(), 0), is_public: false, token: None }
}

fn feed() -> Feed {
    let feed = Feed::default();
    feed.publish(Arc::new(snapshot(1, HOSTILE)));
    feed
}

fn server() -> MetricsServer {
    MetricsServer::start(options(Ipv4Addr::LOCALHOST), feed()).unwrap()
}

fn connect(server: &MetricsServer) -> TcpStream {
    let stream = TcpStream::connect(server.local_addr()).unwrap();
    // Far longer than any deadline of the server, so that a test that waits for nothing fails.
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// What comes until the server closes.
fn rest_of(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("no end: {error}"),
        _ => String::from_utf8(bytes).unwrap(),
    }
}

fn ask(server: &MetricsServer, request: impl AsRef<[u8]>) -> String {
    let mut stream = connect(server);
    stream.write_all(request.as_ref()).unwrap();
    rest_of(&mut stream)
}

fn status(reply: &str) -> &str {
    reply.get(9..12).unwrap_or("none")
}

fn body(reply: &str) -> &str {
    reply.split_once("\r\n\r\n").expect("a whole head").1
}

#[test]
fn a_scrape_reads_in_both_formats() {
    let server = server();
    for (accept, format) in
        [("*/*", Format::Plain), ("application/openmetrics-text;version=1.0.0", Format::OpenMetrics)]
    {
        let reply =
            ask(&server, format!("GET /metrics HTTP/1.1\r\nHost: [::1]:1\r\nAccept: {accept}\r\n\r\n"));
        assert_eq!(status(&reply), "200");
        assert!(reply.contains(&format!("\r\nContent-Type: {}\r\n", format.content_type())), "{reply}");
        let names = read(body(&reply), format).unwrap().names;
        assert!(names.len() >= 30 && names.contains("rushes_epoch"));
    }
}

#[test]
fn requests_that_are_not_served_say_why() {
    let server = server();
    for (request, expected) in [
        ("GET /metrics HTTP/1.1\r\nHost: evil.com\r\n\r\n", "421"),
        ("GET /metrics HTTP/1.1\r\nHost: localhost.evil.com\r\n\r\n", "421"),
        ("GET /metrics HTTP/1.0\r\nHost: evil.com\r\n\r\n", "421"),
        ("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", "405"),
        ("GET /metrics/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"),
        ("GET /../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"),
        ("GET /metrics HTTP/1.1\r\n\r\n", "400"),
        ("GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", "400"),
        ("GET /metrics HTTP/1.1\r\nHost: localhost\r\n folded: x\r\n\r\n", "400"),
        ("GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: \0\r\n\r\n", "400"),
        ("GET /metrics HTTP/1.1\rHost: localhost\r\n\r\n", "400"),
        ("GET /metrics\r\n", "400"),
        ("GET /metrics HTTP/2.0\r\n\r\n", "505"),
        ("GET /metrics HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.com\r\n\r\n", "403"),
    ] {
        let reply = ask(&server, request);
        assert_eq!(status(&reply), expected, "{request:?}: {reply}");
        assert!(!body(&reply).is_empty());
    }
}

#[test]
fn one_connection_has_one_answer_whatever_follows() {
    let server = server();
    for behind in ["", SCRAPE, "\0\r\n\r\r garbage", "POST / HTTP/1.1\r\n\r\n"] {
        let reply = ask(&server, format!("{SCRAPE}{behind}"));
        assert_eq!(status(&reply), "200", "{behind:?}");
        assert_eq!(reply.matches("HTTP/1.1 ").count(), 1, "{behind:?}");
        assert!(read(body(&reply), Format::Plain).is_ok());
    }
}

#[test]
fn a_peer_that_stops_sending_early_is_answered() {
    let server = server();
    let mut stream = connect(&server);
    stream.write_all(SCRAPE.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(status(&rest_of(&mut stream)), "200");
}

#[test]
fn a_head_of_a_mebibyte_is_refused_and_the_refusal_arrives() {
    let server = server();
    let head = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "a".repeat(1 << 20));
    assert_eq!(status(&ask(&server, head)), "431");
}

#[test]
fn a_head_without_end_is_cut_off() {
    let server = server();
    let mut stream = connect(&server);
    stream.write_all(b"GET /metrics HTTP/1.1\r\nX: ").unwrap();
    let chunk = [b'a'; 64 * 1024];
    // A gibibyte would be 16384 chunks.
    let taken = (0..16384).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    assert!(taken < 16384);
    assert_eq!(status(&ask(&server, SCRAPE)), "200");
}

#[test]
fn slow_peers_hold_up_nobody_and_are_cut() {
    let server = server();
    let mut slow: Vec<TcpStream> = (0..50).map(|_| connect(&server)).collect();
    for round in 0..10 {
        slow.iter_mut().for_each(|stream| _ = stream.write_all(b"G"));
        assert_eq!(status(&ask(&server, SCRAPE)), "200", "round {round}");
    }
    for stream in &mut slow {
        assert_eq!(status(&rest_of(stream)), "408");
    }
    assert_eq!(status(&ask(&server, SCRAPE)), "200");
}

#[test]
fn when_all_places_are_taken_the_slowest_gives_way() {
    let server = server();
    let silent: Vec<TcpStream> = (0..200).map(|_| connect(&server)).collect();
    // Until those that hold a place have had the time in which others ask.
    thread::sleep(Duration::from_millis(300));
    let mut newcomer = connect(&server);
    let (start, end) = SCRAPE.split_at(8);
    newcomer.write_all(start.as_bytes()).unwrap();
    // Until it needs a place to wait for the rest.
    thread::sleep(Duration::from_millis(100));
    newcomer.write_all(end.as_bytes()).unwrap();
    assert_eq!(status(&rest_of(&mut newcomer)), "200");
    for mut stream in silent {
        let reply = rest_of(&mut stream);
        assert!(["408", "503"].contains(&status(&reply)), "{reply:?}");
    }
}

#[test]
fn the_token_opens_and_nothing_else_does() {
    let with_token = ServerOptions { token: Some("s3cret".into()), ..options(Ipv4Addr::LOCALHOST) };
    let server = MetricsServer::start(with_token, feed()).unwrap();
    let asked = |header: &str| ask(&server, SCRAPE.replace("\r\n\r\n", &format!("\r\n{header}\r\n\r\n")));
    assert_eq!(status(&asked("Authorization: Bearer s3cret")), "200");
    for header in
        ["X: y", "Authorization: Bearer s3creT", "Authorization: Bearer ", "Authorization: Basic s3cret"]
    {
        let reply = asked(header);
        assert_eq!(status(&reply), "401", "{header}");
        assert!(!reply.contains("rushes_"), "{reply}");
    }
}

#[test]
fn an_address_that_others_reach_needs_both_consents() {
    let start = |is_public, token: Option<&str>| {
        let token = token.map(Into::into);
        MetricsServer::start(ServerOptions { is_public, token, ..options(Ipv4Addr::UNSPECIFIED) }, feed())
    };
    for (is_public, token) in [(false, None), (true, None), (false, Some("t"))] {
        let error = start(is_public, token).unwrap_err();
        assert!(matches!(error, MetricsError::NotLoopback(_)));
        let text = error.to_string();
        assert!(text.contains("--metrics-public") && text.contains("--metrics-token FILE"), "{text}");
    }
    let server = start(true, Some("t")).unwrap();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.local_addr().port())).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: any\r\nAuthorization: Bearer t\r\n\r\n").unwrap();
    assert_eq!(status(&rest_of(&mut stream)), "200");
}

#[test]
fn consent_alone_does_not_open_the_host_of_a_loopback_address() {
    let options = ServerOptions { is_public: true, ..options(Ipv4Addr::LOCALHOST) };
    let server = MetricsServer::start(options, feed()).unwrap();
    assert_eq!(status(&ask(&server, "GET /metrics HTTP/1.1\r\nHost: evil.com\r\n\r\n")), "421");
}

#[test]
fn a_token_that_cannot_be_sent_is_refused() {
    for token in ["", " ", "a b", "a\n", "é"] {
        let options = ServerOptions { token: Some(token.into()), ..options(Ipv4Addr::LOCALHOST) };
        assert!(matches!(MetricsServer::start(options, feed()), Err(MetricsError::BadToken)), "{token:?}");
    }
}

#[test]
fn the_token_is_not_shown() {
    let options = ServerOptions { token: Some("s3cret".into()), ..options(Ipv4Addr::LOCALHOST) };
    assert!(!format!("{options:?}").contains("s3cret"));
}

#[test]
fn a_port_in_use_is_an_error_that_names_it() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap();
    let error =
        MetricsServer::start(ServerOptions { address, is_public: false, token: None }, feed()).unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[test]
fn without_ipv6_there_is_an_error_and_with_it_a_server() {
    match MetricsServer::start(options(Ipv6Addr::LOCALHOST), feed()) {
        Ok(server) => assert_eq!(status(&ask(&server, SCRAPE)), "200"),
        Err(error) => assert!(matches!(error, MetricsError::Bind { .. }), "{error}"),
    }
}

#[test]
fn dropping_ends_open_connections_and_frees_the_port_before_any_deadline() {
    let server = server();
    let address = server.local_addr();
    let mut open: Vec<TcpStream> = (0..20).map(|_| connect(&server)).collect();
    open.iter_mut().for_each(|stream| stream.write_all(b"GET /me").unwrap());
    assert_eq!(status(&ask(&server, SCRAPE)), "200");
    let started = Instant::now();
    drop(server);
    // The connections alone would take two seconds.
    assert!(started.elapsed() < Duration::from_secs(1));
    open.iter_mut().for_each(|stream| assert_eq!(rest_of(stream), ""));
    assert!(TcpListener::bind(address).is_ok());
}

#[test]
fn what_is_published_is_what_is_served() {
    let feed = feed();
    let server = MetricsServer::start(options(Ipv4Addr::LOCALHOST), feed.clone()).unwrap();
    for scale in [2, 3] {
        feed.publish(Arc::new(snapshot(scale, "a")));
        let reply = ask(&server, SCRAPE);
        assert!(reply.contains(&format!("\nrushes_epoch {scale}\n")), "{reply}");
    }
}
