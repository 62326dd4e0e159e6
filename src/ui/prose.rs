//! Short texts with `code` in back quotes.

use yew::prelude::*;

/// The text with every other back-quoted part as code.
pub fn prose(text: &str) -> Html {
    let part = |(i, part): (usize, &str)| {
        if i % 2 == 1 {
            html! { <code>{ part.to_owned() }</code> }
        } else {
            html! { { part.to_owned() } }
        }
    };
    text.split('`').enumerate().map(part).collect()
}
