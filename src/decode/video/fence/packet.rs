//! Owns one packet of a demuxer.

use ffmpeg_next::ffi;

use super::NO_TIME;

/// A packet, filled again and again.
pub struct Packet(*mut ffi::AVPacket);

// SAFETY: the only owner of the packet; its bytes are counted references that any thread may drop.
unsafe impl Send for Packet {}

impl Packet {
    /// `None` when the machine refuses memory.
    pub fn new() -> Option<Self> {
        // SAFETY: allocates or gives null.
        let packet = unsafe { ffi::av_packet_alloc() };
        (!packet.is_null()).then_some(Self(packet))
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVPacket {
        self.0
    }

    /// Gives the bytes back.
    pub fn clear(&mut self) {
        // SAFETY: a valid packet; without bytes this does nothing.
        unsafe { ffi::av_packet_unref(self.0) }
    }

    fn get(&self) -> &ffi::AVPacket {
        // SAFETY: never null, and alive as long as `self`.
        unsafe { &*self.0 }
    }

    pub fn stream(&self) -> usize {
        usize::try_from(self.get().stream_index).unwrap_or(usize::MAX)
    }

    /// When it is shown, in units of the stream; [`NO_TIME`] when unknown.
    pub fn pts(&self) -> i64 {
        self.get().pts
    }

    pub fn dts(&self) -> i64 {
        self.get().dts
    }

    /// Byte in the file, negative when unknown.
    pub fn position(&self) -> i64 {
        self.get().pos
    }

    pub fn duration(&self) -> i64 {
        self.get().duration
    }

    pub fn bytes(&self) -> &[u8] {
        let (data, size) = (self.get().data, usize::try_from(self.get().size).unwrap_or(0));
        // SAFETY: as many bytes as stated, held by the packet and written by nobody.
        if data.is_null() { &[] } else { unsafe { std::slice::from_raw_parts(data, size) } }
    }

    pub fn is_key(&self) -> bool {
        self.get().flags & ffi::AV_PKT_FLAG_KEY != 0
    }

    /// Decoded for others that need it, never shown: an edit list leaves it out.
    pub fn is_discarded(&self) -> bool {
        self.get().flags & ffi::AV_PKT_FLAG_DISCARD != 0
    }

    /// Writes a name on the packet where decoders hand the time through: frames come out with the name of the packet
    /// they were in.
    pub fn set_name(&mut self, name: u32) {
        // SAFETY: never null, and ours alone.
        let packet = unsafe { &mut *self.0 };
        packet.pts = i64::from(name);
        packet.dts = NO_TIME;
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        // SAFETY: ours, and not used afterwards.
        unsafe { ffi::av_packet_free(&mut self.0) }
    }
}
