//! The timeline: transport buttons, the clock, the strip with its marks and branches.

use kubedrill::app::Action;
use kubedrill::app::player::SPEEDS;
use kubedrill::scene::ticks::Tick;
use kubedrill::scene::{Lang, Text, t};
use yew::prelude::*;

use super::icon::{Glyph, Icon};
use super::shared::{Emit, Shared, on};
use crate::web::dom;

/// A mark, in permille of the strip.
#[derive(Clone, PartialEq)]
pub struct Mark {
    pub at: u32,
    pub class: &'static str,
    pub ahead: bool,
}

/// A branch that was left: where it parts, in permille.
#[derive(Clone, PartialEq)]
pub struct LaneMark {
    pub fork: u32,
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub clock: String,
    /// The handle, in permille.
    pub at: u32,
    pub marks: Shared<Vec<Mark>>,
    pub lanes: Vec<LaneMark>,
    pub playing: bool,
    pub speed: u32,
    pub follow: bool,
    pub forwarding: bool,
    pub past: bool,
    pub lang: Lang,
    pub emit: Emit,
}

/// A speed as it is shown: `0.1×`, `1×`, `60×`.
fn speed_name(speed: u32) -> String {
    if speed < 1000 { format!("0.{}×", speed / 100) } else { format!("{}×", speed / 1000) }
}

/// Marks of the ticks between start and end; marks that would coincide are drawn once.
pub fn marks(ticks: &[Tick], place: impl Fn(&Tick) -> u32, at: u32) -> Vec<Mark> {
    let mut out: Vec<Mark> = Vec::new();
    for tick in ticks {
        let mark = Mark { at: place(tick), class: tick.kind.class(), ahead: place(tick) > at };
        // A thousand pods are a few marks, not a bar.
        let near = if mark.class == "pod" { 6 } else { 0 };
        let twin = |last: &Mark| last.class == mark.class && last.ahead == mark.ahead && mark.at <= last.at + near;
        if !out.last().is_some_and(twin) {
            out.push(mark);
        }
    }
    out
}

#[component]
pub fn Timeline(props: &Props) -> Html {
    let lang = props.lang;
    let say = |text| t(lang, text);
    let emit = &props.emit;
    let chosen = {
        let emit = emit.clone();
        Callback::from(move |e: Event| {
            if let Ok(speed) = dom::value(&e).parse() {
                emit.emit(Action::Speed(speed));
            }
        })
    };
    let (play, play_name) =
        if props.playing { (Glyph::Pause, say(Text::Pause)) } else { (Glyph::Play, say(Text::Play)) };
    html! {
        <section class={classes!("timeline", props.past.then_some("past"))} id="timeline" aria-label={say(Text::Timeline)}>
            <div class="transport">
                { button(Glyph::Back, say(Text::StepBack), Action::StepBack, emit) }
                <button class="icon-button play" onclick={on(emit, Action::TogglePlay)} aria-label={play_name} title={play_name}><Icon glyph={play} /></button>
                { button(Glyph::Forward, say(Text::StepForward), Action::StepForward, emit) }
                { button(Glyph::Skip, say(Text::ToNext), Action::UntilSomething, emit) }
                if props.past { { button(Glyph::End, say(Text::ToEnd), Action::ToEnd, emit) } }
            </div>
            <output class="clock" aria-live="off">{ props.clock.clone() }</output>
            <select class="speed" aria-label={say(Text::Speed)} onchange={chosen}>
                { for SPEEDS.iter().map(|s| html! { <option value={s.to_string()} selected={*s == props.speed}>{ speed_name(*s) }</option> }) }
            </select>
            <Strip at={props.at} marks={props.marks.clone()} lanes={props.lanes.clone()} clock={props.clock.clone()} {lang} emit={emit.clone()} />
            <button class={classes!("follow", props.follow.then_some("on"))} aria-pressed={props.follow.to_string()} title={say(Text::FollowHint)}
                onclick={on(emit, Action::ToggleFollow)}><Icon glyph={Glyph::Follow} /><span>{ say(Text::Follow) }</span></button>
        </section>
    }
}

fn button(glyph: Glyph, name: &'static str, action: Action, emit: &Emit) -> Html {
    html! { <button class="icon-button" onclick={on(emit, action)} aria-label={name} title={name}><Icon {glyph} /></button> }
}

#[derive(Properties, PartialEq)]
struct StripProps {
    at: u32,
    marks: Shared<Vec<Mark>>,
    lanes: Vec<LaneMark>,
    clock: String,
    lang: Lang,
    emit: Emit,
}

/// `345` as `34.5%`.
fn percent(permille: u32) -> String {
    format!("{}.{}%", permille / 10, permille % 10)
}

#[component]
fn Strip(props: &StripProps) -> Html {
    let seek = {
        let emit = props.emit.clone();
        Callback::from(move |e: InputEvent| {
            if let Ok(at) = dom::value(&e).parse() {
                emit.emit(Action::Seek(at));
            }
        })
    };
    html! {
        <div class="strip">
            <svg aria-hidden="true" width="100%" height="28">
                <rect class="track" x="0" y="12" width="100%" height="4" rx="2" />
                <rect class="played" x="0" y="12" width={percent(props.at)} height="4" rx="2" />
                { for props.lanes.iter().enumerate().map(|(i, lane)| html! {
                    <rect class="lane" x={percent(lane.fork)} y={(20 + i * 3).to_string()} width={percent(1000 - lane.fork)} height="2" rx="1" />
                }) }
                <Marks marks={props.marks.clone()} />
            </svg>
            <input type="range" min="0" max="1000" step="1" value={props.at.to_string()} oninput={seek}
                aria-label={t(props.lang, Text::Timeline)} aria-valuetext={props.clock.clone()} />
            { for props.lanes.iter().enumerate().map(|(i, _)| html! {
                <button key={i} class={format!("lane-button lane-{i}")} onclick={on(&props.emit, Action::Lane(i))}
                    aria-label={format!("{} {}", t(props.lang, Text::Branch), i + 1)} title={format!("{} {}", t(props.lang, Text::Branch), i + 1)}>{ format!("⑂{}", i + 1) }</button>
            }) }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct MarksProps {
    marks: Shared<Vec<Mark>>,
}

#[component]
fn Marks(props: &MarksProps) -> Html {
    props.marks.iter().map(|m| {
        let (y, h) = if matches!(m.class, "command" | "fault" | "goal") { ("5", "18") } else { ("9", "10") };
        html! { <rect class={classes!("tick", m.class, m.ahead.then_some("ahead"))} x={percent(m.at)} {y} width="2" height={h} rx="1" /> }
    }).collect()
}
