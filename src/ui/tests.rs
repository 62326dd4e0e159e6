//! Component HTML, rendered natively.

use kubedrill::app::action::{Action, Facet};
use kubedrill::app::drill::Drill;
use kubedrill::app::settings::Settings;
use kubedrill::app::terminals::Draft;
use kubedrill::app::{State, link, reduce};
use kubedrill::scene::inspect::inspect;
use kubedrill::scene::screen::Line;
use kubedrill::scene::{Lang, Target, build};
use yew::prelude::*;

use super::shared::Shared;
use super::stage::Stage;
use super::{editor, export, inspector, lesson, stage, terminal, timeline};

/// Renders a component to HTML. Nothing here waits, so polling once is enough.
fn html<C>(props: C::Properties) -> String
where
    C: BaseComponent,
    C::Properties: PartialEq,
{
    let rendered = yew::LocalServerRenderer::<C>::with_props(props).hydratable(false).render();
    let mut future = std::pin::pin!(rendered);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(html) = future.as_mut().poll(&mut cx) {
            return html;
        }
    }
}

fn state(search: &str) -> State {
    State::open(&link::parse(search, ""), Settings::default(), kubedrill::addons::lab::ready)
}

fn emit() -> super::shared::Emit {
    Callback::noop()
}

/// What the page's policy forbids and what every page of ours must hold.
fn check(html: &str, has: &[&str]) {
    assert!(!html.contains(" style=\""), "inline style is blocked by the policy: {html}");
    for text in has {
        assert!(html.contains(text), "no {text:?} in {html}");
    }
}

fn stage_html(lang: Lang) -> String {
    let mut s = state("");
    let scene = build(&s.session.world, (1120, 560), None, &mut s.slots, lang);
    html::<Stage>(stage::Props {
        scene: Shared::new(scene),
        travellers: Vec::new(),
        caption: None,
        placing: None,
        selected: Some(Target::Machine(2)),
        hovered: None,
        lang,
        follow: true,
        past: false,
        replayed: None,
        theme: kubedrill::app::settings::Theme::Light,
        emit: emit(),
    })
}

#[test]
fn the_bundle_explains_its_lines_and_refuses_beside_the_field() {
    let mut s = state("?lesson=kubelet-stopped");
    reduce(&mut s, Action::Export);
    reduce(&mut s, Action::ExportFile("config.sh".into()));
    let props = |s: &State, lang| export::Props { bundle: Shared::of(s.export.clone().unwrap()), lang, emit: emit() };
    check(&html::<export::Export>(props(&s, Lang::En)), &["swapoff", "Δ swap", "Worker nodes", "Download zip"]);
    reduce(&mut s, Action::Knob("workers", "12".into()));
    let refused = html::<export::Export>(props(&s, Lang::Ko));
    check(&refused, &["aria-invalid=\"true\"", "id=\"why-workers\"", "disabled", "표시된 칸"]);
}

#[test]
fn the_editor_shows_a_file_of_its_machine() {
    let mut s = state("");
    reduce(&mut s, Action::Edit);
    reduce(&mut s, Action::EditPath("/root/nginx-pod.yaml".into()));
    let file = Shared::of(s.editor.clone().unwrap());
    let html = html::<editor::Editor>(editor::Props { file, lang: Lang::Ko, emit: emit() });
    check(&html, &["m-k8s", "kind: Pod", "/root/nginx-pod.yaml", "disabled"]);
}

#[test]
fn free_play_lists_its_drills_by_topic() {
    let s = state("");
    let html = html::<lesson::Lesson>(lesson::Props {
        drill: None,
        profile: s.world().config.profile,
        done: vec!["taints".into()],
        typing: false,
        start: s.session.start(),
        lang: Lang::En,
        emit: emit(),
    });
    check(
        &html,
        &[
            "Next drill",
            "class=\"done\"",
            "<code>kubectl run</code>",
            "Nodes and scheduling",
            "Deleting a pod while its kubelet is stopped",
            "kubectl create -f nginx-pod.yaml",
        ],
    );
}

#[test]
fn the_stage_names_its_machines_and_parts() {
    check(&stage_html(Lang::En), &["m-k8s", "w3-k8s", "192.168.1.103", "API server", "Controller manager", "②"]);
    check(&stage_html(Lang::Ko), &["API 서버", "컨트롤러 매니저", "내 PC", "사용자"]);
}

#[test]
fn the_lesson_shows_its_open_step() {
    let s = state("?lesson=kubelet-stopped");
    let props = |lang| lesson::Props {
        drill: s.drill.clone().map(Shared::<Drill>::new),
        profile: s.world().config.profile,
        done: Vec::new(),
        typing: false,
        start: s.session.start(),
        lang,
        emit: emit(),
    };
    check(
        &html::<lesson::Lesson>(props(Lang::En)),
        &["kubectl create -f nginx-pod.yaml", "Do it", "aria-expanded=\"true\""],
    );
    check(&html::<lesson::Lesson>(props(Lang::Ko)), &["해 보기", "파드를 만듭니다"]);
}

#[test]
fn the_terminal_has_a_labelled_line() {
    let tabs = vec![
        terminal::TabView { index: 1, name: "m-k8s".into(), busy: true },
        terminal::TabView { index: 2, name: "w1-k8s".into(), busy: false },
    ];
    let props = terminal::Props {
        tabs,
        tab: 1,
        lines: Shared::new(vec![Line::default()]),
        prompt: "[root@m-k8s ~]# ".into(),
        busy: true,
        keys: false,
        draft: Draft::of("kubectl"),
        lang: Lang::Ko,
        emit: emit(),
    };
    check(
        &html::<terminal::Terminal>(props),
        &["role=\"tab\"", "aria-selected=\"true\"", "명령줄: m-k8s", "Ctrl-C", "value=\"kubectl\""],
    );
}

#[test]
fn the_timeline_is_a_slider() {
    let props = timeline::Props {
        clock: "0:01.0".into(),
        at: 345,
        marks: Shared::new(vec![timeline::Mark { at: 10, class: "command", ahead: false }]),
        lanes: vec![timeline::LaneMark { fork: 500 }],
        playing: true,
        speed: 1000,
        follow: false,
        forwarding: false,
        past: true,
        lang: Lang::En,
        emit: emit(),
    };
    check(
        &html::<timeline::Timeline>(props),
        &["type=\"range\"", "value=\"345\"", "34.5%", "Pause", "Go to the end", "tick command"],
    );
}

#[test]
fn the_inspector_shows_yaml_and_why() {
    let mut s = state("");
    reduce(&mut s, Action::Select(Some(Target::Machine(2))));
    let target = s.selected.clone().unwrap();
    let props = |facet| inspector::Props {
        inspection: Shared::new(inspect(s.world(), &target, Lang::En)),
        target: target.clone(),
        facet,
        start: s.session.start(),
        deeds: Vec::new(),
        lang: Lang::En,
        emit: emit(),
    };
    check(&html::<inspector::Inspector>(props(Facet::Yaml)), &["w1-k8s", "apiVersion", "role=\"tabpanel\""]);
    check(&html::<inspector::Inspector>(props(Facet::Why)), &["2560 MiB"]);
}
