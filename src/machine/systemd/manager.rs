//! systemd's own process on a machine: the one with timers. Brings the machine up after power-on and
//! starts again what ended by itself.

use std::sync::Arc;

use super::{State, boot, start};
use crate::base::{Duration, Str};
use crate::component_boilerplate;
use crate::machine::power;
use crate::sim::component::Target;
use crate::sim::{ActorId, Component, Ctx, Event, Msg, TraceId, World};

/// Name of the component.
pub const NAME: &str = "systemd";

const RESTART: u16 = 1;
const BOOTED: u16 = 2;

#[derive(Clone, Debug, Default)]
pub struct Manager;

impl Component for Manager {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        let machine = ctx.machine;
        match msg {
            Msg::Timer(RESTART, unit) => {
                let waits = ctx.host().units.get(&unit).is_some_and(|u| u.state == State::AutoRestart);
                if waits {
                    // The unit is in the table: it was just read.
                    let _ = start(ctx.world, machine, &unit, ctx.cause);
                }
            }
            Msg::Timer(BOOTED, _) => {
                power::booted(ctx.world, machine, ctx.cause);
                boot(ctx.world, machine, ctx.cause);
            }
            // `reboot`, `poweroff`: an orderly end.
            Msg::Notify(topic, how) if topic == "power" && how.as_str() == "reboot" => {
                power::reboot(ctx.world, machine, true, ctx.cause);
            }
            Msg::Notify(topic, _) if topic == "power" => power::off(ctx.world, machine, true, ctx.cause),
            _ => {}
        }
    }
    component_boilerplate!();
}

/// The machine's manager, spawned if it does not run.
pub fn ensure(world: &mut World, machine: u32, cause: TraceId) -> ActorId {
    let running = world.actor_named(machine, NAME);
    running.unwrap_or_else(|| world.spawn(machine, NAME, Arc::new(Manager), cause))
}

pub(super) fn restart_later(world: &mut World, machine: u32, unit: &Str, wait: Duration, cause: TraceId) {
    let manager = ensure(world, machine, cause);
    let event = Event { target: Target::Actor(manager), msg: Msg::Timer(RESTART, unit.clone()), cause };
    world.schedule(world.now + wait, event);
}

/// Finishes booting after `wait`.
pub(in crate::machine) fn boot_later(world: &mut World, machine: u32, wait: Duration, cause: TraceId) {
    let manager = ensure(world, machine, cause);
    let event = Event { target: Target::Actor(manager), msg: Msg::Timer(BOOTED, Str::new()), cause };
    world.schedule(world.now + wait, event);
}
