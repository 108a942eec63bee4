//! Owns the step from planes of luminance and chroma to planes of R, G and B, after all chunks are decoded. The thread
//! that decodes, and those that help it.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use super::chroma::{self, Picture, Plane};
use super::chunk::{ChannelKind, Kind, Rows};
use super::header::PartHeader;
use super::help::with_help;
use super::scratch::{Held, grown};
use crate::decode::{DecodeEnd, DecodeError, Decoded};
use crate::frame::{PlaneLayout, PlaneSpec, Role, SampleType, Window};

/// A thread keeps planes of up to this size for the next frame: 4096 by 2160 of float.
const KEPT_BYTES: usize = 64 << 20;

thread_local! {
    static SPACE: RefCell<Space> = RefCell::default();
}

/// What a thread keeps between frames.
#[derive(Default)]
struct Space {
    /// The planes of the file.
    planes: Vec<u8>,
    scratch: chroma::Scratch,
}

/// Bytes of the planes and the scratch that the calling thread keeps.
pub fn held_bytes() -> usize {
    SPACE.with_borrow(|space| space.planes.held_bytes() + space.scratch.held_bytes())
}

/// Gives both back.
pub fn release() {
    drop(SPACE.take());
}

/// How the planes of a part become colour.
#[derive(Debug)]
pub struct Mix {
    /// The planes of the file: luminance, chroma, maybe alpha.
    source: Arc<PlaneLayout>,
    /// R, G, B, maybe alpha.
    layout: Arc<PlaneLayout>,
    window: Window,
    /// Positions in `source`.
    luminance: usize,
    chroma: [usize; 2],
    alpha: Option<usize>,
    kinds: Vec<Kind>,
    sampling: (u32, u32),
    weights: [f32; 3],
}

impl Mix {
    /// The mix for planes of luminance and both chromas; `None` where one of them is missing.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] when the planes fit no memory.
    pub fn new(
        part: &PartHeader,
        channels: &[ChannelKind],
        source: &Arc<PlaneLayout>,
        window: Window,
    ) -> Result<Option<Self>, DecodeError> {
        let of = |role| source.plane_with_role(role);
        let chroma = of(Role::ChromaRed).zip(of(Role::ChromaBlue));
        let Some((luminance, (red, blue))) = of(Role::Luminance).zip(chroma) else { return Ok(None) };
        let channel = |plane: usize| {
            let name = &source.planes()[plane].name;
            channels.iter().find(|channel| String::from_utf8_lossy(&channel.name) == *name)
        };
        let sampling = channel(red).map_or((1, 1), |channel| channel.sampling);
        if channel(blue).map(|channel| channel.sampling) != Some(sampling) {
            return Err(DecodeError::not_supported("the chroma channels have different sampling"));
        }
        let alpha = of(Role::Alpha);
        Ok(Some(Self {
            layout: mixed_layout(source, alpha, window)?.into(),
            source: Arc::clone(source),
            window,
            luminance,
            chroma: [red, blue],
            alpha,
            kinds: (0..source.planes().len())
                .map(|plane| channel(plane).map_or(Kind::Half, |c| c.kind))
                .collect(),
            sampling,
            weights: chroma::luminance_weights(chromaticities(part).unwrap_or(chroma::REC_709)),
        }))
    }

    pub fn layout(&self) -> &Arc<PlaneLayout> {
        &self.layout
    }

    /// Decodes the planes of the file with `decode` into memory of their own, then mixes them into `memory`.
    ///
    /// # Errors
    /// Those of `decode`, and [`DecodeError::Io`] when the machine refuses the memory.
    pub fn decode(
        &self,
        memory: &mut [u8],
        helpers: usize,
        decode: impl FnOnce(&mut [u8]) -> Result<DecodeEnd, DecodeError>,
    ) -> Result<DecodeEnd, DecodeError> {
        SPACE.with_borrow_mut(|space| {
            let Space { planes, scratch } = &mut *space;
            let planes = grown(planes, self.source.total_bytes())?;
            let end = decode(planes).and_then(|end| match end {
                DecodeEnd::Done(decoded) => {
                    self.mix(planes, memory, helpers, scratch)?;
                    Ok(DecodeEnd::Done(Decoded { layout: Arc::clone(&self.layout), ..decoded }))
                }
                other => Ok(other),
            });
            if space.planes.len() > KEPT_BYTES {
                space.planes = Vec::new();
            }
            end
        })
    }

    fn mix(
        &self,
        planes: &[u8],
        memory: &mut [u8],
        helpers: usize,
        scratch: &mut chroma::Scratch,
    ) -> Result<(), DecodeError> {
        let picture = self.picture(planes);
        if let Some(alpha) = self.alpha {
            memory[self.layout.spans()[3].range()].copy_from_slice(self.plane(planes, alpha).bytes);
        }
        let lines = (self.window.height as usize).div_ceil(helpers + 1);
        let range = |first: usize| first as u32..((first + lines) as u32).min(picture.height);
        let work = Mutex::new((self.bands(memory, lines), Ok(())));
        let lock = || work.lock().unwrap_or_else(PoisonError::into_inner);
        let take_bands = |scratch: &mut chroma::Scratch| {
            loop {
                // The lock is held while a band is taken, not while it is worked on.
                let Some(mut rows) = lock().0.next() else { return };
                let end = chroma::reconstruct(&picture, range(rows.first), scratch, &mut rows);
                if end.is_err() {
                    lock().1 = end;
                }
            }
        };
        let help = || take_bands(&mut chroma::Scratch::default());
        with_help(helpers, help, || take_bands(scratch));
        work.into_inner().unwrap_or_else(PoisonError::into_inner).1
    }

    /// A plane of the file.
    fn plane<'p>(&self, planes: &'p [u8], number: usize) -> Plane<'p> {
        let span = &self.source.spans()[number];
        Plane { bytes: &planes[span.range()], stride: span.row_bytes, kind: self.kinds[number] }
    }

    fn picture<'p>(&self, planes: &'p [u8]) -> Picture<'p> {
        Picture {
            x: self.window.x,
            y: self.window.y,
            width: self.window.width,
            height: self.window.height,
            luminance: self.plane(planes, self.luminance),
            chroma: self.chroma.map(|number| Some(self.plane(planes, number))),
            sampling: self.sampling,
            weights: self.weights,
        }
    }

    /// The rows of R, G and B, so many lines at a time.
    fn bands<'m>(&self, memory: &'m mut [u8], lines: usize) -> impl Iterator<Item = RgbRows<'m>> {
        let row_bytes = self.layout.spans()[0].row_bytes;
        let sample_bytes = self.window.width as usize * Kind::Half.bytes();
        let (colour, _) = memory.split_at_mut(self.layout.spans()[2].range().end);
        let mut thirds = colour.chunks_exact_mut(row_bytes * self.window.height as usize);
        let mut planes = std::array::from_fn::<_, 3, _>(|_| {
            thirds.next().unwrap_or_default().chunks_mut(row_bytes * lines)
        });
        (0..).step_by(lines).map_while(move |first| {
            let [Some(red), Some(green), Some(blue)] = planes.each_mut().map(Iterator::next) else {
                return None;
            };
            Some(RgbRows { planes: [red, green, blue], first, row_bytes, sample_bytes })
        })
    }
}

/// Half R, G and B over the whole window, and the alpha of the file.
fn mixed_layout(
    source: &PlaneLayout,
    alpha: Option<usize>,
    window: Window,
) -> Result<PlaneLayout, DecodeError> {
    let colour = [("R", Role::Red), ("G", Role::Green), ("B", Role::Blue)].map(|(name, role)| PlaneSpec {
        name: name.into(),
        sample: SampleType::F16,
        role,
        width: window.width,
        height: window.height,
    });
    let alpha = alpha.map(|plane| source.planes()[plane].clone());
    let planes = colour.into_iter().chain(alpha).collect();
    PlaneLayout::new(planes, source.data_window(), source.display_window(), source.pixel_aspect())
        .map_err(|error| DecodeError::damaged(error.to_string()))
}

/// The primaries and the white of a part, x and y of each.
fn chromaticities(part: &PartHeader) -> Option<[f32; 8]> {
    let attribute =
        part.attribute("chromaticities").filter(|attribute| attribute.kind == b"chromaticities")?;
    let (numbers, _) = attribute.value.as_chunks::<4>();
    numbers.first_chunk::<8>().map(|numbers| numbers.map(f32::from_le_bytes))
}

/// Some lines of three planes.
struct RgbRows<'m> {
    planes: [&'m mut [u8]; 3],
    /// The picture's number of their first line.
    first: usize,
    row_bytes: usize,
    sample_bytes: usize,
}

impl Rows for RgbRows<'_> {
    fn row(&mut self, channel: usize, line: usize) -> Option<&mut [u8]> {
        let start = line.checked_sub(self.first)? * self.row_bytes;
        self.planes.get_mut(channel)?.get_mut(start..start + self.sample_bytes)
    }
}
