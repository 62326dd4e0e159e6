//! The crash screen: when a bug of ours panics, the page says so and offers the session, of which a
//! copy lies in the browser's storage since the last input.

use kubedrill::app::link;
use kubedrill::scene::{Lang, Text, t};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element};

use super::{dom, place, storage};

/// Shows the crash screen on any later panic. Through yew, which would put a hook of its own over ours.
pub fn install() {
    yew::set_custom_panic_hook(Box::new(|info| {
        let message = info.to_string();
        web_sys::console::error_1(&JsValue::from_str(&message));
        let _ = show(&message);
    }));
}

fn show(message: &str) -> Result<(), JsValue> {
    let document = dom::document().ok_or(JsValue::NULL)?;
    if document.get_element_by_id("crash").is_some() {
        return Ok(());
    }
    let root = document.document_element().ok_or(JsValue::NULL)?;
    let lang = Lang::of(&root.get_attribute("lang").unwrap_or_default());
    let body = document.body().ok_or(JsValue::NULL)?;
    let session = storage::read(storage::SESSION).unwrap_or_default();

    let screen = element(&document, "main", "crash", "")?;
    screen.set_id("crash");
    let card = element(&document, "div", "crash-card", "")?;
    card.set_attribute("role", "alert")?;
    card.append_child(&*element(&document, "h1", "", t(lang, Text::CrashTitle))?)?;
    card.append_child(&*element(&document, "p", "", t(lang, Text::CrashBody))?)?;
    card.append_child(&*element(&document, "pre", "", message)?)?;
    let buttons = element(&document, "p", "crash-buttons", "")?;
    if !session.is_empty() {
        let save = anchor(&document, &data_url(&session)?, t(lang, Text::SaveSession))?;
        save.set_attribute("download", "kubedrill-crash.json")?;
        buttons.append_child(&save)?;
        let fragment = format!("session={}", link::encode(session.as_bytes()));
        buttons.append_child(&*reload(
            &document,
            &place::address(&place::query(), &fragment),
            t(lang, Text::Replay),
        )?)?;
    }
    buttons.append_child(&*reload(&document, &place::address(&place::query(), ""), t(lang, Text::Fresh))?)?;
    card.append_child(&buttons)?;
    screen.append_child(&card)?;
    body.set_text_content(None);
    body.append_child(&screen)?;
    Ok(())
}

fn element(document: &Document, tag: &str, class: &str, text: &str) -> Result<Element, JsValue> {
    let e = document.create_element(tag)?;
    if !class.is_empty() {
        e.set_class_name(class);
    }
    if !text.is_empty() {
        e.set_text_content(Some(text));
    }
    Ok(e)
}

fn anchor(document: &Document, href: &str, text: &str) -> Result<Element, JsValue> {
    let a = element(document, "a", "button", text)?;
    a.set_attribute("href", href)?;
    Ok(a)
}

/// A link that loads the page anew even where only the fragment differs.
fn reload(document: &Document, href: &str, text: &str) -> Result<Element, JsValue> {
    let a = anchor(document, href, text)?;
    let href = href.to_owned();
    let click = wasm_bindgen::closure::Closure::<dyn FnMut(web_sys::Event)>::new(move |event: web_sys::Event| {
        event.prevent_default();
        if let Some(window) = web_sys::window() {
            let _ = window.history().and_then(|h| h.replace_state_with_url(&JsValue::NULL, "", Some(&href)));
            let _ = window.location().reload();
        }
    });
    a.add_event_listener_with_callback("click", click.as_ref().unchecked_ref())?;
    click.forget();
    Ok(a)
}

fn data_url(text: &str) -> Result<String, JsValue> {
    let parts = js_sys::Array::of1(&JsValue::from_str(text));
    let blob = web_sys::Blob::new_with_str_sequence(&parts)?;
    web_sys::Url::create_object_url_with_blob(&blob)
}
