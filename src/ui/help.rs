//! Help: what the picture's symbols mean, what each part does, which keys there are.

use kubedrill::app::Action;
use kubedrill::scene::geometry::Rect;
use kubedrill::scene::pods::Look;
use kubedrill::scene::{Lang, Part, Text, t};
use yew::prelude::*;

use super::icon::{Glyph, Icon};
use super::pod::{outline, word};
use super::prose::prose;
use super::shared::{Emit, on, on_escape};
use crate::web::dom;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub lang: Lang,
    pub emit: Emit,
}

/// A sentence in both languages.
type Words = [&'static str; 2];

const PARTS: [(Part, Words); 9] = [
    (
        Part::ApiServer,
        [
            "Everybody talks to it and only to it; it checks every request.",
            "모두가 오직 이곳과 이야기합니다. 모든 요청을 검사합니다.",
        ],
    ),
    (
        Part::Etcd,
        [
            "Keeps what the API server stores: the cluster's only memory.",
            "API 서버가 저장한 것을 보관합니다. 클러스터의 유일한 기억입니다.",
        ],
    ),
    (
        Part::ControllerManager,
        [
            "Compares what is with what should be, and acts: replicas, nodes, endpoints.",
            "원하는 상태와 지금 상태를 견주어 맞춥니다. 복제본, 노드, 엔드포인트를 돌봅니다.",
        ],
    ),
    (Part::Scheduler, ["Chooses a node for each new pod.", "새 파드가 들어갈 노드를 고릅니다."]),
    (
        Part::Kubelet,
        ["Runs the pods of its machine and reports on them.", "자기 머신의 파드를 실행하고 상태를 보고합니다."],
    ),
    (
        Part::Runtime,
        [
            "docker or containerd: starts and stops containers for kubelet.",
            "docker 또는 containerd. kubelet의 부탁으로 컨테이너를 켜고 끕니다.",
        ],
    ),
    (
        Part::KubeProxy,
        [
            "Writes the rules that lead from a Service's address to a pod.",
            "서비스 주소에서 파드로 이어지는 규칙을 씁니다.",
        ],
    ),
    (
        Part::Cni,
        [
            "The pod network: gives pods addresses and carries packets between machines.",
            "파드 네트워크. 파드에 주소를 주고 머신 사이로 패킷을 나릅니다.",
        ],
    ),
    (Part::Shell, ["The machine's terminal: click it to type there.", "그 머신의 터미널. 누르면 거기에 입력합니다."]),
];

const LOOKS: [(Look, Words); 8] = [
    (Look::Pending, ["no node yet", "아직 노드가 없음"]),
    (Look::Creating, ["its containers are being made", "컨테이너를 만드는 중"]),
    (Look::Running, ["runs and is ready", "돌고 있고 준비됨"]),
    (Look::Unready, ["runs, gets no traffic", "돌지만 트래픽을 받지 않음"]),
    (
        Look::Terminating,
        ["shall go; a green dot: its container still runs", "없어지는 중, 초록 점은 컨테이너가 아직 도는 것"],
    ),
    (Look::Failed, ["an error, or starts again and again", "오류, 또는 거듭 다시 시작"]),
    (Look::Completed, ["has done its work", "할 일을 마침"]),
    (Look::Ghost, ["a container that the API does not know", "API가 모르는 컨테이너"]),
];

const PACKETS: [(&str, &str, Words); 7] = [
    ("request", "POST", ["a request to the API server", "API 서버로 가는 요청"]),
    ("answer", "201", ["its answer", "그 응답"]),
    ("error", "404", ["an answer that refuses, or a lost packet", "거절 응답, 또는 사라진 패킷"]),
    ("watch", "ADDED", ["a change, told to those who watch", "지켜보는 쪽에 알리는 변경"]),
    ("write", "put", ["stored in etcd", "etcd에 저장"]),
    ("local", "CRI", ["kubelet to its runtime", "kubelet이 런타임에"]),
    ("data", ":80", ["a user's or pod's own packet", "사용자나 파드의 패킷"]),
];

const BOXES: [(&str, Words); 4] = [
    ("dead", ["part is not running", "멈춘 구성 요소"]),
    ("notready", ["machine that the control plane believes dead", "컨트롤 플레인이 죽었다고 보는 머신"]),
    ("booting", ["machine that boots or runs its scripts", "부팅 중이거나 스크립트를 실행하는 머신"]),
    ("off", ["machine without power, or not made yet", "꺼졌거나 아직 없는 머신"]),
];

const KEYS: [(&str, Words); 9] = [
    ("Tab", ["completes a command; on an empty line moves on", "명령 완성, 빈 줄에서는 다음으로 이동"]),
    ("↑ ↓", ["earlier commands", "이전 명령"]),
    ("Ctrl-R", ["search earlier commands", "이전 명령 찾기"]),
    ("Ctrl-C", ["interrupt", "중단"]),
    ("Ctrl-L", ["clear the screen", "화면 지우기"]),
    ("Enter", ["on a part, machine or pod: inspect it", "구성 요소, 머신, 파드에서: 살펴보기"]),
    ("← →", ["on the timeline: go through time", "타임라인에서: 시간 이동"]),
    ("Esc", ["close what lies on top", "위에 열린 것 닫기"]),
    ("?", ["this help (outside of fields)", "이 도움말 (입력 칸 밖에서)"]),
];

#[component]
pub fn Help(props: &Props) -> Html {
    let lang = props.lang;
    let say = |words: &Words| lang.pick(words[0], words[1]);
    use_effect_with((), |()| dom::focus("help-close"));
    html! {
        <div class="veil" onclick={on(&props.emit, Action::CloseDialog)}>
            <div class="dialog help" id="help" role="dialog" aria-modal="true" aria-labelledby="help-title" onkeydown={on_escape(&props.emit)}
                onclick={Callback::from(|e: MouseEvent| e.stop_propagation())}>
                <div class="help-head">
                    <h2 id="help-title">{ t(lang, Text::Help) }</h2>
                    <button id="help-close" class="icon-button" onclick={on(&props.emit, Action::CloseDialog)} aria-label={t(lang, Text::Close)}><Icon glyph={Glyph::Close} /></button>
                </div>
                <div class="help-body" tabindex="0" role="region" aria-labelledby="help-title">
                    <section>
                        <h3>{ lang.pick("How to begin", "시작하는 법") }</h3>
                        <ol class="begin">
                            <li>{ prose(lang.pick("Open a drill and press Do it, or type a command such as `kubectl get nodes`.", "실습을 열어 해 보기를 누르거나, `kubectl get nodes` 같은 명령을 입력합니다.")) }</li>
                            <li>{ lang.pick("Watch the request travel; Follow slows it down and explains each hop.", "요청이 지나는 길을 봅니다. 따라가기를 켜면 천천히 한 단계씩 설명합니다.") }</li>
                            <li>{ lang.pick("Click any part, machine or pod to see why it is as it is.", "구성 요소, 머신, 파드를 누르면 왜 그런 상태인지 보여 줍니다.") }</li>
                            <li>{ lang.pick("Break things: stop a kubelet, pull a plug. The timeline takes you back.", "고장 내 보세요. kubelet을 멈추고 전원을 뽑아도 타임라인으로 되돌아갑니다.") }</li>
                        </ol>
                        <h3>{ lang.pick("Parts", "구성 요소") }</h3>
                        <dl>{ for PARTS.iter().map(|(part, words)| html! {
                            <div><dt><span>{ part.label(lang) }</span>if part.short() != part.label(lang) { <small>{ part.short() }</small> }</dt><dd>{ say(words) }</dd></div>
                        }) }</dl>
                    </section>
                    <section>
                        <h3>{ lang.pick("Pods", "파드") }</h3>
                        <dl class="signs">{ for LOOKS.iter().map(|(look, words)| html! {
                            <div><dt>{ pod(*look) }<span>{ t(lang, word(*look)) }</span></dt><dd>{ say(words) }</dd></div>
                        }) }</dl>
                        <h3>{ lang.pick("Machines and parts", "머신과 구성 요소") }</h3>
                        <dl class="signs">{ for BOXES.iter().map(|(class, words)| html! {
                            <div><dt>{ machine(class) }</dt><dd>{ say(words) }</dd></div>
                        }) }</dl>
                    </section>
                    <section>
                        <h3>{ lang.pick("What travels", "오가는 것") }</h3>
                        <dl class="signs">{ for PACKETS.iter().map(|(class, label, words)| html! {
                            <div><dt>{ packet(class, label) }</dt><dd>{ say(words) }</dd></div>
                        }) }</dl>
                        <h3>{ lang.pick("Keys", "키") }</h3>
                        <dl class="keys">{ for KEYS.iter().map(|(key, words)| html! {
                            <div><dt><kbd>{ *key }</kbd></dt><dd>{ say(words) }</dd></div>
                        }) }</dl>
                    </section>
                </div>
            </div>
        </div>
    }
}

fn pod(look: Look) -> Html {
    html! {
        <svg width="52" height="22" viewBox="0 0 52 22" aria-hidden="true">
            <g class={classes!("pod", look.class())}>
                <path class="cell" d={outline(Rect::new(1, 1, 50, 20), look)} />
                if look == Look::Creating { <rect class="fill" x="2" y="11" width="48" height="9" rx="4" /> }
                if look == Look::Terminating { <circle class="still" cx="42" cy="11" r="3.500" /> }
            </g>
        </svg>
    }
}

fn packet(class: &'static str, label: &'static str) -> Html {
    html! {
        <svg class="sample" width="56" height="22" viewBox="0 0 56 22" aria-hidden="true">
            <g class={classes!("packet", class)} transform="translate(1 1)">
                <rect width="54" height="20" rx={if class == "watch" { "3" } else { "10" }} />
                <text x="27" y="10">{ label }</text>
            </g>
        </svg>
    }
}

fn machine(class: &'static str) -> Html {
    html! {
        <svg width="52" height="22" viewBox="0 0 52 22" aria-hidden="true">
            if class == "dead" {
                <g class="part dead"><rect class="chip" x="1" y="1" width="50" height="20" rx="6" /><text class="part-name" x="26" y="11">{ "kubelet" }</text></g>
            } else {
                <rect class={classes!("ground", class)} x="1" y="1" width="50" height="20" rx="4" />
            }
        </svg>
    }
}
