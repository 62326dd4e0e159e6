//! The lesson: steps one under another, the open one with its commands, questions and goals.

use kubedrill::app::Action;
use kubedrill::app::drill::{Drill, next};
use kubedrill::base::Time;
use kubedrill::lesson::Card;
use kubedrill::lesson::format::{Command, Prediction, Step, Text as Words, Topic};
use kubedrill::scene::ticks::clock;
use kubedrill::scene::{Lang, Text, t};
use kubedrill::sim::Profile;
use yew::prelude::*;

use super::icon::{Glyph, Icon};
use super::prose::prose;
use super::shared::{Emit, Shared, on};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub drill: Option<Shared<Drill>>,
    pub profile: Profile,
    /// Drills that were finished.
    pub done: Vec<String>,
    /// The step whose commands are being typed.
    pub typing: bool,
    pub start: Time,
    pub lang: Lang,
    pub emit: Emit,
}

fn say(words: &Words, lang: Lang) -> &str {
    lang.pick(&words.en, &words.ko)
}

#[component]
pub fn Lesson(props: &Props) -> Html {
    let lang = props.lang;
    html! {
        <aside class="lesson" id="lesson" aria-label={t(lang, Text::Lesson)}>
            { match &props.drill {
                Some(drill) => steps(drill, props),
                None => free_play(props),
            } }
        </aside>
    }
}

/// Commands to begin with when no drill is open.
const FIRST: [&str; 4] = [
    "kubectl get nodes -o wide",
    "kubectl create -f nginx-pod.yaml",
    "kubectl create deployment web --image=nginx",
    "kubectl get pods -A",
];

fn free_play(props: &Props) -> Html {
    let lang = props.lang;
    let drills = |topic| {
        kubedrill::lesson::cards().iter().filter(move |d| d.topic == topic && d.profiles.contains(&props.profile))
    };
    let topics = Topic::ALL.into_iter().filter(|t| drills(*t).next().is_some());
    html! {
        <>
            <header><h2>{ t(lang, if props.done.is_empty() { Text::StartHere } else { Text::FreePlay }) }</h2></header>
            <div class="lesson-body">
                if let Some(first) = next("", props.profile, &props.done) {
                    <div class="start-here">
                        <p>{ t(lang, if props.done.is_empty() { Text::Welcome } else { Text::NextDrill }) }</p>
                        { open(first, props) }
                    </div>
                }
                <h3>{ t(lang, Text::TryThese) }</h3>
                { for FIRST.iter().map(|c| chip("m-k8s", c, props)) }
                { for topics.map(|topic| html! {
                    <section key={topic.title().1}>
                        <h3>{ lang.pick(topic.title().1, topic.title().0) }</h3>
                        <ul class="catalogue">
                            { for drills(topic).map(|d| html! {
                                <li key={d.name.clone()} class={classes!(props.done.contains(&d.name).then_some("done"))}><button onclick={on(&props.emit, Action::Lesson(Some(d.name.clone())))}>
                                    <b>{ say(&d.title, lang).to_owned() }
                                        if props.done.contains(&d.name) { <span class="visually-hidden">{ format!(" ({})", t(lang, Text::Done)) }</span> }
                                    </b><span class="gist">{ prose(say(&d.summary, lang)) }</span>
                                </button></li>
                            }) }
                        </ul>
                    </section>
                }) }
            </div>
        </>
    }
}

/// The button that opens a drill that is offered.
fn open(card: &Card, props: &Props) -> Html {
    html! {
        <button class="do-it primary" onclick={on(&props.emit, Action::Lesson(Some(card.name.clone())))}>
            <Icon glyph={Glyph::Play} />{ say(&card.title, props.lang).to_owned() }
        </button>
    }
}

fn steps(drill: &Drill, props: &Props) -> Html {
    let lang = props.lang;
    let lesson = &drill.lesson;
    let done = (0..lesson.steps.len()).filter(|i| drill.step_done(*i)).count();
    html! {
        <>
            <header>
                <h2>{ say(&lesson.title, lang).to_owned() }</h2>
                <span class="progress" aria-label={format!("{done}/{}", lesson.steps.len())}>{ format!("{done}/{}", lesson.steps.len()) }</span>
            </header>
            <div class="lesson-body">
                if done == 0 { <p class="summary">{ prose(say(&lesson.summary, lang)) }</p> }
                <ol class="steps">
                    { for lesson.steps.iter().enumerate().map(|(i, s)| step(drill, i, s, props)) }
                </ol>
                if done == lesson.steps.len() {
                    <div class="next-drill">
                        <p class="all-done"><Icon glyph={Glyph::Check} />{ t(lang, Text::AllDone) }</p>
                        if let Some(card) = next(&lesson.name, props.profile, &props.done) {
                            <p>{ t(lang, Text::NextDrill) }</p>
                            { open(card, props) }
                        }
                        <button class="small with-icon" onclick={on(&props.emit, Action::Export)}><Icon glyph={Glyph::Download} />{ t(lang, Text::ForReal) }</button>
                    </div>
                }
            </div>
        </>
    }
}

fn step(drill: &Drill, i: usize, s: &Step, props: &Props) -> Html {
    let lang = props.lang;
    let (open, done) = (drill.open == i, drill.step_done(i));
    let current = drill.current() == Some(i);
    html! {
        <li key={s.id.clone()} class={classes!("step", open.then_some("open"), done.then_some("done"), current.then_some("current"))} data-step={s.id.clone()}>
            if let Some(part) = &s.part { <h3 class="part-title">{ say(part, lang).to_owned() }</h3> }
            <button class="step-head" aria-expanded={open.to_string()} onclick={on(&props.emit, Action::OpenStep(i))}>
                <span class="step-mark">{ if done { html! { <Icon glyph={Glyph::Check} /> } } else { html! { { (i + 1).to_string() } } } }</span>
                <span class="step-title">{ prose(say(&s.title, lang)) }
                    if done { <span class="visually-hidden">{ format!(" ({})", t(lang, Text::Done)) }</span> }
                </span>
                if let Some(at) = drill.done_at(i) { <span class="when">{ clock(at, props.start) }</span> }
            </button>
            if open { { step_body(drill, i, s, props) } }
        </li>
    }
}

fn step_body(drill: &Drill, i: usize, s: &Step, props: &Props) -> Html {
    let lang = props.lang;
    let asked = s.predict.is_some() && !drill.chosen.contains_key(&i) && !drill.step_done(i);
    html! {
        <div class="step-body">
            <p>{ prose(say(&s.text, lang)) }</p>
            if let Some(p) = &s.predict { { prediction(drill, i, p, props) } }
            if !s.commands.is_empty() {
                <div class="commands">
                    { for s.commands.iter().map(|c| command(c, props)) }
                    <button class={classes!("do-it", (!asked).then_some("primary"))} disabled={props.typing} onclick={on(&props.emit, Action::DoStep(i))}>
                        <Icon glyph={Glyph::Play} />{ t(lang, Text::DoIt) }
                    </button>
                </div>
            }
            if let Some(look) = &s.look_at {
                <p class="look-at"><b>{ t(lang, Text::LookAt) }</b>{ " " }{ prose(say(look, lang)) }</p>
            }
            { for s.hints.iter().enumerate().map(|(n, h)| html! {
                <details class="hint-box" key={n}><summary>{ format!("{} {}", t(lang, Text::Hint), n + 1) }</summary><p>{ prose(say(h, lang)) }</p></details>
            }) }
            <ul class="goals" aria-label={t(lang, Text::Goals)}>
                { for s.checks.iter().enumerate().map(|(n, c)| goal(say(&c.title, lang), drill.check_done_at(i, n), props)) }
            </ul>
        </div>
    }
}

fn goal(title: &str, done: Option<Time>, props: &Props) -> Html {
    let word = t(props.lang, if done.is_some() { Text::Done } else { Text::Open });
    html! {
        <li class={classes!("goal", done.is_some().then_some("done"))}>
            <span class="goal-mark" aria-hidden="true"></span>
            <span>{ prose(title) }<span class="visually-hidden">{ format!(" ({word})") }</span></span>
            if let Some(at) = done {
                <button class="when" onclick={on(&props.emit, Action::SeekTo(at))}>{ clock(at, props.start) }</button>
            }
        </li>
    }
}

fn prediction(drill: &Drill, i: usize, p: &Prediction, props: &Props) -> Html {
    let lang = props.lang;
    let chosen = drill.chosen.get(&i).copied();
    html! {
        <fieldset class="predict">
            <legend>{ prose(say(&p.question, lang)) }</legend>
            { for p.options.iter().enumerate().map(|(n, o)| {
                let mine = chosen == Some(n);
                let class = classes!("option", mine.then_some("mine"), (chosen.is_some() && o.right).then_some("right"), (mine && !o.right).then_some("wrong"));
                html! {
                    <button {class} disabled={chosen.is_some()} aria-pressed={mine.to_string()} onclick={on(&props.emit, Action::Predict(i, n))}>{ prose(say(&o.text, lang)) }</button>
                }
            }) }
            if let Some(o) = chosen.and_then(|n| p.options.get(n)) { <p class="because" role="status">{ prose(say(&o.because, lang)) }</p> }
        </fieldset>
    }
}

fn command(c: &Command, props: &Props) -> Html {
    // A machine that a command names is found when the command runs.
    let machine = if c.machine.starts_with("$(") { "" } else { c.machine.as_str() };
    chip(machine, &c.command, props)
}

/// A command: where it runs, its text, copy, and (where the machine is known) run.
fn chip(machine: &str, text: &str, props: &Props) -> Html {
    let lang = props.lang;
    let copy = format!("{}: {text}", t(lang, Text::Copy));
    let run = format!("{}: {text}", t(lang, Text::Run));
    html! {
        <div class="chip">
            if !machine.is_empty() && machine != "m-k8s" { <span class="chip-machine">{ machine.to_owned() }</span> }
            <code>{ text.to_owned() }</code>
            <button class="icon-button" onclick={on(&props.emit, Action::CopyText(text.into()))} aria-label={copy} title={t(lang, Text::Copy)}><Icon glyph={Glyph::Copy} /></button>
            if !machine.is_empty() {
                <button class="icon-button" onclick={on(&props.emit, Action::Type(machine.into(), text.into()))} aria-label={run} title={t(lang, Text::Run)}><Icon glyph={Glyph::Play} /></button>
            }
        </div>
    }
}
