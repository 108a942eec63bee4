//! Owns the last step of PIZ's wavelet in vectors of 32 bytes (AVX2): the plain form, compiled anew. Other machines
//! have 16 bytes without being asked.

#![allow(unsafe_code)]

use super::super::wavelet::{self, Pairing};

/// As [`wavelet::undo_rows`].
pub fn undo_rows(above: &mut [u16], below: &mut [u16], coarse: &[u16], pairing: Pairing) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the machine has AVX2.
        return unsafe { undo_rows_avx2(above, below, coarse, pairing) };
    }
    wavelet::undo_rows(above, below, coarse, pairing);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn undo_rows_avx2(above: &mut [u16], below: &mut [u16], coarse: &[u16], pairing: Pairing) {
    wavelet::undo_rows(above, below, coarse, pairing);
}
