//! What a thread says it keeps between frames is what it took from the allocator, and all of it goes back.

use std::path::Path;

use rushes::decode::{self, DecodeEnd, Decoder, FileDecoder};
use rushes::encode::DemoCodec;
use rushes::frame::FrameMemory;

use crate::counting::left_bytes;
use crate::seeds;
use crate::support::planes::request;

/// Layouts, which the frames share, and other things that are not counted.
const UNCOUNTED_BYTES: i64 = 4 << 10;
/// The context of zstd, which is counted and is not from this allocator.
const ZSTD_BYTES: i64 = 256 << 10;

/// Decodes a file, looks at what its thread keeps, and gives it back.
fn assert_counted(path: &Path) {
    let name = path.display();
    let info = decode::probe(path).expect("a header");
    let request = request(path, &info.layers[info.default_layer].planes.displayed());
    let has_zstd = info.parts.iter().any(|part| part.compression == "zstd");
    let foreign_bytes = if has_zstd { ZSTD_BYTES } else { 0 };
    let mut memory = FrameMemory::allocate(4 << 20).expect("memory");
    let mut decode = || matches!(FileDecoder::default().decode(&request, &mut memory), DecodeEnd::Done(_));
    // The first to need a table of the whole process makes it.
    assert!(decode(), "{name}");
    decode::release_held();
    let (is_done, taken) = left_bytes(decode);
    let held = decode::held_bytes() as i64;
    assert!(is_done, "{name}");
    assert!(taken - held <= UNCOUNTED_BYTES, "{name}: {taken} bytes are kept, {held} are counted");
    assert!(held - taken <= foreign_bytes, "{name}: {taken} bytes are kept, {held} are counted");
    let ((), given_back) = left_bytes(decode::release_held);
    assert_eq!(decode::held_bytes(), 0, "{name}");
    assert!(taken + given_back <= UNCOUNTED_BYTES, "{name}: {given_back} of {taken} bytes go back");
}

#[test]
fn what_a_thread_keeps_is_counted_to_the_allocation() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = seeds::scan_lines(folder.path(), 300, 200, &DemoCodec::ALL);
    files.extend(seeds::tiles(folder.path()));
    files.extend(seeds::parts(folder.path()));
    files.extend(seeds::fixtures());
    assert!(files.len() > 40, "{}", files.len());
    files.iter().for_each(|path| assert_counted(path));
}
