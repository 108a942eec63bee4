//! Owns one decoded frame and says how its samples lie.

use std::ffi::c_int;
use std::ptr;

use ffmpeg_next::ffi;

use super::stream::RawColor;
use super::text_of;

/// A decoded frame: counted references to the decoder's buffers, which nobody writes any more.
pub struct Frame(*mut ffi::AVFrame);

// SAFETY: the only owner of the `AVFrame`; decoders hand frames out when they are finished, and all access by `&self`
// reads.
unsafe impl Send for Frame {}
// SAFETY: as above.
unsafe impl Sync for Frame {}

/// What a picture is to the others of its group, the one that matters least to them first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PictureKind {
    /// Predicted from both sides; few or none are predicted from it.
    Between,
    Predicted,
    /// Needs no other.
    Whole,
}

impl Frame {
    /// `None` when the machine refuses memory.
    pub fn new() -> Option<Self> {
        // SAFETY: allocates or gives null.
        let frame = unsafe { ffi::av_frame_alloc() };
        (!frame.is_null()).then_some(Self(frame))
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVFrame {
        self.0
    }

    fn get(&self) -> &ffi::AVFrame {
        // SAFETY: never null, and alive as long as `self`.
        unsafe { &*self.0 }
    }

    /// The name of the packet it was in; see [`super::Packet::set_name`].
    pub fn name(&self) -> Option<u32> {
        u32::try_from(self.get().pts).ok()
    }

    /// When it is heard, in units of the stream; [`super::NO_TIME`] when unknown.
    pub fn time(&self) -> i64 {
        // The other one does not follow when the decoder leaves samples out at the beginning.
        match self.get().pts {
            ffi::AV_NOPTS_VALUE => self.get().best_effort_timestamp,
            pts => pts,
        }
    }

    pub fn kind(&self) -> PictureKind {
        const WHOLE: c_int = ffi::AVPictureType::AV_PICTURE_TYPE_I as c_int;
        const BETWEEN: c_int = ffi::AVPictureType::AV_PICTURE_TYPE_B as c_int;
        // SAFETY: alive; an enumeration of C is as large as an `int` and is read as one.
        match unsafe { ptr::addr_of!((*self.0).pict_type).cast::<c_int>().read() } {
            WHOLE => PictureKind::Whole,
            BETWEEN => PictureKind::Between,
            _ => PictureKind::Predicted,
        }
    }

    /// Pixels; zero for sizes that make no sense.
    pub fn width(&self) -> u32 {
        u32::try_from(self.get().width).unwrap_or(0)
    }

    pub fn height(&self) -> u32 {
        u32::try_from(self.get().height).unwrap_or(0)
    }

    pub fn format_number(&self) -> c_int {
        self.get().format
    }

    pub fn format(&self) -> Option<PixelFormat> {
        PixelFormat::of(self.get().format)
    }

    /// Width of a pixel divided by its height, as a fraction; 0 over something when unknown.
    pub fn pixel_aspect(&self) -> (i32, i32) {
        let aspect = self.get().sample_aspect_ratio;
        (aspect.num, aspect.den)
    }

    /// The decoder had to guess parts of it.
    pub fn is_damaged(&self) -> bool {
        self.get().flags & ffi::AV_FRAME_FLAG_CORRUPT != 0 || self.get().decode_error_flags != 0
    }

    pub fn color(&self) -> RawColor {
        // SAFETY: the frame is alive; the fields are read as integers whatever they hold.
        unsafe { RawColor::of_frame(self.0) }
    }

    /// Bytes of the buffers it holds.
    pub fn bytes(&self) -> usize {
        self.buffers().map(<[u8]>::len).sum()
    }

    fn buffers(&self) -> impl Iterator<Item = &[u8]> {
        self.get().buf.iter().filter(|buffer| !buffer.is_null()).filter_map(|buffer| {
            // SAFETY: a reference of this frame: its bytes live as long as the frame and are written by nobody.
            unsafe {
                let buffer = &**buffer;
                (!buffer.data.is_null()).then(|| std::slice::from_raw_parts(buffer.data, buffer.size))
            }
        })
    }

    /// The bytes of one plane with the byte at which its first row starts and the signed distance of rows; `None` when
    /// the frame has no such plane in any buffer of its own.
    pub fn plane(&self, plane: usize) -> Option<Plane<'_>> {
        let frame = self.get();
        let start = *frame.data.get(plane)? as usize;
        let stride = isize::try_from(*frame.linesize.get(plane)?).ok()?;
        let holds = |bytes: &&[u8]| bytes.as_ptr_range().contains(&ptr::with_exposed_provenance(start));
        let bytes = self.buffers().find(holds)?;
        Some(Plane { bytes, start: start - bytes.as_ptr() as usize, stride })
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        // SAFETY: ours, and not used afterwards.
        unsafe { ffi::av_frame_free(&mut self.0) }
    }
}

/// Rows of samples in a buffer.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    pub bytes: &'a [u8],
    /// First byte of the first row.
    pub start: usize,
    /// Bytes from one row to the next, negative in pictures that are stored upside down.
    pub stride: isize,
}

impl<'a> Plane<'a> {
    /// The first `length` bytes of a row, `None` when they are not all in the buffer.
    pub fn row(&self, y: usize, length: usize) -> Option<&'a [u8]> {
        let start = self.start.checked_add_signed(self.stride.checked_mul(isize::try_from(y).ok()?)?)?;
        self.bytes.get(start..start.checked_add(length)?)
    }
}

/// How the samples of one channel lie (`AVComponentDescriptor`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Component {
    pub plane: usize,
    /// Bytes from one sample to the next, and before the first.
    pub step: usize,
    pub offset: usize,
    /// Bits below the value, and of the value.
    pub shift: u32,
    pub depth: u32,
    pub is_big_endian: bool,
    pub is_float: bool,
}

/// A pixel format as FFmpeg describes it (`AVPixFmtDescriptor`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PixelFormat {
    pub name: String,
    /// Red, green, blue; or luma, blue and red chroma; or grey; alpha is the last.
    pub components: Vec<Component>,
    pub chroma_shift: (u32, u32),
    pub is_rgb: bool,
    pub has_alpha: bool,
    /// Samples are whole bytes that stand for themselves.
    pub is_plain: bool,
    /// The full range is implied by the name (`yuvj420p`).
    pub is_full_range: bool,
}

impl PixelFormat {
    /// The format with this number, `None` when there is none.
    pub fn of(number: c_int) -> Option<Self> {
        let format = known(number)?;
        // SAFETY: a number of the library's own list; descriptors are static.
        let descriptor = unsafe { ffi::av_pix_fmt_desc_get(format).as_ref() }?;
        let name = text_of(descriptor.name);
        let has = |flag: c_int| descriptor.flags & flag as u64 != 0;
        let odd = ffi::AV_PIX_FMT_FLAG_PAL
            | ffi::AV_PIX_FMT_FLAG_BITSTREAM
            | ffi::AV_PIX_FMT_FLAG_HWACCEL
            | ffi::AV_PIX_FMT_FLAG_BAYER;
        let components: Vec<Component> = descriptor
            .comp
            .iter()
            .take(descriptor.nb_components.into())
            .map(|component| {
                component_of(component, has(ffi::AV_PIX_FMT_FLAG_BE), has(ffi::AV_PIX_FMT_FLAG_FLOAT))
            })
            .collect();
        let is_plain = !has(odd) && !name.starts_with("xyz") && components.iter().all(Component::is_plain);
        Some(Self {
            is_full_range: name.starts_with("yuvj"),
            name,
            components,
            chroma_shift: (descriptor.log2_chroma_w.into(), descriptor.log2_chroma_h.into()),
            is_rgb: has(ffi::AV_PIX_FMT_FLAG_RGB),
            has_alpha: has(ffi::AV_PIX_FMT_FLAG_ALPHA),
            is_plain,
        })
    }

    /// Bits of one sample of the first channel.
    pub fn bits(&self) -> u32 {
        self.components.first().map_or(0, |component| component.depth)
    }
}

impl Component {
    /// Bytes of one stored sample.
    pub fn sample_bytes(&self) -> usize {
        match self.shift + self.depth {
            0..=8 => 1,
            9..=16 => 2,
            _ => 4,
        }
    }

    fn is_plain(&self) -> bool {
        let is_whole = self.shift + self.depth <= 16 && self.depth >= 8;
        if self.is_float { self.depth == 32 && self.shift == 0 } else { is_whole && self.step > 0 }
    }
}

fn component_of(component: &ffi::AVComponentDescriptor, is_big_endian: bool, is_float: bool) -> Component {
    let number = |value: c_int| usize::try_from(value).unwrap_or(0);
    Component {
        plane: number(component.plane),
        step: number(component.step),
        offset: number(component.offset),
        shift: number(component.shift) as u32,
        depth: number(component.depth) as u32,
        is_big_endian,
        is_float,
    }
}

/// A number of the list of pixel formats as the type that FFmpeg's functions take.
pub(super) fn known(number: c_int) -> Option<ffi::AVPixelFormat> {
    let count = ffi::AVPixelFormat::AV_PIX_FMT_NB as c_int;
    // SAFETY: the list has no gaps from 0 to its length, and the type is an `i32`.
    (0..count).contains(&number).then(|| unsafe { std::mem::transmute::<c_int, ffi::AVPixelFormat>(number) })
}
