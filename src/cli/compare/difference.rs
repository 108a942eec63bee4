//! Owns what makes two decoded frames differ: windows, channels, missing rows, and the distance of their samples. Pure.
//!
//! Half, float and uint count as the numbers they are; 8 and 16 bit samples count from 0 to 1, so that pictures of
//! different depth can be compared. NaN equals NaN whatever its payload, infinity equals infinity of the same sign;
//! either against anything else is unlike: no tolerance allows it, and it is left out of largest and mean.

use std::collections::BTreeSet;

use half::f16;
use half::slice::HalfFloatSliceExt;
use serde_json::{Value, json};

use crate::frame::{Area, FrameBuffer, PlaneLayout, SampleType, Window, rows_of};
use crate::text::shown;

/// How far the samples of one channel are apart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChannelDifference {
    /// Safe to show.
    pub name: String,
    /// The largest absolute difference.
    pub max: f64,
    /// The sum of absolute differences.
    pub sum: f64,
    pub samples: u64,
    /// Samples whose difference is beyond the tolerance, or that are unlike.
    pub differing: u64,
    /// NaN or infinity against something else.
    pub unlike: u64,
}

impl ChannelDifference {
    /// Of the samples that are numbers.
    pub fn mean(&self) -> f64 {
        mean(self.sum, self.samples - self.unlike)
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name, "max": self.max, "mean": self.mean(),
            "samples": self.samples, "differing": self.differing, "unlike": self.unlike,
        })
    }
}

/// 0 for nothing at all.
pub fn mean(sum: f64, samples: u64) -> f64 {
    if samples == 0 { 0.0 } else { sum / samples as f64 }
}

/// What two frames of one number come to.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameDifference {
    pub number: i64,
    /// Why they differ whatever their samples are.
    pub reason: Option<String>,
    /// Empty where samples could not be compared.
    pub channels: Vec<ChannelDifference>,
}

impl FrameDifference {
    /// Frames that cannot be compared sample by sample.
    pub fn unlike(number: i64, reason: impl Into<String>) -> Self {
        Self { number, reason: Some(reason.into()), channels: Vec::new() }
    }

    /// Whether nothing is beyond the tolerance.
    pub fn is_same(&self) -> bool {
        self.reason.is_none() && self.channels.iter().all(|channel| channel.differing == 0)
    }

    /// The channel with the largest difference.
    pub fn worst(&self) -> Option<&ChannelDifference> {
        self.channels.iter().max_by(|a, b| a.max.total_cmp(&b.max))
    }

    /// A sum over all channels.
    pub fn total(&self, of: impl Fn(&ChannelDifference) -> u64) -> u64 {
        self.channels.iter().map(of).sum()
    }

    /// One line for people.
    pub fn line(&self, tolerance: f64) -> String {
        let mut parts: Vec<String> = self.reason.iter().cloned().collect();
        if let Some(worst) = self.worst().filter(|_| self.total(|channel| channel.differing) > 0) {
            let (differing, samples) =
                (self.total(|channel| channel.differing), self.total(|channel| channel.samples));
            let beyond = if tolerance > 0.0 { format!(" by more than {tolerance}") } else { String::new() };
            parts.push(format!(
                "largest difference {} ({}), mean {}, {differing} of {samples} samples differ{beyond}",
                worst.max,
                worst.name,
                self.mean()
            ));
        }
        match self.total(|channel| channel.unlike) {
            0 => {}
            unlike => parts.push(format!("{unlike} of them are NaN or infinite on one side alone")),
        }
        format!("{}: {}", self.number, parts.join("; "))
    }

    /// Over all channels.
    pub fn mean(&self) -> f64 {
        let sum = self.channels.iter().map(|channel| channel.sum).sum();
        mean(sum, self.total(|channel| channel.samples - channel.unlike))
    }

    pub fn json(&self) -> Value {
        let has_samples = !self.channels.is_empty();
        json!({
            "frame": self.number,
            "same": self.is_same(),
            "reason": self.reason,
            "max": self.worst().map(|worst| worst.max),
            "mean": has_samples.then(|| self.mean()),
            "channels": self.channels.iter().map(ChannelDifference::json).collect::<Vec<_>>(),
        })
    }
}

/// The difference of two frames of one number.
pub fn difference(number: i64, a: &FrameBuffer, b: &FrameBuffer, tolerance: f64) -> FrameDifference {
    if let Some(reason) = unlike_shapes(&a.layout, &b.layout) {
        return FrameDifference::unlike(number, reason);
    }
    let channels = pairs(a, b).map(|pair| {
        let mut found = ChannelDifference { name: shown(pair.name), ..ChannelDifference::default() };
        pair.each_row(|row| found.add(row, tolerance));
        found
    });
    FrameDifference { number, channels: channels.collect(), reason: incomplete(&a.missing, &b.missing) }
}

impl ChannelDifference {
    fn add(&mut self, row: Row<'_>, tolerance: f64) {
        match row {
            Row::Same(samples) => self.samples += samples as u64,
            Row::Values(a, b) => {
                self.samples += a.len() as u64;
                for distance in a.iter().zip(b).map(|(a, b)| distance(*a, *b)) {
                    if distance.is_finite() {
                        self.max = self.max.max(distance);
                        self.sum += distance;
                        self.differing += u64::from(distance > tolerance);
                    } else {
                        self.unlike += 1;
                        self.differing += 1;
                    }
                }
            }
        }
    }
}

/// The absolute difference; infinite where one is NaN or infinite and the other is not the same.
pub fn distance(a: f64, b: f64) -> f64 {
    if a == b || a.is_nan() && b.is_nan() {
        return 0.0;
    }
    let distance = (a - b).abs();
    if distance.is_nan() { f64::INFINITY } else { distance }
}

/// Why samples cannot be set against each other, or the picture lies elsewhere.
fn unlike_shapes(a: &PlaneLayout, b: &PlaneLayout) -> Option<String> {
    let window = |window: Window| format!("{}x{} at {},{}", window.width, window.height, window.x, window.y);
    let differ = |what: &str, a: Window, b: Window| {
        (a != b).then(|| format!("the {what} is {} in A and {} in B", window(a), window(b)))
    };
    let names = |layout: &PlaneLayout| -> BTreeSet<String> {
        layout.planes().iter().map(|plane| shown(&plane.name)).collect()
    };
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" ");
    let (in_a, in_b) = (names(a), names(b));
    let other_channels =
        || (in_a != in_b).then(|| format!("the channels are {} in A and {} in B", list(&in_a), list(&in_b)));
    let other_aspect = || {
        let (in_a, in_b) = (a.pixel_aspect(), b.pixel_aspect());
        (in_a != in_b).then(|| format!("the pixel aspect is {in_a} in A and {in_b} in B"))
    };
    differ("data window", a.data_window(), b.data_window())
        .or_else(|| differ("display window", a.display_window(), b.display_window()))
        .or_else(other_channels)
        .or_else(other_aspect)
        .or_else(|| unlike_planes(a, b))
}

/// Channels of one name with different numbers of samples.
fn unlike_planes(a: &PlaneLayout, b: &PlaneLayout) -> Option<String> {
    a.planes().iter().find_map(|plane| {
        let other = b.planes().iter().find(|other| other.name == plane.name)?;
        let differs = (plane.width, plane.height) != (other.width, other.height);
        let size = |plane: &crate::frame::PlaneSpec| format!("{}x{}", plane.width, plane.height);
        differs.then(|| {
            format!("{} has {} samples in A and {} in B", shown(&plane.name), size(plane), size(other))
        })
    })
}

/// A picture that is not whole is not known to be the same.
fn incomplete(a: &[Area], b: &[Area]) -> Option<String> {
    match (rows_of(a), rows_of(b)) {
        (0, 0) => None,
        (rows, 0) => Some(format!("{rows} rows of A have no data")),
        (0, rows) => Some(format!("{rows} rows of B have no data")),
        (in_a, in_b) => Some(format!("{in_a} rows of A and {in_b} of B have no data")),
    }
}

/// The samples of one row on both sides.
pub enum Row<'a> {
    /// So many samples whose bytes are the same.
    Same(usize),
    Values(&'a [f64], &'a [f64]),
}

/// One channel on both sides.
pub struct Pair<'a> {
    pub name: &'a str,
    /// Position of the plane in A.
    pub plane: usize,
    frames: [(&'a FrameBuffer, usize); 2],
}

/// The channels of two frames of the same shape.
pub fn pairs<'a>(a: &'a FrameBuffer, b: &'a FrameBuffer) -> impl Iterator<Item = Pair<'a>> {
    a.layout.planes().iter().enumerate().filter_map(move |(plane, spec)| {
        let other = b.layout.planes().iter().position(|other| other.name == spec.name)?;
        Some(Pair { name: &spec.name, plane, frames: [(a, plane), (b, other)] })
    })
}

impl Pair<'_> {
    /// Hands over row by row from the top.
    pub fn each_row(&self, mut take: impl FnMut(Row<'_>)) {
        let [a, b] = self
            .frames
            .map(|(frame, plane)| (&frame.layout.planes()[plane], frame.layout.spans()[plane], frame));
        let (mut values_a, mut values_b) = (Vec::new(), Vec::new());
        for row in 0..a.1.rows.min(b.1.rows) {
            let [bytes_a, bytes_b] = [a, b].map(|(spec, span, frame)| {
                &frame.memory.bytes()[span.row(row)][..spec.width as usize * spec.sample.bytes()]
            });
            if a.0.sample == b.0.sample && bytes_a == bytes_b {
                take(Row::Same(a.0.width as usize));
                continue;
            }
            read_row(a.0.sample, bytes_a, &mut values_a);
            read_row(b.0.sample, bytes_b, &mut values_b);
            take(Row::Values(&values_a, &values_b));
        }
    }
}

/// The samples of a row as numbers.
fn read_row(sample: SampleType, bytes: &[u8], values: &mut Vec<f64>) {
    values.clear();
    match sample {
        SampleType::F16 => {
            let halves: Vec<f16> =
                bytes.as_chunks().0.iter().map(|bytes| f16::from_ne_bytes(*bytes)).collect();
            values.extend(halves.to_f32_vec().into_iter().map(f64::from));
        }
        SampleType::F32 => {
            values.extend(bytes.as_chunks().0.iter().map(|bytes| f64::from(f32::from_ne_bytes(*bytes))))
        }
        SampleType::U32 => {
            values.extend(bytes.as_chunks().0.iter().map(|bytes| f64::from(u32::from_ne_bytes(*bytes))))
        }
        SampleType::U16 => {
            values.extend(
                bytes.as_chunks().0.iter().map(|bytes| f64::from(u16::from_ne_bytes(*bytes)) / 65_535.0),
            );
        }
        SampleType::U8 => values.extend(bytes.iter().map(|value| f64::from(*value) / 255.0)),
    }
}

#[cfg(test)]
mod tests;
