//! Every drill, played: unsolved at the start, solved by its own steps, on many seeds and in every
//! profile it names, through the real terminals.

use std::sync::atomic::{AtomicUsize, Ordering};

use kubedrill::addons::lab;
use kubedrill::bundle;
use kubedrill::lesson::prove::prove;
use kubedrill::lesson::{self, Lesson, Progress, play, progress};
use kubedrill::sim::{Config, Profile, Session};

use crate::fold::fold;

const SEEDS: u64 = 20;

#[test]
fn drills_are_solved_by_their_own_steps() {
    let drills: Vec<Lesson> = lesson::names().map(|n| lesson::shipped(n).expect("shipped")).collect();
    let all: Vec<(&Lesson, Profile)> = drills.iter().flat_map(|d| d.profiles.iter().map(move |p| (d, *p))).collect();
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((drill, profile)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Those that build a cluster take as long as ten others.
                    let seeds = if drill.fresh { 2 } else { SEEDS };
                    (1..=seeds).for_each(|seed| play(drill, *profile, seed));
                }
            });
        }
    });
}

fn play(drill: &Lesson, profile: Profile, seed: u64) {
    let mut session = Session::new(&Config { profile, seed, ..Config::default() }, lab::ready);
    prove(drill, &mut session).unwrap_or_else(|e| panic!("{} {profile:?} seed {seed}: {e}", drill.name));
}

/// What bundles show as expected output is what is printed. `KUBEDRILL_REWRITE=1` writes the files anew.
#[test]
fn expected_output_is_what_is_printed() {
    let mut stale = Vec::new();
    for drill in lesson::names().map(|n| lesson::shipped(n).expect("shipped")) {
        for profile in &drill.profiles {
            let now = printed(&drill, *profile);
            let kept = lesson::printed(&drill.name, *profile).expect("shipped");
            if fold(kept) == fold(&now) {
                continue;
            }
            // A new drill's file is empty until somebody has looked at what is printed and had it written.
            let insist = std::env::var_os("KUBEDRILL_TOOLS_REQUIRED").is_some();
            if kept.is_empty() && !insist && std::env::var_os("KUBEDRILL_REWRITE").is_none() {
                continue;
            }
            let file = format!("{}.{}.txt", drill.name, bundle::profile_name(*profile));
            if std::env::var_os("KUBEDRILL_REWRITE").is_some() {
                let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons/expected").join(&file);
                std::fs::write(path, now).expect("a file");
            } else {
                stale.push(format!("lessons/expected/{file} is not what is printed now:\n{now}"));
            }
        }
    }
    assert!(stale.is_empty(), "{}", stale.join("\n"));
}

fn printed(drill: &Lesson, profile: Profile) -> String {
    let mut session = Session::new(&Config { profile, ..Config::default() }, lab::ready);
    progress::prepare(drill, &mut session);
    let mut out = String::new();
    for step in &drill.steps {
        let entries = progress::solve(step, &mut session).unwrap_or_else(|e| panic!("{}: {e}", drill.name));
        out += &format!("== {}\n{}", step.id, play::transcript(entries.iter()));
    }
    out
}

/// A step's commands matter: a drill whose first steps are skipped is not solved by the rest.
#[test]
fn skipping_steps_solves_nothing() {
    let drill = lesson::shipped("kubelet-stopped").expect("shipped");
    let mut session = Session::new(&Config::default(), lab::ready);
    progress::prepare(&drill, &mut session);
    let mut progress = Progress::new(&drill);
    session.advance(session.now() + kubedrill::base::Duration::mins(10), u64::MAX);
    progress.observe(&drill, &session.world, u64::MAX);
    assert_eq!(progress.current(session.now()), Some(0));
    let error = progress::solve(&drill.steps[2], &mut session).expect_err("there is no pod to delete");
    assert!(error.contains("delete-pod"), "{error}");
}
