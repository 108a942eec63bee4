//! Owns the list of what a thread keeps between frames, so that it can be counted and given back. Each thread speaks
//! for itself alone, and not from within a decode.

use super::{deep, inflate, mix, plan, source, walk};

/// Says how many bytes the calling thread keeps, and gives them back.
type Kept = (fn() -> usize, fn());

/// All that threads keep between frames.
const KEPT: [Kept; 6] = [
    (deep::held_bytes, deep::release),
    (inflate::held_bytes, inflate::release),
    (mix::held_bytes, mix::release),
    (plan::held_bytes, plan::release),
    (source::held_bytes, source::release),
    (walk::held_bytes, walk::release),
];

/// Bytes that the calling thread keeps.
pub fn held_bytes() -> usize {
    KEPT.iter().map(|(held_bytes, _)| held_bytes()).sum()
}

/// Gives back all that the calling thread keeps.
pub fn release_held() {
    KEPT.iter().for_each(|(_, release)| release());
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::decode::{DecodeEnd, DecodeRequest, Decoder, FileDecoder, probe};
    use crate::encode::{DemoCodec, DemoOptions, write_demo_sequence};
    use crate::epoch::EpochWatch;
    use crate::frame::FrameMemory;

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
    }

    /// The memory of a frame after its default layer was decoded.
    fn decoded(path: &Path) -> Vec<u8> {
        let info = probe(path).unwrap();
        let request = DecodeRequest {
            index: 0,
            path: path.to_path_buf(),
            planes: info.layers[info.default_layer].planes.displayed().into(),
            level: 0,
            helpers: 0,
            watch: EpochWatch::never_stale(),
        };
        let mut memory = FrameMemory::allocate(1 << 20).unwrap();
        let end = FileDecoder::default().decode(&request, &mut memory);
        assert!(matches!(end, DecodeEnd::Done(_)), "{}: {end:?}", path.display());
        memory.bytes().to_vec()
    }

    /// Decodes a file, then has its thread give back what one of the list keeps, at least so many bytes.
    fn assert_kept_and_given_back(path: &Path, least: usize, (held_bytes, release): Kept) {
        let name = path.display();
        release_held();
        assert_eq!(held_bytes(), 0, "{name}");
        let frame = decoded(path);
        let kept = held_bytes();
        assert!(kept >= least, "{name}: {kept} of {least}");
        assert_eq!(held_bytes(), kept, "{name}: it is still there after looking");
        release();
        assert_eq!(held_bytes(), 0, "{name}");
        assert!(decoded(path) == frame, "{name}: the frame is another one");
        assert_eq!(held_bytes(), kept, "{name}");
    }

    #[test]
    fn the_workspace_is_counted_for_every_codec() {
        let workspace: Kept = (inflate::held_bytes, inflate::release);
        // A chunk of three channels of half, so many lines; of DWA the mean of each block.
        let line_bytes = 128 * 3 * 2;
        let chunks = [
            (DemoCodec::Rle, line_bytes),
            (DemoCodec::Zip, 16 * line_bytes),
            (DemoCodec::Piz, 32 * line_bytes),
            (DemoCodec::Dwaa, 32 * line_bytes / 64),
        ];
        for (codec, least) in chunks {
            let folder = tempfile::tempdir().unwrap();
            let options = DemoOptions { width: 128, height: 96, frames: 1, codec };
            let files = write_demo_sequence(folder.path(), &options, &mut |_, _| {}).unwrap();
            assert_kept_and_given_back(&files[0], least, workspace);
        }
        assert_kept_and_given_back(&fixture("flat/zstd_50x37_rgb.exr"), 50 * 3 * 2, workspace);
        assert_kept_and_given_back(&fixture("htj2k/h32_99x45_rgba.exr"), 99 * 32 * 2, workspace);
        assert_kept_and_given_back(&fixture("htj2k/lj2k_33x64_rgba.exr"), 33 * 64 * 2, workspace);
    }

    #[test]
    fn the_window_into_the_file_is_counted() {
        let path = fixture("flat/zip_420.exr");
        let file_bytes = std::fs::metadata(&path).unwrap().len() as usize;
        assert_kept_and_given_back(&path, file_bytes, (source::held_bytes, source::release));
    }

    #[test]
    fn the_table_of_chunks_is_counted() {
        // An offset of eight bytes and a mark for every line.
        let path = fixture("flat/zips_420.exr");
        let lines = probe(&path).unwrap().parts[0].data_window.height as usize;
        assert_kept_and_given_back(&path, 9 * lines, (walk::held_bytes, walk::release));
    }

    #[test]
    fn plans_are_counted_with_the_headers_that_they_remember() {
        let path = fixture("flat/zip_420.exr");
        // As bytes and as values.
        let least = 2 * size_of_header(&path);
        assert_kept_and_given_back(&path, least, (plan::held_bytes, plan::release));
    }

    /// The bytes of all attribute values of a file.
    fn size_of_header(path: &Path) -> usize {
        let bytes = std::fs::read(path).unwrap();
        let Ok(header) = super::super::header::read(&bytes) else { panic!("a good header") };
        header.parts.iter().flat_map(|part| &part.attributes).map(|attribute| attribute.value.len()).sum()
    }

    #[test]
    fn planes_of_luminance_and_chroma_are_counted() {
        let path = fixture("flat/zip_420.exr");
        let window = probe(&path).unwrap().parts[0].data_window;
        // Luminance, and lines of numbers.
        let least = 2 * window.width as usize * window.height as usize;
        assert_kept_and_given_back(&path, least, (mix::held_bytes, mix::release));
    }

    #[test]
    fn scratch_of_deep_chunks_is_counted() {
        for name in ["volumes_zstd_tiles", "points_zips", "messy_rle"] {
            let path = fixture("deep").join(name).with_extension("exr");
            let width = probe(&path).unwrap().parts[0].data_window.width as usize;
            assert_kept_and_given_back(&path, width, (deep::held_bytes, deep::release));
        }
    }

    #[test]
    fn the_list_speaks_for_all_of_them() {
        release_held();
        decoded(&fixture("deep/points_zips.exr"));
        decoded(&fixture("flat/zip_420.exr"));
        assert!(KEPT.iter().all(|(held_bytes, _)| held_bytes() > 0));
        let sum: usize = KEPT.iter().map(|(held_bytes, _)| held_bytes()).sum();
        assert_eq!(FileDecoder::default().held_bytes(), sum);
        FileDecoder::default().release_held();
        assert_eq!(FileDecoder::default().held_bytes(), 0);
    }
}
