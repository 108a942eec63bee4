//! Owns the port: who may connect, how many at once, and the thread `metrics` that serves all of them. Never touches
//! anything of the player but its [`Feed`]; never waits for a peer.
//!
//! One thread serves every connection in small steps that never wait, so a slow peer keeps a place in a short list
//! and nothing else. When the list is full, the peer that has asked for nothing for longest gives way, and a peer
//! whose request is there when it connects is served without a place.

mod bucket;
mod connection;
mod gate;
mod reply;
mod request;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use self::bucket::Bucket;
use self::connection::Connection;
use self::gate::{Gate, Page};
use self::reply::{Refusal, served};
use self::request::{Method, Request};
use super::{Feed, ProcessFigures, render};
use crate::time::Nanos;

const MAX_CONNECTIONS: usize = 64;
/// Between looks at the port while nobody is connected.
const IDLE_PAUSE: Duration = Duration::from_millis(20);
/// Between steps while somebody is, once more for each [`CROWD`] of peers, so that a crowd costs no more than a few.
const BUSY_PAUSE: Duration = Duration::from_millis(1);
const CROWD: usize = 8;
const INDEX: &str = "<!doctype html><title>rushes</title><p><a href=\"/metrics\">metrics</a>\n";

/// Where to listen and who may read.
#[derive(Clone)]
pub struct ServerOptions {
    /// Port 0 takes any free one.
    pub address: SocketAddr,
    /// Whether an address that other machines reach is meant; it needs a token as well.
    pub is_public: bool,
    /// Readers have to send it; printable ASCII without blanks.
    pub token: Option<String>,
}

impl fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token is a secret, and options end up in logs.
        let token = self.token.as_ref().map(|_| "...");
        f.debug_struct("ServerOptions")
            .field("address", &self.address)
            .field("is_public", &self.is_public)
            .field("token", &token)
            .finish()
    }
}

/// Why there is no server. The player does without.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    #[error(
        "other machines can reach the metrics address {0}: use 127.0.0.1 or [::1], or give both --metrics-public and \
         --metrics-token FILE"
    )]
    NotLoopback(SocketAddr),
    #[error(
        "the metrics token is empty or has blanks or characters beyond printable ASCII: write one line of letters \
         and digits into the file of --metrics-token"
    )]
    BadToken,
    #[error("cannot listen on {address} for metrics: {source}; choose another address or a free port")]
    Bind { address: SocketAddr, source: io::Error },
    #[error("cannot start the thread for metrics: {0}")]
    Thread(io::Error),
}

/// A running server. Dropping it closes the port and all connections and joins its thread.
#[derive(Debug)]
pub struct MetricsServer {
    address: SocketAddr,
    is_stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl MetricsServer {
    /// Listens and serves what `feed` holds.
    ///
    /// # Errors
    /// [`MetricsError`] when the address is open to others without both consents, the token could never be sent, or
    /// the system gives no port or thread.
    pub fn start(options: ServerOptions, feed: Feed) -> Result<Self, MetricsError> {
        let gate = gate_of(&options)?;
        let failed = |source| MetricsError::Bind { address: options.address, source };
        let listener = TcpListener::bind(options.address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let is_stopping = Arc::new(AtomicBool::new(false));
        let mut server = Server::new(listener, gate, feed);
        let stop = Arc::clone(&is_stopping);
        let run = move || server.run(&stop);
        let thread =
            thread::Builder::new().name("metrics".into()).spawn(run).map_err(MetricsError::Thread)?;
        Ok(Self { address, is_stopping, thread: Some(thread) })
    }

    /// Where it listens, with the port that was found.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        self.is_stopping.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                log::error!("the thread for metrics had panicked");
            }
        }
    }
}

fn gate_of(options: &ServerOptions) -> Result<Gate, MetricsError> {
    let is_sendable = |token: &String| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    if !options.token.as_ref().is_none_or(is_sendable) {
        return Err(MetricsError::BadToken);
    }
    let is_open = options.is_public && options.token.is_some();
    if !is_open && !options.address.ip().to_canonical().is_loopback() {
        return Err(MetricsError::NotLoopback(options.address));
    }
    Ok(Gate { token: options.token.clone(), is_any_host_good: is_open })
}

/// What the thread owns.
struct Server {
    listener: TcpListener,
    connections: Vec<Connection<TcpStream>>,
    desk: Desk,
    started: Instant,
    is_failure_logged: bool,
}

impl Server {
    fn new(listener: TcpListener, gate: Gate, feed: Feed) -> Self {
        let desk = Desk { gate, feed, bucket: Bucket::default() };
        let started = Instant::now();
        Self { listener, connections: Vec::new(), desk, started, is_failure_logged: false }
    }

    fn run(&mut self, is_stopping: &AtomicBool) {
        while !is_stopping.load(Ordering::Acquire) {
            let now = self.started.elapsed().as_nanos() as Nanos;
            self.accept(now);
            let desk = &mut self.desk;
            self.connections.retain_mut(|connection| desk.step(connection, now));
            thread::park_timeout(pause(self.connections.len()));
        }
    }

    fn accept(&mut self, now: Nanos) {
        for _ in 0..MAX_CONNECTIONS {
            match self.listener.accept() {
                Ok((stream, _)) if stream.set_nonblocking(true).is_ok() => {
                    let mut newcomer = Connection::new(stream, now);
                    if self.desk.step(&mut newcomer, now) {
                        self.admit(newcomer, now);
                    }
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => return self.log_failure(&error),
            }
        }
    }

    /// Finds a place for a connection that is not finished.
    fn admit(&mut self, newcomer: Connection<TcpStream>, now: Nanos) {
        if self.connections.len() < MAX_CONNECTIONS {
            return self.connections.push(newcomer);
        }
        let places = self.connections.iter().enumerate();
        let idle = places.filter_map(|(at, connection)| Some((connection.idle_nanos(now)?, at)));
        match idle.max() {
            Some((_, at)) => {
                let slowest = std::mem::replace(&mut self.connections[at], newcomer);
                slowest.cut(Refusal::TOO_SLOW);
            }
            None => newcomer.cut(Refusal::BUSY),
        }
    }

    /// Once, because what keeps connections from being taken, such as too many open files, tends to stay.
    fn log_failure(&mut self, error: &io::Error) {
        if !self.is_failure_logged {
            log::warn!("metrics: cannot take a connection: {error}; this is said once");
            self.is_failure_logged = true;
        }
    }
}

fn pause(connections: usize) -> Duration {
    match connections {
        0 => IDLE_PAUSE,
        _ => BUSY_PAUSE * (1 + connections / CROWD) as u32,
    }
}

/// Turns requests into replies.
struct Desk {
    gate: Gate,
    feed: Feed,
    bucket: Bucket,
}

impl Desk {
    /// Whether the connection is still open after a step.
    fn step(&mut self, connection: &mut Connection<TcpStream>, now: Nanos) -> bool {
        connection.step(now, |asked| self.answer(now, asked))
    }

    fn answer(&mut self, now: Nanos, asked: Result<Request<'_>, Refusal>) -> Vec<u8> {
        let has_body = asked.as_ref().map_or(true, |request| request.method != Method::Head);
        let served = if self.bucket.take(now) {
            asked.and_then(|request| self.serve(&request, has_body))
        } else {
            Err(Refusal::TOO_MANY)
        };
        served.unwrap_or_else(|refusal| refusal.reply(has_body))
    }

    fn serve(&self, request: &Request<'_>, has_body: bool) -> Result<Vec<u8>, Refusal> {
        match self.gate.admit(request)? {
            Page::Index => Ok(served("text/html; charset=utf-8", INDEX, has_body)),
            Page::Metrics(format) => {
                let snapshot = self.feed.latest().ok_or(Refusal::NOTHING_YET)?;
                let text = render(&snapshot, &ProcessFigures::read(), format);
                Ok(served(format.content_type(), &text, has_body))
            }
        }
    }
}
