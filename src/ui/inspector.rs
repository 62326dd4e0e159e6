//! The inspector: facts, why it is as it is, its events, YAML and history.

use kubedrill::app::{Action, Facet};
use kubedrill::base::Time;
use kubedrill::scene::inspect::{Inspection, Moment};
use kubedrill::scene::placing::Placing;
use kubedrill::scene::ticks::{clock, clock_seconds};
use kubedrill::scene::{Lang, Target, Text, t};
use yew::prelude::*;

use super::icon::{Glyph, Icon};
use super::shared::{Emit, Shared, on};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub inspection: Shared<Inspection>,
    pub target: Target,
    pub facet: Facet,
    pub start: Time,
    /// What the learner can do to it, besides typing.
    pub deeds: Vec<(Text, Action)>,
    pub lang: Lang,
    pub emit: Emit,
}

#[component]
pub fn Inspector(props: &Props) -> Html {
    let (i, lang, emit) = (&props.inspection, props.lang, &props.emit);
    let facets = [
        (Facet::Why, Text::Why),
        (Facet::Events, Text::Events),
        (Facet::Yaml, Text::Yaml),
        (Facet::History, Text::History),
    ];
    let has = |f: Facet| match f {
        Facet::Events => !i.yaml.is_empty(),
        Facet::Yaml => !i.yaml.is_empty(),
        _ => true,
    };
    let facet = if has(props.facet) { props.facet } else { Facet::Why };
    html! {
        <aside class="inspector" id="inspector" aria-label={t(lang, Text::Inspector)}>
            <header>
                <div>
                    <h2>{ i.title.to_string() }</h2>
                    <p class="sort">{ i.sort.to_string() }</p>
                </div>
                <button class="icon-button" onclick={on(emit, Action::Select(None))} aria-label={t(lang, Text::Close)} title={t(lang, Text::Close)}><Icon glyph={Glyph::Close} /></button>
            </header>
            <dl class="facts">
                { for i.facts.iter().map(|f| html! {
                    <div>
                        <dt>{ f.label.to_string() }</dt>
                        <dd>{ match &f.link {
                            Some(target) => html! { <button class="link" onclick={on(emit, Action::Select(Some(target.clone())))}>{ f.value.to_string() }</button> },
                            None if !f.more.is_empty() => html! { <details><summary>{ f.value.to_string() }</summary><code>{ f.more.to_string() }</code></details> },
                            None => html! { { f.value.to_string() } },
                        } }</dd>
                    </div>
                }) }
            </dl>
            if let Some(p) = &i.placing { { placing(p, props) } }
            if !props.deeds.is_empty() {
                <div class="deeds">
                    { for props.deeds.iter().map(|(name, action)| html! { <button class="small" onclick={on(emit, action.clone())}>{ t(lang, *name) }</button> }) }
                </div>
            }
            <div class="facets" role="tablist" aria-label={t(lang, Text::Inspector)}>
                { for facets.into_iter().filter(|(f, _)| has(*f)).map(|(f, name)| html! {
                    <button role="tab" id={format!("facet-{f:?}")} aria-controls="facet" class={classes!((f == facet).then_some("chosen"))} aria-selected={(f == facet).to_string()}
                        onclick={on(emit, Action::Facet(f))}>{ t(lang, name) }</button>
                }) }
            </div>
            <div class="facet" id="facet" role="tabpanel" aria-labelledby={format!("facet-{facet:?}")} tabindex="0">{ body(facet, props) }</div>
        </aside>
    }
}

/// The scheduler's choice: totals at once, each plugin's share on request.
fn placing(p: &Placing, props: &Props) -> Html {
    let lang = props.lang;
    let title = if p.chosen.is_empty() { Text::NotPlaced } else { Text::Placed };
    let best = p.scored.iter().map(|s| s.total).max().unwrap_or(0);
    html! {
        <details class="placing" open={p.chosen.is_empty()}>
            <summary>{ t(lang, title) }{ if p.chosen.is_empty() { String::new() } else { format!(": {}", p.chosen) } }
                if best > 0 { <span class="when">{ format!(" {best}") }</span> }
            </summary>
            if !p.scored.is_empty() {
                <table>
                    <thead><tr><th>{ t(lang, Text::Plugin) }</th>{ for p.scored.iter().map(|s| html! { <th class={classes!((s.node == p.chosen).then_some("chosen"))}>{ s.node.trim_end_matches("-k8s").to_owned() }</th> }) }</tr></thead>
                    <tbody>
                        { for p.plugins.iter().enumerate().map(|(n, plugin)| {
                            let differs = p.scored.windows(2).any(|w| w[0].scores[n] != w[1].scores[n]);
                            html! { <tr class={classes!((!differs).then_some("same"))}><td>{ plugin.to_string() }</td>{ for p.scored.iter().map(|s| html! { <td>{ s.scores[n].to_string() }</td> }) }</tr> }
                        }) }
                        <tr class="total"><td>{ t(lang, Text::Total) }</td>{ for p.scored.iter().map(|s| html! { <td>{ s.total.to_string() }</td> }) }</tr>
                    </tbody>
                </table>
            }
            <ul>{ for p.kept.iter().map(|k| html! { <li><b>{ k.node.to_string() }</b>{ format!(" {} ", k.plugin) }<span>{ k.reasons.to_string() }</span></li> }) }</ul>
        </details>
    }
}

fn body(facet: Facet, props: &Props) -> Html {
    let (i, lang) = (&props.inspection, props.lang);
    match facet {
        Facet::Why if i.why.is_empty() => html! { <p class="empty">{ t(lang, Text::NoWhy) }</p> },
        Facet::Why => html! { <><p class="hint">{ t(lang, Text::WhyHint) }</p>{ moments(&i.why, true, props) }</> },
        Facet::History => moments(&i.history, false, props),
        Facet::Events if i.events.is_empty() => html! { <p class="empty">{ t(lang, Text::NoEvents) }</p> },
        Facet::Events => i.events.iter().map(|e| html! {
            <div class={classes!("event", (e.kind == "Warning").then_some("warning"))}>
                <p><b>{ e.reason.to_string() }</b><span class="when">{ clock_seconds(e.at, props.start) }{ if e.count > 1 { format!(" ×{}", e.count) } else { String::new() } }</span></p>
                <p>{ e.message.to_string() }</p>
            </div>
        }).collect(),
        Facet::Yaml => html! {
            <pre class="yaml">{ for i.yaml.iter().map(|line| html! {
                <span class="yaml-line">{ for line.iter().map(|(text, class)| html! { <span class={*class}>{ text.to_string() }</span> }) }{ "\n" }</span>
            }) }</pre>
        },
    }
}

fn moments(list: &[Moment], chain: bool, props: &Props) -> Html {
    html! {
        <ol class={classes!("moments", chain.then_some("chain"))}>
            { for list.iter().map(|m| html! {
                <li>
                    <button onclick={on(&props.emit, Action::SeekTo(m.at))}>
                        <span class="when">{ clock(m.at, props.start) }</span>
                        <span>{ m.text.clone() }</span>
                    </button>
                </li>
            }) }
        </ol>
    }
}
