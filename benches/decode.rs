//! One frame of the demo sequence in every compression, decoded on one thread from the page cache: pixels and bytes of
//! planes a second. Medians are printed by criterion; nothing is asserted.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rushes::decode::{self, DecodeEnd, DecodeRequest, Decoder, FileDecoder};
use rushes::encode::{DemoCodec, DemoOptions, write_demo_sequence};
use rushes::epoch::EpochWatch;
use rushes::frame::FrameMemory;

const WIDTH: u32 = 1024;
const HEIGHT: u32 = 540;
/// R, G and B as halves.
const PIXEL_BYTES: u64 = 6;

/// A request for the default layer of a frame that is written here.
fn request(folder: &Path, codec: DemoCodec) -> DecodeRequest {
    let options = DemoOptions { width: WIDTH, height: HEIGHT, frames: 1, codec };
    let files = write_demo_sequence(&folder.join(codec.name()), &options, &mut |_, _| {});
    let path = files.expect("a demo frame").remove(0);
    let info = decode::probe(&path).expect("a header");
    let planes = Arc::new(info.layers[info.default_layer].planes.clone());
    DecodeRequest { index: 0, path, planes, level: 0, helpers: 0, watch: EpochWatch::never_stale() }
}

/// Memory of the size that the frame asks for.
fn memory_for(request: &DecodeRequest) -> FrameMemory {
    match FileDecoder::default().decode(request, &mut FrameMemory::default()) {
        DecodeEnd::Refused { needed_bytes } => FrameMemory::allocate(needed_bytes).expect("memory"),
        other => panic!("{}: {other:?}", request.path.display()),
    }
}

fn codecs(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    for codec in DemoCodec::ALL {
        let request = request(folder.path(), codec);
        let mut memory = memory_for(&request);
        let mut group = c.benchmark_group(codec.name());
        let pixels = u64::from(WIDTH) * u64::from(HEIGHT);
        group.throughput(Throughput::ElementsAndBytes { elements: pixels, bytes: pixels * PIXEL_BYTES });
        group.sample_size(10).warm_up_time(Duration::from_millis(300));
        group.measurement_time(Duration::from_secs(1));
        group.bench_function("decode", |b| {
            b.iter(|| {
                let end = FileDecoder::default().decode(black_box(&request), &mut memory);
                assert!(matches!(end, DecodeEnd::Done(_)), "{end:?}");
            });
        });
        group.finish();
    }
}

criterion_group!(benches, codecs);
criterion_main!(benches);
