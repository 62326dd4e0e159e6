//! Props that are equal when they are the same value in memory: comparing a scene of a thousand pods
//! on every frame would cost more than drawing it.

use std::ops::Deref;
use std::rc::Rc;

use kubedrill::app::Action;
use yew::Callback;

/// How components answer.
pub type Emit = Callback<Action>;

pub struct Shared<T>(Rc<T>);

impl<T> Shared<T> {
    pub fn new(value: T) -> Shared<T> {
        Shared(Rc::new(value))
    }
    pub fn of(value: Rc<T>) -> Shared<T> {
        Shared(value)
    }
}
impl<T> Clone for Shared<T> {
    fn clone(&self) -> Shared<T> {
        Shared(self.0.clone())
    }
}
impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Shared<T>) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}
impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}
impl<T: Default> Default for Shared<T> {
    fn default() -> Shared<T> {
        Shared::new(T::default())
    }
}

/// A callback that emits one fixed action.
pub fn on<E: 'static>(emit: &Emit, action: Action) -> Callback<E> {
    let emit = emit.clone();
    Callback::from(move |_: E| emit.emit(action.clone()))
}

/// Activates like a button does: Enter or Space.
pub fn on_keys(emit: &Emit, action: Action) -> Callback<yew::KeyboardEvent> {
    let emit = emit.clone();
    Callback::from(move |e: yew::KeyboardEvent| {
        if e.key() == "Enter" || e.key() == " " {
            e.prevent_default();
            emit.emit(action.clone());
        }
    })
}

/// Escape closes what lies over the page.
pub fn on_escape(emit: &Emit) -> Callback<yew::KeyboardEvent> {
    let emit = emit.clone();
    Callback::from(move |e: yew::KeyboardEvent| {
        if e.key() == "Escape" {
            emit.emit(Action::CloseDialog);
        }
    })
}
