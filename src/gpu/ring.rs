//! Owns the frames in VRAM: slots of textures, one texture a plane, recycled within their class and
//! counted byte for byte under the GPU budget. It obeys orders and reports; what is worth keeping is
//! decided by the player. A slot that was drawn from may be filled again at once: the queue keeps the
//! order of copies and draws.

use std::collections::HashMap;
use std::sync::Arc;

use super::staging::{Upload, Uploader};
use super::{DeviceTextures, Gpu, PlaneAccess, PlaneShape, TextureLimits, TextureSource, Tiles};
use crate::frame::{
    Area, EvictionCause, FrameKey, PlaneLayout, Refusal, RingEvent, RingOrders, RingReport, UploadOrder,
};

/// The textures of one frame.
#[derive(Debug)]
pub struct Slot {
    pub layout: Arc<PlaneLayout>,
    pub access: PlaneAccess,
    pub textures: Vec<wgpu::Texture>,
    /// What of the picture has no data.
    pub missing: Vec<Area>,
    bytes: u64,
    is_resident: bool,
}

impl Slot {
    /// Whether its textures serve for frames of another layout: same formats and sizes.
    fn fits(&self, layout: &PlaneLayout, access: PlaneAccess, limits: TextureLimits) -> bool {
        let planes = layout.planes();
        self.textures.len() == planes.len()
            && self.textures.iter().zip(planes).all(|(texture, plane)| {
                let has = (texture.width(), texture.height(), texture.depth_or_array_layers());
                texture.format() == access.format(plane.sample)
                    && Tiles::of((plane.width, plane.height), limits)
                        .is_some_and(|tiles| has == (tiles.width, tiles.height, tiles.layers()))
            })
    }

    /// Whether any plane is cut into tiles.
    pub fn shape(&self) -> PlaneShape {
        match (0..self.textures.len()).any(|plane| self.tiles(plane).layers() > 1) {
            true => PlaneShape::Tiled,
            false => PlaneShape::Whole,
        }
    }

    /// How a plane is cut into the layers of its texture.
    pub fn tiles(&self, plane: usize) -> Tiles {
        let (spec, texture) = (&self.layout.planes()[plane], &self.textures[plane]);
        let (width, height) = (texture.width(), texture.height());
        Tiles { width, height, columns: spec.width.div_ceil(width), rows: spec.height.div_ceil(height) }
    }
}

/// The VRAM tier.
pub struct TextureRing {
    uploader: Box<dyn Uploader>,
    source: Box<dyn TextureSource>,
    slots: HashMap<FrameKey, Slot>,
    /// Textures without a frame, kept for the next one of their class.
    idle: Vec<Slot>,
    budget_bytes: u64,
    /// Raw output wants the bits of every sample, whatever could be filtered.
    forces_bits: bool,
    events: Vec<RingEvent>,
    device_lost: u64,
}

impl TextureRing {
    pub fn new(uploader: Box<dyn Uploader>, budget_bytes: u64, forces_bits: bool) -> Self {
        Self {
            uploader,
            source: Box::new(DeviceTextures),
            slots: HashMap::new(),
            idle: Vec::new(),
            budget_bytes,
            forces_bits,
            events: Vec::new(),
            device_lost: 0,
        }
    }

    /// Takes its textures from elsewhere than the device's own limits and memory say: what tests need.
    pub fn set_source(&mut self, source: Box<dyn TextureSource>) {
        self.source = source;
    }

    /// Lets go and takes in what the orders say.
    pub fn apply(&mut self, gpu: &Gpu, orders: RingOrders) {
        self.budget_bytes = orders.budget_bytes;
        for (key, cause) in orders.evict {
            self.evict(key, cause);
        }
        self.trim_idle(0);
        if orders.drop_idle {
            self.idle.clear();
        }
        for order in orders.upload {
            self.take_in(gpu, order);
        }
    }

    /// Moves uploads on; waits for nothing.
    pub fn step(&mut self, gpu: &Gpu) {
        for uploaded in self.uploader.step(gpu) {
            if let Some(slot) = self.slots.get_mut(&uploaded.key) {
                slot.is_resident = true;
                self.events.push(RingEvent::Resident {
                    key: uploaded.key,
                    bytes: uploaded.bytes,
                    upload_nanos: uploaded.nanos,
                });
            }
        }
    }

    /// Whether uploads are under way, so that stepping again soon is worth it.
    pub fn is_busy(&self) -> bool {
        self.uploader.in_flight() > 0
    }

    /// What happened since the last report.
    pub fn take_report(&mut self) -> RingReport {
        RingReport {
            events: std::mem::take(&mut self.events),
            idle_bytes: self.idle.iter().map(|slot| slot.bytes).sum(),
            staging_bytes: self.uploader.staging_bytes(),
            target_bytes: 0,
            device_lost: self.device_lost,
        }
    }

    /// The textures of a frame that is complete.
    pub fn slot(&self, key: FrameKey) -> Option<&Slot> {
        self.slots.get(&key).filter(|slot| slot.is_resident)
    }

    /// Bytes of all textures, with frames and idle, and of the staging pool.
    pub fn charged_bytes(&self) -> u64 {
        let textures: u64 = self.slots.values().chain(&self.idle).map(|slot| slot.bytes).sum();
        textures + self.uploader.staging_bytes()
    }

    /// Starts over on a new device after the old one was lost with everything on it.
    pub fn rebuild(&mut self, uploader: Box<dyn Uploader>) {
        self.uploader = uploader;
        self.idle.clear();
        self.device_lost += 1;
        for (key, slot) in self.slots.drain() {
            let cause = EvictionCause::DeviceLost;
            self.events.push(RingEvent::Evicted { key, bytes: slot.bytes, cause });
        }
    }

    fn evict(&mut self, key: FrameKey, cause: EvictionCause) {
        let Some(slot) = self.slots.remove(&key) else { return };
        if !slot.is_resident {
            self.uploader.cancel(key);
        }
        self.events.push(RingEvent::Evicted { key, bytes: slot.bytes, cause });
        self.idle.push(slot);
    }

    /// Lets idle textures go until `bytes` more fit the budget.
    fn trim_idle(&mut self, bytes: u64) {
        while !self.idle.is_empty() && self.charged_bytes() + bytes > self.budget_bytes {
            self.idle.remove(0);
        }
    }

    fn take_in(&mut self, gpu: &Gpu, order: UploadOrder) {
        let UploadOrder { key, frame } = order;
        let access = match self.forces_bits {
            true => PlaneAccess::Bits,
            false => PlaneAccess::of(&frame.layout),
        };
        let mut slot = match self.make_slot(gpu, &frame.layout, access) {
            Ok(slot) => slot,
            Err(reason) => return self.events.push(RingEvent::Refused { key, reason }),
        };
        slot.missing.clone_from(&frame.missing);
        let textures = slot.textures.clone();
        self.slots.insert(key, slot);
        self.uploader.begin(Upload { key, frame, textures });
    }

    /// A slot for a layout: an idle one of its class, or new textures inside the budget. A frame larger
    /// than the whole budget gets its textures when it is the only one.
    fn make_slot(
        &mut self,
        gpu: &Gpu,
        layout: &Arc<PlaneLayout>,
        access: PlaneAccess,
    ) -> Result<Slot, Refusal> {
        let longest = layout.spans().iter().map(|span| span.row_bytes as u64).max().unwrap_or(0);
        if longest > self.uploader.longest_row_bytes() {
            return Err(Refusal::TooLarge);
        }
        let limits = self.source.limits(gpu);
        if let Some(position) = self.idle.iter().position(|slot| slot.fits(layout, access, limits)) {
            let slot = self.idle.swap_remove(position);
            return Ok(Slot { layout: Arc::clone(layout), access, is_resident: false, ..slot });
        }
        let bytes = layout.total_bytes() as u64;
        self.trim_idle(bytes);
        if self.charged_bytes() + bytes > self.budget_bytes && !self.slots.is_empty() {
            return Err(Refusal::OverBudget);
        }
        let textures = match self.source.make(gpu, layout, access) {
            Err(Refusal::OutOfMemory) => {
                // One retry after every idle texture went.
                self.idle.clear();
                self.source.make(gpu, layout, access)?
            }
            made => made?,
        };
        Ok(Slot {
            layout: Arc::clone(layout),
            access,
            textures,
            bytes,
            is_resident: false,
            missing: Vec::new(),
        })
    }
}
