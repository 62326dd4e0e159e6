//! The document: events, measures, focus, the style sheet's properties.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, HtmlElement, HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};
use yew::{Callback, NodeRef};

pub fn document() -> Option<web_sys::Document> {
    web_sys::window()?.document()
}

/// The text of the field an event came from.
pub fn value(event: &web_sys::Event) -> String {
    let target = event.target();
    let input = target.as_ref().and_then(|t| t.dyn_ref::<HtmlInputElement>()).map(HtmlInputElement::value);
    let select = || target.as_ref().and_then(|t| t.dyn_ref::<HtmlSelectElement>()).map(HtmlSelectElement::value);
    let area = || target.as_ref().and_then(|t| t.dyn_ref::<HtmlTextAreaElement>()).map(HtmlTextAreaElement::value);
    input.or_else(select).or_else(area).unwrap_or_default()
}

/// Listens to a field until it is dropped.
pub struct Composed {
    field: HtmlInputElement,
    call: Closure<dyn FnMut(web_sys::Event)>,
}

impl Drop for Composed {
    fn drop(&mut self) {
        let call = self.call.as_ref().unchecked_ref();
        let _ = self.field.remove_event_listener_with_callback("compositionend", call);
    }
}

/// Calls back with a field's text, and empties it, each time an input method has finished there.
pub fn on_composed(id: &str, heard: impl Fn(String) + 'static) -> Option<Composed> {
    let field = document()?.get_element_by_id(id)?.dyn_into::<HtmlInputElement>().ok()?;
    let of = field.clone();
    let call = Closure::<dyn FnMut(web_sys::Event)>::new(move |_| {
        let text = of.value();
        of.set_value("");
        heard(text);
    });
    field.add_event_listener_with_callback("compositionend", call.as_ref().unchecked_ref()).ok()?;
    Some(Composed { field, call })
}

/// A mouse event's place within an element.
pub fn within(node: &NodeRef, event: &web_sys::MouseEvent) -> Option<(i32, i32)> {
    let corner = node.cast::<Element>()?.get_bounding_client_rect();
    Some((event.client_x() - corner.x() as i32, event.client_y() - corner.y() as i32))
}

/// Width and height of an element in CSS pixels.
pub fn size(node: &NodeRef) -> Option<(i32, i32)> {
    let element = node.cast::<HtmlElement>()?;
    Some((element.client_width(), element.client_height())).filter(|(w, h)| *w > 0 && *h > 0)
}

/// Calls back whenever an element's size changes; keeps doing so as long as the value lives.
pub struct SizeWatch {
    observer: web_sys::ResizeObserver,
    _callback: Closure<dyn FnMut()>,
}

impl SizeWatch {
    pub fn new(node: &NodeRef, changed: Callback<(i32, i32)>) -> Option<SizeWatch> {
        let element = node.cast::<Element>()?;
        let node = node.clone();
        let callback = Closure::<dyn FnMut()>::new(move || {
            if let Some(size) = size(&node) {
                changed.emit(size);
            }
        });
        let observer = web_sys::ResizeObserver::new(callback.as_ref().unchecked_ref()).ok()?;
        observer.observe(&element);
        Some(SizeWatch { observer, _callback: callback })
    }
}

impl Drop for SizeWatch {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Calls back when `?` is typed anywhere but into a field; keeps doing so as long as the value lives.
pub struct HelpKey {
    _callback: Closure<dyn FnMut(web_sys::KeyboardEvent)>,
}

impl HelpKey {
    pub fn new(pressed: Callback<()>) -> Option<HelpKey> {
        let callback = Closure::<dyn FnMut(web_sys::KeyboardEvent)>::new(move |e: web_sys::KeyboardEvent| {
            let target = e.target().and_then(|t| t.dyn_into::<Element>().ok());
            let field = target.is_some_and(|t| matches!(t.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"));
            if e.key() == "?" && !field {
                pressed.emit(());
            }
        });
        document()?.add_event_listener_with_callback("keydown", callback.as_ref().unchecked_ref()).ok()?;
        Some(HelpKey { _callback: callback })
    }
}

pub fn focus(id: &str) {
    let element = document().and_then(|d| d.get_element_by_id(id));
    if let Some(element) = element.and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        let options = web_sys::FocusOptions::new();
        options.set_prevent_scroll(true);
        let _ = element.focus_with_options(&options);
    }
}

/// Moves a field's caret to its start or end.
pub fn caret(id: &str, end: bool) {
    let field = document().and_then(|d| d.get_element_by_id(id)).and_then(|e| e.dyn_into::<HtmlInputElement>().ok());
    if let Some(field) = field {
        let at = if end { field.value().encode_utf16().count() as u32 } else { 0 };
        let _ = field.set_selection_range(at, at);
    }
}

pub fn scroll_to_end(node: &NodeRef) {
    if let Some(element) = node.cast::<Element>() {
        element.set_scroll_top(element.scroll_height());
    }
}

/// Sets a property of the root's style: allowed by the page's policy, unlike style in markup.
pub fn set_property(name: &str, value: &str) {
    let root = document().and_then(|d| d.document_element()).and_then(|e| e.dyn_into::<HtmlElement>().ok());
    if let Some(root) = root {
        let _ = root.style().set_property(name, value);
    }
}

/// Whether the visitor has selected text on the page.
pub fn has_selection() -> bool {
    let selection = web_sys::window().and_then(|w| w.get_selection().ok().flatten());
    selection.is_some_and(|s| !s.is_collapsed())
}

/// Keeps a pointer's moves coming to the element it went down on.
pub fn capture_pointer(event: &web_sys::PointerEvent) {
    if let Some(element) = event.target().and_then(|t| t.dyn_into::<Element>().ok()) {
        let _ = element.set_pointer_capture(event.pointer_id());
    }
}

/// The text of a paste.
pub fn pasted(event: &web_sys::Event) -> String {
    let event = event.dyn_ref::<web_sys::ClipboardEvent>();
    event.and_then(|e| e.clipboard_data()).and_then(|d| d.get_data("text").ok()).unwrap_or_default()
}

/// Width and height of the window.
pub fn window_size() -> (i32, i32) {
    let get = |value: Option<wasm_bindgen::JsValue>| value.and_then(|v| v.as_f64()).map_or(0, |v| v as i32);
    let window = web_sys::window();
    let width = get(window.as_ref().and_then(|w| w.inner_width().ok()));
    (width, get(window.and_then(|w| w.inner_height().ok())))
}
