//! The lab bundle: its knobs, its files, and what each line of them does.

use kubedrill::app::Action;
use kubedrill::app::export::{Export as Bundle, Field};
use kubedrill::bundle::explain;
use kubedrill::bundle::explain::Note;
use kubedrill::lesson::cards;
use kubedrill::scene::{Lang, Text, t};
use yew::prelude::*;

use super::icon::{Glyph, Icon};
use super::prose::prose;
use super::shared::{Emit, Shared, on, on_escape};
use crate::web::dom;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub bundle: Shared<Bundle>,
    pub lang: Lang,
    pub emit: Emit,
}

#[component]
pub fn Export(props: &Props) -> Html {
    let (b, lang, emit) = (&props.bundle, props.lang, &props.emit);
    use_effect_with((), |()| dom::focus("bundle-close"));
    html! {
        <div class="sheet" role="dialog" aria-modal="true" aria-label={t(lang, Text::Export)} onkeydown={on_escape(emit)}>
            <div class="sheet-head">
                <h2>{ t(lang, Text::Export) }</h2>
                { lessons(props) }
                <span class="spring"></span>
                <button class="primary with-icon" disabled={!b.refusals.is_empty()} onclick={on(emit, Action::Download)}><Icon glyph={Glyph::Download} />{ t(lang, Text::DownloadZip) }</button>
                <button id="bundle-close" class="icon-button" onclick={on(emit, Action::CloseDialog)} aria-label={t(lang, Text::Close)} title={t(lang, Text::Close)}><Icon glyph={Glyph::Close} /></button>
            </div>
            <div class="sheet-body">
                <form class="knobs" aria-label={t(lang, Text::Knobs)} onsubmit={Callback::from(|e: SubmitEvent| e.prevent_default())}>
                    <p class="hint">{ t(lang, if b.refusals.is_empty() { Text::BundleIntro } else { Text::FixKnobs }) }</p>
                    { for b.fields().iter().map(|f| field(f, props)) }
                </form>
                <nav class="files" aria-label={t(lang, Text::Files)}>
                    { files(props) }
                </nav>
                <Source bundle={b.clone()} {lang} />
            </div>
        </div>
    }
}

fn lessons(props: &Props) -> Html {
    let lang = props.lang;
    let chosen = {
        let emit = props.emit.clone();
        Callback::from(move |e: Event| emit.emit(Action::ExportLesson(dom::value(&e))))
    };
    html! {
        <select class="lesson-title" aria-label={t(lang, Text::Lesson)} onchange={chosen}>
            { for cards().iter().map(|l| html! {
                <option value={l.name.clone()} selected={l.name == props.bundle.lesson.name}>{ lang.pick(&l.title.en, &l.title.ko).clone() }</option>
            }) }
        </select>
    }
}

fn title(field: &str) -> Text {
    match field {
        "profile" => Text::Profile,
        "workers" => Text::KnobWorkers,
        "kubernetesVersion" => Text::KnobVersion,
        "cpus" => Text::KnobCpus,
        "memoryMib" => Text::KnobMemory,
        "workerCpus" => Text::KnobWorkerCpus,
        "workerMemoryMib" => Text::KnobWorkerMemory,
        "provider" => Text::KnobProvider,
        "arch" => Text::KnobArch,
        "networkPrefix" => Text::KnobNetwork,
        "cni" => Text::KnobCni,
        "podCidr" => Text::KnobPodCidr,
        _ => Text::KnobServiceCidr,
    }
}

/// A knob with its refusal beneath it.
fn field(f: &Field, props: &Props) -> Html {
    let (lang, name) = (props.lang, f.name);
    let value = props.bundle.value(name);
    let refusal = props.bundle.refusal(name);
    let (id, why) = (format!("knob-{name}"), format!("why-{name}"));
    let described = refusal.map(|_| why.clone());
    let invalid = refusal.map(|_| "true");
    let change = {
        let emit = props.emit.clone();
        Callback::from(move |e: Event| emit.emit(Action::Knob(name, dom::value(&e))))
    };
    let typed = {
        let emit = props.emit.clone();
        Callback::from(move |e: InputEvent| emit.emit(Action::Knob(name, dom::value(&e))))
    };
    let choices = f.choices.iter();
    html! {
        <div class={classes!("knob", refusal.map(|_| "refused"))} key={name}>
            <label for={id.clone()}>{ t(lang, title(name)) }</label>
            if f.open {
                <input {id} type="text" {value} oninput={typed} aria-describedby={described} aria-invalid={invalid} autocomplete="off" spellcheck="false"
                    list={(!f.choices.is_empty()).then(|| format!("list-{name}"))} />
                if !f.choices.is_empty() {
                    <datalist id={format!("list-{name}")}>{ for choices.map(|c| html! { <option value={*c} /> }) }</datalist>
                }
            } else {
                <select {id} onchange={change} aria-describedby={described} aria-invalid={invalid}>
                    { for choices.map(|c| html! { <option value={*c} selected={*c == value}>{ *c }</option> }) }
                </select>
            }
            if let Some(r) = refusal { <p class="refusal" id={why} role="alert">{ lang.pick(&r.reason.en, &r.reason.ko).clone() }</p> }
        </div>
    }
}

/// The files beneath the folders they lie in.
fn files(props: &Props) -> Html {
    let mut folders: Vec<(&str, Vec<&str>)> = vec![("", Vec::new())];
    for (path, _) in &props.bundle.files {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        match folders.iter_mut().find(|(known, _)| *known == folder) {
            Some((_, list)) => list.push(path),
            None => folders.push((folder, vec![path])),
        }
    }
    html! { { for folders.into_iter().map(|(folder, list)| html! {
        <section key={folder.to_owned()}>
            if !folder.is_empty() { <h3>{ format!("{folder}/") }</h3> }
            <ul>{ for list.into_iter().map(|path| file(path, props)) }</ul>
        </section>
    }) } }
}

fn file(path: &str, props: &Props) -> Html {
    let open = props.bundle.open == path;
    let name = path.rsplit('/').next().unwrap_or(path);
    html! {
        <li key={path.to_owned()}><button aria-label={path.to_owned()} class={classes!(open.then_some("chosen"))} aria-current={open.then_some("true")} onclick={on(&props.emit, Action::ExportFile(path.into()))}>{ name.to_owned() }</button></li>
    }
}

#[derive(Properties, PartialEq)]
struct SourceProps {
    bundle: Shared<Bundle>,
    lang: Lang,
}

/// The open file, line by line, with what each line does beside it.
#[component]
fn Source(props: &SourceProps) -> Html {
    let (b, lang) = (&props.bundle, props.lang);
    let lines = explain(&b.open, b.content());
    let noted = lines.iter().any(|l| l.note.is_some());
    let mut last = None;
    html! {
        <div class={classes!("source", noted.then_some("noted"))} role="region" aria-label={b.open.clone()} tabindex="0">
            { for lines.iter().map(|l| {
                // Lines of one statement share a note: it stands once.
                let fresh = l.note.filter(|n| last != Some(n.en));
                last = l.note.map(|n| n.en);
                html! {
                    <div class={classes!("line", fresh.is_some().then_some("says"))} key={l.number}>
                        <span class="number" aria-hidden="true">{ l.number.to_string() }</span>
                        <code>{ if l.text.is_empty() { " ".to_owned() } else { l.text.to_owned() } }</code>
                        if let Some(n) = fresh { <p class="note">{ prose(lang.pick(n.en, n.ko)) }{ changes(n.changes, lang) }{ without(n, lang) }</p> }
                    </div>
                }
            }) }
        </div>
    }
}

/// What goes wrong where the line is missing.
fn without(note: Note, lang: Lang) -> Html {
    let text = lang.pick(note.without.en, note.without.ko);
    if text.is_empty() {
        return Html::default();
    }
    html! { <><br /><b>{ t(lang, Text::Without) }</b>{ " " }{ prose(text) }</> }
}

/// What of a machine a line changes, as a tag.
fn changes(what: &str, lang: Lang) -> Html {
    match what {
        "" | "cosmetic" => Html::default(),
        "safety" => html! { <span class="tag quiet">{ t(lang, Text::Safety) }</span> },
        what => html! { <span class="tag" title={t(lang, Text::Changes)}>{ format!("Δ {what}") }</span> },
    }
}
