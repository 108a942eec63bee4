//! One connection on a faked wire, with faked times: deadlines and shares of the work.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;

use crate::metrics::http::connection::{Connection, Wire};
use crate::metrics::http::reply::Refusal;
use crate::metrics::http::request::Request;
use crate::time::Nanos;

const SECOND: Nanos = 1_000_000_000;
const REQUEST: &[u8] = b"GET / HTTP/1.0\r\n\r\n";

/// Both ends of a wire that never waits.
#[derive(Default)]
struct Ends {
    /// What the peer sends; an empty piece is its end.
    sent: VecDeque<Vec<u8>>,
    received: Vec<u8>,
    /// How much the peer still takes.
    room_bytes: usize,
    has_ended: bool,
    reads: usize,
}

#[derive(Clone, Default)]
struct Fake(Rc<RefCell<Ends>>);

impl Read for Fake {
    fn read(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        let mut ends = self.0.borrow_mut();
        ends.reads += 1;
        let Some(piece) = ends.sent.pop_front() else { return Err(ErrorKind::WouldBlock.into()) };
        let count = piece.len().min(chunk.len());
        chunk[..count].copy_from_slice(&piece[..count]);
        if count < piece.len() {
            ends.sent.push_front(piece[count..].to_vec());
        }
        Ok(count)
    }
}

impl Write for Fake {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut ends = self.0.borrow_mut();
        let count = bytes.len().min(ends.room_bytes);
        if count == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        ends.room_bytes -= count;
        ends.received.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Wire for Fake {
    fn end_writing(&mut self) {
        self.0.borrow_mut().has_ended = true;
    }
}

/// A connection made at second 5, and the peer's end.
fn connect(room_bytes: usize) -> (Connection<Fake>, Fake) {
    let fake = Fake::default();
    fake.0.borrow_mut().room_bytes = room_bytes;
    (Connection::new(fake.clone(), 5 * SECOND), fake)
}

impl Fake {
    fn send(&self, bytes: &[u8]) {
        self.0.borrow_mut().sent.push_back(bytes.to_vec());
    }

    fn received(&self) -> String {
        String::from_utf8(self.0.borrow().received.clone()).unwrap()
    }
}

/// A step `millis` after connecting, answered with 1000 bytes.
fn step(connection: &mut Connection<Fake>, millis: Nanos) -> bool {
    let answer = |asked: Result<Request<'_>, Refusal>| match asked {
        Ok(_) => vec![b'r'; 1000],
        Err(refusal) => refusal.reply(true),
    };
    connection.step(5 * SECOND + millis * 1_000_000, answer)
}

#[test]
fn a_request_is_answered_and_closed_when_the_peer_closes() {
    let (mut connection, peer) = connect(9999);
    peer.send(REQUEST);
    assert!(step(&mut connection, 0));
    assert_eq!(peer.received(), "r".repeat(1000));
    assert!(peer.0.borrow().has_ended);
    peer.send(b"");
    assert!(!step(&mut connection, 1));
    assert!(!step(&mut connection, 2));
}

#[test]
fn a_head_that_comes_byte_by_byte_has_two_seconds_in_all() {
    let (mut connection, peer) = connect(9999);
    for tick in 0..20 {
        peer.send(b"G");
        assert!(step(&mut connection, tick * 100));
        assert_eq!(peer.received(), "");
    }
    peer.send(b"G");
    assert!(step(&mut connection, 2000));
    assert!(peer.received().starts_with("HTTP/1.1 408 "), "{}", peer.received());
}

#[test]
fn a_silent_peer_has_two_seconds_and_is_told() {
    let (mut connection, peer) = connect(9999);
    assert!(step(&mut connection, 1999));
    assert_eq!(peer.received(), "");
    step(&mut connection, 2000);
    assert!(peer.received().starts_with("HTTP/1.1 408 "));
    assert!(step(&mut connection, 2499));
    assert!(!step(&mut connection, 2500));
}

#[test]
fn a_peer_that_goes_before_its_head_is_whole_gets_no_answer() {
    let (mut connection, peer) = connect(9999);
    peer.send(b"GET / HT");
    peer.send(b"");
    assert!(!step(&mut connection, 0));
    assert_eq!(peer.received(), "");
}

#[test]
fn a_half_closed_peer_is_answered() {
    let (mut connection, peer) = connect(9999);
    peer.send(REQUEST);
    peer.send(b"");
    assert!(!step(&mut connection, 0));
    assert_eq!(peer.received().len(), 1000);
}

#[test]
fn a_peer_that_does_not_read_has_two_seconds_for_the_whole_reply() {
    let (mut connection, peer) = connect(10);
    peer.send(REQUEST);
    for tick in 0..20 {
        assert!(step(&mut connection, tick * 100));
        peer.0.borrow_mut().room_bytes += 10;
    }
    assert!(step(&mut connection, 1999));
    assert!(!step(&mut connection, 2000));
    assert!(peer.received().len() < 300);
}

#[test]
fn a_peer_that_sends_on_is_listened_to_for_half_a_second_and_four_mebibytes() {
    for (piece_bytes, pieces) in [(1, 10_000), (1 << 20, 40)] {
        let (mut connection, peer) = connect(9999);
        peer.send(REQUEST);
        (0..pieces).for_each(|_| peer.send(&vec![b'x'; piece_bytes]));
        let steps = (0..).take_while(|tick| step(&mut connection, *tick)).count();
        assert_eq!(peer.received().len(), 1000);
        assert!((2..=500).contains(&steps), "{steps}");
        assert!(!peer.0.borrow().sent.is_empty());
    }
}

#[test]
fn a_flood_gets_no_more_than_its_share_of_a_step() {
    let (mut connection, peer) = connect(9999);
    (0..1000).for_each(|_| peer.send(b"G"));
    step(&mut connection, 0);
    assert!(peer.0.borrow().reads <= 16);
}

#[test]
fn only_a_peer_that_has_asked_for_nothing_gives_way() {
    let at = |millis: Nanos| 5 * SECOND + millis * 1_000_000;
    let (mut connection, peer) = connect(10);
    assert_eq!(connection.idle_nanos(at(9)), None);
    assert_eq!(connection.idle_nanos(at(10)), Some(SECOND / 100));
    peer.send(REQUEST);
    step(&mut connection, 100);
    assert_eq!(connection.idle_nanos(at(1000)), None);
    peer.0.borrow_mut().room_bytes = 9999;
    step(&mut connection, 1000);
    assert!(connection.idle_nanos(at(1000)).is_some());
}

#[test]
fn a_peer_that_is_cut_is_told_why_unless_it_was_answered() {
    let (connection, peer) = connect(9999);
    connection.cut(Refusal::BUSY);
    assert!(peer.received().starts_with("HTTP/1.1 503 "));
    let (mut connection, peer) = connect(9999);
    peer.send(REQUEST);
    step(&mut connection, 0);
    connection.cut(Refusal::BUSY);
    assert_eq!(peer.received().len(), 1000);
}
