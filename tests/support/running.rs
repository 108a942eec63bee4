//! A program that runs beside the test: what it says line by line, and how it ends.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// Longer than anything takes on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(60);

fn thread<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    Builder::new().name(name.to_string()).spawn(work).expect("a thread")
}

/// A running program. Dropping it ends it.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    stdout: Option<JoinHandle<Vec<u8>>>,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (sender, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().expect("its stderr"));
        let tell = move || {
            // Nobody listens any more when the test is over.
            let _ = stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line));
        };
        thread("stderr", tell);
        let mut stdout = child.stdout.take().expect("its stdout");
        let read = move || {
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).expect("what it prints");
            bytes
        };
        Self { child, lines, stdout: Some(thread("stdout", read)) }
    }

    /// The next line on stderr that has a part, and nothing that was said before it.
    pub fn line_with(&self, part: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut said = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => said.push(line),
                Err(_) => panic!("nobody said «{part}», but: {}", said.join("\n")),
            }
        }
    }

    /// Where the metrics are, as the program says it.
    pub fn metrics_address(&self) -> SocketAddr {
        let line = self.line_with("metrics at ");
        let address = line.split("http://").nth(1).and_then(|rest| rest.strip_suffix("/metrics"));
        address.and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("no address in «{line}»"))
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_none()
    }

    /// Waits for the end; what it printed and how it ended.
    pub fn finish(mut self) -> (ExitStatus, Vec<u8>) {
        let stdout = self.stdout.take().expect("read once").join().expect("what it printed");
        (self.child.wait().expect("its end"), stdout)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks until the answer is the wanted one; fails, with what was last seen, when that takes too long.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) if Instant::now() > deadline => panic!("{what} never came; last seen: {seen}"),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}
