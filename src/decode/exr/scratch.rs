//! Owns how scratch memory of codecs grows, fallibly and seldom, and how it is counted. What a thread keeps between
//! chunks serves all that follow. Pure.

use std::cell::Cell;
use std::thread::LocalKey;

use crate::decode::DecodeError;

/// Up to this size a buffer grows by half as much again as it must, to a power of two: what a chunk needs depends on
/// its content, and the frames of a sequence differ by less.
const ROUNDED_BYTES: usize = 16 << 20;

/// The first `length` elements of a buffer that only grows; what they hold is overwritten.
///
/// # Errors
/// [`DecodeError::Io`] when the machine refuses the memory.
pub fn grown<T: Copy + Default>(buffer: &mut Vec<T>, length: usize) -> Result<&mut [T], DecodeError> {
    if buffer.len() < length {
        let bytes = length.saturating_mul(size_of::<T>());
        let size = if bytes <= ROUNDED_BYTES { (length + length / 2).next_power_of_two() } else { length };
        let refused = |_| DecodeError::Io { reason: format!("no memory for a chunk of {bytes} bytes") };
        buffer.try_reserve_exact(size - buffer.len()).map_err(refused)?;
        buffer.resize(size, T::default());
    }
    Ok(&mut buffer[..length])
}

/// Memory that is kept for what comes next.
pub trait Held {
    /// Bytes of the allocations that it owns, by their capacities.
    fn held_bytes(&self) -> usize;
}

/// What can be copied owns nothing else.
impl<T: Copy> Held for Vec<T> {
    fn held_bytes(&self) -> usize {
        self.capacity() * size_of::<T>()
    }
}

impl<T: Held, const N: usize> Held for [T; N] {
    fn held_bytes(&self) -> usize {
        self.iter().map(Held::held_bytes).sum()
    }
}

/// Bytes of a buffer whose elements own memory too, and of theirs.
pub fn held_by_all<T: Held>(buffer: &Vec<T>) -> usize {
    buffer.capacity() * size_of::<T>() + buffer.iter().map(Held::held_bytes).sum::<usize>()
}

/// Bytes of what the calling thread keeps in a cell; it lies there again afterwards.
pub fn held_in<T: Held + Default>(cell: &'static LocalKey<Cell<T>>) -> usize {
    let kept = cell.take();
    let bytes = kept.held_bytes();
    cell.set(kept);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacities_are_counted_at_every_depth() {
        let inner: Vec<u16> = Vec::with_capacity(10);
        let of_inner = inner.capacity() * 2;
        let mut outer = Vec::with_capacity(3);
        outer.push([inner, Vec::new()]);
        let of_outer = outer.capacity() * size_of::<[Vec<u16>; 2]>();
        assert_eq!(held_by_all(&outer), of_outer + of_inner);
    }

    #[test]
    fn buffers_grow_in_few_steps_and_never_shrink() {
        let mut buffer: Vec<u16> = Vec::new();
        assert_eq!(grown(&mut buffer, 1000).map(|first| first.len()), Ok(1000));
        let capacity = buffer.capacity();
        assert_eq!(grown(&mut buffer, 1500).map(|first| first.len()), Ok(1500));
        assert_eq!(grown(&mut buffer, 3).map(|first| first.len()), Ok(3));
        assert_eq!(buffer.capacity(), capacity);
        assert!(grown(&mut buffer, usize::MAX / 2).is_err());
    }
}
