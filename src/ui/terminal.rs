//! The terminals: a tab per machine, the screen, the line being typed.
//!
//! The line is an ordinary text field, so that Korean composition, phone keyboards, paste and screen
//! readers work as everywhere else.

use kubedrill::app::Action;
use kubedrill::app::terminals::Draft;
use kubedrill::base::Str;
use kubedrill::scene::ansi::Span;
use kubedrill::scene::screen::Line;
use kubedrill::scene::{Lang, Target, Text, t};
use yew::prelude::*;

use super::icon::{Glyph, Icon};
use super::shared::{Emit, Shared, on};
use crate::web::dom;

#[derive(Clone, PartialEq)]
pub struct TabView {
    pub index: u32,
    pub name: Str,
    pub busy: bool,
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub tabs: Vec<TabView>,
    pub tab: u32,
    pub lines: Shared<Vec<Line>>,
    pub prompt: String,
    pub busy: bool,
    /// What is typed goes to a program key by key.
    pub keys: bool,
    pub draft: Draft,
    pub lang: Lang,
    pub emit: Emit,
}

#[component]
pub fn Terminal(props: &Props) -> Html {
    let lang = props.lang;
    let name = props.tabs.iter().find(|t| t.index == props.tab).map(|t| t.name.to_string()).unwrap_or_default();
    html! {
        <section class="terminal" id="terminal" aria-label={t(lang, Text::Terminal)}>
            <div class="tabbar">
                <div class="tabs" role="tablist" aria-label={t(lang, Text::Terminal)}>
                    { for props.tabs.iter().map(|tab| tab_button(tab, props)) }
                </div>
                <button class="small" onclick={on(&props.emit, Action::Edit)} title={t(lang, Text::FilesHint)}>{ t(lang, Text::Files) }</button>
                if props.busy {
                    <span class="busy"><span class="busy-dot"></span><span class="say">{ t(lang, Text::Running) }</span></span>
                    <button class="small skip" onclick={on(&props.emit, Action::UntilSomething)} aria-label={t(lang, Text::SkipNext)} title={t(lang, Text::SkipNext)}>
                        <Icon glyph={Glyph::Skip} /><span class="say">{ t(lang, Text::SkipNext) }</span>
                    </button>
                    <button class="small" onclick={on(&props.emit, Action::Interrupt)} aria-label={format!("Ctrl-C: {}", t(lang, Text::Interrupt))}>{ "Ctrl-C" }</button>
                }
            </div>
            <Screen lines={props.lines.clone()} prompt={props.prompt.clone()} busy={props.busy} keys={props.keys} draft={props.draft.clone()}
                machine={name} {lang} emit={props.emit.clone()} />
        </section>
    }
}

fn tab_button(tab: &TabView, props: &Props) -> Html {
    let chosen = tab.index == props.tab;
    html! {
        <button key={tab.index} role="tab" id={format!("tab-{}", tab.name)} aria-selected={chosen.to_string()} aria-controls="screen"
            class={classes!("tab", chosen.then_some("chosen"))} onclick={on(&props.emit, Action::Tab(tab.index))}>
            { tab.name.to_string() }
            if tab.busy && !chosen { <span class="busy-dot"></span> }
        </button>
    }
}

#[derive(Properties, PartialEq)]
struct ScreenProps {
    lines: Shared<Vec<Line>>,
    prompt: String,
    busy: bool,
    keys: bool,
    draft: Draft,
    machine: String,
    lang: Lang,
    emit: Emit,
}

#[component]
fn Screen(props: &ScreenProps) -> Html {
    let node = use_node_ref();
    {
        // New output scrolls into view, unless the reader has scrolled up.
        let node = node.clone();
        let count = props.lines.len();
        use_effect_with((props.lines.clone(), props.draft.clone(), props.machine.clone(), count), move |_| {
            dom::scroll_to_end(&node);
        });
    }
    {
        // A finished syllable goes to the program that reads keys.
        let emit = props.emit.clone();
        use_effect_with(props.keys, move |keys| {
            let heard = keys.then(|| dom::on_composed("cli", move |text| emit.emit(Action::Keys(text))));
            move || drop(heard)
        });
    }
    let focus = Callback::from(|_: MouseEvent| {
        if !dom::has_selection() {
            dom::focus("cli");
        }
    });
    html! {
        <div class="screen" id="screen" role="tabpanel" aria-labelledby={format!("tab-{}", props.machine)} ref={node} onclick={focus}>
            <div class="output" role="log" aria-live="off">
                <Output lines={props.lines.clone()} emit={props.emit.clone()} />
            </div>
            if !props.draft.candidates.is_empty() {
                <div class="candidates">{ for props.draft.candidates.iter().map(|c| html! { <span>{ c.to_string() }</span> }) }</div>
            }
            if let Some(s) = &props.draft.search { <div class="row found" role="status">{ s.found.to_string() }</div> }
            { if props.keys { key_input(props) } else { input(props) } }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct OutputProps {
    lines: Shared<Vec<Line>>,
    emit: Emit,
}

#[component]
fn Output(props: &OutputProps) -> Html {
    props
        .lines
        .iter()
        .map(|line| {
            html! { <div class="row">{ for line.spans.iter().map(|s| span(s, &props.emit)) }{ "\n" }</div> }
        })
        .collect()
}

fn span(s: &Span, emit: &Emit) -> Html {
    let text = s.text.to_string();
    match &s.link {
        None if s.class.is_empty() => html! { { text } },
        None => html! { <span class={s.class.to_string()}>{ text }</span> },
        Some(target) => link(text, &s.class, target, emit),
    }
}

/// A name in the output: hovering lights it up on the stage, a click selects it.
fn link(text: String, class: &str, target: &Target, emit: &Emit) -> Html {
    html! {
        <span class={classes!("name", class.to_owned())} onclick={on(emit, Action::Select(Some(target.clone())))}
            onpointerenter={on(emit, Action::Hover(Some(target.clone())))} onpointerleave={on(emit, Action::Hover(None))}>{ text }</span>
    }
}

fn input(props: &ScreenProps) -> Html {
    let emit = &props.emit;
    let typed = {
        let emit = emit.clone();
        Callback::from(move |e: InputEvent| emit.emit(Action::Draft(dom::value(&e))))
    };
    let search = props.draft.search.as_ref();
    let keys = keys(emit.clone(), props.draft.text.is_empty(), search.is_some());
    let paste = {
        let emit = emit.clone();
        Callback::from(move |e: Event| paste(&e, &emit))
    };
    html! {
        <div class="row entry">
            if let Some(s) = search {
                <span class={classes!("prompt", s.failing.then_some("err"))}>{ if s.failing { "(failed reverse-i-search) " } else { "(reverse-i-search) " } }</span>
            } else if props.busy {
                <span class="cursor-wait" aria-hidden="true">{ "…" }</span>
            } else {
                <span class="prompt">{ props.prompt.clone() }</span>
            }
            <input id="cli" class="cli" type="text" value={search.map_or(&props.draft.text, |s| &s.query).clone()} oninput={typed} onkeydown={keys} onpaste={paste}
                autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="send"
                placeholder={props.lines.is_empty().then(|| t(props.lang, Text::TypeHere))}
                aria-label={format!("{} {}", t(props.lang, Text::TerminalInput), props.machine)} />
        </div>
    }
}

/// The field while a program reads keys: it holds only a syllable that is being composed.
fn key_input(props: &ScreenProps) -> Html {
    let emit = &props.emit;
    let typed = {
        let emit = emit.clone();
        Callback::from(move |e: InputEvent| {
            let text = dom::value(&e);
            emit.emit(if e.is_composing() { Action::Draft(text) } else { Action::Keys(text) });
        })
    };
    let pressed = {
        let emit = emit.clone();
        Callback::from(move |e: KeyboardEvent| {
            if e.is_composing() || e.key_code() == 229 || (e.key() == "Tab" && e.shift_key()) {
                return;
            }
            let control = e.ctrl_key() && !e.alt_key() && !e.meta_key();
            if let Some(sent) = sent_by(&e.key(), control && !(e.key() == "c" && dom::has_selection())) {
                e.prevent_default();
                emit.emit(Action::Keys(sent));
            }
        })
    };
    let paste = {
        let emit = emit.clone();
        Callback::from(move |e: Event| {
            e.prevent_default();
            emit.emit(Action::Keys(dom::pasted(&e).replace("\r\n", "\r").replace('\n', "\r")));
        })
    };
    html! {
        <div class="row entry">
            <span class="cursor-wait" aria-hidden="true"></span>
            <input id="cli" class="cli" type="text" value={props.draft.text.clone()} oninput={typed} onkeydown={pressed} onpaste={paste}
                autocomplete="off" autocapitalize="off" spellcheck="false"
                aria-label={format!("{} {}", t(props.lang, Text::TerminalInput), props.machine)} />
        </div>
    }
}

/// What a terminal sends for a key that is no text.
fn sent_by(key: &str, control: bool) -> Option<String> {
    let sent = match key {
        "Enter" => "\r",
        "Escape" => "\x1b",
        "Backspace" => "\x7f",
        "Delete" => "\x1b[3~",
        "Tab" => "\t",
        "ArrowUp" => "\x1b[A",
        "ArrowDown" => "\x1b[B",
        "ArrowRight" => "\x1b[C",
        "ArrowLeft" => "\x1b[D",
        "Home" => "\x1b[H",
        "End" => "\x1b[F",
        "PageUp" => "\x1b[5~",
        "PageDown" => "\x1b[6~",
        "[" if control => "\x1b",
        // Ctrl-V pastes.
        _ if control && key.len() == 1 && key != "v" => {
            let letter = key.as_bytes()[0].to_ascii_lowercase();
            return letter.is_ascii_lowercase().then(|| char::from(letter - b'a' + 1).to_string());
        }
        _ => return None,
    };
    Some(sent.to_owned())
}

fn keys(emit: Emit, empty: bool, searching: bool) -> Callback<KeyboardEvent> {
    Callback::from(move |e: KeyboardEvent| {
        // While a syllable is being composed, keys belong to the input method.
        if e.is_composing() || e.key_code() == 229 {
            return;
        }
        let control = e.ctrl_key() && !e.alt_key() && !e.meta_key();
        let key = e.key();
        if control && matches!(key.as_str(), "a" | "e") && !searching {
            e.prevent_default();
            dom::caret("cli", key == "e");
            return;
        }
        let action = match key.as_str() {
            "Enter" => Action::Submit,
            "r" if control => Action::SearchOlder,
            "Escape" | "Tab" | "ArrowUp" | "ArrowDown" | "ArrowLeft" | "ArrowRight" if searching => {
                Action::SearchEnd(true)
            }
            "g" | "c" if control && searching => Action::SearchEnd(false),
            "ArrowUp" => Action::Older,
            "ArrowDown" => Action::Newer,
            // An empty line lets Tab move on, so that the keyboard is not trapped here.
            "Tab" if !e.shift_key() && !empty => Action::Complete,
            "c" if control && !dom::has_selection() => Action::Interrupt,
            "l" if control => Action::ClearScreen,
            "u" if control => Action::Draft(String::new()),
            _ => return,
        };
        e.prevent_default();
        emit.emit(action);
    })
}

/// Several pasted lines run one after another; the last one waits for Enter.
fn paste(e: &Event, emit: &Emit) {
    let text = dom::pasted(e);
    if !text.contains('\n') {
        return;
    }
    e.prevent_default();
    let mut lines: Vec<&str> = text.split('\n').map(|l| l.trim_end_matches('\r')).collect();
    let rest = lines.pop().unwrap_or_default();
    for line in lines {
        emit.emit(Action::Insert(line.into()));
        emit.emit(Action::Submit);
    }
    if !rest.is_empty() {
        emit.emit(Action::Insert(rest.into()));
    }
}
