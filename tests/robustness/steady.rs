//! Steady playback takes nothing from the allocator: after the first frames every buffer, table and header is there.
//! Nor does the look at what is kept, which follows every frame.

use rushes::decode::{self, DecodeEnd, Decoder, FileDecoder};
use rushes::encode::{DemoCodec, DemoOptions, write_demo_sequence};
use rushes::frame::FrameMemory;

use crate::counting::allocations;
use crate::verdict::request;

#[test]
fn no_frame_after_the_tenth_allocates() {
    let folder = tempfile::tempdir().expect("a folder");
    let decoder = FileDecoder::default();
    for codec in DemoCodec::ALL {
        let options = DemoOptions { width: 300, height: 200, frames: 14, codec };
        let folder = folder.path().join(options.folder_name());
        let files = write_demo_sequence(&folder, &options, &mut |_, _| {}).expect("a demo sequence");
        let info = decode::probe(&files[0]).expect("a header");
        let planes = &info.layers[info.default_layer].planes;
        let requests: Vec<_> = files.iter().map(|path| request(path, planes)).collect();
        let mut memory = FrameMemory::allocate(300 * 200 * 16).expect("memory");
        for (number, request) in requests.iter().enumerate() {
            let ((end, held_bytes), count) =
                allocations(|| (decoder.decode(request, &mut memory), decode::held_bytes()));
            assert!(held_bytes > 0 && matches!(end, DecodeEnd::Done(_)), "{codec:?}: {end:?}");
            assert!(number < 10 || count == 0, "{codec:?}: frame {number} allocates {count} times");
        }
    }
}
