//! Every frame of every kind of movie is the same picture in order, reversed and after seeks.

use super::*;

const PICTURE: &str = "testsrc2=s=128x72:r=24:d=4";

/// Compares all ways to a frame with `ffmpeg`'s own decoding in the planar format `pixels`.
fn same_everywhere(path: &Path, pixels: &str) -> u32 {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let roomy = opened(path, limits()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut memory = FrameMemory::default();
    let first = picture(&roomy, 0, &mut memory).unwrap_or_else(|error| panic!("{name}: {error}"));
    let reference = Reference::of(path, pixels, &first);
    assert!(roomy.index_more(std::time::Duration::MAX, &EpochWatch::never_stale()).unwrap());
    assert_eq!(roomy.length().frames, reference.frames(), "{name}: number of frames");
    // With room for hardly a frame, all of a group must be decoded again and again.
    let narrow = opened(path, Limits { stash_bytes: 3 * reference.frame_bytes, ..limits() }).unwrap();
    let mut check = |movie: &Movie, frame: u32, way: &str| {
        let got = picture(movie, frame, &mut memory)
            .unwrap_or_else(|error| panic!("{name} {way} {frame}: {error}"));
        let is_same = samples(&got, &memory) == reference.frame(frame);
        assert!(is_same, "{name} {way}: frame {frame} of {} differs", reference.frames());
    };
    let count = reference.frames();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for movie in [&roomy, &narrow] {
        (0..count).for_each(|frame| check(movie, frame, "in order"));
        (0..count).rev().for_each(|frame| check(movie, frame, "reversed"));
    }
    (0..200).for_each(|_| check(&roomy, chance.below(count), "after a seek"));
    (0..count).step_by(5).for_each(|frame| check(&roomy, frame, "every fifth"));
    count
}

/// Name of the file, options of the encoder, planar format to compare in.
const MOVIES: &[(&str, &str, &str)] = &[
    ("h264_b.mp4", "-c:v libx264 -pix_fmt yuv420p -g 24 -bf 3", "yuv420p"),
    (
        "h264_open.mkv",
        "-c:v libx264 -pix_fmt yuv420p -g 20 -bf 3 -x264-params open-gop=1:b-pyramid=normal",
        "yuv420p",
    ),
    ("h264_open.mp4", "-c:v libx264 -pix_fmt yuv420p -g 20 -bf 3 -x264-params open-gop=1", "yuv420p"),
    ("h264_open.ts", "-c:v libx264 -pix_fmt yuv420p -g 20 -bf 3 -x264-params open-gop=1", "yuv420p"),
    ("h264_refresh.mp4", "-c:v libx264 -pix_fmt yuv420p -g 20 -bf 0 -x264-params intra-refresh=1", "yuv420p"),
    ("h264_refresh.ts", "-c:v libx264 -pix_fmt yuv420p -g 20 -bf 0 -x264-params intra-refresh=1", "yuv420p"),
    ("h264_interlaced.mp4", "-c:v libx264 -pix_fmt yuv420p -g 20 -flags +ildct+ilme", "yuv420p"),
    ("h264_raw.h264", "-c:v libx264 -pix_fmt yuv420p -g 20 -bf 2", "yuv420p"),
    ("h264_b.avi", "-c:v libx264 -pix_fmt yuv420p -g 20 -bf 2", "yuv420p"),
    ("h264_10.mov", "-c:v libx264 -pix_fmt yuv422p10le -g 12", "yuv422p10le"),
    ("h264_rgb.mkv", "-c:v libx264rgb -pix_fmt rgb24 -qp 0 -g 12", "gbrp"),
    (
        "h264_fragments.mp4",
        "-c:v libx264 -pix_fmt yuv420p -g 24 -movflags frag_keyframe+empty_moov",
        "yuv420p",
    ),
    ("h264_one_group.mp4", "-c:v libx264 -pix_fmt yuv420p -g 9999 -bf 2", "yuv420p"),
    (
        "hevc_b.mp4",
        "-c:v libx265 -pix_fmt yuv420p10le -x265-params log-level=none:keyint=24:open-gop=1",
        "yuv420p10le",
    ),
    (
        "hevc_b.ts",
        "-c:v libx265 -pix_fmt yuv420p -x265-params log-level=none:keyint=24:open-gop=1",
        "yuv420p",
    ),
    ("hevc_raw.hevc", "-c:v libx265 -pix_fmt yuv420p -x265-params log-level=none:keyint=24", "yuv420p"),
    ("mpeg2.mpg", "-c:v mpeg2video -pix_fmt yuv420p -g 12 -bf 2 -b:v 2M -r 25", "yuv420p"),
    ("mpeg2.ts", "-c:v mpeg2video -pix_fmt yuv420p -g 12 -bf 2 -b:v 2M -r 25", "yuv420p"),
    ("mpeg2.m2v", "-c:v mpeg2video -pix_fmt yuv420p -g 12 -bf 2 -b:v 2M -r 25", "yuv420p"),
    ("mpeg2_422.mxf", "-c:v mpeg2video -pix_fmt yuv422p -g 12 -bf 2 -b:v 4M -r 25", "yuv422p"),
    ("mpeg4.avi", "-c:v mpeg4 -g 12 -bf 2 -b:v 2M", "yuv420p"),
    ("prores.mov", "-c:v prores_ks -profile:v 3 -pix_fmt yuv422p10le", "yuv422p10le"),
    (
        "prores_4444.mov",
        "-vf format=yuva444p10le,colorchannelmixer=aa=0.5 -c:v prores_ks -profile:v 4 -pix_fmt yuva444p10le",
        "yuva444p12le",
    ),
    ("dnxhr.mov", "-s 256x144 -c:v dnxhd -profile:v dnxhr_hqx -pix_fmt yuv422p10le", "yuv422p10le"),
    ("dnxhr.mxf", "-s 256x144 -c:v dnxhd -profile:v dnxhr_hq -pix_fmt yuv422p", "yuv422p"),
    ("mjpeg.avi", "-c:v mjpeg -pix_fmt yuvj422p", "yuvj422p"),
    ("mjpeg.mov", "-c:v mjpeg -pix_fmt yuvj420p", "yuvj420p"),
    (
        "vp9.webm",
        "-c:v libvpx-vp9 -b:v 300k -deadline realtime -cpu-used 8 -g 20 -auto-alt-ref 1 -lag-in-frames 10",
        "yuv420p",
    ),
    ("av1.mp4", "-t 1.5 -c:v libaom-av1 -cpu-used 8 -usage realtime -g 12", "yuv420p"),
    ("av1.mkv", "-t 1.5 -c:v libsvtav1 -preset 12 -g 12", "yuv420p"),
    ("ffv1.mkv", "-c:v ffv1 -level 3 -g 10 -slices 4 -pix_fmt yuv422p10le", "yuv422p10le"),
    ("ffv1_grey.mkv", "-c:v ffv1 -level 3 -g 1 -pix_fmt gray16le", "gray16le"),
    ("ffv1_rgb.mkv", "-c:v ffv1 -level 3 -pix_fmt gbrp12le", "gbrp12le"),
    ("raw_packed.mov", "-c:v rawvideo -pix_fmt uyvy422", "yuv422p"),
    ("raw_nv12.nut", "-c:v rawvideo -pix_fmt nv12", "yuv420p"),
    ("raw_v410.mov", "-c:v v410", "yuv444p10le"),
    ("palette.gif", "-t 1", "gbrap"),
    ("raw_rgb48be.nut", "-c:v rawvideo -pix_fmt rgb48be", "gbrp16le"),
    ("raw_bgra.avi", "-c:v rawvideo -pix_fmt bgra", "gbrap"),
    ("raw_bgr24.avi", "-c:v rawvideo -pix_fmt bgr24", "gbrp"),
    ("v210.mov", "-c:v v210", "yuv422p10le"),
    ("cineform.mov", "-s 256x144 -c:v cfhd -pix_fmt yuv422p10le", "yuv422p10le"),
    ("animation.mov", "-c:v qtrle -pix_fmt argb", "gbrap"),
    ("png.mov", "-c:v png -pix_fmt rgba64be", "gbrap16le"),
    ("pal.dv", "-s 720x576 -r 25 -t 1 -pix_fmt yuv420p", "yuv420p"),
    ("y4m.y4m", "-pix_fmt yuv444p", "yuv444p"),
    ("flash.flv", "-c:v flv -g 12", "yuv420p"),
    ("theora.ogg", "-c:v libtheora -g 12 -pix_fmt yuv420p", "yuv420p"),
];

#[test]
fn frames_are_the_same_in_order_reversed_and_after_seeks() {
    let workshop = Workshop::new();
    let (mut skipped, mut frames) = (Vec::new(), 0);
    let only = std::env::var("ONLY").unwrap_or_default();
    for (name, options, pixels) in MOVIES.iter().filter(|(name, ..)| name.contains(&only)) {
        let started = std::time::Instant::now();
        match workshop.make(name, PICTURE, options) {
            Some(path) => frames += same_everywhere(&path, pixels),
            None => skipped.push(*name),
        }
        eprintln!("{name} {:?}", started.elapsed());
    }
    eprintln!("{frames} frames; skipped {} of {}: {skipped:?}", skipped.len(), MOVIES.len());
}

#[test]
fn odd_sizes_have_all_their_samples() {
    let workshop = Workshop::new();
    let sizes = [(1, 1), (1, 7), (2, 2), (3, 5), (16, 1), (17, 9), (33, 31), (63, 64), (65, 66), (66, 65)];
    for (width, height) in sizes {
        for (pixels, name) in [("yuv420p", "a"), ("yuv411p", "b"), ("yuv422p10le", "c")] {
            let picture =
                format!("testsrc2=s=66x66:r=24:d=0.25,scale={width}:{height}:flags=neighbor,format={pixels}");
            let options = format!("-c:v ffv1 -level 3 -g 3 -pix_fmt {pixels}");
            if let Some(path) = workshop.make(&format!("{name}_{width}x{height}.mkv"), &picture, &options) {
                assert_eq!(same_everywhere(&path, pixels), 6);
            }
        }
        let picture = format!("testsrc2=s=128x128:r=24:d=0.5,crop={}:{}", width.max(2), height.max(2));
        let options = "-pix_fmt yuv444p -c:v libx264 -g 5";
        if let Some(path) = workshop.make(&format!("h_{width}x{height}.mp4"), &picture, options) {
            same_everywhere(&path, "yuv444p");
        }
    }
}

#[test]
fn variable_rates_edit_lists_and_late_starts_keep_their_frames() {
    let workshop = Workshop::new();
    let vfr = "testsrc2=s=64x36:r=30:d=4,select='not(mod(n\\,3))+not(mod(n\\,7))'";
    for (name, options) in [
        ("vfr.mkv", "-fps_mode vfr -c:v libx264 -pix_fmt yuv420p -g 9"),
        ("vfr.mp4", "-fps_mode vfr -c:v libx264 -pix_fmt yuv420p -g 9"),
        ("vfr_intra.mov", "-fps_mode vfr -c:v prores_ks -pix_fmt yuv422p10le"),
    ] {
        let path = workshop.make(name, vfr, options).unwrap();
        same_everywhere(&path, if name == "vfr_intra.mov" { "yuv422p10le" } else { "yuv420p" });
        let movie = opened(&path, limits()).unwrap();
        assert!(!movie.info().is_steady, "{name}");
    }
    let whole = workshop.make("whole.mp4", PICTURE, "-c:v libx264 -pix_fmt yuv420p -g 30 -bf 2").unwrap();
    // A copy that starts between key frames has an edit list, or times below zero.
    for name in ["cut.mp4", "cut.mkv", "cut.ts", "cut.mov"] {
        let cut = workshop.path(name);
        assert!(ffmpeg(&["-ss", "2.1", "-i", whole.to_str().unwrap()], "-c copy", &cut));
        same_everywhere(&cut, "yuv420p");
    }
    // Larger than any buffer, so that indexes are made without the pictures.
    let noise = "testsrc2=s=320x180:r=24:d=4,noise=alls=30:allf=t";
    let heavy =
        workshop.make("heavy.mp4", noise, "-c:v libx264 -pix_fmt yuv420p -qp 10 -g 30 -bf 3").unwrap();
    same_everywhere(&heavy, "yuv420p");
    let cut = workshop.path("heavy_cut.mov");
    assert!(ffmpeg(&["-ss", "2.1", "-i", heavy.to_str().unwrap()], "-c copy", &cut));
    same_everywhere(&cut, "yuv420p");
    let open = "-c:v libx264 -pix_fmt yuv420p -g 20 -bf 3 -x264-params open-gop=1";
    let open = workshop.make("open.ts", PICTURE, open).unwrap();
    // Cut into packets, so that it begins with pictures that nothing decodes.
    let bytes = std::fs::read(&open).unwrap();
    let start = bytes.len() / 188 / 3 * 188;
    let tail = workshop.path("tail.ts");
    std::fs::write(&tail, &bytes[start..]).unwrap();
    same_everywhere(&tail, "yuv420p");
}

#[test]
fn single_pictures_of_formats_that_only_ffmpeg_reads_are_movies_of_one_frame() {
    let workshop = Workshop::new();
    for (name, options, pixels) in [
        ("p.dpx", "-pix_fmt gbrp10be", "gbrp10le"),
        ("p.sgi", "-pix_fmt rgb24", "gbrp"),
        ("p.bmp", "-pix_fmt bgr24", "gbrp"),
        ("p.jp2", "-pix_fmt rgb24", "gbrp"),
        ("p.webp", "-pix_fmt yuv420p", "yuv420p"),
    ] {
        if let Some(path) = workshop.make(name, PICTURE, &format!("-frames:v 1 {options}")) {
            assert_eq!(same_everywhere(&path, pixels), 1, "{name}");
        }
    }
}
