//! Saved sessions that somebody or something damaged: refused with a reason, or replayed; no panic.

use kubedrill::addons::lab;
use kubedrill::app::link::{read_session, session_json};
use kubedrill::base::{Duration, Rng, Time};
use kubedrill::sim::history::Saved;
use kubedrill::sim::{Config, Input, Session};

fn good() -> Saved {
    let mut session = Session::new(&Config::default(), lab::ready);
    for text in ["kubectl get nodes", "kubectl create deployment web --image=nginx"] {
        session.input(Input::Line { machine: "m-k8s".into(), text: text.into() });
        session.advance(session.now() + Duration::secs(5), u64::MAX);
    }
    session.save()
}

#[test]
fn damaged_text_is_refused_or_replayed() {
    let text = session_json(&good());
    let mut rng = Rng::labelled(1, "damage");
    let mut refused = 0;
    for _ in 0..400 {
        let mut bytes = text.clone().into_bytes();
        let at = rng.below(bytes.len() as u64) as usize;
        match rng.below(3) {
            0 => bytes.truncate(at),
            1 => bytes[at] = b"0{}[]\",:x-"[rng.below(10) as usize],
            _ => drop(bytes.remove(at)),
        }
        let Ok(damaged) = String::from_utf8(bytes) else { continue };
        match read_session(&damaged) {
            Err(reason) => {
                refused += 1;
                assert!(!reason.is_empty());
            }
            Ok(mut saved) => {
                saved.until = saved.until.min(Time::ZERO + Duration::mins(10));
                Session::restore(&saved, lab::ready);
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn impossible_sessions_are_refused() {
    let mut saved = good();
    saved.until = Time(u64::MAX);
    assert!(read_session(&session_json(&saved)).is_err_and(|e| e.contains("too late")));
    let mut saved = good();
    saved.config.workers = 4_000_000_000;
    assert!(read_session(&session_json(&saved)).is_err_and(|e| e.contains("workers")));
}

#[test]
fn inputs_for_nobody_are_ignored() {
    let mut saved = good();
    for recorded in &mut saved.inputs {
        recorded.input = Input::Line { machine: "no-such-machine".into(), text: "ls".into() };
    }
    let session = Session::restore(&saved, lab::ready);
    assert_eq!(session.now(), saved.until);
}
