//! The reducer: (state, action) → state and effects. No clock, no browser.

use std::rc::Rc;

use crate::base::arrange::Arrange;
use crate::base::{Duration, Str, Time};
use crate::lesson;
use crate::scene::ticks::{self, Tick, TickKind};
use crate::scene::{Text, hops, t};
use crate::sim::{Config, Input, Session, TraceId, World};

use super::action::{Action, Effect, Sheet};
use super::drill::{Drill, Gesture, Hand};
use super::editor::Editor;
use super::export::Export;
use super::settings::Region;
use super::{Dialog, Lane, MAX_LANES, Notice, State, link};

/// Applies an action; the effects are the browser's to carry out, in order.
pub fn reduce(state: &mut State, action: Action) -> Vec<Effect> {
    if state.replay.is_some() && disturbs(&action) {
        state.replay(u64::MAX);
    }
    if !matches!(
        action,
        Action::Frame(_) | Action::Work(_) | Action::ToggleMenu | Action::StageSize(..) | Action::Hover(_)
    ) {
        state.menu = false;
    }
    match action {
        Action::Frame(now_ms) => return frame(state, now_ms),
        Action::Work(events) if state.replay.is_some() => state.replay(events),
        Action::Work(events) => {
            let lang = state.settings.lang;
            state.player.work(&mut state.session, events, lang);
        }

        Action::Language(lang) => {
            state.settings.lang = lang;
            state.player.caption_lang = lang;
            state.player.caption = None;
            return settings_changed(state);
        }
        Action::ToggleTheme => {
            state.settings.theme = state.settings.theme.other();
            return settings_changed(state);
        }
        Action::Profile(profile) => {
            let config = Config { profile, ..state.world().config.clone() };
            if let Some(drill) = state.drill.take_if(|d| !d.lesson.profiles.contains(&profile)) {
                state.notice = Some(Notice::elsewhere(&drill.lesson, Text::FreePlayInstead, state.settings.lang));
            }
            restart(state, &config);
            let mut effects = vec![query(state), store(state)];
            effects.extend(look(state));
            return effects;
        }
        Action::Resize(region, size) => {
            state.settings.resize(region, size);
            return vec![
                Effect::Property(region.property(), state.settings.size(region)),
                Effect::StoreSettings(state.settings.to_json()),
            ];
        }
        Action::ToggleLesson => {
            state.settings.lesson_open = !state.settings.lesson_open;
            return vec![Effect::StoreSettings(state.settings.to_json())];
        }
        Action::StageSize(w, h) => state.stage = (w, h),
        Action::Sheet(sheet) => state.sheet = sheet,
        Action::ReducedMotion(on) => state.reduced_motion = on,

        Action::Select(target) => {
            if target.is_some() {
                state.sheet = Sheet::Inspector;
            }
            state.selected = target;
        }
        Action::Hover(target) => state.hovered = target,
        Action::Facet(facet) => state.facet = facet,
        Action::Zoom(machine) => state.zoom = machine,

        Action::Tab(machine) => {
            state.tab = machine;
            return vec![Effect::FocusTerminal];
        }
        Action::Draft(text) => state.set_draft(text),
        Action::Insert(text) => {
            state.search_end(true);
            let draft = state.draft().text + &text;
            state.set_draft(draft);
            return vec![Effect::FocusTerminal];
        }
        Action::SearchOlder => state.search_older(),
        Action::SearchEnd(keep) => state.search_end(keep),
        Action::Submit => {
            state.search_end(true);
            let text = state.draft().text;
            state.set_draft(String::new());
            let machine = state.world().machine(state.tab).name.clone();
            return input(state, Input::Line { machine, text: text.into() });
        }
        Action::Keys(text) => {
            state.set_draft(String::new());
            let machine = state.world().machine(state.tab).name.clone();
            return if text.is_empty() { Vec::new() } else { input(state, Input::Keys { machine, text: text.into() }) };
        }
        Action::Interrupt => {
            state.search_end(false);
            state.set_draft(String::new());
            let machine = state.world().machine(state.tab).name.clone();
            return input(state, Input::Interrupt { machine });
        }
        Action::ClearScreen => {
            let shown = state.terminal(state.tab).map_or(0, |t| t.screen.len());
            state.draft_mut().cleared = shown;
        }
        Action::Older => state.recall(1),
        Action::Newer => state.recall(-1),
        Action::Complete => super::complete::complete(state),
        Action::Type(machine, text) => {
            show_terminal(state, &machine);
            return input(state, Input::Line { machine, text: text.into() });
        }

        Action::TogglePlay => state.player.playing = !state.player.playing,
        Action::Speed(speed) => {
            state.player.speed = speed;
            state.player.playing = true;
        }
        Action::ToggleFollow => {
            state.player.follow = !state.player.follow;
            state.player.playing = true;
        }
        Action::StepForward => step_forward(state),
        Action::StepEvent => {
            state.player.playing = false;
            state.session.step();
            let lang = state.settings.lang;
            state.player.absorb(&state.session.world, lang);
        }
        Action::StepBack => step_back(state),
        Action::Seek(permille) => {
            let to = ticks::at(permille, state.session.start(), state.session.end());
            seek(state, to);
        }
        Action::SeekTo(at) => seek(state, at),
        Action::ToEnd => {
            let end = state.session.end();
            seek(state, end);
            state.player.playing = true;
        }
        Action::UntilSomething => state.player.run_until_something(&state.session),
        Action::Lane(index) => switch_lane(state, index),

        Action::Lesson(name) => return open_lesson(state, name),
        Action::OpenStep(step) => {
            if let Some(drill) = &mut state.drill {
                drill.open = step;
            }
        }
        Action::DoStep(step) => {
            if let Some(drill) = &state.drill {
                state.hand = Some(Hand::new(&drill.lesson.steps[step].commands));
                state.player.playing = true;
            }
        }
        Action::Predict(step, option) => {
            if let Some(drill) = &mut state.drill {
                drill.chosen.entry(step).or_insert(option);
            }
        }

        Action::Visit => match super::visit::line(state.world()) {
            Some(line) => return reduce(state, Action::Type("host".into(), line)),
            None => state.notice = Some(super::visit::closed(state.settings.lang)),
        },
        Action::Help => state.dialog = Some(Dialog::Help),
        Action::Share => {
            let json = link::session_json(&state.saved());
            state.dialog = Some(Dialog::Share { fragment: link::encode(json.as_bytes()) });
        }
        Action::Export => export(state),
        Action::ExportLesson(name) => change(state, |e| e.choose(&name)),
        Action::Knob(field, text) => change(state, |e| e.set(field, &text)),
        Action::ExportFile(path) => change(state, |e| e.open = path),
        Action::Download => return download(state),
        Action::Edit => {
            state.editor = Some(Rc::new(Editor::open(state.world().machine(state.tab))));
        }
        Action::EditPath(path) => edit(state, |e, world| {
            if let Some(m) = world.machine_named(&e.machine) {
                e.load(world.machine(m), path.trim());
            }
        }),
        Action::EditText(text) => edit(state, |e, _| e.text = text),
        Action::EditSave => return save_file(state),
        Action::SaveSession => {
            let bytes = link::session_json(&state.saved()).into_bytes();
            let name = format!("kubedrill-{}.json", state.session.now().0 / 1_000_000);
            return vec![Effect::Download { name, mime: "application/json", bytes }];
        }
        Action::LoadSession(json) => return load(state, &json),
        Action::Reset => {
            let config = state.world().config.clone();
            restart(state, &config);
            return vec![store(state), Effect::FocusTerminal];
        }
        Action::Fault(text) => return input(state, Input::Fault { text: text.into() }),
        Action::CopyText(text) => {
            toast(state, Text::Copied);
            return vec![Effect::Copy(text)];
        }
        Action::CloseDialog => {
            (state.dialog, state.notice) = (None, None);
            (state.export, state.editor) = (None, None);
            return vec![Effect::FocusTerminal];
        }
        Action::ToggleMenu => state.menu = !state.menu,
    }
    Vec::new()
}

/// Whether an action means the session as it was saved: a replay is brought to its end before.
fn disturbs(action: &Action) -> bool {
    matches!(
        action,
        Action::Submit
            | Action::Keys(_)
            | Action::Interrupt
            | Action::Type(..)
            | Action::Fault(_)
            | Action::DoStep(_)
            | Action::Seek(_)
            | Action::SeekTo(_)
            | Action::ToEnd
            | Action::StepForward
            | Action::StepBack
            | Action::StepEvent
            | Action::UntilSomething
            | Action::Visit
            | Action::Share
            | Action::SaveSession
            | Action::EditSave
    )
}

/// Real time a word of success stays.
const TOAST_MS: u64 = 2400;

fn frame(state: &mut State, now_ms: u64) -> Vec<Effect> {
    assert!(!state.panicking, "asked for by ?panic={}", state.panic_on.as_deref().unwrap_or_default());
    state.player.frame(&state.session, now_ms);
    if state.replay.is_some() {
        return Vec::new();
    }
    if state.toast.as_ref().is_some_and(|(_, since)| now_ms > since + TOAST_MS) {
        state.toast = None;
    }
    let mut effects = Vec::new();
    // Files are what a drill begins with: until something else has come in, nobody has done anything.
    let begun = state.session.inputs().iter().any(|i| !matches!(i.input, Input::File { .. }));
    if let Some(drill) = state.drill.as_mut().filter(|_| begun) {
        let steps = drill.lesson.steps.len();
        let before: Vec<bool> = (0..steps).map(|i| drill.step_done(i)).collect();
        if drill.check(&state.session.world, now_ms) {
            mark_goals(&mut state.player.ticks, &drill.goals());
            let lang = state.settings.lang;
            for i in (0..steps).filter(|i| !before[*i] && drill.step_done(*i)) {
                let title = &drill.lesson.steps[i].title;
                state.player.narration.push_front(format!(
                    "{}: {}",
                    t(lang, Text::Done),
                    lang.pick(&title.en, &title.ko)
                ));
            }
            let name = &drill.lesson.name;
            if drill.finished() && !state.settings.done.contains(name) {
                state.settings.done.push(name.clone());
                effects.push(Effect::StoreSettings(state.settings.to_json()));
            }
        }
    }
    effects.extend(hand(state));
    effects
}

/// One frame of the hand that types.
fn hand(state: &mut State) -> Vec<Effect> {
    let Some(hand) = &mut state.hand else { return Vec::new() };
    match hand.frame(&state.session.world, state.reduced_motion) {
        None => state.hand = None,
        Some(Gesture::Nothing) => {}
        Some(Gesture::Draft(machine, text)) => {
            show_terminal(state, &machine);
            state.set_draft(text);
        }
        Some(Gesture::Submit(machine, text)) => {
            state.set_draft(String::new());
            return input(state, Input::Line { machine, text: text.into() });
        }
        Some(Gesture::Interrupt(machine)) => return input(state, Input::Interrupt { machine }),
    }
    Vec::new()
}

fn mark_goals(ticks: &mut Vec<Tick>, goals: &[Time]) {
    ticks.retain(|t| t.kind != TickKind::Goal);
    // Goals have no record of their own; they sort after what brought them about.
    let last = ticks.last().map_or(TraceId::NONE, |t| t.id);
    let mut marks: Vec<Time> = goals.to_vec();
    marks.arrange();
    marks.dedup();
    ticks.extend(marks.into_iter().map(|at| Tick { at, kind: TickKind::Goal, id: last }));
}

fn show_terminal(state: &mut State, machine: &Str) {
    if let Some(index) = state.world().machine_named(machine) {
        state.tab = index;
        state.sheet = Sheet::Terminal;
    }
}

/// An input of the learner. In the past it forks: the branch that is left is kept beside.
fn input(state: &mut State, input: Input) -> Vec<Effect> {
    if state.in_past() {
        let lane =
            Lane { session: state.session.clone(), ticks: state.player.ticks.clone(), fork: state.session.now() };
        state.lanes.insert(0, lane);
        state.lanes.truncate(MAX_LANES);
        toast(state, Text::Forked);
    }
    // By the next frame the session is stored.
    state.panicking = matches!((&input, &state.panic_on), (Input::Line { text, .. }, Some(line)) if text == line);
    state.session.input(input);
    if let Some(drill) = &mut state.drill {
        drill.forked(state.session.now());
    }
    state.player.forked(&state.session);
    state.player.playing = true;
    let lang = state.settings.lang;
    state.player.absorb(&state.session.world, lang);
    vec![store(state)]
}

fn toast(state: &mut State, text: Text) {
    state.toast = Some((t(state.settings.lang, text).into(), state.player.now_ms));
}

fn store(state: &State) -> Effect {
    Effect::StoreSession(link::session_json(&state.saved()))
}

fn settings_changed(state: &State) -> Vec<Effect> {
    let mut effects = vec![Effect::StoreSettings(state.settings.to_json())];
    effects.extend(look(state));
    effects
}

/// What the page needs to look as the state says.
pub fn opening(state: &State) -> Vec<Effect> {
    let mut effects = look(state);
    if state.replay.is_none() {
        effects.push(store(state));
    }
    effects
}

/// Language, theme, title and sizes.
fn look(state: &State) -> Vec<Effect> {
    let lang = state.settings.lang;
    let title = match &state.drill {
        Some(d) => format!("{} · {}", lang.pick(&d.lesson.title.en, &d.lesson.title.ko), t(lang, Text::Name)),
        None => t(lang, Text::Name).to_owned(),
    };
    let document = Effect::Document { lang: lang.code(), theme: state.settings.theme.code(), title };
    let sizes = [Region::Lesson, Region::Inspector, Region::Terminal];
    let sizes = sizes.map(|r| Effect::Property(r.property(), state.settings.size(r)));
    std::iter::once(document).chain(sizes).collect()
}

fn query(state: &State) -> Effect {
    let mut parts = Vec::new();
    if let Some(d) = &state.drill {
        parts.push(format!("lesson={}", d.lesson.name));
    }
    let config = &state.world().config;
    if config.profile != Default::default() {
        parts.push(format!("profile={}", link::profile_name(config.profile)));
    }
    if config.seed != Config::default().seed {
        parts.push(format!("seed={}", config.seed));
    }
    if state.embed {
        parts.push("embed=1".into());
    }
    Effect::Query(parts.join("&"))
}

fn seek(state: &mut State, to: Time) {
    state.hand = None;
    state.session.seek(to);
    state.player.jumped(&state.session);
    state.player.playing = false;
    let now = state.session.now();
    if let Some(drill) = &mut state.drill {
        drill.moved(now);
    }
}

/// How far a step looks for something to show.
const STEP_LIMIT: Duration = Duration::mins(10);

fn step_forward(state: &mut State) {
    state.player.playing = false;
    let limit = state.session.now() + STEP_LIMIT;
    let lang = state.settings.lang;
    loop {
        let seen = state.world().trace.last_id();
        if state.world().next_event_at().is_none_or(|at| at > limit) || !state.session.step() {
            break;
        }
        let shown = state.world().trace.since(seen).any(hops::worth_following);
        state.player.absorb(&state.session.world, lang);
        if shown {
            break;
        }
    }
}

fn step_back(state: &mut State) {
    let now = state.session.now();
    let trace = &state.world().trace;
    let before = trace.iter().rev().find(|r| r.at < now && hops::worth_following(r)).map(|r| r.at);
    seek(state, before.map_or(state.session.start(), |at| Time(at.0.saturating_sub(1))));
}

fn switch_lane(state: &mut State, index: usize) {
    if index >= state.lanes.len() {
        return;
    }
    let lane = state.lanes.remove(index);
    let session = std::mem::replace(&mut state.session, lane.session);
    let ticks = std::mem::replace(&mut state.player.ticks, lane.ticks);
    state.lanes.insert(index, Lane { session, ticks, fork: lane.fork });
    state.hand = None;
    state.player.jumped(&state.session);
    let now = state.session.now();
    if let Some(drill) = &mut state.drill {
        drill.moved(now);
    }
}

fn open_lesson(state: &mut State, name: Option<String>) -> Vec<Effect> {
    let lang = state.settings.lang;
    state.drill = match name {
        None => None,
        Some(name) => match lesson::shipped(&name) {
            Some(found) => Some(Drill::new(found)),
            None => {
                state.notice = Some(Notice::error(t(lang, Text::UnknownLesson), &name, t(lang, Text::NothingLost)));
                return Vec::new();
            }
        },
    };
    let mut config = state.world().config.clone();
    if let Some(drill) = &state.drill {
        config.profile = drill.profile(config.profile);
    }
    restart(state, &config);
    let mut effects = vec![query(state), store(state)];
    effects.extend(look(state));
    effects
}

/// A fresh lab, with the drill's files where it expects them.
fn restart(state: &mut State, config: &Config) {
    let session = super::fresh(config, state.drill.as_ref(), state.build);
    if let Some(drill) = &state.drill {
        state.drill = Some(Drill::new((*drill.lesson).clone()));
    }
    state.replace(session);
}

fn load(state: &mut State, json: &str) -> Vec<Effect> {
    let lang = state.settings.lang;
    match link::read_session(json) {
        Ok(saved) => {
            state.replace(Session::reopen(&saved, state.build));
            state.replay = Some(saved.clone());
            state.replay(super::AT_ONCE);
            if let Some(drill) = &state.drill {
                state.drill = Some(Drill::new((*drill.lesson).clone()));
            }
            vec![Effect::StoreSession(link::session_json(&saved))]
        }
        Err(reason) => {
            state.notice = Some(Notice::error(t(lang, Text::BadFile), &reason, t(lang, Text::NothingLost)));
            Vec::new()
        }
    }
}

/// The lab bundle of the open drill, or of the first that applies in free play.
fn export(state: &mut State) {
    let config = &state.world().config;
    let of_catalogue = || lesson::shipped(&lesson::cards().iter().find(|l| l.profiles.contains(&config.profile))?.name);
    let Some(found) = state.drill.as_ref().map(|d| (*d.lesson).clone()).or_else(of_catalogue) else { return };
    let profile = if found.profiles.contains(&config.profile) { config.profile } else { found.profiles[0] };
    state.export = Some(Rc::new(Export::new(found, profile, config.workers)));
}

fn change(state: &mut State, change: impl FnOnce(&mut Export)) {
    if let Some(export) = &mut state.export {
        change(Rc::make_mut(export));
    }
}

fn download(state: &mut State) -> Vec<Effect> {
    let Some((name, bytes)) = state.export.as_ref().and_then(|e| e.archive()) else { return Vec::new() };
    toast(state, Text::BuiltFor);
    vec![Effect::Download { name, mime: "application/zip", bytes }]
}

fn edit(state: &mut State, change: impl FnOnce(&mut Editor, &World)) {
    if let Some(editor) = &mut state.editor {
        change(Rc::make_mut(editor), &state.session.world);
    }
}

fn save_file(state: &mut State) -> Vec<Effect> {
    let Some(editor) = state.editor.clone().filter(|e| e.has_path()) else { return Vec::new() };
    let (machine, path) = (editor.machine.clone(), Str::from(editor.path.as_str()));
    let effects = input(state, Input::File { machine, path, content: editor.text.as_str().into() });
    edit(state, |e, _| e.saved = Some(e.text.as_str().into()));
    toast(state, Text::FileSaved);
    effects
}
