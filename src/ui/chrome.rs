//! The one line at the top: name, lesson, profile, language, theme, share, export.

use kubedrill::app::Action;
use kubedrill::app::link::profile_name;
use kubedrill::app::settings::Theme;
use kubedrill::lesson::format::Topic;
use kubedrill::lesson::{Card, cards};
use kubedrill::scene::{Lang, Text, t};
use kubedrill::sim::Profile;
use yew::prelude::*;

use super::icon::{Glyph, Icon};
use super::shared::{Emit, on, on_escape};
use crate::web::{dom, effects, place};

#[derive(Properties, PartialEq)]
pub struct Props {
    /// Name of the open drill; empty: free play.
    pub lesson: String,
    pub profile: Profile,
    pub theme: Theme,
    pub lang: Lang,
    pub lesson_open: bool,
    pub menu: bool,
    pub embed: bool,
    pub emit: Emit,
}

#[component]
pub fn Chrome(props: &Props) -> Html {
    if props.embed { embedded(props) } else { full(props) }
}

fn full(props: &Props) -> Html {
    let (lang, emit) = (props.lang, &props.emit);
    let say = |text| t(lang, text);
    let other = lang.pick(Lang::Ko, Lang::En);
    let other_name = lang.pick("한국어", "English");
    let (theme, theme_name) = match props.theme {
        Theme::Light => (Glyph::Moon, say(Text::ThemeDark)),
        Theme::Dark => (Glyph::Sun, say(Text::ThemeLight)),
    };
    html! {
        <header class="chrome">
            <button class="icon-button panel-toggle" aria-pressed={props.lesson_open.to_string()} onclick={on(emit, Action::ToggleLesson)}
                aria-label={say(Text::Lesson)} title={say(Text::Lesson)}><Icon glyph={Glyph::Panel} /></button>
            <h1>{ say(Text::Name) }</h1>
            { lessons(props) }
            <span class="spring"></span>
            { profiles(props) }
            <button class="language" lang={other.code()} onclick={on(emit, Action::Language(other))}>{ other_name }</button>
            <button class="icon-button" onclick={on(emit, Action::ToggleTheme)} aria-label={theme_name} title={theme_name}><Icon glyph={theme} /></button>
            <button class="with-icon wide-only" onclick={on(emit, Action::Share)}><Icon glyph={Glyph::Share} />{ say(Text::Share) }</button>
            <button class="with-icon wide-only" onclick={on(emit, Action::Export)} title={say(Text::ExportHint)} id="export"><Icon glyph={Glyph::Download} />{ say(Text::Export) }</button>
            <button class="icon-button help-button" onclick={on(emit, Action::Help)} aria-label={say(Text::Help)} title={format!("{} (?)", say(Text::Help))}>{ "?" }</button>
            <div class="menu-anchor" onkeydown={on_escape(emit)}>
                <button class="icon-button" aria-expanded={props.menu.to_string()} onclick={on(emit, Action::ToggleMenu)} aria-label={say(Text::Menu)} title={say(Text::Menu)}><Icon glyph={Glyph::Menu} /></button>
                if props.menu { { menu(props) } }
            </div>
        </header>
    }
}

fn lessons(props: &Props) -> Html {
    let lang = props.lang;
    let chosen = {
        let emit = props.emit.clone();
        Callback::from(move |e: Event| {
            let name = dom::value(&e);
            emit.emit(Action::Lesson((!name.is_empty()).then_some(name)));
        })
    };
    let option = |l: &Card| {
        html! { <option value={l.name.clone()} selected={l.name == props.lesson}>{ lang.pick(&l.title.en, &l.title.ko).clone() }</option> }
    };
    let topics = Topic::ALL.into_iter().filter(|t| cards().iter().any(|l| l.topic == *t));
    html! {
        <select class="lesson-title" aria-label={t(lang, Text::Lesson)} onchange={chosen}>
            <option value="" selected={props.lesson.is_empty()}>{ t(lang, Text::FreePlay) }</option>
            { for topics.map(|topic| html! {
                <optgroup label={lang.pick(topic.title().1, topic.title().0)}>
                    { for cards().iter().filter(|l| l.topic == topic).map(option) }
                </optgroup>
            }) }
        </select>
    }
}

fn profiles(props: &Props) -> Html {
    let chosen = {
        let emit = props.emit.clone();
        Callback::from(move |e: Event| {
            emit.emit(Action::Profile(if dom::value(&e) == "modern" { Profile::Modern } else { Profile::Book }));
        })
    };
    html! {
        <select class="profile" aria-label={t(props.lang, Text::Profile)} onchange={chosen}>
            { for [(Profile::Book, Text::ProfileBook), (Profile::Modern, Text::ProfileModern)].map(|(p, text)| html! {
                <option value={profile_name(p)} selected={p == props.profile}>{ t(props.lang, text) }</option>
            }) }
        </select>
    }
}

fn menu(props: &Props) -> Html {
    let (lang, emit) = (props.lang, &props.emit);
    let item = |glyph, text, action| {
        html! {
            <button class="with-icon" onclick={on(emit, action)}><Icon {glyph} />{ t(lang, text) }</button>
        }
    };
    let open = {
        let emit = emit.clone();
        Callback::from(move |e: Event| {
            let emit = emit.clone();
            effects::read_file(&e, Callback::from(move |text| emit.emit(Action::LoadSession(text))));
        })
    };
    html! {
        <div class="menu">
            { item(Glyph::Share, Text::Share, Action::Share) }
            { item(Glyph::Download, Text::Export, Action::Export) }
            { item(Glyph::Panel, Text::FilesHint, Action::Edit) }
            { item(Glyph::Download, Text::SaveSession, Action::SaveSession) }
            <label class="with-icon file"><Icon glyph={Glyph::Panel} />{ t(lang, Text::OpenSession) }<input type="file" accept=".json,application/json" onchange={open} /></label>
            { item(Glyph::Reset, Text::Reset, Action::Reset) }
            { item(Glyph::Help, Text::Help, Action::Help) }
        </div>
    }
}

/// The thin bar of an embedded page.
fn embedded(props: &Props) -> Html {
    let (lang, emit) = (props.lang, &props.emit);
    let title =
        cards().iter().find(|l| l.name == props.lesson).map(|l| lang.pick(l.title.en.clone(), l.title.ko.clone()));
    let full = place::query().split('&').filter(|p| !p.starts_with("embed=")).collect::<Vec<_>>().join("&");
    html! {
        <header class="chrome thin">
            <h1>{ title.unwrap_or_else(|| t(lang, Text::Name).to_owned()) }</h1>
            <span class="spring"></span>
            <button class="with-icon" onclick={on(emit, Action::Reset)}><Icon glyph={Glyph::Reset} />{ t(lang, Text::Reset) }</button>
            <a class="with-icon button" target="_blank" rel="noopener" href={place::address(&full, "")}><Icon glyph={Glyph::Expand} />{ t(lang, Text::OpenFull) }</a>
        </header>
    }
}
