//! One pod: a cell whose colour and shape both tell its state, or a dot where there is no room.

use kubedrill::app::Action;
use kubedrill::scene::geometry::Rect;
use kubedrill::scene::pods::{Look, PodView};
use kubedrill::scene::{Lang, Target, Text, t};
use yew::prelude::*;

use super::shared::{Emit, on, on_keys};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub pod: PodView,
    pub lang: Lang,
    pub lit: bool,
    pub emit: Emit,
}

pub fn word(look: Look) -> Text {
    match look {
        Look::Pending => Text::Pending,
        Look::Creating => Text::Creating,
        Look::Running => Text::PodRunning,
        Look::Unready => Text::Unready,
        Look::Terminating => Text::Terminating,
        Look::Failed => Text::Failed,
        Look::Completed => Text::Completed,
        Look::Ghost => Text::Ghost,
    }
}

/// The cell's outline: failed ones lose a corner.
pub fn outline(r: Rect, look: Look) -> String {
    let (x, y, w, h) = (r.x, r.y, r.w, r.h);
    let c = if r.h < 14 { r.h / 3 } else { 9 };
    let k = 5.min(r.h / 3);
    if look == Look::Failed {
        return format!(
            "M{} {y}H{}L{} {}V{}H{}Q{x} {} {x} {}V{}Q{x} {y} {} {y}z",
            x + k,
            x + w - c,
            x + w,
            y + c,
            y + h,
            x + k,
            y + h,
            y + h - k,
            y + k,
            x + k
        );
    }
    format!(
        "M{} {y}h{}q{k} 0 {k} {k}v{}q0 {k} -{k} {k}h-{}q-{k} 0 -{k} -{k}v-{}q0 -{k} {k} -{k}z",
        x + k,
        w - 2 * k,
        h - 2 * k,
        w - 2 * k,
        h - 2 * k
    )
}

/// What a screen reader says of a pod.
pub fn spoken(pod: &PodView, lang: Lang) -> String {
    let mut said = format!("{}, {} ({})", pod.key.name, t(lang, word(pod.look)), pod.status);
    if !pod.ip.is_empty() {
        said += &format!(", {}", pod.ip);
    }
    if pod.restarts > 0 {
        said += &format!(", {} {}", t(lang, Text::Restarts), pod.restarts);
    }
    if pod.hollow() {
        said += &format!(", {}", t(lang, Text::Hollow));
    }
    if pod.alive && pod.look == Look::Terminating {
        said += &format!(", {}", t(lang, Text::StillRuns));
    }
    said
}

#[component]
pub fn Pod(props: &Props) -> Html {
    let (p, emit) = (&props.pod, &props.emit);
    let target = Target::Object(p.key.clone());
    let r = p.rect;
    let hue = p.hue.map(|h| format!("hue-{h}{}", if p.shade { " shade" } else { "" }));
    let class = classes!(
        "pod",
        p.look.class(),
        p.quiet.then_some("quiet"),
        p.dot.then_some("dot"),
        props.lit.then_some("lit"),
        p.hollow().then_some("hollow"),
        hue
    );
    let d = outline(r, p.look);
    let still = p.marked();
    let label_y = (r.y + r.h / 2).to_string();
    let body = if p.dot {
        Html::default()
    } else {
        html! {
            <>
                if p.look == Look::Creating {
                    <rect class="fill" x={(r.x + 1).to_string()} y={(r.y + r.h / 2).to_string()} width={(r.w - 2).to_string()} height={(r.h - r.h / 2 - 1).to_string()} rx="4" />
                }
                if p.hue.is_some() {
                    <rect class="family" x={(r.x + 5).to_string()} y={(r.y + 6).to_string()} width="3" height={(r.h - 12).max(2).to_string()} rx="1" />
                }
                <text class="pod-name" x={(r.x + if p.hue.is_some() { 13 } else { 9 }).to_string()} y={label_y.clone()}>{ p.label.to_string() }</text>
                if still {
                    <circle class="still" cx={(r.x + r.w - 9).to_string()} cy={label_y} r="3.500" />
                } else if p.restarts > 0 {
                    <g class="restarts">
                        <rect x={(r.x + r.w - 30).to_string()} y={(r.y + r.h - 7).to_string()} width="26" height="14" rx="7" />
                        <text x={(r.x + r.w - 17).to_string()} y={(r.y + r.h).to_string()}>{ format!("↻{}", p.restarts) }</text>
                    </g>
                }
            </>
        }
    };
    html! {
        <g {class} role="button" tabindex="0" data-pod={p.key.name.to_string()} data-state={p.look.class()}
            onclick={on(emit, Action::Select(Some(target.clone())))} onkeydown={on_keys(emit, Action::Select(Some(target.clone())))}
            onpointerenter={on(emit, Action::Hover(Some(target)))} onpointerleave={on(emit, Action::Hover(None))}>
            <title>{ spoken(p, props.lang) }</title>
            <path class="cell" {d} />
            { body }
        </g>
    }
}
