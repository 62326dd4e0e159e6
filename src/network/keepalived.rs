//! keepalived: one address that moves between machines, so that several API servers look like one.
//! Models VRRP version 2 (RFC 3768) with a tracked script; the script's check, whether the API server
//! of this machine accepts connections, is made directly.

use crate::apiserver;
use crate::base::{Duration, Str, Time};
use crate::component_boilerplate;
use crate::sim::component::Target;
use crate::sim::{Component, Ctx, Event, Msg, TraceId, What};

pub const CONF: &str = "/etc/keepalived/keepalived.conf";

/// `advert_int`
const ADVERT: Duration = Duration::secs(1);

const TIMER_ADVERT: u16 = 1;
const TIMER_CHECK: u16 = 2;
const TOPIC: &str = "vrrp";

/// What the configuration file says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Conf {
    address: Str,
    priority: u64,
    /// Added to the priority while the script fails; negative.
    weight: i64,
    interval: u64,
    fall: u64,
    rise: u64,
}

impl Conf {
    fn parse(text: &str) -> Conf {
        let words: Vec<&str> = text.split_whitespace().collect();
        let after = |name: &str| words.iter().position(|w| *w == name).and_then(|i| words.get(i + 1)).copied();
        let number = |name: &str, or: i64| after(name).and_then(|w| w.parse().ok()).unwrap_or(or);
        let block = words.iter().position(|w| *w == "virtual_ipaddress").and_then(|i| words.get(i + 2));
        Conf {
            address: block.map_or("", |a| a.split('/').next().unwrap_or(a)).into(),
            priority: number("priority", 100) as u64,
            weight: number("weight", 0),
            interval: number("interval", 1).max(1) as u64,
            fall: number("fall", 1) as u64,
            rise: number("rise", 1) as u64,
        }
    }
}

/// The file for a master of the lab: the first has the highest priority.
pub fn conf(address: &str, priority: u32) -> String {
    let state = if priority > 100 { "MASTER" } else { "BACKUP" };
    format!(
        "global_defs {{\n    router_id LVS_DEVEL\n}}\n\nvrrp_script check_apiserver {{\n    script \"/usr/bin/curl -sfk https://localhost:6443/healthz\"\n    interval 3\n    weight -10\n    fall 3\n    rise 2\n}}\n\nvrrp_instance VI_1 {{\n    state {state}\n    interface eth1\n    virtual_router_id 51\n    priority {priority}\n    virtual_ipaddress {{\n        {address}\n    }}\n    track_script {{\n        check_apiserver\n    }}\n}}\n"
    )
}

#[derive(Clone, Debug, Default)]
pub struct Keepalived {
    conf: Conf,
    master: bool,
    /// When a better one was last heard of.
    heard: Time,
    /// Checks in a row that came out other than `healthy`.
    turned: u64,
    healthy: bool,
}

impl Keepalived {
    pub fn new() -> Keepalived {
        Keepalived { healthy: true, ..Keepalived::default() }
    }
    /// Whether it holds the address.
    pub fn is_master(&self) -> bool {
        self.master
    }
    fn priority(&self) -> u64 {
        let weight = if self.healthy { 0 } else { self.conf.weight };
        self.conf.priority.saturating_add_signed(weight).max(1)
    }
    /// Three advertisements and a bit less for a higher priority.
    fn patience(&self) -> Duration {
        Duration(ADVERT.0 * 3 + (256 - self.priority().min(255)) * ADVERT.0 / 256)
    }

    fn become_master(&mut self, ctx: &mut Ctx<'_>, master: bool) {
        if self.master == master {
            return;
        }
        self.master = master;
        let (machine, address) = (ctx.machine, self.conf.address.clone());
        ctx.world.hold(&address, machine, master);
        let name = ctx.host().name.clone();
        let state = if master { "MASTER" } else { "BACKUP" };
        let now = ctx.now();
        if let Some(unit) = ctx.host_mut().units.get_mut("keepalived") {
            let pid = unit.main_pid;
            unit.log(now, "Keepalived_vrrp", pid, ecow::eco_format!("(VI_1) Entering {state} STATE"));
        }
        let verb = if master { "holds" } else { "gave up" };
        ctx.trace(What::Machine { machine, what: "address", detail: ecow::eco_format!("{name} {verb} {address}") });
    }

    fn advertise(&self, ctx: &mut Ctx<'_>) {
        let me = (ctx.machine, self.priority());
        let others: Vec<_> =
            ctx.world.actors().filter(|(_, m, name)| *name == "keepalived" && *m != me.0).map(|(id, ..)| id).collect();
        for other in others {
            let Some(way) = ctx.link_to(other) else { continue };
            let msg = Msg::Notify(TOPIC.into(), (me.1 as i64).into());
            let event = Event { target: Target::Actor(other), msg, cause: TraceId::NONE };
            ctx.world.schedule(ctx.world.now + way, event);
        }
    }

    fn check(&mut self, ctx: &mut Ctx<'_>) {
        let server = ctx.host().listeners.get(&apiserver::PORT).copied();
        let well = server.is_some_and(|id| ctx.world.alive(id));
        self.turned = if well == self.healthy { 0 } else { self.turned + 1 };
        let needed = if self.healthy { self.conf.fall } else { self.conf.rise };
        if self.turned >= needed {
            (self.healthy, self.turned) = (well, 0);
        }
    }
}

impl Component for Keepalived {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        match msg {
            Msg::Start => {
                self.conf = Conf::parse(ctx.host().read(CONF).map_or("", |t| t.as_str()));
                self.heard = ctx.now();
                ctx.timer(ADVERT, TIMER_ADVERT, "");
                ctx.timer(Duration::secs(self.conf.interval), TIMER_CHECK, "");
            }
            Msg::Timer(TIMER_CHECK, _) => {
                self.check(ctx);
                ctx.timer(Duration::secs(self.conf.interval), TIMER_CHECK, "");
            }
            Msg::Timer(TIMER_ADVERT, _) => {
                if !self.master && ctx.now() >= self.heard + self.patience() {
                    self.become_master(ctx, true);
                }
                if self.master {
                    self.advertise(ctx);
                }
                ctx.timer(ADVERT, TIMER_ADVERT, "");
            }
            Msg::Notify(topic, value) if topic == TOPIC => {
                let theirs = value.as_int().unwrap_or(0) as u64;
                // A worse one is not heard: this one takes the address as soon as its own wait is over.
                if theirs > self.priority() {
                    self.heard = ctx.now();
                    self.become_master(ctx, false);
                }
            }
            _ => {}
        }
    }
    fn stopped(&mut self, ctx: &mut Ctx<'_>) {
        self.become_master(ctx, false);
    }
    component_boilerplate!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_file() {
        let conf = Conf::parse(&conf("192.168.1.9", 101));
        let expected =
            Conf { address: "192.168.1.9".into(), priority: 101, weight: -10, interval: 3, fall: 3, rise: 2 };
        assert_eq!(conf, expected);
    }
}
