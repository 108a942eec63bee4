//! A file that ends too early shows the rows that it has.

use rushes::encode::DemoCodec;
use rushes::frame::rows_of;

use crate::seeds;
use crate::verdict::{Verdict, judge};

const HEIGHT: u32 = 160;
const ROWS_PER_CHUNK: u32 = 16;
const CHUNKS: usize = (HEIGHT / ROWS_PER_CHUNK) as usize;

fn number_at(file: &[u8], at: usize) -> usize {
    u64::from_le_bytes(file[at..at + 8].try_into().expect("eight bytes")) as usize
}

/// Where the offset table starts: its first entry points right behind it.
fn table_of(file: &[u8]) -> usize {
    let points_behind = |at: &usize| number_at(file, *at) == at + 8 * CHUNKS;
    (0..file.len() - 8).find(points_behind).expect("an offset table")
}

/// Where each chunk ends.
fn chunk_ends(file: &[u8]) -> Vec<usize> {
    let table = table_of(file);
    let starts = (1..CHUNKS).map(|chunk| number_at(file, table + 8 * chunk));
    starts.chain([file.len()]).collect()
}

#[test]
fn a_file_cut_anywhere_shows_the_rows_that_it_has() {
    let folder = tempfile::tempdir().expect("a folder");
    let seed = seeds::scan_lines(folder.path(), 48, HEIGHT, &[DemoCodec::Zip]).remove(0);
    let file = std::fs::read(&seed).expect("the file");
    let (table, ends) = (table_of(&file), chunk_ends(&file));
    let path = folder.path().join("cut.exr");
    let mut degraded = 0;
    for part in 0..24 {
        let cut = file.len() * part / 24;
        std::fs::write(&path, &file[..cut]).expect("a cut file");
        let complete = ends.iter().filter(|end| **end <= cut).count();
        match judge(&path) {
            Verdict::Degraded { missing: areas, .. } => {
                let missing = (CHUNKS - complete) as u32 * ROWS_PER_CHUNK;
                assert_eq!(rows_of(&areas), missing, "cut at {part}/24");
                degraded += 1;
            }
            Verdict::Error { text } => {
                assert!(cut < table + 8 * CHUNKS || complete == 0, "cut at {part}/24: {text}");
                assert!(text.starts_with("damaged: "), "{text}");
            }
            other => panic!("cut at {part}/24: {other:?}"),
        }
    }
    assert!(degraded > 12, "{degraded}");
}
