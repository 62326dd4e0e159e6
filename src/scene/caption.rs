//! Trace records in plain words, in both languages. A record about housekeeping says so briefly.

use crate::api::{Kind, ObjectKey, Verb, WatchType};
use crate::machine::Role;
use crate::sim::trace::{Record, Stage, What, WriteOp};
use crate::sim::{ActorId, World};

use super::lang::{Lang, kind_name, object, subject};
use super::place::{Part, Place};
use super::way;

/// Who acts, as prose names it.
fn actor(world: &World, id: ActorId, lang: Lang) -> String {
    let machine = world.machine_of(id).map(|m| world.machine(m));
    let name = world.name_of(id);
    match Part::of_component(name) {
        Some(Part::Shell) => machine.map_or("kubectl".into(), |m| match m.role {
            Role::ControlPlane => "kubectl".into(),
            _ => lang.pick(format!("kubectl on {}", m.name), format!("{}의 kubectl", m.name)),
        }),
        Some(part @ (Part::Kubelet | Part::Runtime | Part::KubeProxy | Part::Cni)) => {
            let what = if part == Part::Runtime { name } else { part.label(lang) };
            machine.map_or(what.into(), |m| lang.pick(format!("{what} on {}", m.name), format!("{}의 {what}", m.name)))
        }
        Some(part) => lang.pick(format!("the {}", part.label(lang)), part.label(lang).into()),
        None if name.is_empty() || name == "outside" => lang.pick("Someone".into(), "누군가".into()),
        None => name.into(),
    }
}

/// An object, as prose names it: `pod web` / `web 파드`.
fn thing(key: &ObjectKey, lang: Lang) -> String {
    let kind = kind_name(key.kind, lang);
    match (lang, key.name.as_str()) {
        (Lang::En, "") => key.kind.plural().into(),
        (Lang::Ko, "") => kind.into(),
        (Lang::En, name) => format!("{} {name}", kind.to_ascii_lowercase()),
        (Lang::Ko, name) => format!("{name} {kind}"),
    }
}

/// `name` with the subject particle. Latin names take it as they are pronounced: kubelet이, etcd가.
fn ko_topic(name: &str) -> String {
    let last = name.chars().next_back().unwrap_or(' ');
    if ('가'..='힣').contains(&last) {
        return subject(name);
    }
    let closed = matches!(last, 't' | 'l' | 'm' | 'n' | 'k' | 'p' | 'b' | 'g');
    format!("{name}{}", if closed { "이" } else { "가" })
}

/// A sentence begins with a capital, unless with a name that has none.
fn capital(text: String) -> String {
    text.strip_prefix("the ").map_or(text.clone(), |rest| format!("The {rest}"))
}

fn request(world: &World, record: &Record, verb: Verb, key: &ObjectKey, sub: &str, lang: Lang) -> String {
    let (who, what) = (actor(world, record.from, lang), thing(key, lang));
    if lang == Lang::En {
        let does = match (verb, sub) {
            (Verb::Create, "binding") => return format!("{} binds {what} to a node", capital(who)),
            (_, "status") => return format!("{} reports the status of {what}", capital(who)),
            (_, "scale") if verb.writes() => return format!("{} scales {what}", capital(who)),
            (Verb::Get, _) => "asks for",
            (Verb::List, _) => "lists",
            (Verb::Watch, _) => "starts to watch",
            (Verb::Create, _) => "asks to create",
            (Verb::Update | Verb::Patch, _) => "asks to change",
            (Verb::Delete | Verb::DeleteCollection, _) => "asks to delete",
        };
        return format!(
            "{} {does} {}",
            capital(who),
            if key.name.is_empty() && verb == Verb::Create {
                format!("a {}", key.kind.name().to_ascii_lowercase())
            } else {
                what
            }
        );
    }
    let (who, it) = (ko_topic(&who), object(&what));
    match (verb, sub) {
        (Verb::Create, "binding") => format!("{who} {it} 노드에 배정합니다"),
        (_, "status") => format!("{who} {what}의 상태를 보고합니다"),
        (_, "scale") if verb.writes() => format!("{who} {what}의 복제본 수를 바꿉니다"),
        (Verb::Get, _) => format!("{who} {it} 조회합니다"),
        (Verb::List, _) => format!("{who} {what} 목록을 요청합니다"),
        (Verb::Watch, _) => format!("{who} {what} 감시를 시작합니다"),
        (Verb::Create, _) => format!("{who} {what} 생성을 요청합니다"),
        (Verb::Update | Verb::Patch, _) => format!("{who} {what} 변경을 요청합니다"),
        (Verb::Delete | Verb::DeleteCollection, _) => format!("{who} {what} 삭제를 요청합니다"),
    }
}

fn response(world: &World, record: &Record, key: &ObjectKey, code: u16, stage: Stage, lang: Lang) -> String {
    let who = actor(world, record.to, lang);
    if code < 400 {
        return lang.pick(
            format!("The API server answers {who}: {code}"),
            format!("API 서버가 {who}에 {code} 응답을 보냅니다"),
        );
    }
    let why = refusal(code, stage, lang);
    lang.pick(
        format!("The API server refuses {}: {code}, {why}", thing(key, lang)),
        format!("API 서버가 {} 요청을 거절합니다: {code}, {why}", thing(key, lang)),
    )
}

fn refusal(code: u16, stage: Stage, lang: Lang) -> &'static str {
    match (code, stage) {
        (401, _) | (_, Stage::Authentication) => lang.pick("it does not know who asks", "누구인지 알 수 없습니다"),
        (403, Stage::Authorization) => lang.pick("not allowed for this user", "이 사용자에게 권한이 없습니다"),
        (403, _) => lang.pick("forbidden by admission", "어드미션이 막았습니다"),
        (404, _) => lang.pick("there is no such object", "그런 오브젝트가 없습니다"),
        (409, _) => lang.pick("it exists already or was changed meanwhile", "이미 있거나 그사이 바뀌었습니다"),
        (422, _) => lang.pick("the object is not valid", "오브젝트가 올바르지 않습니다"),
        (429, _) => lang.pick("not now, try again", "지금은 안 되니 다시 시도해야 합니다"),
        (500.., _) => lang.pick("it cannot work now", "지금은 처리할 수 없습니다"),
        _ => lang.pick("the request is wrong", "요청이 잘못되었습니다"),
    }
}

fn container(
    world: &World,
    record: &Record,
    call: &str,
    pod: &ObjectKey,
    name: &str,
    detail: &str,
    lang: Lang,
) -> String {
    let (who, what) = (actor(world, record.from, lang), thing(pod, lang));
    let ko_who = ko_topic(&who);
    let who = capital(who);
    match call {
        "RunPodSandbox" => {
            lang.pick(format!("{who} makes the sandbox of {what}"), format!("{ko_who} {what}의 샌드박스를 만듭니다"))
        }
        "PullImage" => lang.pick(
            format!("{who} pulls {detail} for {what}"),
            format!("{ko_who} {what}에 쓸 {detail} 이미지를 받습니다"),
        ),
        "CreateContainer" => lang.pick(
            format!("{who} creates container {name} of {what}"),
            format!("{ko_who} {what}의 {name} 컨테이너를 만듭니다"),
        ),
        "StartContainer" => lang.pick(
            format!("{who} starts container {name} of {what}"),
            format!("{ko_who} {what}의 {name} 컨테이너를 시작합니다"),
        ),
        "StopContainer" => lang.pick(
            format!("{who} stops container {name} of {what}"),
            format!("{ko_who} {what}의 {name} 컨테이너를 멈춥니다"),
        ),
        "StopPodSandbox" | "RemovePodSandbox" => {
            lang.pick(format!("{who} removes the sandbox of {what}"), format!("{ko_who} {what}의 샌드박스를 치웁니다"))
        }
        other => lang.pick(format!("{who}: {other} for {what}"), format!("{ko_who} {what}에 {other} 호출을 합니다")),
    }
}

/// Decisions whose code deserves a sentence of its own.
fn decision(who: &str, what: &str, verdict: &str, lang: Lang) -> String {
    let (en, ko) = match verdict {
        "CreateReplicaSet" => ("makes a ReplicaSet for", "의 레플리카셋을 만듭니다"),
        "AdoptReplicaSets" => ("takes over ReplicaSets for", "에 맞는 레플리카셋을 넘겨받습니다"),
        "DeleteOldReplicaSet" => ("clears away an old ReplicaSet of", "의 오래된 레플리카셋을 치웁니다"),
        "ProgressDeadlineExceeded" => ("sees no progress of", "에 진척이 없다고 봅니다"),
        "ScaleUp" => ("sees too few pods and creates more for", "의 파드가 모자라 더 만듭니다"),
        "ScaleDown" | "DeletePods" => ("sees too many pods and removes some of", "의 파드가 많아 줄입니다"),
        "ManageDaemonPods" => ("sees to one pod on every node for", "의 파드를 노드마다 하나씩 맞춥니다"),
        "Bind" | "Scheduled" => ("chooses a node for", "에 맞는 노드를 골랐습니다"),
        "Unschedulable" => ("finds no node for", "에 맞는 노드를 찾지 못했습니다"),
        "Preempt" => ("makes room by removing", "를 내보내 자리를 만듭니다"),
        "NodeNotReady" => ("has not heard from the kubelet and gives up", "의 소식이 끊겨 NotReady로 봅니다"),
        "NodeReady" => ("hears from the kubelet again:", "의 소식이 다시 와서 Ready로 봅니다"),
        "TaintNode" => ("puts a taint on", "에 테인트를 답니다"),
        "ScheduleEviction" => ("will evict, once it has waited long enough,", "를 정해진 시간 뒤에 축출하기로 합니다"),
        "Evict" => ("evicts", "를 축출합니다"),
        "CollectGarbage" => ("removes what lost its owner:", "의 소유자가 사라져 함께 지웁니다"),
        "OrphanDependents" => ("lets go of what belonged to", "에 딸린 오브젝트를 놓아줍니다"),
        "CollectPod" => ("clears away", "를 치웁니다"),
        "EmptyNamespace" => ("empties", "를 비웁니다"),
        "CreateEndpointSlice" | "UpdateEndpointSlice" | "UpdateEndpoints" => {
            ("writes down which pods serve", "의 요청을 받을 파드 목록을 갱신합니다")
        }
        _ => ("", ""),
    };
    match (lang, en) {
        (Lang::En, "") => format!("{}: {verdict}, {what}", capital(who.into())),
        (Lang::Ko, "") => format!("{who}: {what}, {verdict}"),
        (Lang::En, en) => format!("{} {en} {what}", capital(who.into())),
        // The object's particle follows its last syllable; the others are the same for all.
        (Lang::Ko, _) => match ko.strip_prefix('를') {
            Some(rest) => format!("{} {}{rest}", ko_topic(who), object(what)),
            None => format!("{} {what}{ko}", ko_topic(who)),
        },
    }
}

/// A sentence for a record.
pub fn caption(record: &Record, world: &World, lang: Lang) -> String {
    let machine = |m: u32| world.machines().nth(m as usize).map_or("", |m| m.name.as_str());
    let who = |id| actor(world, id, lang);
    match &record.what {
        What::Input { machine: m, text } => lang
            .pick(format!("You type on {}: {text}", machine(*m)), format!("{}에서 입력했습니다: {text}", machine(*m))),
        What::Command { machine: m, line } => {
            lang.pick(format!("{} runs: {line}", machine(*m)), format!("{}에서 실행합니다: {line}", machine(*m)))
        }
        What::Exit { line, code: 0, .. } => lang.pick(format!("Done: {line}"), format!("끝났습니다: {line}")),
        What::Exit { line, code, .. } => {
            lang.pick(format!("Failed with code {code}: {line}"), format!("종료 코드 {code}로 실패했습니다: {line}"))
        }
        What::Request { verb, key, subresource } => request(world, record, *verb, key, subresource, lang),
        What::Response { key, code, stage, .. } => response(world, record, key, *code, *stage, lang),
        What::Write { op, key, .. } => {
            let what = thing(key, lang);
            match op {
                WriteOp::Create => {
                    lang.pick(format!("etcd stores the new {what}"), format!("etcd에 새 {what} 기록을 저장합니다"))
                }
                WriteOp::Update => {
                    lang.pick(format!("etcd stores the change of {what}"), format!("etcd에 {what}의 변경을 저장합니다"))
                }
                WriteOp::Delete => {
                    lang.pick(format!("etcd removes {what}"), format!("etcd에서 {what} 기록을 지웁니다"))
                }
            }
        }
        What::Deliver { kind, key, .. } => {
            let (what, to) = (thing(key, lang), who(record.to));
            match kind {
                WatchType::Added => lang.pick(
                    format!("{} hears of the new {what}", capital(to.clone())),
                    format!("{} 새 {what} 소식을 받습니다", ko_topic(&to)),
                ),
                WatchType::Deleted => lang.pick(
                    format!("{} hears that {what} is gone", capital(to.clone())),
                    format!("{} {what} 삭제 소식을 받습니다", ko_topic(&to)),
                ),
                _ => lang.pick(
                    format!("{} hears that {what} changed", capital(to.clone())),
                    format!("{} {what} 변경 소식을 받습니다", ko_topic(&to)),
                ),
            }
        }
        What::Decide { key, verdict, .. } => decision(&who(record.from), &thing(key, lang), verdict, lang),
        What::Container { call, pod, container: name, detail } => {
            container(world, record, call, pod, name, detail, lang)
        }
        What::Process { machine: m, name, code: None, .. } => lang.pick(
            format!("{name} starts on {}", machine(*m)),
            format!("{}에서 {name} 프로세스가 시작합니다", machine(*m)),
        ),
        What::Process { machine: m, name, code: Some(code), .. } => lang.pick(
            format!("{name} ends on {} (code {code})", machine(*m)),
            format!("{}에서 {name} 프로세스가 끝납니다 (코드 {code})", machine(*m)),
        ),
        What::Machine { machine: m, what, detail } => happened(machine(*m), what, detail, lang),
        What::Packet { from, to, port, outcome } => way::outcome(from, to, *port, outcome, lang),
        What::Fault { text } => fault(text, lang),
        What::Refused { to, error } => {
            lang.pick(format!("No connection to {to}: {error}"), format!("{to}에 연결할 수 없습니다: {error}"))
        }
    }
}

/// What became of a machine, a unit, a module, a file of it.
fn happened(name: &str, what: &str, detail: &str, lang: Lang) -> String {
    let (en, ko) = match (what, detail) {
        ("power", "boot") => ("powers on and boots", "전원이 켜져 부팅합니다"),
        ("power", "on") => ("is up", "부팅을 마쳤습니다"),
        ("power", "off") => ("is off", "꺼졌습니다"),
        ("vm", "provisioned") => ("has run its scripts", "프로비저닝을 마쳤습니다"),
        _ => ("", ""),
    };
    if !en.is_empty() {
        return lang.pick(format!("{name} {en}"), format!("{} {ko}", ko_topic(name)));
    }
    match (what, detail.rsplit_once(' ')) {
        ("vm", None) if detail == "creating" => lang.pick(
            format!("vagrant makes the machine {name} out of a box"),
            format!("vagrant가 박스로 {name} 머신을 만듭니다"),
        ),
        ("vm", None) => lang.pick(
            format!("vagrant destroys {name}, disk and all"),
            format!("vagrant가 {name} 머신을 디스크까지 지웁니다"),
        ),
        ("module", Some((module, "loaded"))) => {
            lang.pick(format!("{name} loads the kernel module {module}"), format!("{name}에 커널 모듈 {module} 로드"))
        }
        ("module", Some((module, "unloaded" | "removed"))) => lang
            .pick(format!("{name} unloads the kernel module {module}"), format!("{name}에서 커널 모듈 {module} 제거")),
        ("vm", Some(("provisioning", script))) => lang.pick(
            format!("vagrant runs {script} on {name}"),
            format!("vagrant가 {name}에서 {script} 스크립트를 실행합니다"),
        ),
        ("vm", Some(("failed", script))) => lang.pick(
            format!("{script} fails on {name}, and vagrant stops"),
            format!("{name}에서 {script} 스크립트가 실패하여 vagrant가 멈춥니다"),
        ),
        ("address", Some((before, address))) => match before.ends_with("holds") {
            true => lang.pick(
                format!("{name} takes the shared address {address}: its API server answers there now"),
                format!("{} 공유 주소 {address}를 가져옵니다. 이제 그 API 서버가 받습니다", ko_topic(name)),
            ),
            false => lang.pick(
                format!("{name} gives up the shared address {address}"),
                format!("{} 공유 주소 {address}를 내놓습니다", ko_topic(name)),
            ),
        },
        ("file", _) => lang.pick(format!("{detail} is put onto {name}"), format!("{name}에 {detail} 파일을 둡니다")),
        ("unit", Some((unit, state))) => {
            let ko = match state {
                "started" | "active" => "시작했습니다",
                "stopped" | "inactive" => "멈췄습니다",
                "failed" => "실패했습니다",
                _ => return lang.pick(format!("{unit} on {name}: {state}"), format!("{name}의 {unit}: {state}")),
            };
            lang.pick(format!("{unit} on {name} has {state}"), format!("{name}의 {} {ko}", ko_topic(unit)))
        }
        _ => format!("{name}: {detail}"),
    }
}

/// What the learner did to the lab from outside.
fn fault(text: &str, lang: Lang) -> String {
    let (verb, name) = text.split_once(' ').unwrap_or((text, ""));
    match verb {
        "power-off" => lang.pick(format!("You pull the plug of {name}"), format!("{name}의 전원을 뽑았습니다")),
        "power-on" => lang.pick(format!("You switch {name} on"), format!("{name}의 전원을 켰습니다")),
        "reboot" => lang.pick(format!("You reset {name}"), format!("{} 리셋했습니다", object(name))),
        "isolate" => lang.pick(format!("You cut {name} off the network"), format!("{name}의 네트워크를 끊었습니다")),
        "rejoin" => lang.pick(format!("You put {name} back on the network"), format!("{name}의 네트워크를 이었습니다")),
        _ => lang.pick(format!("Fault: {text}"), format!("장애를 일으켰습니다: {text}")),
    }
}

/// A sentence for one change that goes out to several watchers at once.
pub fn fan_out(record: &Record, watchers: usize, lang: Lang) -> Option<String> {
    let What::Deliver { kind, key, .. } = &record.what else { return None };
    let what = thing(key, lang);
    Some(match kind {
        WatchType::Added => lang.pick(
            format!("The API server tells {watchers} watchers of the new {what}"),
            format!("API 서버가 새 {what} 소식을 감시자 {watchers}곳에 알립니다"),
        ),
        WatchType::Deleted => lang.pick(
            format!("The API server tells {watchers} watchers that {what} is gone"),
            format!("API 서버가 {what} 삭제 소식을 감시자 {watchers}곳에 알립니다"),
        ),
        _ => lang.pick(
            format!("The API server tells {watchers} watchers that {what} changed"),
            format!("API 서버가 {what} 변경 소식을 감시자 {watchers}곳에 알립니다"),
        ),
    })
}

/// What a record is worth saying aloud, right after it was made: a pod's change is the state it is in now.
/// `None`: something newer says it better.
pub fn news(record: &Record, world: &World, lang: Lang) -> Option<String> {
    let What::Write { op: WriteOp::Update, key, revision, .. } = &record.what else {
        return Some(caption(record, world, lang));
    };
    let object = super::objects(world).get(key).filter(|_| key.kind == Kind::POD)?;
    (object.resource_version == *revision).then(|| {
        let (what, status) = (thing(key, lang), super::pods::status_word(object));
        lang.pick(
            format!("{} is now {status}", capital(what.clone())),
            format!("{} 이제 {status} 상태입니다", subject(&what)),
        )
    })
}

/// Whether a record belongs in the narration that screen readers hear: what a learner did or would
/// notice, not every hop.
pub fn narrated(record: &Record) -> bool {
    let quiet =
        |key: &ObjectKey| matches!(key.kind, Kind::LEASE | Kind::EVENT | Kind::ENDPOINTS | Kind::ENDPOINT_SLICE);
    match &record.what {
        What::Write { op, key, .. } => {
            !quiet(key) && matches!(op, WriteOp::Create | WriteOp::Delete) || key.kind == Kind::POD
        }
        // A conflict is tried again at once: the day's business of controllers.
        What::Response { code, verb, .. } => {
            *code >= 400 && *code != 404 && !(*code == 409 && matches!(verb, Verb::Update | Verb::Patch))
        }
        What::Decide { verdict, .. } => {
            matches!(*verdict, "NodeNotReady" | "NodeReady" | "Unschedulable" | "FailedScheduling")
        }
        // What vagrant runs on a machine has captions of its own.
        What::Exit { line, .. } => !line.starts_with("bash /tmp/vagrant-shell"),
        What::Packet { outcome, .. } => outcome != "ok" && !outcome.starts_with(crate::network::RULES),
        What::Machine { .. } | What::Fault { .. } | What::Refused { .. } => true,
        What::Container { call, .. } => matches!(*call, "StartContainer" | "StopContainer" | "PullImage"),
        _ => false,
    }
}

/// The place a record happened at, for a click on its caption.
pub fn place(record: &Record, world: &World) -> Option<Place> {
    match &record.what {
        What::Container { pod, .. } => Some(Place::Pod(pod.clone())),
        What::Input { machine, .. } | What::Command { machine, .. } | What::Exit { machine, .. } => {
            Some(Place::Part(*machine, Part::Shell))
        }
        What::Machine { machine, .. } | What::Process { machine, .. } => Some(Place::Machine(*machine)),
        _ => Place::of_actor(world, record.to),
    }
}
