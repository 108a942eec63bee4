//! Reads metrics as a monitor does: a plain request, and the text format of Prometheus, taken strictly.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// What came back over the wire.
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// Sends a request and reads until the other side closes.
pub fn request(address: SocketAddr, text: &str) -> Reply {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    stream.write_all(text.as_bytes()).expect("the request is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer of text");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no reply: «{answer}»"));
    let status =
        head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    Reply { status: status.expect("a status"), head: head.to_string(), body: body.to_string() }
}

/// A GET of the metrics with further header lines, each ending in `\r\n`.
pub fn get(address: SocketAddr, lines: &str) -> Reply {
    request(address, &format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\n{lines}Connection: close\r\n\r\n"))
}

/// Every series of one scrape.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    values: BTreeMap<String, f64>,
    counters: BTreeSet<String>,
}

impl Figures {
    /// The figures of now; none while the program has not published any.
    pub fn scrape(address: SocketAddr) -> Option<Self> {
        let reply = get(address, "");
        match reply.status {
            200 => Some(Self::parse(&reply.body)),
            503 => None,
            other => panic!("status {other}: {}", reply.head),
        }
    }

    pub fn of_file(path: &Path) -> Self {
        Self::parse(&std::fs::read_to_string(path).expect("the metrics file"))
    }

    /// Anything that is not in the format is a failure of the test.
    pub fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line has no end");
        let mut figures = Self::default();
        let mut kinds = BTreeMap::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a name and a kind");
                assert_eq!(kinds.insert(name, kind), None, "{name} has two kinds");
            } else if !line.starts_with("# HELP ") {
                let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: «{line}»"));
                let name = series.split('{').next().expect("a name");
                let kind = kinds.get(name).unwrap_or_else(|| panic!("{name} has no kind"));
                if *kind == "counter" {
                    figures.counters.insert(series.to_string());
                }
                let value = value.parse().unwrap_or_else(|_| panic!("no number: «{line}»"));
                assert_eq!(figures.values.insert(series.to_string(), value), None, "{series} is there twice");
            }
        }
        figures
    }

    /// The value of a series, named as in the text: `name{label="value"}`.
    pub fn of(&self, series: &str) -> f64 {
        *self.values.get(series).unwrap_or_else(|| panic!("there is no series {series}"))
    }

    /// Counters that are lower in a later scrape, or gone.
    pub fn fallen(&self, later: &Self) -> Vec<String> {
        let stays =
            |series: &&String| later.values.get(*series).is_some_and(|value| *value >= self.values[*series]);
        self.counters.iter().filter(|series| !stays(series)).cloned().collect()
    }

    pub fn counter_count(&self) -> usize {
        self.counters.len()
    }
}
