//! Owns the sum over all frames, for people and for scripts.

use serde_json::{Value, json};

use super::difference::{FrameDifference, mean};

/// What the comparison found.
pub struct Report {
    names: [String; 2],
    tolerance: f64,
    frames: Vec<FrameDifference>,
}

impl Report {
    pub fn new(names: [String; 2], tolerance: f64) -> Self {
        Self { names, tolerance, frames: Vec::new() }
    }

    pub fn add(&mut self, frame: FrameDifference) {
        self.frames.push(frame);
    }

    pub fn is_same(&self) -> bool {
        self.differing() == 0
    }

    fn differing(&self) -> usize {
        self.frames.iter().filter(|frame| !frame.is_same()).count()
    }

    /// The largest difference: how much, in which frame, in which channel.
    fn worst(&self) -> Option<(f64, i64, &str)> {
        let worst = |frame: &FrameDifference| frame.worst().map_or(0.0, |worst| worst.max);
        let frame = self.frames.iter().max_by(|a, b| worst(a).total_cmp(&worst(b)))?;
        let channel = frame.worst()?;
        Some((channel.max, frame.number, &channel.name))
    }

    fn mean(&self) -> f64 {
        let sum = self.frames.iter().flat_map(|frame| &frame.channels).map(|channel| channel.sum).sum();
        mean(
            sum,
            self.frames.iter().map(|frame| frame.total(|channel| channel.samples - channel.unlike)).sum(),
        )
    }

    /// One line for people.
    pub fn sum(&self) -> String {
        let frames = self.frames.len();
        let within = if self.tolerance > 0.0 { format!(" within {}", self.tolerance) } else { String::new() };
        let verdict = match (self.differing(), frames) {
            (0, 1) => format!("the frame is the same{within}"),
            (0, frames) => format!("{frames} frames are the same{within}"),
            (differing, frames) => format!("{differing} of {frames} frames differ"),
        };
        match self.worst().filter(|(max, ..)| *max > 0.0) {
            None => verdict,
            Some((max, number, channel)) => {
                format!(
                    "{verdict}; largest difference {max} (frame {number}, {channel}), mean {}",
                    self.mean()
                )
            }
        }
    }

    /// One object for scripts.
    pub fn json(&self) -> Value {
        let worst = self.worst();
        json!({
            "a": self.names[0],
            "b": self.names[1],
            "tolerance": self.tolerance,
            "same": self.is_same(),
            "frames_compared": self.frames.len(),
            "frames_different": self.differing(),
            "max": worst.map(|(max, ..)| max),
            "mean": worst.map(|_| self.mean()),
            "frames": self.frames.iter().map(FrameDifference::json).collect::<Vec<_>>(),
        })
    }
}
