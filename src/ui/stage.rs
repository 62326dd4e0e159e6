//! The stage: rails, machines, pods, and what travels between them.

use kubedrill::addons::lab::SHARED;
use kubedrill::app::Action;
use kubedrill::app::player::{Caption, Traveller};
use kubedrill::app::settings::Theme;
use kubedrill::machine::Role;
use kubedrill::scene::machines::MachineView;
use kubedrill::scene::placing::Placing;
use kubedrill::scene::{Lang, Scene, Target, Text, t};
use yew::prelude::*;

use super::crowd::Crowd;
use super::machine::{Machine, circled};
use super::packets::Packets;
use super::pod::Pod;
use super::shared::{Emit, Shared, on, on_keys};
use crate::web::dom::{self, SizeWatch};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    pub travellers: Vec<Traveller>,
    pub caption: Option<Caption>,
    /// Scores to show at the nodes.
    pub placing: Option<Shared<Placing>>,
    pub selected: Option<Target>,
    pub hovered: Option<Target>,
    pub lang: Lang,
    pub follow: bool,
    /// Looking at the past.
    pub past: bool,
    /// How much of a session is replayed, in percent, while it is.
    pub replayed: Option<u32>,
    pub theme: Theme,
    pub emit: Emit,
}

/// Tells the app how large the stage is, now and whenever it changes.
#[hook]
fn use_size(emit: &Emit) -> NodeRef {
    let node = use_node_ref();
    let (watched, emit) = (node.clone(), emit.clone());
    use_effect_with((), move |()| {
        let report = Callback::from(move |(w, h)| emit.emit(Action::StageSize(w, h)));
        if let Some(size) = dom::size(&watched) {
            report.emit(size);
        }
        let watch = SizeWatch::new(&watched, report);
        move || drop(watch)
    });
    node
}

#[component]
pub fn Stage(props: &Props) -> Html {
    let node = use_size(&props.emit);
    let (scene, lang) = (&props.scene, props.lang);
    let (w, h) = (scene.layout.width, scene.layout.height);
    // Painted pods are no elements: what is meant is found by its place.
    let crowded = !scene.crowd.is_empty();
    let at = {
        let (scene, node) = (scene.clone(), node.clone());
        move |e: &MouseEvent| {
            let (x, y) = dom::within(&node, e)?;
            scene.crowd_at(x, y).map(|p| Target::Object(p.key.clone()))
        }
    };
    let click = {
        let (at, emit) = (at.clone(), props.emit.clone());
        Callback::from(move |e: MouseEvent| {
            if let Some(target) = at(&e) {
                emit.emit(Action::Select(Some(target)));
            }
        })
    };
    let moved = {
        let (emit, hovered) = (props.emit.clone(), props.hovered.clone());
        Callback::from(move |e: PointerEvent| {
            let target = at(&e);
            if target != hovered && (target.is_some() || matches!(hovered, Some(Target::Object(_)))) {
                emit.emit(Action::Hover(target));
            }
        })
    };
    html! {
        <section class={classes!("stage", scene.layout.dense.then_some("little"), props.past.then_some("past"), props.follow.then_some("following"), crowded.then_some("crowded"))} ref={node} aria-label={t(lang, Text::Stage)} id="stage"
            onclick={crowded.then_some(click)} onpointermove={crowded.then_some(moved)}>
            <svg class={classes!(scene.layout.dense.then_some("dense"), scene.layout.large.then_some("large"))} viewBox={format!("0 0 {w} {h}")} width={w.to_string()} height={h.to_string()}>
                { defs() }
                <Still scene={scene.clone()} {lang} numbers={props.follow} selected={props.selected.clone()} hovered={props.hovered.clone()} emit={props.emit.clone()} />
                if let Some(p) = &props.placing { { scores(p, scene) } }
                <Packets travellers={props.travellers.clone()} width={w} />
                { shared(scene, lang) }
            </svg>
            if crowded { <Crowd scene={scene.clone()} theme={props.theme} {lang} /> }
            if scene.zoomed {
                <button class="zoom-out" onclick={on(&props.emit, Action::Zoom(None))}>{ t(lang, Text::ZoomOut) }</button>
            }
            <CaptionLine caption={props.caption.clone()} past={props.past} replayed={props.replayed} {lang} />
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct CaptionProps {
    caption: Option<Caption>,
    past: bool,
    replayed: Option<u32>,
    lang: Lang,
}

/// The one line that says what happens.
#[component]
fn CaptionLine(props: &CaptionProps) -> Html {
    if let Some(percent) = props.replayed {
        return html! { <p class="caption past-note" role="status">{ format!("{} · {percent} %", t(props.lang, Text::Replaying)) }</p> };
    }
    match &props.caption {
        Some(c) => html! {
            <p class={classes!("caption", c.error.then_some("error"))}>
                if let Some(n) = c.number { <span class="caption-number">{ circled(n).to_string() }</span> }
                { c.text.to_string() }
            </p>
        },
        None if props.past => html! { <p class="caption past-note">{ t(props.lang, Text::PastHint) }</p> },
        None => html! {},
    }
}

/// Each node's score while a pod is being placed, at the lower right of its box.
fn scores(p: &Placing, scene: &Scene) -> Html {
    let badge = |m: &MachineView| {
        let (mut text, chosen) = p.badge(&m.name)?;
        // Where the plugin's name would cover other things, the sign alone says that it cannot be this node.
        if scene.layout.dense && m.role != Role::Worker && text.starts_with('✕') {
            text = "✕".into();
        }
        let w = text.chars().count() as i32 * 7 + 16;
        // A master's lower edge holds its pods; its badge stands beside its name.
        let y = if m.role == Role::Worker {
            m.rect.y + m.rect.h - 26
        } else {
            m.rect.y + if scene.layout.dense { 2 } else { 6 }
        };
        let x = m.rect.x + m.rect.w - w - 6;
        let class = if chosen {
            "chosen"
        } else if text.starts_with('✕') {
            "kept"
        } else {
            ""
        };
        (!m.tile && w + 12 < m.rect.w).then(|| {
            html! {
                <g {class} key={m.index}>
                    <rect x={x.to_string()} y={y.to_string()} width={w.to_string()} height="20" rx="6" />
                    <text x={(x + w / 2).to_string()} y={(y + 10).to_string()}>{ text.to_string() }</text>
                </g>
            }
        })
    };
    html! { <g class="scores" aria-hidden="true">{ for scene.machines.iter().filter_map(badge) }</g> }
}

fn defs() -> Html {
    html! {
        <defs>
            <pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                <rect class="hatch-ground" width="7" height="7" />
                <rect class="hatch-line" width="2" height="7" />
            </pattern>
        </defs>
    }
}

#[derive(Properties, PartialEq)]
struct StillProps {
    scene: Shared<Scene>,
    lang: Lang,
    numbers: bool,
    selected: Option<Target>,
    hovered: Option<Target>,
    emit: Emit,
}

/// How many more pods wait for a node than are drawn.
fn more_waiting(scene: &Scene) -> Html {
    let Some(left) = scene.waiting.last().map(|p| p.rect) else { return Html::default() };
    html! { <text class="more" x={(left.x - 8).to_string()} y={left.center().y.to_string()}>{ format!("+{}", scene.more_waiting) }</text> }
}

/// The name of a pod that is too small to hold it, while it is pointed at.
fn tip(props: &StillProps) -> Html {
    let scene = &props.scene;
    let Some(Target::Object(key)) = &props.hovered else { return Html::default() };
    let Some(p) = scene.pods().find(|p| p.key == *key && p.dot) else { return Html::default() };
    let text = format!("{} · {}", p.key.name, p.status);
    let w = text.chars().count() as i32 * 7 + 16;
    let x = (p.rect.center().x - w / 2).clamp(4, (scene.layout.width - w - 4).max(4));
    let y = if p.rect.y > 40 { p.rect.y - 30 } else { p.rect.y + p.rect.h + 8 };
    html! {
        <g class="tip" aria-hidden="true">
            <rect x={x.to_string()} y={y.to_string()} width={w.to_string()} height="22" rx="6" />
            <text x={(x + w / 2).to_string()} y={(y + 11).to_string()}>{ text }</text>
        </g>
    }
}

/// The address that several control planes share, and whether one of them answers at it.
fn shared(scene: &Scene, lang: Lang) -> Html {
    let r = scene.layout.shared;
    if r.w == 0 {
        return Html::default();
    }
    let holder = scene.layout.home().and_then(|m| scene.machine(m)).map(|m| m.name.clone());
    let answers = holder.as_deref().unwrap_or(t(lang, Text::NobodyAnswers));
    let text = format!("{}: {answers}", t(lang, Text::SharedAddress));
    html! {
        <g class={classes!("shared", holder.is_none().then_some("dead"))} role="img" aria-label={text.clone()}>
            <title>{ text }</title>
            <rect x={r.x.to_string()} y={r.y.to_string()} width={r.w.to_string()} height={r.h.to_string()} rx={(r.h / 2).to_string()} />
            <text x={r.center().x.to_string()} y={r.center().y.to_string()}>{ SHARED }</text>
        </g>
    }
}

/// A machine's box, beneath the rails.
fn ground(m: &MachineView, props: &StillProps) -> Html {
    let (r, me) = (m.rect, Target::Machine(m.index));
    let role = match m.role {
        Role::Host => "host",
        Role::ControlPlane => "master",
        Role::Worker => "worker",
    };
    let lit = props.hovered.as_ref() == Some(&me) || props.selected.as_ref() == Some(&me);
    let class = classes!(
        "ground",
        role,
        (!m.on).then_some("off"),
        (m.booting || !m.provisioning.is_empty()).then_some("booting"),
        m.missing.then_some("missing"),
        (m.role != Role::Host).then_some(m.belief.class()),
        lit.then_some("lit"),
    );
    html! {
        <rect key={m.index} {class} x={r.x.to_string()} y={r.y.to_string()} width={r.w.to_string()} height={r.h.to_string()} rx={if m.tile { "3" } else { "8" }} />
    }
}

/// Everything that does not travel: drawn again only when the scene changes.
#[component]
fn Still(props: &StillProps) -> Html {
    let (scene, lang, emit) = (&props.scene, props.lang, &props.emit);
    let u = scene.layout.users;
    let ring = props.hovered.as_ref().or(props.selected.as_ref()).and_then(|t| scene.rect(t));
    html! {
        <>
            <g aria-hidden="true">
                { for scene.machines.iter().map(|m| ground(m, props)) }
            </g>
            <g class="rails" aria-hidden="true">
                { for scene.rails.iter().map(|r| html! {
                    <path key={format!("{}-{}", r.machine, r.part.short())} class={classes!("rail", (!r.alive).then_some("dead"))} d={r.path.d()} />
                }) }
            </g>
            { for scene.machines.iter().map(|m| html! {
                <Machine key={m.index} machine={m.clone()} {lang} numbers={props.numbers} dense={scene.layout.dense}
                    selected={props.selected.clone()} hovered={props.hovered.clone()} emit={emit.clone()} />
            }) }
            { for scene.waiting.iter().map(|p| html! {
                <Pod key={p.key.to_string()} pod={p.clone()} {lang} lit={false} emit={emit.clone()} />
            }) }
            if u.w > 0 {
                <g class="users" role="button" tabindex="0" onclick={on(emit, Action::Visit)} onkeydown={on_keys(emit, Action::Visit)}>
                    <title>{ t(lang, Text::UsersHint) }</title>
                    <rect x={u.x.to_string()} y={u.y.to_string()} width={u.w.to_string()} height={u.h.to_string()} rx={(u.h / 2).to_string()} />
                    <text x={u.center().x.to_string()} y={u.center().y.to_string()}>{ t(lang, Text::Users) }</text>
                </g>
            }
            if scene.more_waiting > 0 { { more_waiting(scene) } }
            if let Some(r) = ring {
                <rect class="ring" x={(r.x - 3).to_string()} y={(r.y - 3).to_string()} width={(r.w + 6).to_string()} height={(r.h + 6).to_string()} rx={if r.w < 24 { "4" } else { "9" }} />
            }
            { tip(props) }
        </>
    }
}
