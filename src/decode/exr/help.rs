//! Owns how one frame takes other threads along: they live as long as the work that they borrow from.

/// Does `own` on this thread while up to `helpers` more do `help`.
pub fn with_help(helpers: usize, help: impl Fn() + Sync, own: impl FnOnce()) {
    if helpers == 0 {
        return own();
    }
    std::thread::scope(|scope| {
        for number in 0..helpers {
            // Without the help of a refused thread the others do its share.
            let _ = std::thread::Builder::new().name(format!("help-{number}")).spawn_scoped(scope, &help);
        }
        own();
    });
}
