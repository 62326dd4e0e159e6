//! `systemctl` and `journalctl`: as systemd 219 (book) and 252 (modern) print.

use super::options::{Spec, parse};
use super::row;
use crate::api::Value;
use crate::base::arrange::Arrange;
use crate::base::{Duration, Str, Time, time::MONTHS};
use crate::machine::program::{Command, Flow, Io};
use crate::machine::systemd::{plain_name, signal_name, stamp};

pub static SYSTEMCTL: Command =
    Command { startup_ms: 12, ..row("systemctl", ["control services", "서비스를 다룹니다"], systemctl) };
pub static JOURNALCTL: Command = Command {
    startup_ms: 15,
    ..row("journalctl", ["read the logs of services", "서비스의 로그를 봅니다"], journalctl)
};

const SPEC: Spec = Spec::new(
    "lqat:n:H:p:M:fo:",
    &[
        ("now", 'N'),
        ("no-pager", 'P'),
        ("full", 'l'),
        ("quiet", 'q'),
        ("all", 'a'),
        ("type", 't'),
        ("lines", 'n'),
        ("no-legend", 'L'),
        ("force", 'f'),
        ("state", 'S'),
        ("plain", 'Y'),
        ("no-block", 'B'),
        ("failed", 'F'),
        ("output", 'o'),
        ("system", 'Z'),
    ],
    1,
);

struct Ctl<'a, 'i> {
    io: &'a mut Io<'i>,
    modern: bool,
}

fn systemctl(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = match super::options::read(args, &SPEC) {
        Ok(o) => o,
        Err(why) => return io.fail(1, format!("systemctl: {why}")),
    };
    let modern = io.call("profile", Value::Null)?.as_str() == "modern";
    let mut ctl = Ctl { io, modern };
    let (verb, units) = match o.rest.split_first() {
        Some((verb, units)) => (verb.as_str(), units),
        None => ("list-units", &[][..]),
    };
    let needs_unit = !matches!(
        verb,
        "daemon-reload"
            | "daemon-reexec"
            | "list-units"
            | "list-unit-files"
            | "reset-failed"
            | "is-system-running"
            | "reboot"
            | "poweroff"
            | "halt"
            | "get-default"
            | "list-timers"
            | "status"
    );
    if needs_unit && units.is_empty() && known(verb) {
        return ctl.io.fail(1, "Too few arguments.");
    }
    match verb {
        "start" | "stop" | "restart" | "reload" | "try-restart" | "reload-or-restart" => ctl.control(verb, units),
        "enable" | "disable" => {
            let code = ctl.enable(verb, units)?;
            if code == 0 && o.has('N') {
                return ctl.control(if verb == "enable" { "start" } else { "stop" }, units);
            }
            Ok(code)
        }
        "status" => ctl.status(units, o.value('n').and_then(|n| n.parse().ok()).unwrap_or(10)),
        "is-active" => ctl.is_active(units, o.has('q'), "active"),
        "is-failed" => ctl.is_active(units, o.has('q'), "failed"),
        "is-enabled" => ctl.is_enabled(units, o.has('q')),
        "show" => ctl.show(units),
        "cat" => ctl.cat(units),
        "mask" | "unmask" | "edit" | "isolate" | "kill" | "set-property" => {
            ctl.io.fail(1, format!("systemctl {verb}: not modelled in this lab"))
        }
        "daemon-reload" | "daemon-reexec" | "reset-failed" => Ok(0),
        "is-system-running" => {
            ctl.io.outln("running");
            Ok(0)
        }
        "get-default" => {
            ctl.io.outln("multi-user.target");
            Ok(0)
        }
        "reboot" | "poweroff" | "halt" => {
            ctl.io.call("power", if verb == "reboot" { "reboot" } else { "off" }.into())?;
            Ok(0)
        }
        "list-units" => ctl.list_units(o.has('F') || o.value('S').is_some_and(|s| s == "failed")),
        "list-unit-files" => ctl.list_files(),
        _ if modern => ctl.io.fail(1, format!("Unknown command verb '{verb}'.")),
        _ => ctl.io.fail(1, format!("Unknown operation '{verb}'.")),
    }
}

fn known(verb: &str) -> bool {
    matches!(
        verb,
        "start"
            | "stop"
            | "restart"
            | "reload"
            | "try-restart"
            | "reload-or-restart"
            | "enable"
            | "disable"
            | "is-active"
            | "is-failed"
            | "is-enabled"
            | "show"
            | "cat"
            | "mask"
            | "unmask"
    )
}

fn full(unit: &str) -> String {
    if unit.contains('.') { unit.to_owned() } else { format!("{unit}.service") }
}

impl Ctl<'_, '_> {
    fn unit(&mut self, name: &str) -> Flow<Value> {
        self.io.call("unit", name.into())
    }

    fn control(&mut self, verb: &str, units: &[Str]) -> Flow<i32> {
        let mut code = 0;
        for name in units {
            let unit = self.unit(name)?;
            if unit.is_null() {
                let why = match (verb, self.modern) {
                    ("stop", _) => format!("Unit {} not loaded.", full(name)),
                    (_, true) => format!("Unit {} not found.", full(name)),
                    (_, false) => "Unit not found.".to_owned(),
                };
                self.io.errln(format!("Failed to {verb} {}: {why}", full(name)));
                code = 5;
                continue;
            }
            if verb == "reload" {
                self.io
                    .errln(format!("Failed to reload {}: Job type reload is not applicable for unit {0}.", full(name)));
                code = 1;
                continue;
            }
            let active = unit.str("state") == "active";
            let verb = if verb.contains("restart") { "restart" } else { verb };
            // What the job takes until it is done.
            let wait = match (verb, active) {
                ("start", true) | ("stop", false) => 5,
                ("stop", true) => 90,
                ("start", false) => 110,
                _ => 200,
            };
            self.io.sleep(Duration::millis(wait))?;
            let why = self.io.call("systemctl", map! { "verb" => verb, "unit" => name }.into())?;
            if !why.as_str().is_empty() {
                self.io.errln(format!("Failed to {verb} {}: {}", full(name), why.as_str()));
                code = 1;
            }
        }
        Ok(code)
    }

    fn enable(&mut self, verb: &str, units: &[Str]) -> Flow<i32> {
        for name in units {
            let unit = self.unit(name)?;
            if unit.is_null() {
                let message = match self.modern {
                    true => format!("Failed to {verb} unit: Unit file {} does not exist.", full(name)),
                    false => "Failed to execute operation: No such file or directory".to_owned(),
                };
                return self.io.fail(1, message);
            }
            let enabled = unit.get("enabled").and_then(Value::as_bool).unwrap_or(false);
            let why = self.io.call("systemctl", map! { "verb" => verb, "unit" => name }.into())?;
            if !why.as_str().is_empty() {
                let what = if self.modern {
                    format!("Failed to {verb} unit")
                } else {
                    "Failed to execute operation".to_owned()
                };
                return self.io.fail(1, format!("{what}: {}", why.as_str()));
            }
            let link = format!("/etc/systemd/system/multi-user.target.wants/{}", full(name));
            let file = unit.str("file").to_owned();
            match (verb == "enable", enabled, self.modern) {
                (true, false, true) => self.io.errln(format!("Created symlink {link} → {file}.")),
                (true, false, false) => self.io.errln(format!("Created symlink from {link} to {file}.")),
                (false, true, true) => self.io.errln(format!("Removed \"{link}\".")),
                (false, true, false) => self.io.errln(format!("Removed symlink {link}.")),
                _ => {}
            }
        }
        Ok(0)
    }

    fn is_active(&mut self, units: &[Str], quiet: bool, wanted: &str) -> Flow<i32> {
        let mut any = false;
        for name in units {
            let unit = self.unit(name)?;
            let state = match unit.is_null() {
                true if self.modern => "inactive",
                true => "unknown",
                false => unit.str("state"),
            };
            any |= state == wanted;
            if !quiet {
                self.io.outln(state);
            }
        }
        Ok(match (any, wanted) {
            (true, _) => 0,
            (false, "active") => 3,
            _ => 1,
        })
    }

    fn is_enabled(&mut self, units: &[Str], quiet: bool) -> Flow<i32> {
        let mut code = 1;
        for name in units {
            let unit = self.unit(name)?;
            if unit.is_null() {
                let message = format!("Failed to get unit file state for {}: No such file or directory", full(name));
                self.io.errln(message);
                continue;
            }
            let enabled = unit.get("enabled").and_then(Value::as_bool).unwrap_or(false);
            if enabled {
                code = 0;
            }
            if !quiet {
                self.io.outln(if enabled { "enabled" } else { "disabled" });
            }
        }
        Ok(code)
    }

    fn show(&mut self, units: &[Str]) -> Flow<i32> {
        for name in units {
            let unit = self.unit(name)?;
            let (load, active) = if unit.is_null() { ("not-found", "inactive") } else { ("loaded", unit.str("state")) };
            let lines = [
                ("Id", full(name)),
                ("Description", unit.str("description").to_owned()),
                ("LoadState", load.to_owned()),
                ("ActiveState", active.to_owned()),
                ("SubState", sub_state(&unit).to_owned()),
                ("MainPID", super::int(&unit, "pid").to_string()),
            ];
            for (key, value) in lines {
                self.io.outln(format!("{key}={value}"));
            }
        }
        Ok(0)
    }

    fn cat(&mut self, units: &[Str]) -> Flow<i32> {
        for name in units {
            let unit = self.unit(name)?;
            if unit.is_null() {
                return self.io.fail(1, format!("No files found for {}.", full(name)));
            }
            let text = |key: &str| unit.str(key).to_owned();
            self.io.outln(format!(
                "# {}\n[Unit]\nDescription={}\nDocumentation={}\n",
                text("file"),
                text("description"),
                text("docs")
            ));
            self.io.outln(format!("[Service]\nExecStart={}\n\n[Install]\nWantedBy=multi-user.target", text("command")));
        }
        Ok(0)
    }

    fn list_units(&mut self, failed: bool) -> Flow<i32> {
        let units = self.io.call("units", Value::Null)?;
        let shown: Vec<&Value> = units
            .items()
            .iter()
            .filter(|u| if failed { u.str("state") == "failed" } else { u.str("state") != "inactive" })
            .collect();
        let width = shown.iter().map(|u| u.str("name").len() + 8).max().unwrap_or(4).max(4);
        if !shown.is_empty() {
            self.io.outln(format!("{:width$} LOAD   ACTIVE SUB     DESCRIPTION", "UNIT"));
        }
        for u in &shown {
            let (state, sub) = (u.str("state"), sub_state(u));
            self.io.outln(format!("{:width$} loaded {state:6} {sub:7} {}", full(u.str("name")), u.str("description")));
        }
        self.io.outln(format!("\n{} loaded units listed.", shown.len()));
        Ok(0)
    }

    fn list_files(&mut self) -> Flow<i32> {
        let units = self.io.call("units", Value::Null)?;
        self.io.outln("UNIT FILE                                     STATE   ");
        for u in units.items() {
            let enabled = u.get("enabled").and_then(Value::as_bool).unwrap_or(false);
            self.io.outln(format!("{:45} {:8}", full(u.str("name")), if enabled { "enabled" } else { "disabled" }));
        }
        self.io.outln(format!("\n{} unit files listed.", units.items().len()));
        Ok(0)
    }

    fn status(&mut self, units: &[Str], lines: usize) -> Flow<i32> {
        if units.is_empty() {
            let machine = self.io.call("machine", Value::Null)?;
            self.io.outln(format!(
                "● {}\n    State: running\n     Jobs: 0 queued\n   Failed: 0 units",
                machine.str("name")
            ));
            return Ok(0);
        }
        let mut code = 0;
        for (i, name) in units.iter().enumerate() {
            if i > 0 {
                self.io.outln("");
            }
            let unit = self.unit(name)?;
            if unit.is_null() {
                self.io.errln(format!("Unit {} could not be found.", full(name)));
                code = 4;
                continue;
            }
            self.one_status(&unit, lines)?;
            if unit.str("state") != "active" {
                code = 3;
            }
        }
        Ok(code)
    }

    fn one_status(&mut self, unit: &Value, lines: usize) -> Flow<()> {
        let now = self.io.now()?;
        let at = |key: &str| Time(u64::try_from(super::int(unit, key)).unwrap_or(0));
        let yes = |key: &str| unit.get(key).and_then(Value::as_bool).unwrap_or(false);
        let word = |on: bool| if on { "enabled" } else { "disabled" };
        let (state, name) = (unit.str("state"), unit.str("name"));
        let dot = match (self.modern, state) {
            (true, "inactive") => "○",
            (true, "failed") => "×",
            _ => "●",
        };
        // systemd aligns the labels: at 9 characters in 219, at 12 in 252.
        let width = if self.modern { 12 } else { 9 };
        let preset = if self.modern { "preset" } else { "vendor preset" };
        let mut out = vec![format!("{dot} {name}.service - {}", unit.str("description"))];
        let mut line = |label: &str, text: String| out.push(format!("{label:>width$}: {text}"));
        line(
            "Loaded",
            format!("loaded ({}; {}; {preset}: {})", unit.str("file"), word(yes("enabled")), word(yes("preset"))),
        );
        let drop_in = unit.str("dropIn");
        if !drop_in.is_empty() {
            line("Drop-In", format!("{}.d\n{:indent$}└─{drop_in}", unit.str("file"), "", indent = width + 2));
        }
        let since = at("since");
        let active = match state {
            "active" if yes("oneShot") => "active (exited)".to_owned(),
            "active" => "active (running)".to_owned(),
            "activating" => format!("activating (auto-restart) (Result: {})", result(unit)),
            "failed" => format!("failed (Result: {})", result(unit)),
            _ => "inactive (dead)".to_owned(),
        };
        let never = state == "inactive" && super::int(unit, "starts") == 0;
        line(
            "Active",
            if never { active } else { format!("{active} since {}; {} ago", stamp(since), ago(now.since(since))) },
        );
        if !unit.str("docs").is_empty() {
            line("Docs", unit.str("docs").to_owned());
        }
        let (pid, last, process) = (super::int(unit, "pid"), super::int(unit, "lastPid"), unit.str("process"));
        if state == "active" && pid != 0 {
            line("Main PID", format!("{pid} ({process})"));
            line("Tasks", "12".to_owned());
            line("Memory", "38.2M".to_owned());
            line(
                "CGroup",
                format!(
                    "/system.slice/{name}.service\n{:indent$}└─{pid} {}",
                    "",
                    unit.str("command"),
                    indent = width + 2
                ),
            );
        } else if last != 0 && !never {
            line("Process", format!("{last} ExecStart={} ({})", unit.str("command"), ended(unit)));
            line("Main PID", format!("{last} ({})", ended(unit)));
        }
        for text in out {
            self.io.outln(text);
        }
        let journal = self.io.call("journal", name.into())?;
        let all = journal.items();
        let machine = self.io.call("machine", Value::Null)?;
        if !all.is_empty() && lines > 0 {
            self.io.outln("");
        }
        for entry in &all[all.len().saturating_sub(lines)..] {
            self.io.outln(log_line(entry, machine.str("name")));
        }
        Ok(())
    }
}

fn sub_state(unit: &Value) -> &'static str {
    match unit.str("state") {
        "active" if unit.get("oneShot").and_then(Value::as_bool).unwrap_or(false) => "exited",
        "active" => "running",
        "activating" => "auto-restart",
        "failed" => "failed",
        _ => "dead",
    }
}

fn result(unit: &Value) -> &'static str {
    match super::int(unit, "exit") {
        0 => "success",
        129.. => "signal",
        _ => "exit-code",
    }
}

fn ended(unit: &Value) -> String {
    match super::int(unit, "exit") {
        0 => "code=exited, status=0/SUCCESS".to_owned(),
        code @ 129.. => format!("code=killed, signal={}", signal_name(code as i32 - 128)),
        code => format!("code=exited, status={code}/FAILURE"),
    }
}

/// `5min`, `1h 3min`, as systemd tells how long ago something was.
fn ago(time: Duration) -> String {
    let s = time.as_secs();
    match s {
        0..1 => format!("{}ms", time.as_millis()),
        1..60 => format!("{s}s"),
        60..3600 => {
            if s < 600 && !s.is_multiple_of(60) {
                format!("{}min {}s", s / 60, s % 60)
            } else {
                format!("{}min", s / 60)
            }
        }
        3600..86_400 => format!("{}h {}min", s / 3600, s / 60 % 60),
        _ => format!("{} day{} {}h", s / 86_400, if s < 172_800 { "" } else { "s" }, s / 3600 % 24),
    }
}

/// `Jan 05 09:00:00 m-k8s kubelet[1234]: text`
fn log_line(entry: &Value, machine: &str) -> String {
    let (_, mo, d, h, mi, s) = Time(u64::try_from(super::int(entry, "at")).unwrap_or(0)).civil();
    let (ident, pid, month) = (entry.str("ident"), super::int(entry, "pid"), MONTHS[mo as usize - 1]);
    let of = if pid == 0 { String::new() } else { format!("[{pid}]") };
    format!("{month} {d:02} {h:02}:{mi:02}:{s:02} {machine} {ident}{of}: {}", entry.str("text"))
}

const JOURNAL: Spec = Spec::new(
    "u:n:fexrkb:o:p:aqt:S:U:g:l",
    &[
        ("unit", 'u'),
        ("lines", 'n'),
        ("follow", 'f'),
        ("no-pager", 'N'),
        ("pager-end", 'e'),
        ("catalog", 'x'),
        ("reverse", 'r'),
        ("dmesg", 'k'),
        ("boot", 'B'),
        ("output", 'o'),
        ("priority", 'p'),
        ("identifier", 't'),
        ("grep", 'g'),
        ("since", 'S'),
        ("until", 'U'),
        ("no-tail", 'L'),
        ("no-hostname", 'H'),
        ("disk-usage", 'D'),
        ("quiet", 'q'),
        ("full", 'l'),
        ("list-boots", 'O'),
    ],
    1,
);

/// `-b` and `-n` take a value only where one follows.
fn journal_words(args: &[Str]) -> Vec<Str> {
    let number = |w: &Str| w.trim_start_matches(['-', '+']).bytes().all(|b| b.is_ascii_digit()) && !w.is_empty();
    let mut out: Vec<Str> = Vec::new();
    let mut at = 0;
    while let Some(word) = args.get(at) {
        let next = args.get(at + 1);
        at += 1;
        match word.as_str() {
            "-b" | "--boot" => at += usize::from(next.is_some_and(|w| number(w) && w != "-")),
            "-xeu" | "-eu" => out.push("-xu".into()),
            "-n" if next.is_none_or(|w| !number(w) && w != "all") => out.push("-n10".into()),
            _ => out.push(word.clone()),
        }
    }
    out
}

fn journalctl(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, &journal_words(args), &JOURNAL)?;
    if !io.state().is_null() {
        return follow(io, &o);
    }
    let user = io.call("user", Value::Null)?;
    let reads = |g: &Value| matches!(g.str("name"), "root" | "adm" | "wheel" | "systemd-journal");
    if !user.is_null() && !user.get("groups").map_or(&[][..], Value::items).iter().any(reads) {
        if !o.has('q') {
            io.errln("Hint: You are currently not seeing messages from other users and the system.\n      Users in groups 'adm', 'systemd-journal', 'wheel' can see all messages.\n      Pass -q to turn off this notice.");
        }
        return io.fail(1, "No journal files were opened due to insufficient permissions.");
    }
    if o.has('D') {
        io.outln("Archived and active journals take up 8.0M on disk.");
        return Ok(0);
    }
    let format = o.value('o').map_or("short", Str::as_str);
    if !matches!(format, "short" | "short-iso" | "short-precise" | "short-full" | "cat" | "json" | "short-unix") {
        return io.fail(1, format!("Unknown output '{format}'."));
    }
    if let Some(level) = o.value('p').filter(|l| priority(l).is_none()) {
        return io.fail(1, format!("Unknown log level {level}"));
    }
    let limit = match o.value('n').map(|n| (n.as_str(), n.parse::<usize>())) {
        None if !o.has('f') => usize::MAX,
        None => 10,
        Some(("all", _)) => usize::MAX,
        Some((_, Ok(n))) => n,
        Some((n, Err(_))) => return io.fail(1, format!("Failed to parse lines '{n}'")),
    };
    let entries = journal_entries(io, &o)?;
    if o.has('O') {
        let boot = crate::runtime::images::digest("boot");
        let at = |e: Option<&Value>| stamp(Time(u64::try_from(e.map_or(0, |e| super::int(e, "at"))).unwrap_or(0)));
        io.outln(format!(" 0 {} {}—{}", &boot[..32], at(entries.first()), at(entries.last())));
        return Ok(0);
    }
    let modern = io.call("profile", Value::Null)?.as_str() == "modern";
    if entries.is_empty() {
        io.outln("-- No entries --");
    } else if !modern && !o.has('q') && format.starts_with("short") {
        let at = |e: Option<&Value>| stamp(Time(u64::try_from(e.map_or(0, |e| super::int(e, "at"))).unwrap_or(0)));
        io.outln(format!("-- Logs begin at {}, end at {}. --", at(entries.first()), at(entries.last())));
    }
    let machine = io.call("machine", Value::Null)?.str("name").to_owned();
    let skip = entries.len().saturating_sub(limit);
    let mut lines: Vec<String> = entries[skip..].iter().map(|e| shown(e, &machine, &o)).collect();
    if o.has('r') {
        lines.reverse();
    }
    for line in lines {
        io.outln(line);
    }
    if !o.has('f') {
        return Ok(0);
    }
    let last = entries.last().map_or(-1, |e| super::int(e, "at"));
    io.checkpoint(map! { "machine" => machine, "last" => last }.into());
    follow(io, &o)
}

/// The entries that the options ask for, by time.
fn journal_entries(io: &mut Io<'_>, o: &super::options::Options) -> Flow<Vec<Value>> {
    let mut out: Vec<Value> = Vec::new();
    let units: Vec<Str> = o.values('u').cloned().collect();
    if o.has('k') {
        let booted = super::int(&io.call("machine", Value::Null)?, "bootedAt");
        let said = io.call("spawn", map! { "args" => vec!["dmesg"], "capture" => true }.into())?;
        for line in said.str("stdout").lines() {
            let (stamp, text) = line.trim_start_matches('[').split_once("] ").unwrap_or(("0.0", line));
            let (s, micros) = stamp.trim().split_once('.').unwrap_or((stamp.trim(), "0"));
            let at = booted + s.parse::<i64>().unwrap_or(0) * 1_000_000 + micros.parse::<i64>().unwrap_or(0);
            out.push(map! { "at" => at, "ident" => "kernel", "pid" => 0, "text" => text }.into());
        }
    } else if units.is_empty() {
        out.extend(io.call("journal", "".into())?.items().iter().cloned());
    } else {
        for unit in &units {
            out.extend(io.call("journal", plain_name(unit).into())?.items().iter().cloned());
        }
        out.arrange_by_key(|e| super::int(e, "at"));
    }
    let now = io.now()?;
    for (letter, after) in [('S', true), ('U', false)] {
        let Some(text) = o.value(letter) else { continue };
        let Some(limit) = since_time(text, now) else {
            return io.fail(1, format!("Failed to parse timestamp: {text}"));
        };
        out.retain(|e| (super::int(e, "at") >= limit.0 as i64) == after || super::int(e, "at") == limit.0 as i64);
    }
    if let Some(level) = o.value('p').and_then(|l| priority(l)) {
        out.retain(|e| level_of(e) <= level);
    }
    if let Some(name) = o.value('t') {
        out.retain(|e| e.str("ident") == name.as_str());
    }
    if let Some(pattern) = o.value('g') {
        out.retain(|e| e.str("text").contains(pattern.as_str()));
    }
    Ok(out)
}

/// Syslog's levels by name or number; of a range the less urgent end.
fn priority(text: &str) -> Option<u8> {
    let names = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
    let text = text.rsplit("..").next().unwrap_or(text);
    let named = names.iter().position(|n| *n == text).or((text == "error").then_some(3));
    named.and_then(|i| u8::try_from(i).ok()).or(text.parse().ok().filter(|n| *n < 8))
}

/// The level that systemd gives its own lines; what a service prints is `info`.
fn level_of(entry: &Value) -> u8 {
    let text = entry.str("text");
    match entry.str("ident") {
        "systemd" if text.starts_with("Failed to start") => 3,
        "systemd" if text.ends_with(" failed.") || text.contains("Failed with result") => 4,
        "systemd" if text.contains("rocess exited") || text.contains("entered failed state") => 5,
        _ => 6,
    }
}

/// An entry in the format that `-o` names.
fn shown(entry: &Value, machine: &str, o: &super::options::Options) -> String {
    let at = Time(u64::try_from(super::int(entry, "at")).unwrap_or(0));
    let line = log_line(entry, machine);
    // After the date, which is 15 characters.
    let rest = line.get(15..).unwrap_or("");
    let micros = at.0 % 1_000_000;
    match o.value('o').map_or("short", Str::as_str) {
        "cat" => entry.str("text").to_owned(),
        "json" => {
            let fields = map! {
                "__REALTIME_TIMESTAMP" => format!("{}{micros:06}", at.unix_s()), "_HOSTNAME" => machine,
                "SYSLOG_IDENTIFIER" => entry.str("ident"), "_PID" => super::int(entry, "pid").to_string(),
                "PRIORITY" => level_of(entry).to_string(), "MESSAGE" => entry.str("text"),
            };
            Value::from(fields).to_json()
        }
        "short-iso" => format!("{}{rest}", at.rfc3339().replace("Z", "+0000")),
        "short-precise" => format!("{}.{micros:06}{rest}", &line[..15]),
        "short-unix" => format!("{}.{micros:06}{rest}", at.unix_s()),
        "short-full" => format!("{}{rest}", stamp(at)),
        _ => line,
    }
}

/// Prints what is added, looking twice a second.
fn follow(io: &mut Io<'_>, o: &super::options::Options) -> Flow<i32> {
    let mut state = io.state();
    loop {
        io.sleep(Duration::millis(500))?;
        let all = journal_entries(io, o)?;
        let last = super::int(&state, "last");
        for entry in all.iter().filter(|e| super::int(e, "at") > last) {
            io.outln(shown(entry, state.str("machine"), o));
        }
        *state.entry(&["last"]) = all.last().map_or(last, |e| super::int(e, "at")).max(last).into();
        io.checkpoint(state.clone());
    }
}

/// `5 minutes ago`, `-1h`, `10min ago`, `today`, a time of today, or a full date.
fn since_time(text: &str, now: Time) -> Option<Time> {
    let full = |t: &str| Time::parse_rfc3339(&format!("{}Z", t.replace(' ', "T")));
    let today = now.rfc3339().get(..10)?.to_owned();
    let day = |t: Time| t.rfc3339().get(..10).and_then(|d| full(&format!("{d} 00:00:00")));
    match text {
        "now" => return Some(now),
        "today" => return day(now),
        "yesterday" => return day(now - Duration::secs(86_400)),
        _ => {}
    }
    let dated = [
        text.to_owned(),
        format!("{text}:00"),
        format!("{text} 00:00:00"),
        format!("{today} {text}"),
        format!("{today} {text}:00"),
    ];
    if let Some(at) = dated.iter().find_map(|t| full(t)) {
        return Some(at);
    }
    let text = text.strip_prefix('-').or(text.strip_suffix(" ago")).unwrap_or(text);
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let unit = text[digits.len()..].trim();
    let seconds = match unit {
        u if u.starts_with("min") || u == "m" => 60,
        u if u.starts_with('h') => 3600,
        u if u.starts_with('d') => 86_400,
        u if u.is_empty() || u.starts_with('s') => 1,
        _ => return None,
    };
    Some(now - Duration::secs(digits.parse::<u64>().ok()?.checked_mul(seconds)?))
}
