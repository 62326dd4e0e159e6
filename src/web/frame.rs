//! The loop: one callback per animation frame, with the time in milliseconds. In a hidden page a
//! timer stands in, so that the simulation goes on.

use std::cell::RefCell;
use std::rc::Rc;

use gloo::render::{AnimationFrame, request_animation_frame};
use yew::Callback;

/// Runs as long as it lives.
pub struct Frames {
    _next: Rc<RefCell<Option<AnimationFrame>>>,
}

impl Frames {
    pub fn start(each: Callback<u64>) -> Frames {
        let next = Rc::new(RefCell::new(None));
        schedule(&next, each);
        Frames { _next: next }
    }
}

fn schedule(slot: &Rc<RefCell<Option<AnimationFrame>>>, each: Callback<u64>) {
    let weak = Rc::downgrade(slot);
    let frame = request_animation_frame(move |ms| {
        let Some(slot) = weak.upgrade() else { return };
        each.emit(ms as u64);
        schedule(&slot, each.clone());
    });
    *slot.borrow_mut() = Some(frame);
}

/// Milliseconds of real time, for the budget of a frame.
pub fn now_ms() -> u64 {
    web_sys::window().and_then(|w| w.performance()).map_or(0, |p| p.now() as u64)
}
