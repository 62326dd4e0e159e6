//! One machine: its box, name, what the control plane believes of it, and its parts.

use kubedrill::app::Action;
use kubedrill::machine::Role;
use kubedrill::scene::machines::{Belief, MachineView, PartView};
use kubedrill::scene::{Lang, Part, Target, Text, t};
use yew::prelude::*;

use super::pod::Pod;
use super::shared::{Emit, on, on_keys};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub machine: MachineView,
    pub lang: Lang,
    pub selected: Option<Target>,
    pub hovered: Option<Target>,
    /// Shows the numbers of the course's figure.
    pub numbers: bool,
    pub dense: bool,
    pub emit: Emit,
}

/// ⓪ to ⑦.
pub fn circled(n: u8) -> char {
    if n == 0 { '⓪' } else { char::from_u32(0x245f + u32::from(n)).unwrap_or('·') }
}

#[component]
pub fn Machine(props: &Props) -> Html {
    let (m, emit, lang) = (&props.machine, &props.emit, props.lang);
    let r = m.rect;
    let class = classes!(
        "machine",
        match m.role {
            Role::Host => "host",
            Role::ControlPlane => "master",
            Role::Worker => "worker",
        },
        (!m.on).then_some("off"),
        m.booting.then_some("booting"),
        (m.role != Role::Host).then_some(m.belief.class()),
        m.tile.then_some("tile"),
        m.small.then_some("small"),
        m.missing.then_some("missing"),
    );
    let lit = |target: &Target| props.hovered.as_ref() == Some(target) || props.selected.as_ref() == Some(target);
    html! {
        <g {class} data-machine={m.name.to_string()}>
            { head(m, props) }
            { for m.parts.iter().map(|p| part(m, p, props)) }
            { for m.pods.iter().map(|p| {
                let target = Target::Object(p.key.clone());
                html! { <Pod key={p.key.to_string()} pod={p.clone()} {lang} lit={lit(&target)} emit={emit.clone()} /> }
            }) }
            { foot(m, lang) }
            if m.two_truths && !m.tile && !props.dense {
                <text class="truth" x={(r.x + 10).to_string()} y={(r.y + r.h - 10).to_string()}>{ format!("● {}", t(lang, Text::StillRuns)) }</text>
            }
            if m.count == 0 && m.role == Role::Worker && !m.tile && !m.booting { { empty(m, lang) } }
            if m.more > 0 {
                <text class="more" x={(r.x + r.w - 8).to_string()} y={(r.y + r.h - 8).to_string()}>{ format!("+{}", m.more) }</text>
            }
        </g>
    }
}

/// What a machine without pods says in their place.
fn empty(m: &MachineView, lang: Lang) -> Html {
    let top = m.head.y + m.head.h;
    let room = m.rect.y + m.rect.h - top;
    let text = match m.belief {
        _ if m.missing => Text::VagrantMakes,
        Belief::Ready if m.on => Text::NoPods,
        _ => return Html::default(),
    };
    if room < 48 {
        return Html::default();
    }
    html! { <text class="empty-machine" x={m.rect.center().x.to_string()} y={(top + room / 2 - 4).to_string()}>{ t(lang, text) }</text> }
}

/// The line with the machine's name: the button that selects it.
fn head(m: &MachineView, props: &Props) -> Html {
    let (h, lang) = (m.head, props.lang);
    if m.tile {
        return tile_head(m, props);
    }
    let select = Action::Select(Some(Target::Machine(m.index)));
    let base = h.y + h.h / 2;
    let state = state(m, lang);
    let mut spoken = format!("{} {} {state}", m.name, m.ip);
    if m.two_truths {
        spoken += &format!("; {}; {}", t(lang, Text::BelievedDead), t(lang, Text::StillRuns));
    }
    spoken += &crowded(m, lang);
    let beside = h.w > 170;
    let shows_state = shows_state(m);
    let chars = |text: &str| text.chars().count() as i32;
    let needs = 26 + chars(&m.name) * 9 + chars(&m.ip) * 7 + if shows_state { tag_width(&state) + 12 } else { 0 };
    // Painted pods have no names of their own to count.
    let counted = m.pods.is_empty() && m.count > 0 && !shows_state && needs + 72 <= h.w;
    html! {
        <g class="machine-head" role="button" tabindex="0" onclick={on(&props.emit, select.clone())} onkeydown={on_keys(&props.emit, select)}
            ondblclick={on(&props.emit, Action::Zoom(Some(m.index)))}>
            <title>{ spoken }</title>
            <rect class="hit" x={(h.x + 2).to_string()} y={(h.y + 2).to_string()} width={(h.w - 4).to_string()} height={(h.h - 4).to_string()} rx="6" />
            <text class="head" x={(h.x + 10).to_string()} y={base.to_string()}>
                <tspan class="machine-name">{ m.name.to_string() }</tspan>
                if beside && needs <= h.w { <tspan class="machine-ip" dx="8">{ m.ip.to_string() }</tspan> }
            </text>
            if counted { <text class="machine-count" x={(h.x + h.w - 10).to_string()} y={base.to_string()}>{ format!("{} {}", m.count, t(lang, Text::Pods)) }</text> }
            if shows_state && beside { { tag(m, &state, true) } }
        </g>
    }
}

fn tag_width(state: &str) -> i32 {
    state.chars().map(|c| if c.is_ascii() { 7 } else { 12 }).sum::<i32>() + 14
}

/// What is to be said of a machine: what the control plane believes, or what goes on before it can.
fn state(m: &MachineView, lang: Lang) -> String {
    let believed = t(lang, m.belief.text());
    match (m.on, m.cut_off) {
        _ if m.booting => t(lang, Text::Booting).to_owned(),
        _ if m.missing => t(lang, Text::NotMade).to_owned(),
        _ if !m.provisioning.is_empty() => format!("{} {}", t(lang, Text::Provisioning), m.provisioning),
        (false, _) => t(lang, Text::PoweredOff).to_owned(),
        (true, true) => format!("{} · {believed}", t(lang, Text::CutOff)),
        (true, false) => believed.to_owned(),
    }
}

fn shows_state(m: &MachineView) -> bool {
    m.role != Role::Host && (!m.on || m.cut_off || m.belief != Belief::Ready)
}

/// The state at the foot of a box too narrow to show it beside the name: over its pods, as short as can be.
fn foot(m: &MachineView, lang: Lang) -> Html {
    // That it is not there yet is said in its middle.
    if !shows_state(m) || m.tile || m.head.w > 170 || (m.missing && !m.booting) {
        return Html::default();
    }
    let script = m.provisioning.to_string();
    let short = if script.is_empty() || m.booting { state(m, lang) } else { script };
    html! { <g aria-hidden="true" class="foot">{ tag(m, &short, false) }</g> }
}

/// For screen readers: how many pods are painted in it, and how many of them are in trouble.
fn crowded(m: &MachineView, lang: Lang) -> String {
    if !m.pods.is_empty() || m.count == 0 {
        return String::new();
    }
    let troubled = match m.troubled {
        0 => String::new(),
        n => format!(", {n} {}", t(lang, Text::Troubled)),
    };
    format!("; {} {}{troubled}", m.count, t(lang, Text::Pods))
}

/// What the control plane believes: at the right end of the machine's line, or at the foot of a
/// narrow box.
fn tag(m: &MachineView, state: &str, beside: bool) -> Html {
    let (r, h) = (m.rect, m.head);
    let w = if beside { tag_width(state) } else { (tag_width(state) * 6 / 7 + 2).min(r.w - 8) };
    let middle = if beside { h.y + h.h / 2 } else { r.y + r.h - 14 };
    html! {
        <g class={classes!("belief", (m.booting || !m.provisioning.is_empty()).then_some("booting"), if m.on && !(m.cut_off && m.belief == Belief::Ready) { m.belief.class() } else { "off" })}>
            <rect x={(r.x + r.w - w - 6).to_string()} y={(middle - 9).to_string()} width={w.to_string()} height="18" rx="9" />
            <text x={(r.x + r.w - w / 2 - 6).to_string()} y={middle.to_string()}>{ state.to_owned() }</text>
        </g>
    }
}

fn tile_head(m: &MachineView, props: &Props) -> Html {
    let r = m.rect;
    let select = Action::Select(Some(Target::Machine(m.index)));
    let trouble =
        if m.troubled > 0 { format!(", {} {}", m.troubled, t(props.lang, Text::Troubled)) } else { String::new() };
    let spoken = format!("{}, {} {}{trouble}", m.name, m.count, t(props.lang, Text::Pods));
    html! {
        <g class="machine-head" role="button" tabindex="0"
            onclick={on(&props.emit, select.clone())} onkeydown={on_keys(&props.emit, select)}
            ondblclick={on(&props.emit, Action::Zoom(Some(m.index)))}>
            <title>{ spoken }</title>
            <rect class="hit" x={r.x.to_string()} y={r.y.to_string()} width={r.w.to_string()} height={r.h.min(14).to_string()} />
            if r.h >= 40 && r.w >= 44 {
                <text class="tile-name" x={(r.x + 4).to_string()} y={(r.y + 11).to_string()}>{ m.name.trim_end_matches("-k8s").to_owned() }</text>
            }
        </g>
    }
}

fn part(m: &MachineView, p: &PartView, props: &Props) -> Html {
    let (r, lang) = (p.rect, props.lang);
    let target = Target::Part(m.index, p.part);
    let lit = props.hovered.as_ref() == Some(&target);
    let selected = props.selected.as_ref() == Some(&target);
    let action = if p.part == Part::Shell { Action::Tab(m.index) } else { Action::Select(Some(target.clone())) };
    let kind = match p.part {
        Part::ApiServer => "api",
        Part::Etcd => "etcd",
        Part::Shell => "shell",
        _ => "plain",
    };
    let class =
        classes!("part", kind, (!p.alive).then_some("dead"), lit.then_some("lit"), selected.then_some("selected"));
    let state = t(lang, if p.alive { Text::Alive } else { Text::Dead });
    let spoken = format!("{} {}, {state}", m.name, p.part.label(lang));
    // kubectl's number once, where the course's figure has it.
    let numbered = props.numbers && (p.part != Part::Shell || m.role == Role::ControlPlane);
    // Small chips stand in two rows: a number over the lower one would cover the upper.
    let covered = props.dense && m.role == Role::Worker && r.y > m.rect.y + 8;
    let number = p.part.number().filter(|_| numbered && !covered);
    html! {
        <g {class} role="button" tabindex="0" data-part={p.part.short()}
            onclick={on(&props.emit, action.clone())} onkeydown={on_keys(&props.emit, action)}
            onpointerenter={on(&props.emit, Action::Hover(Some(target)))} onpointerleave={on(&props.emit, Action::Hover(None))}>
            <title>{ spoken }</title>
            <rect class="chip" x={r.x.to_string()} y={r.y.to_string()} width={r.w.to_string()} height={r.h.to_string()} rx="6" />
            if p.part == Part::Etcd {
                <path class="drum" d={format!("M{} {}q{} 6 {} 0", r.x + 6, r.y + 5, (r.w - 12) / 2, r.w - 12)} />
            }
            <text class="part-name" x={r.center().x.to_string()} y={(r.center().y + i32::from(p.part == Part::Etcd)).to_string()}>{ p.label.to_string() }</text>
            if let Some(n) = number {
                <text class="number" x={(r.x + 2).to_string()} y={(r.y - 1).to_string()}>{ circled(n).to_string() }</text>
            }
        </g>
    }
}
