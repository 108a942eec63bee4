//! Owns one connection from the first byte to the last: its head, its reply, its deadlines. Never waits: each step
//! does what can be done at once. Time is an argument, and the wire may be a fake.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};

use super::reply::Refusal;
use super::request::{self, Request};
use crate::time::Nanos;

const MILLI: Nanos = 1_000_000;
/// For the whole head, from the moment of connecting, however many pieces it comes in.
const READ_NANOS: Nanos = 2000 * MILLI;
/// For the whole reply.
const WRITE_NANOS: Nanos = 2000 * MILLI;
/// For the peer to read the reply and close.
const LINGER_NANOS: Nanos = 500 * MILLI;
/// Whoever has not asked by then gives way when places run out. Others ask in the moment in which they connect.
const PATIENCE_NANOS: Nanos = 10 * MILLI;
/// What is taken from the peer after the reply, so that closing does not tear the reply away from it.
const MAX_LINGER_BYTES: usize = 4 * 1024 * 1024;
const CHUNK_BYTES: usize = 16 * 1024;
/// Reads in one step, so that a flood does not hold up the others.
const READS_PER_STEP: usize = 16;

/// What a connection needs of a socket. Reads and writes never wait.
pub trait Wire: Read + Write {
    /// Tells the peer that nothing more will come.
    fn end_writing(&mut self);
}

impl Wire for TcpStream {
    fn end_writing(&mut self) {
        // Fails where the peer is gone, which the next read finds out.
        let _ = self.shutdown(Shutdown::Write);
    }
}

/// One request and its reply.
pub struct Connection<W> {
    wire: W,
    since: Nanos,
    phase: Phase,
}

enum Phase {
    Reading { head: Vec<u8> },
    Writing { reply: Vec<u8>, sent_bytes: usize, until: Nanos },
    Lingering { until: Nanos, left_bytes: usize },
    Closed,
}

/// Whether a step got on and may do so again at once.
#[derive(PartialEq)]
enum Step {
    Again,
    Later,
}

impl<W: Wire> Connection<W> {
    /// A connection that was made at `now`.
    pub fn new(wire: W, now: Nanos) -> Self {
        Self { wire, since: now, phase: Phase::Reading { head: Vec::new() } }
    }

    /// Does what can be done at `now`; `answer` turns a request, or why there is none, into a reply. Returns whether
    /// the connection is still open.
    pub fn step(
        &mut self,
        now: Nanos,
        mut answer: impl FnMut(Result<Request<'_>, Refusal>) -> Vec<u8>,
    ) -> bool {
        for _ in 0..READS_PER_STEP {
            let step = match self.phase {
                Phase::Reading { .. } => self.read_head(now, &mut answer),
                Phase::Writing { .. } => self.write_reply(now),
                Phase::Lingering { .. } => self.linger(now),
                Phase::Closed => return false,
            };
            if step == Step::Later {
                break;
            }
        }
        !matches!(self.phase, Phase::Closed)
    }

    /// How long it has kept its place without need; none while it must not be cut.
    pub fn idle_nanos(&self, now: Nanos) -> Option<Nanos> {
        let age = now - self.since;
        match self.phase {
            Phase::Reading { .. } => (age >= PATIENCE_NANOS).then_some(age),
            Phase::Writing { .. } => None,
            Phase::Lingering { .. } | Phase::Closed => Some(age),
        }
    }

    /// Says good-bye as far as that is possible at once.
    pub fn cut(mut self, refusal: Refusal) {
        if let Phase::Reading { .. } = self.phase {
            // What came unread would tear the reply away from the peer.
            let _ = self.wire.read(&mut [0; CHUNK_BYTES]);
            let _ = self.wire.write(&refusal.reply(true));
            self.wire.end_writing();
        }
    }

    fn read_head(
        &mut self,
        now: Nanos,
        answer: &mut impl FnMut(Result<Request<'_>, Refusal>) -> Vec<u8>,
    ) -> Step {
        let Phase::Reading { head } = &mut self.phase else { return Step::Later };
        let is_late = now - self.since >= READ_NANOS;
        let mut chunk = [0; CHUNK_BYTES];
        let reply = match read_now(&mut self.wire, &mut chunk) {
            // Without a whole head there is nobody to answer.
            Ok(Some(0)) | Err(_) => return self.close(),
            Ok(None) if is_late => Refusal::TOO_SLOW.reply(true),
            Ok(None) => return Step::Later,
            Ok(Some(count)) => {
                head.extend_from_slice(&chunk[..count]);
                match request::parse(head) {
                    Ok(None) if is_late => Refusal::TOO_SLOW.reply(true),
                    Ok(None) => return Step::Again,
                    Ok(Some(request)) => answer(Ok(request)),
                    Err(refusal) => answer(Err(refusal)),
                }
            }
        };
        self.phase = Phase::Writing { reply, sent_bytes: 0, until: now + WRITE_NANOS };
        Step::Again
    }

    fn write_reply(&mut self, now: Nanos) -> Step {
        let Phase::Writing { reply, sent_bytes, until } = &mut self.phase else { return Step::Later };
        match self.wire.write(&reply[*sent_bytes..]) {
            Ok(count) if count > 0 => *sent_bytes += count,
            Err(error) if is_no_failure(&error) && now < *until => return Step::Later,
            _ => return self.close(),
        }
        if *sent_bytes == reply.len() {
            self.wire.end_writing();
            self.phase = Phase::Lingering { until: now + LINGER_NANOS, left_bytes: MAX_LINGER_BYTES };
        }
        Step::Again
    }

    fn linger(&mut self, now: Nanos) -> Step {
        let Phase::Lingering { until, left_bytes } = &mut self.phase else { return Step::Later };
        match read_now(&mut self.wire, &mut [0; CHUNK_BYTES]) {
            Ok(Some(count)) if count > 0 && count < *left_bytes && now < *until => {
                *left_bytes -= count;
                Step::Again
            }
            Ok(None) if now < *until => Step::Later,
            _ => self.close(),
        }
    }

    fn close(&mut self) -> Step {
        self.phase = Phase::Closed;
        Step::Later
    }
}

/// The bytes that are there; none when there are none yet, 0 when no more will come.
fn read_now(wire: &mut impl Read, chunk: &mut [u8]) -> io::Result<Option<usize>> {
    match wire.read(chunk) {
        Err(error) if is_no_failure(&error) => Ok(None),
        result => result.map(Some),
    }
}

fn is_no_failure(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
