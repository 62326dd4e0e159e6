//! What lies over the page for a moment: the link to share, a message, a word of success.

use kubedrill::app::{Action, Dialog, Notice};
use kubedrill::scene::{Lang, Text, t};
use yew::prelude::*;

use super::help::Help;
use super::icon::{Glyph, Icon};
use super::shared::{Emit, on, on_escape};
use crate::web::{dom, place};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub dialog: Option<Dialog>,
    pub notice: Option<Notice>,
    pub toast: Option<String>,
    pub lang: Lang,
    pub emit: Emit,
}

#[component]
pub fn Dialogs(props: &Props) -> Html {
    let lang = props.lang;
    html! {
        <>
            if let Some(Dialog::Share { fragment }) = &props.dialog {
                <Share fragment={fragment.clone()} {lang} emit={props.emit.clone()} />
            }
            if let Some(Dialog::Help) = &props.dialog {
                <Help {lang} emit={props.emit.clone()} />
            }
            if let Some(n) = &props.notice {
                <div class={classes!("notice", n.error.then_some("error"))} role="alert">
                    <div><b>{ n.title.to_string() }</b><p><code>{ n.reason.to_string() }</code></p><p>{ n.comfort.to_string() }</p></div>
                    <button class="icon-button" onclick={on(&props.emit, Action::CloseDialog)} aria-label={t(lang, Text::Close)}><Icon glyph={Glyph::Close} /></button>
                </div>
            }
            <p class="toast" role="status" hidden={props.toast.is_none()}>{ props.toast.clone().unwrap_or_default() }</p>
        </>
    }
}

#[derive(Properties, PartialEq)]
struct ShareProps {
    fragment: String,
    lang: Lang,
    emit: Emit,
}

#[component]
fn Share(props: &ShareProps) -> Html {
    let lang = props.lang;
    let link = place::address(&place::query(), &format!("session={}", props.fragment));
    use_effect_with((), |()| dom::focus("share-copy"));
    html! {
        <div class="veil" onclick={on(&props.emit, Action::CloseDialog)}>
            <div class="dialog" role="dialog" aria-modal="true" aria-label={t(lang, Text::Share)} onkeydown={on_escape(&props.emit)}
                onclick={Callback::from(|e: MouseEvent| e.stop_propagation())}>
                <h2>{ t(lang, Text::Share) }</h2>
                <p>{ t(lang, Text::LinkHint) }</p>
                <input class="share-link" readonly=true value={link.clone()} aria-label={t(lang, Text::Share)} />
                <div class="dialog-buttons">
                    <button onclick={on(&props.emit, Action::CloseDialog)}>{ t(lang, Text::Close) }</button>
                    <button id="share-copy" class="primary" onclick={on(&props.emit, Action::CopyText(link))}>{ t(lang, Text::CopyLink) }</button>
                </div>
            </div>
        </div>
    }
}
