//! FFmpeg's messages as lines of the `log` crate: escaped, one line each, a few a second. Owns the counters of that.
//! Any thread, also those of FFmpeg.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use ffmpeg_next::ffi;

/// Lines in one window of time; a damaged movie has several a packet.
const LINES: u32 = 20;
const WINDOW: Duration = Duration::from_secs(2);

static RATE: Mutex<Option<Window>> = Mutex::new(None);

/// How many lines were let through since when.
struct Window {
    since: Instant,
    lines: u32,
    held_back: u64,
}

impl Window {
    /// Whether one more line may pass at `now`, and how many were held back in the window that has just ended.
    fn admit(&mut self, now: Instant) -> (bool, u64) {
        let mut report = 0;
        if now.duration_since(self.since) >= WINDOW {
            report = std::mem::take(&mut self.held_back);
            (self.since, self.lines) = (now, 0);
        }
        let passes = self.lines < LINES;
        if passes {
            self.lines += 1
        } else {
            self.held_back += 1
        }
        (passes, report)
    }
}

/// What FFmpeg calls an error concerns a file, not this program.
fn level_of(level: i32) -> Option<log::Level> {
    match level {
        _ if level <= ffi::AV_LOG_ERROR => Some(log::Level::Warn),
        _ if level <= ffi::AV_LOG_WARNING => Some(log::Level::Info),
        _ if level <= ffi::AV_LOG_INFO => Some(log::Level::Debug),
        _ => None,
    }
}

/// Whether a line of this level is written now.
fn admits(level: log::Level) -> bool {
    // A decoder's thread must not wait for another one that writes its line.
    let Ok(mut rate) = RATE.try_lock() else { return false };
    let now = Instant::now();
    let window = rate.get_or_insert_with(|| Window { since: now, lines: 0, held_back: 0 });
    let (passes, held_back) = window.admit(now);
    drop(rate);
    if held_back > 0 {
        log::log!(level, "ffmpeg: {held_back} more messages were held back");
    }
    passes
}

/// Sends FFmpeg's messages here instead of to the terminal.
#[cfg(all(target_arch = "x86_64", unix))]
pub fn install() {
    // SAFETY: `forward` has the form that FFmpeg calls and may be called on any thread.
    unsafe { ffi::av_log_set_callback(Some(forward)) }
}

/// Silences FFmpeg: the list of arguments has another form on every machine.
#[cfg(not(all(target_arch = "x86_64", unix)))]
pub fn install() {
    // SAFETY: sets one number.
    unsafe { ffi::av_log_set_level(ffi::AV_LOG_QUIET) }
}

#[cfg(all(target_arch = "x86_64", unix))]
unsafe extern "C" fn forward(
    context: *mut std::ffi::c_void,
    level: i32,
    format: *const std::ffi::c_char,
    arguments: *mut ffi::__va_list_tag,
) {
    let Some(log_level) = level_of(level).filter(|level| log::log_enabled!(*level)) else { return };
    let mut line = [0; 512];
    let mut is_start = 1;
    // SAFETY: context, format and arguments are what FFmpeg called with; the length is that of the array.
    unsafe {
        let length = line.len() as i32;
        ffi::av_log_format_line2(context, level, format, arguments, line.as_mut_ptr(), length, &mut is_start);
    }
    let text = super::raw_text(line.as_ptr());
    let text = text.trim();
    if !text.is_empty() && admits(log_level) {
        log::log!(log_level, "ffmpeg: {}", crate::text::shown(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_held_back_and_counted() {
        let start = Instant::now();
        let mut window = Window { since: start, lines: 0, held_back: 0 };
        let passed = (0..1000).filter(|_| window.admit(start).0).count();
        assert_eq!(passed, LINES as usize);
        assert_eq!(window.admit(start + WINDOW), (true, 1000 - u64::from(LINES)));
        assert_eq!(window.admit(start + WINDOW), (true, 0));
    }

    #[test]
    fn levels_are_those_of_a_guest() {
        assert_eq!(level_of(ffi::AV_LOG_FATAL), Some(log::Level::Warn));
        assert_eq!(level_of(ffi::AV_LOG_WARNING), Some(log::Level::Info));
        assert_eq!(level_of(ffi::AV_LOG_DEBUG), None);
    }
}
