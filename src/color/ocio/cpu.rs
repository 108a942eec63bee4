//! Owns the CPU half of a chain of the library.

use ::ocio::{CpuProcessor, OptimizationFlags, Processor};

use crate::color::program::{CpuProgram, make_finite};

/// The quick logarithms of the library are good to four digits, those of the shader to six.
const FLAGS: OptimizationFlags = OptimizationFlags(
    (OptimizationFlags::DEFAULT.0 | OptimizationFlags::NO_DYNAMIC_PROPERTIES.0)
        & !OptimizationFlags::FAST_LOG_EXP_POW.0,
);
/// Pixels at a time, so that their alpha waits on the stack.
const CHUNK: usize = 256;

/// The two functions; None passes every bit.
pub(super) struct OcioCpu {
    working: Option<CpuProcessor>,
    display: Option<CpuProcessor>,
}

impl OcioCpu {
    pub fn new(working: &Processor, display: &Processor) -> Self {
        let [working, display] = [working, display].map(|processor| {
            let cpu = processor.optimized_cpu_processor(FLAGS);
            (!cpu.is_no_op()).then_some(cpu)
        });
        Self { working, display }
    }
}

impl CpuProgram for OcioCpu {
    fn to_working(&self, pixels: &mut [[f32; 4]]) {
        apply(self.working.as_ref(), pixels);
    }

    fn to_display(&self, pixels: &mut [[f32; 4]]) {
        apply(self.display.as_ref(), pixels);
    }
}

/// As the shader has it: finite colours in and out, an alpha of 1 for the library, the file's own alpha afterwards.
fn apply(processor: Option<&CpuProcessor>, pixels: &mut [[f32; 4]]) {
    let Some(processor) = processor else { return };
    for chunk in pixels.chunks_mut(CHUNK) {
        let mut alphas = [1.0; CHUNK];
        for (pixel, alpha) in chunk.iter_mut().zip(&mut alphas) {
            make_finite(pixel);
            std::mem::swap(&mut pixel[3], alpha);
        }
        processor.apply_pixels(chunk);
        for (pixel, alpha) in chunk.iter_mut().zip(alphas) {
            make_finite(pixel);
            pixel[3] = alpha;
        }
    }
}
