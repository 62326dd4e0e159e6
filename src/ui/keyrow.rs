//! Keys that phone keyboards lack.

use kubedrill::app::Action;
use kubedrill::scene::{Lang, Text, t};
use yew::prelude::*;

use super::shared::{Emit, on};

#[derive(Properties, PartialEq)]
pub struct Props {
    /// What is typed goes to a program key by key.
    pub keys: bool,
    pub lang: Lang,
    pub emit: Emit,
}

#[component]
pub fn KeyRow(props: &Props) -> Html {
    let sent = |name: &'static str, text: &str| (name, Action::Keys(text.into()));
    let keys = match props.keys {
        true => [
            sent("Esc", "\x1b"),
            ("Ctrl-C", Action::Interrupt),
            sent("↑", "\x1b[A"),
            sent("↓", "\x1b[B"),
            sent("←", "\x1b[D"),
            sent("→", "\x1b[C"),
            sent("⏎", "\r"),
        ],
        false => [
            ("Tab", Action::Complete),
            ("Ctrl-C", Action::Interrupt),
            ("↑", Action::Older),
            ("|", Action::Insert(" | ".into())),
            ("-", Action::Insert("-".into())),
            ("/", Action::Insert("/".into())),
            ("⏎", Action::Submit),
        ],
    };
    // The field keeps the focus, and with it the phone's keyboard.
    let keep = Callback::from(|e: PointerEvent| e.prevent_default());
    html! {
        <div class="keyrow" role="toolbar" aria-label={t(props.lang, Text::Terminal)}>
            { for keys.into_iter().map(|(name, action)| html! {
                <button key={name} onpointerdown={keep.clone()} onclick={on(&props.emit, action)}>{ name }</button>
            }) }
        </div>
    }
}
