//! The connector's voice in the hub's log, and its last word when it panics. Natively it speaks on standard error.

pub use crate::bindings::snodo::connector::log::Level;

/// One line for the people who run the hub. Never personal data: the hub cannot tell.
pub fn log(level: Level, message: &str) {
    #[cfg(target_family = "wasm")]
    crate::bindings::snodo::connector::log::log(level, message);
    #[cfg(not(target_family = "wasm"))]
    eprintln!("{level:?}: {message}");
}

/// Lets a panic say where it was before the sandbox ends it. Only the place: the message may quote what was being read.
#[doc(hidden)]
pub fn tell_where_it_panics() {
    #[cfg(target_family = "wasm")]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            std::panic::set_hook(Box::new(|info| {
                if let Some(place) = info.location() {
                    log(Level::Error, &format!("panicked at {}:{}", place.file(), place.line()));
                }
            }));
        });
    }
}
