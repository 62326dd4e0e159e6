//! Pods past a few hundred: painted on one canvas. In words it says how many are in which state; each
//! machine's name says the same of its own, and a machine that is zoomed into has real buttons again.

use std::collections::BTreeMap;

use kubedrill::app::settings::Theme;
use kubedrill::scene::{Lang, Scene, Text, t};
use yew::prelude::*;

use super::pod::word;
use super::shared::Shared;
use crate::web::canvas;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    pub theme: Theme,
    pub lang: Lang,
}

/// `1000 pods: 990 running, 10 pending`.
pub fn summary(scene: &Scene, lang: Lang) -> String {
    let mut by_look: BTreeMap<_, usize> = BTreeMap::new();
    for p in &scene.crowd {
        *by_look.entry(p.look).or_default() += 1;
    }
    let parts: Vec<String> = by_look.iter().map(|(look, n)| format!("{} {n}", t(lang, word(*look)))).collect();
    format!("{} {}: {}", t(lang, Text::Pods), scene.crowd.len(), parts.join(", "))
}

#[component]
pub fn Crowd(props: &Props) -> Html {
    let node = use_node_ref();
    let palette = use_memo(props.theme, |_| canvas::palette());
    {
        let node = node.clone();
        use_effect_with((props.scene.clone(), palette), move |(scene, palette)| {
            let _ = canvas::crowd(&node, scene, palette);
        });
    }
    html! { <canvas class="crowd" ref={node} role="img" aria-label={summary(&props.scene, props.lang)} /> }
}
