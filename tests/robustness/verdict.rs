//! What becomes of one file: probed, its default layer decoded, once more over other bytes, and judged.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use rushes::decode::{self, DecodeEnd, Decoded, Decoder, FileDecoder};
use rushes::frame::{Area, FrameMemory};
use xxhash_rust::xxh64::Xxh64;

use crate::counting::peak_bytes;
pub use crate::support::planes::request;

/// A frame that needs more is not decoded here, and nothing else may take as much.
const MOST_BYTES: usize = 512 << 20;
const LONGEST: Duration = Duration::from_secs(2);

/// How a file ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Whole { hash: u64 },
    Degraded { missing: Vec<Area>, hash: u64 },
    Error { text: String },
    TooLarge { bytes: usize },
}

impl Verdict {
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Error { .. })
    }
}

/// The samples alone: what lies between rows is nobody's.
fn hash(decoded: &Decoded, memory: &FrameMemory) -> u64 {
    let mut hash = Xxh64::new(0);
    for (plane, span) in decoded.layout.planes().iter().zip(decoded.layout.spans()) {
        for row in 0..span.rows {
            hash.update(&memory.bytes()[span.row(row)][..plane.width as usize * plane.sample.bytes()]);
        }
    }
    hash.digest()
}

fn of_done(decoded: &Decoded, memory: &FrameMemory) -> Verdict {
    let hash = hash(decoded, memory);
    let missing = decoded.missing.clone();
    let window = decoded.layout.data_window();
    let is_inside =
        |area: &Area| area.x + area.width <= window.width && area.y + area.height <= window.height;
    assert!(missing.iter().all(|area| area.width > 0 && area.height > 0 && is_inside(area)), "{missing:?}");
    match missing.is_empty() {
        true => Verdict::Whole { hash },
        false => Verdict::Degraded { missing, hash },
    }
}

/// Judges files, one after the other, in the same memory.
pub struct Judge {
    memory: FrameMemory,
    most_bytes: usize,
}

impl Judge {
    /// One that leaves out frames of more bytes than this.
    pub fn new(most_bytes: usize) -> Self {
        Self { memory: FrameMemory::default(), most_bytes }
    }

    /// Decodes the default layer over whatever the memory holds.
    fn attempt(&mut self, path: &Path) -> Verdict {
        let error = |text: String| Verdict::Error { text };
        let info = match decode::probe(path) {
            Ok(info) => info,
            Err(probed) => return error(probed.to_string()),
        };
        let request = request(path, &info.layers[info.default_layer].planes);
        loop {
            match FileDecoder::default().decode(&request, &mut self.memory) {
                DecodeEnd::Done(decoded) => return of_done(&decoded, &self.memory),
                DecodeEnd::Failed(failed) => return error(failed.to_string()),
                DecodeEnd::Skipped => panic!("nobody cancelled it"),
                DecodeEnd::Refused { needed_bytes } if needed_bytes > self.most_bytes => {
                    return Verdict::TooLarge { bytes: needed_bytes };
                }
                DecodeEnd::Refused { needed_bytes } => {
                    assert!(needed_bytes > self.memory.len_bytes(), "it was refused what it has");
                    self.memory = FrameMemory::allocate(needed_bytes).expect("memory");
                }
            }
        }
    }

    /// Judges a file once, and holds it to what every file must keep.
    pub fn once(&mut self, path: &Path) -> Verdict {
        let started = Instant::now();
        let (result, peak) = peak_bytes(|| catch_unwind(AssertUnwindSafe(|| self.attempt(path))));
        let verdict = result.unwrap_or_else(|_| panic!("{}: a panic escaped", path.display()));
        assert!(started.elapsed() < LONGEST, "{}: {:?}", path.display(), started.elapsed());
        assert!(peak < MOST_BYTES as i64, "{}: {peak} bytes", path.display());
        if let Verdict::Error { text } = &verdict {
            check_text(path, text);
        }
        verdict
    }

    /// Judges a file again, with these bytes in the memory: what was there before may make no difference.
    pub fn again(&mut self, path: &Path, before: &Verdict, left_over: u8) {
        self.memory.bytes_mut().fill(left_over);
        assert_eq!(self.once(path), *before, "{}: another verdict the second time", path.display());
    }
}

/// Judges a file twice, with other bytes in the memory.
pub fn judge(path: &Path) -> Verdict {
    let mut judge = Judge::new(MOST_BYTES);
    let verdict = judge.once(path);
    judge.again(path, &verdict, 0x55);
    verdict
}

const EXR_MAGIC: [u8; 4] = [0x76, 0x2F, 0x31, 0x01];

fn check_text(path: &Path, text: &str) {
    assert!(!text.chars().any(char::is_control), "{}: {text:?}", path.display());
    assert!((12..400).contains(&text.len()), "{}: {text}", path.display());
    let is_exr = std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(&EXR_MAGIC));
    let is_unknown = text.contains("first bytes are of no kind");
    assert!(!(is_exr && is_unknown), "{}: {text}", path.display());
}
