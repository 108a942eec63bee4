//! Hundreds of thousands of random changes to valid files: none brings the program down. `RUSHES_MUTATIONS` states how
//! many.

use std::path::Path;

use rushes::encode::DemoCodec;

use crate::seeds;
use crate::support::XorShift;
use crate::verdict::{Judge, Verdict, judge};

const MUTATIONS: usize = 200_000;
/// Frames that need more are left out: the seeds have a tenth of it, and larger ones take time and find nothing else.
const MOST_BYTES: usize = 1 << 20;
/// One in so many files is decoded once more, over other bytes.
const SECOND_LOOK: usize = 8;

fn mutations() -> usize {
    let stated = std::env::var("RUSHES_MUTATIONS").ok();
    stated.map_or(MUTATIONS, |count| count.parse().expect("RUSHES_MUTATIONS is a number"))
}

/// Numbers that arithmetic trips over.
const EXTREME: [i32; 8] = [0, -1, 1, i32::MAX, i32::MIN, 0x1000_0000, 65_536, 255];

/// A copy with one to four changes.
pub fn mutated(original: &[u8], random: &mut XorShift) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=random.below(4) {
        // Headers and tables are short, and where the traps are.
        let end = if random.below(2) == 0 { bytes.len().min(700) } else { bytes.len() };
        let at = random.below(end);
        match random.below(8) {
            0 => bytes.truncate(at.max(1)),
            1 => {
                bytes.remove(at);
            }
            2 => bytes.insert(at, random.next() as u8),
            3 | 4 => {
                let number = EXTREME[random.below(EXTREME.len())].to_le_bytes();
                let length = number.len().min(bytes.len() - at);
                bytes[at..at + length].copy_from_slice(&number[..length]);
            }
            _ => bytes[at] ^= 1 << random.below(8),
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
    bytes
}

/// Whole, degraded and refused files.
fn tally(path: &Path, files: &[Vec<u8>], seed: u64, count: usize) -> [usize; 3] {
    let mut random = XorShift::new(seed);
    let mut judge = Judge::new(MOST_BYTES);
    let mut tally = [0; 3];
    for number in 0..count {
        std::fs::write(path, mutated(&files[number % files.len()], &mut random)).expect("the file");
        let verdict = judge.once(path);
        if random.below(SECOND_LOOK) == 0 {
            judge.again(path, &verdict, number as u8);
        }
        match verdict {
            Verdict::Whole { .. } => tally[0] += 1,
            Verdict::Degraded { .. } => tally[1] += 1,
            Verdict::Error { .. } | Verdict::TooLarge { .. } => tally[2] += 1,
        }
    }
    tally
}

/// Where files that live for a moment cost least.
fn quick_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    folder.expect("a folder")
}

#[test]
fn no_mutation_of_a_valid_file_brings_the_decoder_down() {
    let folder = quick_folder();
    let mut seeds = seeds::scan_lines(folder.path(), 40, 33, &DemoCodec::ALL);
    seeds.extend(seeds::tiles(folder.path()));
    seeds.extend(seeds::parts(folder.path()));
    for seed in &seeds {
        assert!(matches!(judge(seed), Verdict::Whole { .. }), "{}", seed.display());
    }
    // Among these are files that are broken already.
    seeds.extend(seeds::fixtures());
    let files: Vec<Vec<u8>> = seeds.iter().map(|path| std::fs::read(path).expect("a seed")).collect();
    let count = mutations();
    let halves = std::thread::scope(|scope| {
        let spawn = |seed: u64| {
            let path = folder.path().join(format!("mutated-{seed}.exr"));
            let files = &files;
            scope.spawn(move || tally(&path, files, seed, count / 2))
        };
        [spawn(1), spawn(2)].map(|half| half.join().expect("no panic escapes"))
    });
    let [whole, degraded, refused] = [0, 1, 2].map(|kind| halves[0][kind] + halves[1][kind]);
    assert_eq!(whole + degraded + refused, count / 2 * 2);
    let least = count / 50;
    assert!(whole > least && degraded > least && refused > least, "{whole} {degraded} {refused}");
}

/// Counters of a DWA chunk that state how much its sections hold, and where they start in the chunk.
const DWA_COUNTERS: std::ops::Range<usize> = 1..10;
const DWA_START: usize = 8;

/// Where the first chunk starts: the offset table ends there, and its first entry says so.
fn first_chunk(file: &[u8]) -> usize {
    let number = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().expect("eight bytes")) as usize;
    let is_table = |at: &usize| (1..=3).any(|chunks| number(*at) == at + 8 * chunks);
    number((0..file.len() - 8).find(is_table).expect("an offset table"))
}

#[test]
fn a_chunk_that_declares_more_than_the_machine_has_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bomb.exr");
    for codec in [DemoCodec::Dwaa, DemoCodec::Dwab] {
        let seed = seeds::scan_lines(folder.path(), 40, 80, &[codec]).remove(0);
        let file = std::fs::read(&seed).expect("the file");
        let chunk = first_chunk(&file);
        for counter in DWA_COUNTERS {
            let mut file = file.clone();
            let at = chunk + DWA_START + 8 * counter;
            file[at..at + 8].copy_from_slice(&(1_u64 << 38).to_le_bytes());
            std::fs::write(&path, file).expect("the file");
            let verdict = judge(&path);
            assert!(!matches!(verdict, Verdict::Whole { .. }), "{codec:?} {counter}: {verdict:?}");
        }
    }
}
