//! Owns the other readers: a Python program beside this file that answers with planes.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::support;

/// Names a folder with `bin/python`, a Python that has the modules OpenEXR and OpenImageIO.
const VARIABLE: &str = "RUSHES_PEERS";

#[derive(Debug, Deserialize)]
pub struct Plane {
    pub name: String,
    /// `half`, `float` or `uint`.
    pub sample: String,
    pub width: u32,
    pub height: u32,
    #[serde(skip)]
    pub samples: Vec<u8>,
}

/// What the header says of a part. Windows: left, top, right and bottom, the last two included.
#[derive(Debug, Deserialize, PartialEq)]
pub struct Header {
    pub name: Option<String>,
    pub view: Option<String>,
    pub data_window: [i64; 4],
    pub display_window: [i64; 4],
    pub pixel_aspect: f32,
}

/// A part, or a level of one.
#[derive(Debug, Deserialize)]
pub struct Picture {
    #[serde(flatten)]
    pub header: Option<Header>,
    pub planes: Vec<Plane>,
}

impl Picture {
    pub fn plane(&self, name: &str) -> Option<&Plane> {
        self.planes.iter().find(|plane| plane.name == name)
    }
}

/// The Python of the environment; `None`, after saying so, where none is named.
fn python(test: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os(VARIABLE) else {
        support::skip(test, &format!("{VARIABLE} names no Python with OpenEXR and OpenImageIO"));
        return None;
    };
    Some(PathBuf::from(folder).join("bin/python"))
}

fn script(python: &Path) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/reference.py");
    let mut command = Command::new(python);
    command.arg("-B").arg(script);
    command
}

/// Both libraries, ready to answer.
pub struct Reference {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Reference {
    /// `None`, after saying so, where no environment is named.
    pub fn start(test: &str) -> Option<Self> {
        let mut command = script(&python(test)?);
        command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("Python starts");
        let (requests, answers) = (child.stdin.take(), child.stdout.take().expect("its output"));
        Some(Self { child, requests, answers: BufReader::new(answers) })
    }

    /// Files that the libraries wrote into a folder.
    pub fn write(test: &str, folder: &Path) -> Option<()> {
        let status = script(&python(test)?).arg("write").arg(folder).status().expect("Python starts");
        assert!(status.success(), "{status}");
        Some(())
    }

    /// Every part as OpenEXR reads it; deep ones without planes.
    pub fn planes(&mut self, path: &Path) -> Vec<Picture> {
        self.ask(&json!(["planes", path]))
    }

    /// The resolution levels of the first part as OpenImageIO reads them.
    pub fn levels(&mut self, path: &Path) -> Vec<Picture> {
        self.ask(&json!(["levels", path]))
    }

    /// The display window of a part as OpenImageIO fills it.
    pub fn window(&mut self, path: &Path, part: usize) -> Picture {
        self.ask(&json!(["window", path, part])).remove(0)
    }

    fn ask(&mut self, request: &Value) -> Vec<Picture> {
        writeln!(self.requests.as_mut().expect("an open pipe"), "{request}").expect("Python listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        let mut pictures: Vec<Picture> =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{request}: {error}: {line}"));
        for plane in pictures.iter_mut().flat_map(|picture| &mut picture.planes) {
            let size = if plane.sample == "half" { 2 } else { 4 };
            plane.samples = vec![0; plane.width as usize * plane.height as usize * size];
            self.answers.read_exact(&mut plane.samples).expect("all samples");
        }
        pictures
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // Python ends when nobody can ask any more.
        drop(self.requests.take());
        let _ = self.child.wait();
    }
}
