//! What the browser keeps between visits. Every call may fail (private windows, frames): then
//! nothing is remembered, and nothing else happens.

use web_sys::Storage;

/// Settings of the interface.
pub const SETTINGS: &str = "kubedrill.settings";
/// The running session, for the crash screen. It belongs to one tab.
pub const SESSION: &str = "kubedrill.session";
/// The language alone: the loading screen reads it.
pub const LANG: &str = "kubedrill.lang";

fn storage(key: &str) -> Option<Storage> {
    let window = web_sys::window()?;
    if key == SESSION { window.session_storage().ok()? } else { window.local_storage().ok()? }
}

pub fn read(key: &str) -> Option<String> {
    storage(key)?.get_item(key).ok()?
}

pub fn write(key: &str, value: &str) {
    if let Some(storage) = storage(key) {
        let _ = storage.set_item(key, value);
    }
}
