//! Owns the fence around the library: a thread with a deep stack, whose panics become errors. Files of strangers reach
//! code that recurses and indexes; a player must outlive what they do to it.

use std::any::Any;
use std::thread;

use super::cause::cause;
use crate::color::error::ColorError;
use crate::text::shown;

/// The gate lets files nest `MAX_NESTING` deep, and the library 64 references; both fit many times.
const STACK_BYTES: usize = 32 << 20;

/// Does `work` behind the fence. `what` names it for the error of a panic.
pub(super) fn fenced<T: Send>(
    what: &str,
    work: impl FnOnce() -> Result<T, ColorError> + Send,
) -> Result<T, ColorError> {
    let failed = |why: &str| ColorError::Failed { what: shown(what), cause: cause(why) };
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("color".into()).stack_size(STACK_BYTES);
        let thread = builder.spawn_scoped(scope, work).map_err(|error| failed(&error.to_string()))?;
        // Joining catches the unwinding; nothing that the thread wrote to is looked at afterwards.
        thread.join().unwrap_or_else(|panic| Err(failed(message(&*panic))))
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it gave no reason")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let failed = fenced::<()>("a\nfile", || panic!("index {} is out of range", 9));
        let text = "the colour library failed on a\\nfile: index 9 is out of range";
        assert_eq!(failed.unwrap_err().to_string(), text);
        assert_eq!(fenced("b", || Ok(1)), Ok(1));
    }
}
