//! The address, the visitor's languages and wishes.

use kubedrill::app::link::{self, Params};
use kubedrill::app::settings::{Settings, Theme};
use kubedrill::scene::Lang;

use super::storage;

/// What the address asks for.
pub fn params() -> Params {
    let Some(location) = web_sys::window().map(|w| w.location()) else { return Params::default() };
    link::parse(&location.search().unwrap_or_default(), &location.hash().unwrap_or_default())
}

/// Settings: the address first, then what was remembered, then the browser's own.
pub fn settings(params: &Params) -> Settings {
    let stored = Settings::read(storage::read(storage::SETTINGS).as_deref());
    let mut settings =
        stored.unwrap_or_else(|| Settings { lang: navigator_lang(), theme: preferred_theme(), ..Settings::default() });
    if let Some(lang) = params.lang {
        settings.lang = lang;
    }
    if let Some(theme) = params.theme {
        settings.theme = theme;
    }
    settings
}

fn navigator_lang() -> Lang {
    web_sys::window().and_then(|w| w.navigator().language()).map_or(Lang::En, |tag| Lang::of(&tag))
}

/// Whether a media query holds.
pub fn media(query: &str) -> bool {
    web_sys::window().and_then(|w| w.match_media(query).ok().flatten()).is_some_and(|m| m.matches())
}

fn preferred_theme() -> Theme {
    if media("(prefers-color-scheme: dark)") { Theme::Dark } else { Theme::Light }
}

pub fn reduced_motion() -> bool {
    media("(prefers-reduced-motion: reduce)")
}

/// This page's address with another query and fragment.
pub fn address(query: &str, fragment: &str) -> String {
    let Some(location) = web_sys::window().map(|w| w.location()) else { return String::new() };
    let base = location.origin().unwrap_or_default() + &location.pathname().unwrap_or_default();
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    let fragment = if fragment.is_empty() { String::new() } else { format!("#{fragment}") };
    base + &query + &fragment
}

/// The current query without its question mark.
pub fn query() -> String {
    let search = web_sys::window().and_then(|w| w.location().search().ok()).unwrap_or_default();
    search.trim_start_matches('?').to_owned()
}

/// Puts another query into the address bar; the fragment goes.
pub fn set_query(query: &str) {
    let history = web_sys::window().and_then(|w| w.history().ok());
    if let Some(history) = history {
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address(query, "")));
    }
}
