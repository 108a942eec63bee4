//! Owns how scratch memory of codecs grows: fallibly, and seldom. What a thread keeps between chunks serves all that
//! follow. Pure.

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

#[cfg(test)]
mod tests {
    use super::*;

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
