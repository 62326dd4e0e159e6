//! `ps`.

use super::row;
use crate::api::Value;
use crate::base::{Duration, Str, Time};
use crate::machine::program::{Command, Flow, Io};

pub static PS: Command = row("ps", ["list processes", "프로세스를 보여 줍니다"], run);

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let flags: String = args[1..].iter().filter(|a| !a.starts_with("--")).map(|a| a.trim_start_matches('-')).collect();
    if let Some(bad) = flags.chars().find(|c| !"aAuxefFwlHpojC0123456789".contains(*c)) {
        let dashed = args[1..].iter().any(|a| a.starts_with('-') && a.contains(bad));
        io.errln(if dashed { "error: unsupported SysV option" } else { "error: unsupported option (BSD syntax)" });
        io.errln("\nUsage:\n ps [options]\n\n Try 'ps --help <simple|list|output|threads|misc|all>'\n  or 'ps --help <s|l|o|t|m|a>'\n for additional help text.\n\nFor more details see ps(1).");
        return Ok(1);
    }
    let now = io.now()?;
    let machine = io.call("machine", Value::Null)?;
    let me = super::int(&machine, "pid");
    let processes = io.call("processes", Value::Null)?;
    let inside = processes.items().iter().all(|p| !p.str("container").is_empty());
    let busybox = inside && io.call("which", "bash".into())?.as_str().is_empty();
    let started = |p: &Value| Time(u64::try_from(super::int(p, "started")).unwrap_or(0));
    let clock = |at: Time| {
        let (_, _, _, h, mi, _) = at.civil();
        format!("{h:02}:{mi:02}")
    };
    let used = |p: &Value| cpu_time(now.since(started(p)), p.str("command"));
    if busybox {
        io.outln("PID   USER     TIME  COMMAND");
        for p in processes.items() {
            let t = used(p);
            io.outln(format!(
                "{:>5} {:<8} {:>2}:{:02} {}",
                super::int(p, "pid"),
                p.str("user"),
                t / 60,
                t % 60,
                p.str("command")
            ));
        }
        return Ok(0);
    }
    let everyone = flags.contains(['a', 'A', 'e', 'x']);
    let shown = processes.items().iter().filter(|p| everyone || mine(p.str("command")) || super::int(p, "pid") == me);
    let long = args[1..].iter().any(|a| a.starts_with('-') && a.contains('f'));
    if flags.contains('u') && !args[1..].iter().any(|a| a.starts_with("-u")) {
        io.outln("USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND");
        for p in shown {
            let (pid, command) = (super::int(p, "pid"), p.str("command"));
            let (size, resident) = memory(command);
            let percent = resident * 1000 / (super::int(&machine, "memoryMib").max(1) * 1024);
            let (tty, stat) = (tty(p), if pid == me { "R+" } else { "Ss" });
            let (start, time) = (clock(started(p)), used(p));
            io.outln(format!(
                "{:<8} {pid:>5}  {} {:>2}.{} {size:>6} {resident:>5} {tty:<8} {stat:<4} {start} {:>6} {command}",
                p.str("user"),
                "0.0",
                percent / 10,
                percent % 10,
                format!("{}:{:02}", time / 60, time % 60)
            ));
        }
    } else if long {
        io.outln("UID        PID  PPID  C STIME TTY          TIME CMD");
        for p in shown {
            let (pid, parent, command) = (super::int(p, "pid"), super::int(p, "parent"), p.str("command"));
            let (tty, start, t) = (tty(p), clock(started(p)), used(p));
            let parent = if pid == 1 { 0 } else { parent };
            let time = format!("{:02}:{:02}:{:02}", t / 3600, t / 60 % 60, t % 60);
            io.outln(format!("{:<8} {pid:>5} {parent:>5}  0 {start} {tty:<8} {time} {command}", p.str("user")));
        }
    } else {
        io.outln("  PID TTY          TIME CMD");
        for p in shown {
            let command = p.str("command");
            let t = used(p);
            let time = format!("{:02}:{:02}:{:02}", t / 3600, t / 60 % 60, t % 60);
            io.outln(format!("{:>5} {:<8} {time} {}", super::int(p, "pid"), tty(p), super::kill::name(command)));
        }
    }
    Ok(0)
}

fn mine(command: &str) -> bool {
    command.starts_with("-bash")
}

/// Commands typed at the terminal have it; daemons, kernel threads and containers have none.
fn tty(process: &Value) -> &'static str {
    let command = process.str("command");
    if !process.str("container").is_empty() {
        return "?";
    }
    if command.starts_with(['/', '[']) || command.contains(": ") { "?" } else { "pts/0" }
}

/// Virtual and resident size in KiB: a share that depends on the program, not measured.
fn memory(command: &str) -> (i64, i64) {
    match super::kill::name(command) {
        "kube-apiserver" => (447_000, 263_000),
        "kubelet" | "dockerd" | "containerd" => (896_000, 88_000),
        "etcd" | "kube-controller-manager" => (218_000, 76_000),
        "systemd" => (125_000, 3_900),
        name if name.starts_with('[') => (0, 0),
        name if name.starts_with("kube") || name.starts_with("calico") => (142_000, 41_000),
        _ => (115_000, 2_100),
    }
}

/// Seconds of processor time: a few thousandths of the time it ran.
fn cpu_time(age: Duration, command: &str) -> u64 {
    let share = match super::kill::name(command) {
        "kube-apiserver" => 30,
        "kubelet" | "etcd" => 20,
        "dockerd" | "containerd" | "kube-controller-manager" => 10,
        _ => 0,
    };
    age.as_secs() * share / 1000
}
