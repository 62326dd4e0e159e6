//! Storms: random work and random faults, with invariants that hold all the while, and a cluster
//! that meets its specs again once everything is healed.

mod plan;
mod settled;
mod watch;

pub use plan::{Plan, plan};

use crate::addons::lab;
use crate::base::{Duration, Time};
use crate::lesson::play::Player;
use crate::lesson::script;
use crate::sim::Session;

/// What a storm did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Simulated time it took.
    pub lasted: Duration,
    /// From the end of healing until every spec was met.
    pub converged: Duration,
    pub events: u64,
    /// Writes that etcd took.
    pub writes: u64,
    /// Of the trace: the same seed has the same.
    pub hash: u64,
}

/// Where an invariant broke.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// Since the session began.
    pub after: Duration,
    pub what: String,
}

/// Between two looks at the invariants.
const LOOK: Duration = Duration::secs(5);
/// In which a healed cluster has to meet its specs. Longer than the five minutes of an image's
/// back-off and of a silent node's toleration.
const CONVERGE: Duration = Duration::mins(20);

/// Plays a plan. `Err`: the first invariant that broke.
pub fn run(plan: &Plan) -> Result<Report, Broken> {
    let mut session = Session::new(&plan.config, lab::ready);
    let mut watcher = watch::Watcher::new(&session.world);
    let mut player = Player::default();
    let start = session.now();
    let broken = |at: Time, what: String| Broken { after: at.since(start), what };
    for part in &plan.parts {
        let lines = script::parse(part).map_err(|e| broken(session.now(), format!("`{part}`: {e}")))?;
        if let [script::Line { action: script::Action::Wait(time), .. }] = &lines[..] {
            let until = session.now() + *time;
            while session.now() < until {
                let next = until.min(session.now() + LOOK);
                session.advance(next, u64::MAX);
                watcher.look(&session.world).map_err(|what| broken(session.now(), what))?;
            }
            continue;
        }
        player.play(&mut session, &lines).map_err(|e| broken(session.now(), format!("`{part}`: {e}")))?;
        watcher.look(&session.world).map_err(|what| broken(session.now(), what))?;
        if let Some(entry) = player.entries.last() {
            watcher.promised(&session.world, &entry.command, entry.code).map_err(|w| broken(session.now(), w))?;
        }
    }
    let healed = session.now();
    while let Err(unmet) = settled::check(&session.world) {
        if session.now() > healed + CONVERGE {
            return Err(broken(session.now(), format!("has not converged: {unmet}")));
        }
        session.advance(session.now() + LOOK, u64::MAX);
        watcher.look(&session.world).map_err(|what| broken(session.now(), what))?;
    }
    Ok(Report {
        lasted: session.now().since(start),
        converged: session.now().since(healed),
        events: session.world.steps,
        writes: watcher.writes,
        hash: session.world.trace.hash(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_plays_the_same_storm_twice() {
        let plan = plan(3);
        let (a, b) = (run(&plan).expect("a storm"), run(&plan).expect("a storm"));
        assert_eq!(a.hash, b.hash);
        assert!(a.writes > 100);
    }

    #[test]
    fn a_cluster_that_is_not_healed_is_told_from_one_that_is() {
        let mut plan = plan(5);
        for (last, what) in [
            ("!fault power-off w1-k8s", "node w1-k8s is not ready"),
            ("kubectl set image deployment web '*=nginx:no-such-tag'", "deployment web: "),
            ("@m-k8s systemctl stop kubelet", "node m-k8s is not ready"),
        ] {
            plan.parts.extend([last.into(), "!wait 60s".into()]);
            let broken = run(&plan).expect_err(last);
            assert!(broken.what.starts_with(&format!("has not converged: {what}")), "{}", broken.what);
            plan.parts.truncate(plan.parts.len() - 2);
        }
    }

    #[test]
    fn every_part_is_a_session_file() {
        for seed in 0..50 {
            let plan = plan(seed);
            script::parse(&plan.session()).expect("the whole parses");
            assert!(plan.heal < plan.parts.len());
        }
    }
}
