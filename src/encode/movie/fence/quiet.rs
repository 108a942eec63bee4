//! Owns what libraries behind FFmpeg are told that write to the terminal themselves. The thread that starts the
//! program, before any other.

/// Where SVT-AV1 looks for how much it says, and the number for next to nothing: its errors come back through FFmpeg, and it
/// calls it one when a movie is given up.
const SVT_VARIABLE: &str = "SVT_LOG";
const SVT_FATAL: &str = "0";

/// Silences them, unless the user has said how much they are to say. Does nothing once there are several threads.
pub fn quieten() {
    if std::env::var_os(SVT_VARIABLE).is_none() && is_alone() {
        // SAFETY: no other thread exists that could read the environment meanwhile.
        unsafe { std::env::set_var(SVT_VARIABLE, SVT_FATAL) }
    }
}

/// Whether this is the only thread; also false where the system does not tell.
fn is_alone() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() == 1)
}
