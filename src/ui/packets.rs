//! What travels right now: trails and labelled packets. The only part of the stage that is drawn on
//! every frame.

use kubedrill::app::player::Traveller;
use yew::prelude::*;

use super::machine::circled;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub travellers: Vec<Traveller>,
    pub width: i32,
}

/// A rough width of monospaced text at the packets' size.
fn width(text: &str) -> i32 {
    text.chars().map(|c| if c.is_ascii() { 7 } else { 12 }).sum()
}

fn packet(p: &Traveller, stage: i32) -> Html {
    let number = p.number.map(|n| circled(n).to_string() + " ").unwrap_or_default();
    let text = if p.label.is_empty() { String::new() } else { format!("{number}{}", p.label) };
    if text.is_empty() {
        return html! { <circle class={classes!("mote", p.class)} cx={p.at.x.to_string()} cy={p.at.y.to_string()} r="3" /> };
    }
    let w = width(&text) + 14;
    let x = (p.at.x - w / 2).clamp(2, (stage - w - 2).max(2));
    html! {
        <g class={classes!("packet", p.class)} transform={format!("translate({x} {})", p.at.y - 10)}>
            <rect width={w.to_string()} height="20" rx={if p.class == "watch" { "3" } else { "10" }} />
            <text x={(w / 2).to_string()} y="10">{ text }</text>
        </g>
    }
}

#[component]
pub fn Packets(props: &Props) -> Html {
    html! {
        <g class="packets" aria-hidden="true">
            { for props.travellers.iter().map(|p| html! { <path key={format!("t{}", p.id)} class={classes!("trail", if p.quiet { "quiet" } else { p.class })} d={p.d.clone()} /> }) }
            { for props.travellers.iter().map(|p| packet(p, props.width)) }
        </g>
    }
}
