//! A world of one machine with a terminal, for tests of the shell and of commands.

use std::sync::Arc;

use crate::base::Duration;
use crate::machine::terminal::{Ran, Terminal};
use crate::machine::{Machine, Role, files, systemd};
use crate::sim::component::Target;
use crate::sim::{Config, Event, Msg, Profile, TraceId, World};

/// `m-k8s` and `w1-k8s`, booted, with units that only have a state.
pub fn world(profile: Profile) -> World {
    let mut world = World::new(Config { profile, ..Config::default() });
    let all = [("m-k8s", "192.168.1.10", Role::ControlPlane), ("w1-k8s", "192.168.1.101", Role::Worker)];
    for (name, ip, role) in all {
        let mut machine = Machine::new(name, ip, role);
        let names: Vec<_> = all.iter().map(|(n, ip, _)| ((*n).into(), (*ip).into())).collect();
        files::install(&mut machine, profile, &names, world.now);
        // Enough for a kubelet to start.
        machine.write(crate::addons::files::KUBELET_CONFIG, "{}", world.now);
        machine.write(crate::addons::files::KUBELET_CONF, "server: https://192.168.1.10:6443", world.now);
        let index = world.add_machine(machine);
        systemd::install(&mut world, index, systemd::unit::standard(profile));
        systemd::boot(&mut world, index, TraceId::NONE);
        world.spawn(index, "terminal", Arc::new(Terminal::new()), TraceId::NONE);
    }
    world.run_until(world.now + Duration::millis(10));
    world
}

/// A message to the terminal of `m-k8s`.
pub fn notify(world: &mut World, topic: &str, text: impl Into<crate::api::Value>) {
    let Some(terminal) = world.actor_named(0, "terminal") else { return };
    let msg = Msg::Notify(topic.into(), text.into());
    world.schedule(world.now, Event { target: Target::Actor(terminal), msg, cause: TraceId::NONE });
    world.run_until(world.now);
}

pub fn terminal(world: &World) -> &Terminal {
    let id = world.actor_named(0, "terminal").expect("m-k8s has a terminal");
    world.component(id).expect("it is a terminal")
}

/// Types a line and waits for its end, at most ten minutes.
pub fn typed(world: &mut World, line: &str) -> Ran {
    notify(world, "line", line);
    let limit = world.now + Duration::mins(10);
    while terminal(world).running() && world.now < limit && world.step() {}
    if terminal(world).running() {
        notify(world, "interrupt", "");
    }
    terminal(world).history.back().cloned().expect("a line was run")
}

/// Runs a line in a fresh shell.
pub fn quiet(world: &mut World, line: &str) -> Ran {
    notify(world, "run", map! { "line" => line, "id" => "t", "quiet" => true });
    let limit = world.now + Duration::mins(10);
    while !terminal(world).results.contains_key("t") && world.now < limit && world.step() {}
    terminal(world).results.get("t").cloned().expect("the line ended")
}

/// Checks lines typed one after another at a fresh machine: (line, output and errors together, code).
pub fn check(cases: &[(&str, &str, i32)]) {
    check_on(Profile::Book, cases);
}

pub fn check_on(profile: Profile, cases: &[(&str, &str, i32)]) {
    let mut world = world(profile);
    let mut wrong = String::new();
    for (line, output, code) in cases {
        let ran = typed(&mut world, line);
        let got = format!("{}{}", ran.stdout, ran.stderr);
        if got != *output || ran.code != *code {
            wrong += &format!("$ {line}\nwanted {code}: {output:?}\ngot    {}: {got:?}\n\n", ran.code);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
