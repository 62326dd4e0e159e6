//! The property everything rests on: a session is its configuration and its inputs. Random sessions
//! are saved and restored, rewound and run on, and must not differ by a bit.

use kubedrill::addons::lab;
use kubedrill::base::hash::Fnv;
use kubedrill::base::{Duration, Rng, Time};
use kubedrill::lesson::progress;
use kubedrill::machine::terminal::Terminal;
use kubedrill::sim::history::Saved;
use kubedrill::sim::{Config, Input, Profile, Session};

/// What random sessions are made of: commands that change things, that take long, that fail.
const COMMANDS: &[(&str, &str)] = &[
    ("m-k8s", "kubectl create deployment web --image=nginx --replicas=3"),
    ("m-k8s", "kubectl scale deployment web --replicas=5"),
    ("m-k8s", "kubectl scale deployment web --replicas=1"),
    ("m-k8s", "kubectl delete deployment web"),
    ("m-k8s", "kubectl create -f nginx-pod.yaml"),
    ("m-k8s", "kubectl delete pod nginx-pod"),
    ("m-k8s", "kubectl get pods -A -o wide"),
    ("m-k8s", "kubectl get pods -w"),
    ("m-k8s", "kubectl describe pod nginx-pod"),
    ("m-k8s", "sleep 7; echo $(kubectl get nodes | wc -l)"),
    ("m-k8s", "no-such-command"),
    ("w1-k8s", "systemctl stop kubelet"),
    ("w1-k8s", "systemctl start kubelet"),
    ("w2-k8s", "systemctl restart kubelet"),
    ("w2-k8s", "systemctl status kubelet"),
    ("w3-k8s", "kubectl get pods"),
];

/// All that could differ, in a form that can be compared: the rest is hashed.
fn state(session: &Session) -> impl PartialEq + std::fmt::Debug + use<> {
    let world = &session.world;
    let mut lines = Vec::new();
    for machine in 0..world.machines().len() as u32 {
        let terminal = world.actor_named(machine, "terminal").and_then(|id| world.component::<Terminal>(id));
        lines.push(terminal.map(|t| Fnv::of(format!("{:?} {:?} {}", t.history, t.screen, t.running()).as_bytes())));
    }
    let etcd = world.machine_named("m-k8s").and_then(|m| world.machine(m).etcd_data.as_ref());
    let etcd = etcd.map(|data| Fnv::of(format!("{data:?}").as_bytes()));
    (world.trace.hash(), world.steps, world.now, world.next_event_at(), world.trace.last_id(), lines, etcd)
}

/// One random thing.
fn act(session: &mut Session, rng: &mut Rng) {
    match rng.below(10) {
        0..5 => {
            let (machine, text) = COMMANDS[rng.below(COMMANDS.len() as u64) as usize];
            session.input(Input::Line { machine: machine.into(), text: text.into() });
        }
        5 => session.input(Input::Interrupt { machine: "m-k8s".into() }),
        6 => {
            for _ in 0..rng.below(300) {
                session.step();
            }
        }
        _ => {
            let until = session.now() + rng.between(Duration::ZERO, Duration::secs(20));
            session.advance(until, u64::MAX);
        }
    }
}

fn start(seed: u64) -> Session {
    let profile = if seed.is_multiple_of(2) { Profile::Modern } else { Profile::Book };
    let config = Config { profile, seed, workers: 1 + (seed % 3) as u32, ..Config::default() };
    let mut session = Session::new(&config, lab::ready);
    progress::prepare(&kubedrill::lesson::shipped("kubelet-stopped").expect("shipped"), &mut session);
    session
}

/// A random session of `seed`, and its state after each action.
fn random(seed: u64, actions: u32) -> Session {
    let mut rng = Rng::labelled(seed, "random session");
    let mut session = start(seed);
    (0..actions).for_each(|_| act(&mut session, &mut rng));
    session
}

#[test]
fn the_same_session_twice_is_the_same() {
    for seed in 1..=4 {
        assert_eq!(state(&random(seed, 25)), state(&random(seed, 25)), "seed {seed}");
    }
    assert_ne!(random(1, 25).world.trace.hash(), random(3, 25).world.trace.hash(), "a hash that says nothing");
}

#[test]
fn run_is_save_restore_run() {
    for seed in 1..=6 {
        let mut rng = Rng::labelled(seed, "random session");
        let mut whole = start(seed);
        (0..15).for_each(|_| act(&mut whole, &mut rng));
        // Through its JSON, at whatever instant the actions ended: commands may be under way.
        let json = serde_json::to_string(&whole.save()).expect("JSON");
        let saved: Saved = serde_json::from_str(&json).expect("a session");
        let mut restored = Session::restore(&saved, lab::ready);
        let mut same = rng.clone();
        assert_eq!(state(&whole), state(&restored), "seed {seed}: restored");
        (0..10).for_each(|_| act(&mut whole, &mut rng));
        (0..10).for_each(|_| act(&mut restored, &mut same));
        assert_eq!(state(&whole), state(&restored), "seed {seed}: run on");
    }
}

#[test]
fn sought_back_and_forward_is_never_sought() {
    for seed in 1..=4 {
        let mut session = random(seed, 25);
        // A time names the state after all that is due at it.
        let end = session.now();
        session.advance(end, u64::MAX);
        let never = state(&session);
        let mut rng = Rng::labelled(seed, "seeks");
        let span = end.since(session.start());
        for _ in 0..4 {
            let at = session.start() + rng.between(Duration::ZERO, span);
            session.seek(at);
            assert_eq!(session.now(), at, "seed {seed}");
            let there = state(&session);
            session.seek(Time(at.0 / 2));
            session.seek(at);
            assert_eq!(state(&session), there, "seed {seed}: back at {at}");
        }
        session.seek(end);
        assert_eq!(state(&session), never, "seed {seed}: at the end again");
    }
}

#[test]
fn a_fork_leaves_the_other_alone() {
    let mut session = random(5, 20);
    let before = state(&session);
    let mut fork = session.clone();
    fork.input(Input::Line { machine: "m-k8s".into(), text: "kubectl delete deployment web".into() });
    fork.advance(fork.now() + Duration::mins(2), u64::MAX);
    assert_eq!(state(&session), before);
    assert_ne!(state(&fork), before);
    session.advance(session.now() + Duration::secs(1), u64::MAX);
}
