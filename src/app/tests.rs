//! The app end to end, without a browser: actions in, state and effects out.

use super::link::parse;
use super::*;
use crate::base::Duration;
use crate::scene::{Lang, Part};
use crate::sim::{Input, Profile};

fn settings() -> Settings {
    Settings { lang: Lang::En, ..Settings::default() }
}

fn open(search: &str, hash: &str) -> State {
    State::open(&parse(search, hash), settings(), crate::addons::lab::ready)
}

/// Lets `ms` of display time pass, in frames.
fn pass(state: &mut State, ms: u64) -> Vec<Effect> {
    let mut effects = Vec::new();
    let until = state.player.now_ms + ms;
    while state.player.now_ms < until {
        let now = state.player.now_ms + 16;
        effects.extend(reduce(state, Action::Frame(now)));
        while state.behind() {
            effects.extend(reduce(state, Action::Work(500)));
        }
    }
    effects
}

fn type_line(state: &mut State, line: &str) {
    reduce(state, Action::Type("m-k8s".into(), line.into()));
}

/// What was typed.
fn lines(state: &State) -> Vec<&str> {
    state
        .session
        .inputs()
        .iter()
        .filter_map(|i| if let Input::Line { text, .. } = &i.input { Some(text.as_str()) } else { None })
        .collect()
}

#[test]
fn simulated_time_follows_display_time_at_every_speed() {
    let mut s = open("", "");
    pass(&mut s, 100);
    for (speed, expected_ms) in [(1000, 1000), (500, 500), (5000, 5000)] {
        reduce(&mut s, Action::Speed(speed));
        let before = s.session.now();
        pass(&mut s, 1000);
        let passed = s.session.now().since(before).as_millis();
        assert!(passed.abs_diff(expected_ms) <= 60 * u64::from(speed) / 1000, "{speed}: {passed} ms");
    }
    reduce(&mut s, Action::TogglePlay);
    let before = s.session.now();
    pass(&mut s, 500);
    assert_eq!(s.session.now(), before);
}

#[test]
fn a_wrong_address_is_explained_and_the_plain_lab_opens() {
    for (search, hash, reason) in [
        ("?profile=future", "", "future"),
        ("?seed=x", "", "x"),
        ("?lesson=nope", "", "nope"),
        ("", "#session=a!b", "character 2"),
        ("", "#session=eyJ2ZXJzaW9uIjoxfQ", "missing field"),
    ] {
        let s = open(search, hash);
        let notice = s.notice.unwrap_or_else(|| panic!("{search}{hash} said nothing"));
        assert!(notice.reason.contains(reason), "{search}{hash}: {}", notice.reason);
        assert!(s.session.world.machines().len() == 5);
    }
}

#[test]
fn a_session_travels_by_link_and_by_file() {
    let mut s = open("", "");
    type_line(&mut s, "echo hello");
    pass(&mut s, 300);
    reduce(&mut s, Action::Share);
    let Some(Dialog::Share { fragment }) = s.dialog.clone() else { panic!("no link") };
    let again = open("", &format!("#session={fragment}"));
    assert_eq!(again.notice, None);
    assert_eq!(again.session.world.trace.hash(), s.session.world.trace.hash());
    let effects = reduce(&mut s, Action::SaveSession);
    let [Effect::Download { bytes, .. }] = &effects[..] else { panic!("{effects:?}") };
    let mut other = open("", "");
    reduce(&mut other, Action::LoadSession(String::from_utf8(bytes.clone()).unwrap()));
    assert_eq!(other.session.world.trace.hash(), s.session.world.trace.hash());
    reduce(&mut other, Action::LoadSession("{".into()));
    assert!(other.notice.is_some());
    assert_eq!(other.session.inputs().len(), s.session.inputs().len(), "nothing is lost");
}

#[test]
fn rewinding_and_typing_makes_a_branch() {
    let mut s = open("", "");
    pass(&mut s, 500);
    let early = s.session.now();
    pass(&mut s, 500);
    type_line(&mut s, "echo one");
    pass(&mut s, 500);
    let (end, hash) = (s.session.now(), s.session.world.trace.hash());
    reduce(&mut s, Action::SeekTo(early));
    assert_eq!((s.session.now(), s.player.playing, s.in_past()), (early, false, true));
    reduce(&mut s, Action::SeekTo(end));
    assert_eq!(s.session.world.trace.hash(), hash, "seeking changes nothing");
    reduce(&mut s, Action::SeekTo(early));
    type_line(&mut s, "echo two");
    assert_eq!(s.lanes.len(), 1);
    assert_eq!(lines(&s), ["echo two"]);
    pass(&mut s, 500);
    reduce(&mut s, Action::Lane(0));
    assert_eq!(lines(&s), ["echo one"]);
    assert_eq!(s.lanes.len(), 1);
}

#[test]
fn steps_go_forward_and_back() {
    let mut s = open("", "");
    type_line(&mut s, "echo hello");
    let start = s.session.now();
    reduce(&mut s, Action::StepForward);
    assert!(!s.player.playing);
    let stepped = s.session.now();
    assert!(stepped >= start);
    pass(&mut s, 200);
    assert_eq!(s.session.now(), stepped, "a step pauses");
    reduce(&mut s, Action::StepBack);
    assert!(s.session.now() <= stepped);
}

#[test]
fn history_is_per_machine() {
    let mut s = open("", "");
    for line in ["ls", "pwd", "pwd"] {
        reduce(&mut s, Action::Draft(line.into()));
        reduce(&mut s, Action::Submit);
        pass(&mut s, 100);
    }
    reduce(&mut s, Action::Draft("half".into()));
    let seen = |s: &mut State, action| {
        reduce(s, action);
        s.draft().text
    };
    assert_eq!(seen(&mut s, Action::Older), "pwd");
    assert_eq!(seen(&mut s, Action::Older), "ls");
    assert_eq!(seen(&mut s, Action::Older), "ls");
    assert_eq!(seen(&mut s, Action::Newer), "pwd");
    assert_eq!(seen(&mut s, Action::Newer), "half");
    reduce(&mut s, Action::Tab(2));
    assert_eq!(s.draft().text, "");
    assert_eq!(seen(&mut s, Action::Older), "");
}

#[test]
fn the_history_is_searched() {
    let mut s = open("", "");
    for line in ["ls /etc", "kubectl get nodes", "ls /root"] {
        type_line(&mut s, line);
        pass(&mut s, 500);
    }
    reduce(&mut s, Action::Draft("half".into()));
    let found = |s: &mut State, action: Action| {
        reduce(s, action);
        s.draft().search.map(|search| (search.found.to_string(), search.failing))
    };
    let some = |text: &str, failing| Some((text.to_owned(), failing));
    assert_eq!(found(&mut s, Action::SearchOlder), some("", false));
    assert_eq!(found(&mut s, Action::Draft("ls".into())), some("ls /root", false));
    assert_eq!(found(&mut s, Action::SearchOlder), some("ls /etc", false));
    assert_eq!(found(&mut s, Action::SearchOlder), some("ls /etc", true));
    assert_eq!(found(&mut s, Action::SearchEnd(false)), None);
    assert_eq!(s.draft().text, "half");
    reduce(&mut s, Action::SearchOlder);
    reduce(&mut s, Action::Draft("nodes".into()));
    assert_eq!(found(&mut s, Action::SearchEnd(true)), None);
    assert_eq!(s.draft().text, "kubectl get nodes");
}

#[test]
fn following_holds_the_clock_while_a_message_travels() {
    let mut s = open("", "");
    pass(&mut s, 50);
    reduce(&mut s, Action::ToggleFollow);
    type_line(&mut s, "kubectl get pods");
    for _ in 0..60 {
        let before = s.session.now();
        let travelling = s.player.held();
        pass(&mut s, 16);
        if travelling && s.player.held() {
            assert_eq!(s.session.now(), before);
        }
        if let Some(caption) = &s.player.caption {
            assert!(!caption.text.is_empty());
        }
    }
    assert!(s.session.now().since(s.session.start()) < Duration::secs(3));
}

#[test]
fn the_picture_has_every_part_and_only_live_ones_are_lit() {
    let mut s = open("", "");
    let scene = crate::scene::build(&s.session.world, (1120, 560), None, &mut s.slots, Lang::Ko);
    let master = scene.machine(1).unwrap();
    for part in [Part::ApiServer, Part::Etcd, Part::ControllerManager, Part::Scheduler, Part::Kubelet, Part::Runtime] {
        assert!(master.parts.iter().any(|p| p.part == part && p.alive), "{part:?}");
    }
    assert_eq!(scene.machines.len(), 5);
    assert!(scene.rails.len() > 8);
}

#[test]
fn the_export_is_the_library_s_bundle() {
    let mut s = open("?lesson=kubelet-stopped", "");
    reduce(&mut s, Action::Export);
    let effects = reduce(&mut s, Action::Download);
    let [Effect::Download { name, bytes, mime }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((name.as_str(), *mime), ("kubedrill-kubelet-stopped-book.zip", "application/zip"));
    assert!(bytes.starts_with(b"PK\x03\x04"));
}

#[test]
fn a_drill_finds_its_files_in_place() {
    let s = open("?lesson=kubelet-stopped", "");
    let drill = s.drill.as_ref().unwrap();
    assert_eq!(drill.current(), Some(0));
    assert!(s.session.world.machine(1).read("/root/nginx-pod.yaml").is_some());
    assert!(!s.in_past());
}

#[test]
fn free_play_has_manifests_at_hand() {
    let s = open("?profile=modern", "");
    assert!(s.session.world.machine(1).read("/root/nginx-pod.yaml").is_some());
    assert!(!s.in_past());
}

#[test]
fn a_long_session_is_replayed_in_slices() {
    let mut s = open("", "");
    type_line(&mut s, "sleep 3 && echo rested");
    reduce(&mut s, Action::Speed(60_000));
    pass(&mut s, 8000);
    let mut saved = s.saved();
    let whole = Session::restore(&saved, crate::addons::lab::ready);
    let mut again = State::of(Session::reopen(&saved, s.build), settings(), s.build);
    again.replay = Some(saved.clone());
    let mut rounds = 0;
    while again.behind() && again.replayed().is_some() {
        reduce(&mut again, Action::Work(500));
        rounds += 1;
    }
    assert!(rounds > 3, "{rounds}");
    assert_eq!(again.session.world.trace.hash(), whole.world.trace.hash());
    assert_eq!((again.session.now(), again.world().steps), (s.session.now(), s.world().steps));
    assert_eq!(again.player.ticks, s.player.ticks);
    // What is typed meanwhile waits for its end.
    saved.until = s.session.now();
    again.session = Session::reopen(&saved, s.build);
    again.replay = Some(saved);
    type_line(&mut again, "echo late");
    assert_eq!(lines(&again), ["sleep 3 && echo rested", "echo late"]);
}

#[test]
#[should_panic(expected = "asked for by ?panic=boom now")]
fn the_crash_screen_can_be_called_up() {
    let mut s = open("?panic=boom+now", "");
    type_line(&mut s, "echo fine");
    pass(&mut s, 100);
    type_line(&mut s, "boom now");
    pass(&mut s, 100);
}

#[test]
fn a_file_is_edited_on_its_machine() {
    let mut s = open("", "");
    reduce(&mut s, Action::Edit);
    reduce(&mut s, Action::EditPath("/root/hello.sh".into()));
    reduce(&mut s, Action::EditText("echo edited\n".into()));
    reduce(&mut s, Action::EditSave);
    assert!(!s.editor.as_ref().unwrap().changed());
    reduce(&mut s, Action::CloseDialog);
    assert!(!s.covered());
    assert_eq!(s.session.world.machine(1).read("/root/hello.sh").map(|t| t.as_str()), Some("echo edited\n"));
}

#[test]
fn a_drill_opens_in_a_profile_that_it_is_for() {
    let profile = |s: &State| s.world().config.profile;
    let s = open("?lesson=containerd-stopped", "");
    assert_eq!((profile(&s), s.notice.is_none()), (Profile::Modern, true));
    let s = open("?lesson=containerd-stopped&profile=book", "");
    assert!(profile(&s) == Profile::Modern && s.notice.unwrap().reason.contains("modern"));
    let mut s = open("", "");
    reduce(&mut s, Action::Lesson(Some("containerd-stopped".into())));
    assert!(profile(&s) == Profile::Modern && s.drill.is_some());
    reduce(&mut s, Action::Profile(Profile::Book));
    assert!(profile(&s) == Profile::Book && s.drill.is_none() && s.notice.is_some());
}
