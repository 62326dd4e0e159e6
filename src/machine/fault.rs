//! Faults that no command on a machine can cause: power, links, processes that just die.
//!
//! | text | what happens |
//! |---|---|
//! | `power-off NAME` | the machine loses its power |
//! | `power-on NAME` | it gets power and boots |
//! | `reboot NAME` | it loses power and boots again |
//! | `cut-link A B` | no packet passes between the two machines |
//! | `heal-link A B` | packets pass again |
//! | `isolate NAME` | all its links are cut |
//! | `rejoin NAME` | all its links are healed |
//! | `slow-link A B MS` | packets between the two take so many milliseconds longer; 0: no more |
//! | `slow-disk NAME MS` | each write to its disk takes so much longer: etcd waits for it; 0: no more |
//! | `kill-process NAME PROGRAM` | every process of that program is killed |
//! | `empty-lab` | the machines are gone, as after `vagrant destroy -f` |

use crate::base::{Duration, Str};
use crate::machine::{Role, calls, kill, power};
use crate::sim::{ActorId, TraceId, What, World};

/// A fault that can be applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    PowerOff(u32),
    PowerOn(u32),
    Reboot(u32),
    Link { a: u32, b: u32, up: bool },
    Links { machine: u32, up: bool },
    SlowLink { a: u32, b: u32, by: Duration },
    SlowDisk { machine: u32, by: Duration },
    KillProcess { machine: u32, pids: Vec<u32> },
    EmptyLab,
}

/// How each fault is written.
pub const USAGE: [&str; 11] = [
    "power-off MACHINE",
    "power-on MACHINE",
    "reboot MACHINE",
    "cut-link MACHINE MACHINE",
    "heal-link MACHINE MACHINE",
    "isolate MACHINE",
    "rejoin MACHINE",
    "slow-link MACHINE MACHINE MILLISECONDS",
    "slow-disk MACHINE MILLISECONDS",
    "kill-process MACHINE PROGRAM",
    "empty-lab",
];

/// Reads a fault as session files spell it after `!fault`. `Err`: what is wrong with it.
pub fn parse(world: &World, text: &str) -> Result<Fault, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let machine = |name: &str| {
        world.machine_named(name).ok_or_else(|| {
            let all: Vec<&str> = world.machines().map(|m| m.name.as_str()).collect();
            format!("no machine is called `{name}`; there are {}", all.join(", "))
        })
    };
    match words[..] {
        ["power-off", name] => Ok(Fault::PowerOff(machine(name)?)),
        ["power-on", name] => Ok(Fault::PowerOn(machine(name)?)),
        ["reboot", name] => Ok(Fault::Reboot(machine(name)?)),
        [verb @ ("cut-link" | "heal-link"), a, b] => {
            let (a, b) = (machine(a)?, machine(b)?);
            if a == b {
                return Err("a link has two ends: name two machines".to_owned());
            }
            Ok(Fault::Link { a, b, up: verb == "heal-link" })
        }
        [verb @ ("isolate" | "rejoin"), name] => Ok(Fault::Links { machine: machine(name)?, up: verb == "rejoin" }),
        // On one machine it is the way between its own processes.
        ["slow-link", a, b, by] => Ok(Fault::SlowLink { a: machine(a)?, b: machine(b)?, by: lag(by)? }),
        ["slow-disk", name, by] => Ok(Fault::SlowDisk { machine: machine(name)?, by: lag(by)? }),
        ["kill-process", name, program] => {
            let machine = machine(name)?;
            let all = world.machine(machine).processes.values();
            let pids: Vec<u32> = all.filter(|p| p.name() == program).map(|p| p.pid).collect();
            if pids.is_empty() {
                Err(format!("no process `{program}` runs on {name}"))
            } else {
                Ok(Fault::KillProcess { machine, pids })
            }
        }
        ["empty-lab"] => Ok(Fault::EmptyLab),
        [] => Err(format!("no fault is named; there are: {}", USAGE.join(", "))),
        [verb, ..] => match USAGE.iter().find(|u| u.split(' ').next() == Some(verb)) {
            Some(usage) => Err(format!("`{verb}` is written `{usage}`")),
            None => Err(format!("`{verb}` is no fault; there are: {}", USAGE.join(", "))),
        },
    }
}

/// Whole milliseconds, up to a minute.
fn lag(text: &str) -> Result<Duration, String> {
    let ms = text.parse::<u64>().ok().filter(|ms| *ms <= 60_000);
    ms.map(Duration::millis).ok_or_else(|| format!("`{text}`: milliseconds from 0 to 60000 are wanted"))
}

/// Applies one fault. Text that is none is traced and changes nothing; callers check it with
/// [`parse`] first.
pub fn apply(world: &mut World, text: &str) {
    let (now, outside) = (world.now, ActorId::default());
    let cause = world.trace.push(now, now, TraceId::NONE, outside, outside, What::Fault { text: text.into() });
    let Ok(fault) = parse(world, text) else { return };
    match fault {
        Fault::PowerOff(machine) => power::off(world, machine, false, cause),
        Fault::PowerOn(machine) => power::on(world, machine, cause),
        Fault::Reboot(machine) => power::reboot(world, machine, false, cause),
        Fault::Link { a, b, up } => set_link(world, a, b, up, cause),
        Fault::Links { machine, up } => {
            let count = world.machines().len() as u32;
            for other in 0..count {
                if other != machine {
                    set_link(world, machine, other, up, cause);
                }
            }
        }
        Fault::SlowLink { a, b, by } => {
            world.slow_link(a, b, by);
            tell(world, a, "link", ecow::eco_format!("{} +{} ms", world.machine(b).name, by.as_millis()), cause);
        }
        Fault::SlowDisk { machine, by } => {
            world.machine_mut(machine).disk_lag = by;
            tell(world, machine, "disk", ecow::eco_format!("+{} ms", by.as_millis()), cause);
        }
        Fault::EmptyLab => {
            let count = world.machines().len() as u32;
            for machine in 0..count {
                if world.machine(machine).role == Role::Host {
                    let kept = |p: &&Str| p.contains("/.vagrant/");
                    let gone: Vec<Str> = world.machine(machine).files.keys().filter(kept).cloned().collect();
                    for path in gone {
                        world.machine_mut(machine).remove(&path);
                    }
                } else {
                    calls::vm::remove(world, machine, cause);
                }
            }
        }
        Fault::KillProcess { machine, pids } => {
            for pid in pids {
                kill::kill(world, machine, pid, 9, cause);
            }
        }
    }
}

fn set_link(world: &mut World, a: u32, b: u32, up: bool, cause: TraceId) {
    world.set_link(a, b, up);
    tell(world, a, "link", ecow::eco_format!("{} {}", world.machine(b).name, if up { "up" } else { "down" }), cause);
}

fn tell(world: &mut World, machine: u32, what: &'static str, detail: Str, cause: TraceId) {
    let (now, none) = (world.now, ActorId::default());
    world.trace.push(now, now, cause, none, none, What::Machine { machine, what, detail });
}

#[cfg(test)]
mod tests {
    use crate::base::Duration;
    use crate::machine::systemd;
    use crate::machine::testing::{terminal, typed, world};
    use crate::sim::Profile;

    #[test]
    fn bad_text_is_refused_with_its_reason() {
        let w = world(Profile::Book);
        for (text, why) in [
            ("", "no fault is named"),
            ("explode w1-k8s", "`explode` is no fault; there are: power-off MACHINE"),
            ("power-off", "`power-off` is written `power-off MACHINE`"),
            ("power-off w9-k8s", "no machine is called `w9-k8s`; there are m-k8s, w1-k8s"),
            ("cut-link w1-k8s w1-k8s", "a link has two ends"),
            ("slow-link m-k8s w1-k8s soon", "`soon`: milliseconds from 0 to 60000"),
            ("slow-disk m-k8s 60001", "`60001`: milliseconds"),
            ("slow-disk m-k8s", "`slow-disk` is written `slow-disk MACHINE MILLISECONDS`"),
            ("kill-process w1-k8s nope", "no process `nope` runs on w1-k8s"),
        ] {
            let got = super::parse(&w, text).expect_err(text);
            assert!(got.starts_with(why), "{text}: {got}");
        }
    }

    #[test]
    fn power_comes_back_with_what_is_enabled() {
        let mut w = world(Profile::Book);
        typed(&mut w, "echo kept > f; modprobe -r br_netfilter; systemctl stop crond; systemctl disable chronyd");
        super::apply(&mut w, "power-off m-k8s");
        w.run_until(w.now + Duration::secs(1));
        assert!(!w.machine(0).powered_on && !systemd::is_active(&w, 0, "kubelet"));
        assert_eq!(typed(&mut w, "ls").code, 255);
        super::apply(&mut w, "power-on m-k8s");
        w.run_until(w.now + Duration::secs(30));
        assert!(systemd::is_active(&w, 0, "kubelet") && systemd::is_active(&w, 0, "crond"));
        assert!(!systemd::is_active(&w, 0, "chronyd"));
        let ran = typed(&mut w, "cat f; lsmod | grep -c ^br_netfilter");
        assert_eq!(ran.stdout, "kept\n1\n");
    }

    #[test]
    fn reboot_takes_the_terminal_along() {
        let mut w = world(Profile::Book);
        let ran = typed(&mut w, "reboot; sleep 100");
        assert_eq!(ran.code, 255);
        w.run_until(w.now + Duration::secs(30));
        assert_eq!(typed(&mut w, "uptime | cut -c11-18").stdout, "up 0 min\n");
        assert!(terminal(&w).prompt().starts_with("[root@m-k8s"));
    }
}
