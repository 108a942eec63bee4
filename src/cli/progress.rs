//! Owns the bar on stderr that tells how far a long command is. Draws on a terminal alone; elsewhere it only
//! passes messages on. Never decides anything. The thread of the command.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::say;

const TEMPLATE: &str = "{bar:32} {pos}/{len} frames, {per_sec}, {eta} left";
/// Redraws a second, so that a fast run does not spend its time on a terminal.
const REDRAWS_PER_S: u8 = 10;

/// A bar that counts frames. Dropping it clears its line, however the command ends.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub fn new(frames: usize) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden() };
        }
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_S);
        let bar = ProgressBar::with_draw_target(Some(frames as u64), target);
        // The template is fixed; were it wrong, the bar would just look plain.
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        Self { bar }
    }

    /// One frame more is done.
    pub fn advance(&self) {
        self.bar.inc(1);
    }

    /// Says something above the bar.
    pub fn say(&self, message: &str) {
        self.bar.suspend(|| say(message));
    }

    /// Runs what writes to the terminal by itself, with the bar out of its way.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
