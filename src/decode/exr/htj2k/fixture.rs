//! Owns the reading of small EXR files for tests: just enough of the header to find chunks. Pure.

/// A chunk of a part: its rectangle and its bytes.
pub struct FileChunk {
    pub x: i32,
    pub y: i32,
    pub width: u32,
    pub height: u32,
    pub bytes: Vec<u8>,
}

/// What a file holds.
pub struct File {
    /// Name, kind (0 uint, 1 half, 2 float) and sampling of each channel.
    pub channels: Vec<(Vec<u8>, u32, (u32, u32))>,
    pub width: u32,
    pub height: u32,
    pub chunks: Vec<FileChunk>,
}

fn word(bytes: &[u8], at: usize) -> i32 {
    i32::from_le_bytes(bytes[at..at + 4].try_into().expect("a good fixture"))
}

/// The bytes up to the next zero, and where the next field starts.
fn text(bytes: &[u8], at: usize) -> (&[u8], usize) {
    let length = bytes[at..].iter().position(|byte| *byte == 0).expect("a good fixture");
    (&bytes[at..at + length], at + length + 1)
}

/// Reads a single-part file with one level and a data window that starts at the origin.
pub fn read(bytes: &[u8]) -> File {
    let is_tiled = word(bytes, 4) & 0x200 != 0;
    let mut file = File { channels: Vec::new(), width: 0, height: 0, chunks: Vec::new() };
    let (mut lines, mut tile) = (1, 0);
    let mut at = 8;
    while bytes[at] != 0 {
        let (name, next) = text(bytes, at);
        let (_, next) = text(bytes, next);
        let value = &bytes[next + 4..next + 4 + word(bytes, next) as usize];
        at = next + 4 + value.len();
        match name {
            b"channels" => {
                let mut place = 0;
                while value[place] != 0 {
                    let (name, next) = text(value, place);
                    let sampling = (word(value, next + 8) as u32, word(value, next + 12) as u32);
                    file.channels.push((name.to_vec(), word(value, next) as u32, sampling));
                    place = next + 16;
                }
            }
            b"compression" => lines = if value[0] == 11 { 32 } else { 256 },
            b"dataWindow" => {
                (file.width, file.height) = (word(value, 8) as u32 + 1, word(value, 12) as u32 + 1)
            }
            b"tiles" => tile = word(value, 0),
            _ => {}
        }
    }
    at += 1;
    let first = u64::from_le_bytes(bytes[at..at + 8].try_into().expect("a good fixture")) as usize;
    for index in 0..(first - at) / 8 {
        let place =
            u64::from_le_bytes(bytes[at + 8 * index..][..8].try_into().expect("a good fixture")) as usize;
        let (x, y, size, data) = if is_tiled {
            (word(bytes, place) * tile, word(bytes, place + 4) * tile, (tile as u32, tile as u32), place + 16)
        } else {
            (0, word(bytes, place), (file.width, lines), place + 4)
        };
        let length = word(bytes, data) as usize;
        file.chunks.push(FileChunk {
            x,
            y,
            width: size.0.min(file.width - x as u32),
            height: size.1.min(file.height - y as u32),
            bytes: bytes[data + 4..data + 4 + length].to_vec(),
        });
    }
    file
}
