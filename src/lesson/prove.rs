//! Plays a whole drill by its own steps and tells whether it is sound: unsolved before it begins, each
//! step open until its commands ran and done afterwards, looking without a trace.

use super::format::Lesson;
use super::play::Entry;
use super::progress::{self, Progress};
use crate::base::Duration;
use crate::sim::Session;

/// What the commands of each step printed, or what is wrong.
pub fn prove(lesson: &Lesson, session: &mut Session) -> Result<Vec<Vec<Entry>>, String> {
    progress::prepare(lesson, session);
    let mut progress = Progress::new(lesson);
    let mut printed = Vec::new();
    for (i, step) in lesson.steps.iter().enumerate() {
        let hash = session.world.trace.hash();
        progress.observe(lesson, &session.world, u64::MAX);
        need(session.world.trace.hash() == hash, || format!("{}: its checks leave a trace", step.id))?;
        let open = progress.current(session.now());
        need(open == Some(i), || format!("{}: done before its commands ran", step.id))?;
        printed.push(progress::solve(step, session)?);
        session.advance(session.now() + Duration::millis(400), u64::MAX);
        progress.observe(lesson, &session.world, u64::MAX);
        need(progress.step_done(i, session.now()), || format!("{}: its checks hold, but not all at once", step.id))?;
    }
    Ok(printed)
}

fn need(ok: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if ok { Ok(()) } else { Err(message()) }
}
