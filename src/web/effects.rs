//! Carries out what the reducer asks for.

use kubedrill::app::Effect;
use wasm_bindgen::{JsCast, JsValue};

use super::{dom, place, storage};

pub fn run(effect: Effect) {
    match effect {
        Effect::StoreSettings(json) => storage::write(storage::SETTINGS, &json),
        Effect::StoreSession(json) => storage::write(storage::SESSION, &json),
        Effect::Document { lang, theme, title } => {
            let Some(document) = dom::document() else { return };
            document.set_title(&title);
            if let Some(root) = document.document_element() {
                let _ = root.set_attribute("lang", lang);
                let _ = root.set_attribute("data-theme", theme);
            }
            storage::write(storage::LANG, lang);
        }
        Effect::Property(name, value) => dom::set_property(name, &format!("{value}px")),
        Effect::Copy(text) => copy(&text),
        Effect::Download { name, mime, bytes } => {
            let _ = download(&name, mime, &bytes);
        }
        Effect::Query(query) => place::set_query(&query),
        // A phone's keyboard would cover half the page.
        Effect::FocusTerminal => {
            if !place::media("(pointer: coarse)") {
                dom::focus("cli");
            }
        }
    }
}

fn copy(text: &str) {
    if let Some(window) = web_sys::window() {
        // The promise reports nothing that we could act on.
        let _ = window.navigator().clipboard().write_text(text);
    }
}

/// Hands bytes to the browser as a file.
pub fn download(name: &str, mime: &str, bytes: &[u8]) -> Result<(), JsValue> {
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
    let options = web_sys::BlobPropertyBag::new();
    options.set_type(mime);
    let blob = web_sys::Blob::new_with_u8_array_sequence_and_options(&parts, &options)?;
    let url = web_sys::Url::create_object_url_with_blob(&blob)?;
    let document = dom::document().ok_or(JsValue::NULL)?;
    let link: web_sys::HtmlAnchorElement = document.create_element("a")?.unchecked_into();
    link.set_href(&url);
    link.set_download(name);
    link.click();
    // The download holds on to the blob once it has begun.
    gloo::timers::callback::Timeout::new(10_000, move || {
        let _ = web_sys::Url::revoke_object_url(&url);
    })
    .forget();
    Ok(())
}

/// Reads the file chosen in an input element and calls back with its text.
pub fn read_file(event: &web_sys::Event, then: yew::Callback<String>) {
    let input = event.target().and_then(|t| t.dyn_into::<web_sys::HtmlInputElement>().ok());
    let Some(file) = input.and_then(|i| i.files()).and_then(|f| f.get(0)) else { return };
    let reader = gloo::file::callbacks::read_as_text(&gloo::file::File::from(file), move |text| {
        if let Ok(text) = text {
            then.emit(text);
        }
    });
    // It must outlive the read; a few bytes per chosen file.
    std::mem::forget(reader);
}
