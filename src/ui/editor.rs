//! The editor over the terminal: a file of the terminal's machine.

use kubedrill::app::Action;
use kubedrill::app::editor::Editor as File;
use kubedrill::scene::{Lang, Text, t};
use yew::prelude::*;

use super::icon::{Glyph, Icon};
use super::shared::{Emit, Shared, on};
use crate::web::dom;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub file: Shared<File>,
    pub lang: Lang,
    pub emit: Emit,
}

/// What is offered, folder by folder: names with their paths.
fn folders(file: &File) -> Vec<(&str, Vec<(&str, &str)>)> {
    let mut out: Vec<(&str, Vec<(&str, &str)>)> = Vec::new();
    for path in file.paths.iter() {
        let at = path.rfind('/').map_or(0, |i| i + 1);
        let (folder, name) = path.split_at(at);
        match out.iter_mut().find(|(known, _)| *known == folder) {
            Some((_, names)) => names.push((name, path)),
            None => out.push((folder, vec![(name, path)])),
        }
    }
    out
}

#[component]
pub fn Editor(props: &Props) -> Html {
    let (f, lang, emit) = (&props.file, props.lang, &props.emit);
    use_effect_with((), |()| dom::focus("editor-text"));
    let text = {
        let emit = emit.clone();
        Callback::from(move |e: InputEvent| emit.emit(Action::EditText(dom::value(&e))))
    };
    let path = {
        let emit = emit.clone();
        Callback::from(move |e: Event| emit.emit(Action::EditPath(dom::value(&e))))
    };
    let keys = {
        let emit = emit.clone();
        Callback::from(move |e: KeyboardEvent| match e.key().as_str() {
            "Escape" => emit.emit(Action::CloseDialog),
            "s" if e.ctrl_key() || e.meta_key() => {
                e.prevent_default();
                emit.emit(Action::EditSave);
            }
            _ => {}
        })
    };
    html! {
        <section class="editor" role="dialog" aria-label={format!("{} · {}", t(lang, Text::Files), f.machine)} onkeydown={keys}>
            <header>
                <b>{ f.machine.to_string() }</b>
                <input class="path" value={f.path.clone()} onchange={path} list="editor-paths" aria-label={t(lang, Text::Path)} spellcheck="false" autocomplete="off" />
                <datalist id="editor-paths">{ for f.paths.iter().map(|p| html! { <option value={p.to_string()} /> }) }</datalist>
                if f.changed() { <span class="tag">{ t(lang, Text::Unsaved) }</span> } else if f.saved.is_none() { <span class="tag quiet">{ t(lang, Text::NewFile) }</span> }
                <button class="primary small" disabled={!f.changed() || !f.has_path()} onclick={on(emit, Action::EditSave)} title="Ctrl-S">{ t(lang, Text::Save) }</button>
                <button class="icon-button" onclick={on(emit, Action::CloseDialog)} aria-label={t(lang, Text::Close)} title={t(lang, Text::Close)}><Icon glyph={Glyph::Close} /></button>
            </header>
            <div class="editor-body">
                <nav class="files" aria-label={t(lang, Text::Files)}>
                    { for folders(f).into_iter().map(|(folder, names)| html! {
                        <section key={folder.to_owned()}>
                            <h3>{ folder.to_owned() }</h3>
                            <ul>{ for names.into_iter().map(|(name, path)| html! {
                                <li key={path.to_owned()}><button aria-label={path.to_owned()} class={classes!((f.path == path).then_some("chosen"))} onclick={on(emit, Action::EditPath(path.to_owned()))}>{ name.to_owned() }</button></li>
                            }) }</ul>
                        </section>
                    }) }
                </nav>
                <textarea id="editor-text" value={f.text.clone()} oninput={text} spellcheck="false" autocapitalize="off" wrap="off" aria-label={f.path.clone()} />
            </div>
        </section>
    }
}
