//! `yum` (CentOS 7), `dnf` (Rocky 9), `yum-config-manager`. One engine, two ways of saying it.

use super::options::{Spec, parse};
use super::row;
use crate::api::Value;
use crate::base::arrange::Arrange;
use crate::base::{Duration, Str};
use crate::machine::program::{Command, Flow, Io};

pub static YUM: Command = Command {
    startup_ms: 400,
    ..row("yum", ["install and remove packages", "패키지를 설치하고 지웁니다"], run)
};
pub static DNF: Command = Command {
    startup_ms: 400,
    ..row("dnf", ["install and remove packages", "패키지를 설치하고 지웁니다"], run)
};
pub static YUM_CONFIG_MANAGER: Command = Command {
    startup_ms: 300,
    ..row("yum-config-manager", ["add and change repositories", "패키지 저장소를 더하거나 바꿉니다"], config_manager)
};

const SPEC: Spec = Spec::new(
    "yqvC",
    &[
        ("assumeyes", 'y'),
        ("quiet", 'q'),
        ("verbose", 'v'),
        ("disableexcludes", 'X'),
        ("enablerepo", 'E'),
        ("disablerepo", 'D'),
        ("nogpgcheck", 'N'),
        ("showduplicates", 'S'),
        ("setopt", 'O'),
        ("add-repo", 'A'),
        ("allowerasing", 'W'),
        ("best", 'B'),
        ("downloadonly", 'L'),
    ],
    1,
);

/// What the rest of a run needs to know.
struct Say {
    dnf: bool,
    quiet: bool,
    yes: bool,
    release: &'static str,
}

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &SPEC)?;
    let modern = io.call("profile", Value::Null)?.as_str() == "modern";
    let say = Say { dnf: modern, quiet: o.has('q'), yes: o.has('y'), release: if modern { "9" } else { "7" } };
    let free = o.value('X').cloned().unwrap_or_default();
    let changes = |v: &Str| {
        matches!(v.as_str(), "install" | "remove" | "erase" | "update" | "upgrade" | "downgrade" | "localinstall")
    };
    if o.rest.first().is_some_and(changes) && io.call("machine", Value::Null)?.str("user") != "root" {
        return io.fail(
            1,
            match modern {
                true => {
                    "Error: This command has to be run with superuser privileges (under the root user on most systems)."
                }
                false => "You need to be root to perform this command.",
            },
        );
    }
    let Some((verb, names)) = o.rest.split_first() else {
        if modern {
            io.outln("usage: dnf [options] COMMAND\n");
            return Ok(1);
        }
        return io
            .fail(1, "Loaded plugins: fastestmirror\nYou need to give some command\nUsage: yum [options] COMMAND");
    };
    match verb.as_str() {
        "install" | "localinstall" | "reinstall" | "downgrade" => install(io, &say, names, false, &free),
        "update" | "upgrade" => install(io, &say, names, true, &free),
        "remove" | "erase" | "autoremove" => remove(io, &say, names),
        "list" => list(io, &say, names, o.has('S'), &free),
        "search" => search(io, &say, names, &free),
        "info" => info(io, &say, names, &free),
        "repolist" => repolist(io, &say, names),
        "makecache" | "check-update" => {
            load(io, &say)?;
            io.outln("Metadata Cache Created");
            Ok(0)
        }
        "clean" => {
            io.outln(if modern { "23 files removed" } else { "Loaded plugins: fastestmirror\nCleaning repos: base extras updates" });
            Ok(0)
        }
        "config-manager" if modern => {
            let has = io.call("packages", Value::Null)?.items().iter().any(|p| p.str("name") == "dnf-plugins-core");
            if !has {
                return io.fail(1, "No such command: config-manager. Please use /usr/bin/dnf --help\nIt could be a DNF plugin command, try: \"dnf install 'dnf-command(config-manager)'\"");
            }
            let url = names.first().or(o.value('A')).cloned();
            add_repo(io, true, url.as_deref())
        }
        verb if modern => io.fail(1, format!("No such command: {verb}. Please use /usr/bin/dnf --help\nIt could be a DNF plugin command, try: \"dnf install 'dnf-command({verb})'\"")),
        verb => io.fail(1, format!("Loaded plugins: fastestmirror\nNo such command: {verb}. Please use /usr/bin/yum --help")),
    }
}

/// Reads the metadata of all enabled repositories; ends the command where one cannot be read.
fn load(io: &mut Io<'_>, say: &Say) -> Flow<()> {
    if !say.dnf && !say.quiet {
        io.outln("Loaded plugins: fastestmirror");
    }
    let bad = io.call("repo-headless", Value::Null)?;
    if !bad.is_null() {
        let (path, line) = (bad.str("path").to_owned(), bad.str("line").to_owned());
        if !say.dnf {
            return io.fail(1, format!("File contains no section headers.\nfile: file://{path}, line: 1\n'{line}\\n'"));
        }
        io.errln(format!("Warning: failed loading '{path}', skipping."));
    }
    let repos = io.call("repos", Value::Null)?;
    let enabled: Vec<&Value> =
        repos.items().iter().filter(|r| r.get("enabled").and_then(Value::as_bool) == Some(true)).collect();
    io.sleep(Duration::millis(300 + 150 * enabled.len() as u64))?;
    for repo in &enabled {
        let (id, url, host) = (repo.str("id"), repo.str("url"), repo.str("host"));
        let url = url.replace("$releasever", say.release).replace("$basearch", "x86_64").replace("$infra", "vag");
        if !repo.str("list").is_empty() && !say.dnf {
            let list = repo
                .str("list")
                .replace("$releasever", say.release)
                .replace("$basearch", "x86_64")
                .replace("$arch", "x86_64")
                .replace("$infra", "vag");
            let host = list.split('/').nth(2).unwrap_or_default().to_owned();
            io.sleep(Duration::secs(2))?;
            io.errln(format!("Could not retrieve mirrorlist {list} error was\n14: curl#6 - \"Could not resolve host: {host}; Unknown error\""));
        }
        let no_host = match repo.str("error") {
            "" => continue,
            why => why == "no host",
        };
        let mirrors = repo.get("mirrors").and_then(Value::as_bool) == Some(true);
        if say.dnf {
            let why = if no_host {
                format!("Curl error (6): Couldn't resolve host name for {url} [Could not resolve host: {host}]")
            } else {
                format!("Status code: 404 for {url}repodata/repomd.xml (IP: 34.107.204.206)")
            };
            io.errln(format!("Errors during downloading metadata for repository '{id}':\n  - {why}"));
            let what = if no_host && mirrors {
                format!("Cannot prepare internal mirrorlist: {why}")
            } else {
                "Cannot download repomd.xml: Cannot download repodata/repomd.xml: All mirrors were tried".to_owned()
            };
            return io.fail(1, format!("Error: Failed to download metadata for repo '{id}': {what}"));
        }
        if mirrors {
            io.errln(format!("Could not retrieve mirrorlist {url} error was\n14: curl#6 - \"Could not resolve host: {host}; Unknown error\"\n"));
        } else if no_host {
            io.errln(format!("{url}repodata/repomd.xml: [Errno 14] curl#6 - \"Could not resolve host: {host}; Unknown error\"\nTrying other mirror."));
        } else {
            io.errln(format!(
                "{url}/repodata/repomd.xml: [Errno 14] HTTPS Error 404 - Not Found\nTrying other mirror."
            ));
        }
        io.errln("\n One of the configured repositories failed (Unknown),\n and yum doesn't have enough cached data to continue. At this point the only\n safe thing yum can do is fail.\n");
        return io
            .fail(1, format!("Cannot find a valid baseurl for repo: {id}{}", if mirrors { "/7/x86_64" } else { "" }));
    }
    if say.dnf && !say.quiet {
        io.outln("Last metadata expiration check: 0:00:00 ago.");
    } else if !say.quiet {
        io.outln("Loading mirror speeds from cached hostfile");
    }
    Ok(())
}

fn size(kib: i64) -> String {
    if kib >= 10_240 {
        format!("{} M", kib / 1024)
    } else if kib >= 1024 {
        format!("{}.{} M", kib / 1024, kib % 1024 * 10 / 1024)
    } else {
        format!("{kib} k")
    }
}

fn plain(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, v)| v)
}

fn install(io: &mut Io<'_>, say: &Say, names: &[Str], upgrade: bool, free: &str) -> Flow<i32> {
    if names.is_empty() && !upgrade {
        return io.fail(
            1,
            if say.dnf {
                "dnf install: error: the following arguments are required: PACKAGE"
            } else {
                "Error: Need to pass a list of pkgs to install"
            },
        );
    }
    load(io, say)?;
    let mut specs: Vec<Value> = names.iter().map(Value::from).collect();
    if names.is_empty() {
        specs = io.call("packages", Value::Null)?.items().iter().map(|p| p.str("name").into()).collect();
    }
    let plan =
        io.call("package-plan", map! { "specs" => specs, "upgrade" => upgrade, "disableexcludes" => free }.into())?;
    let items = |key: &str| plan.get(key).map_or(Vec::new(), |v| v.items().to_vec());
    let (rows, missing) = (items("install"), items("missing"));
    for name in &missing {
        let name = name.as_str();
        io.errln(if say.dnf {
            format!("No match for argument: {name}")
        } else {
            format!("No package {name} available.")
        });
    }
    for p in items("present").iter().filter(|_| !names.is_empty()) {
        let (name, version) = (p.str("name"), p.str("version"));
        io.outln(match say.dnf {
            true => format!("Package {name}-{version}.x86_64 is already installed."),
            false => format!("Package {name}-{version}.x86_64 already installed and latest version"),
        });
    }
    if say.dnf && !missing.is_empty() {
        let all: Vec<&str> = missing.iter().map(Value::as_str).collect();
        return io.fail(1, format!("Error: Unable to find a match: {}", all.join(" ")));
    }
    if rows.is_empty() {
        if say.dnf {
            io.outln("Dependencies resolved.\nNothing to do.\nComplete!");
        } else if missing.is_empty() {
            io.outln(if upgrade { "No packages marked for update" } else { "Nothing to do" });
        } else {
            return io.fail(1, "Error: Nothing to do");
        }
        return Ok(0);
    }
    table(io, say, &rows);
    if !confirmed(io, say)? {
        return Ok(1);
    }
    io.outln(if say.dnf { "Downloading Packages:" } else { "Downloading packages:" });
    let total: i64 = rows.iter().map(|r| super::int(r, "kib")).sum();
    io.sleep(Duration::millis(500 + (total / 10).unsigned_abs()))?;
    if let Some(r) = rows.iter().find(|r| r.get("unsigned").is_some()) {
        let file = format!("{}-{}.x86_64.rpm", r.str("name"), plain(r.str("version")));
        if say.dnf {
            io.errln(format!("Public key for {file} is not installed\nThe downloaded packages were saved in cache until the next successful transaction.\nYou can remove cached packages by executing 'dnf clean packages'."));
            return io.fail(1, "Error: GPG check FAILED");
        }
        return io.fail(1, format!("\n\nPublic key for {file} is not installed"));
    }
    io.outln(if say.dnf { "Running transaction check\nTransaction check succeeded.\nRunning transaction test\nTransaction test succeeded.\nRunning transaction" } else { "Running transaction check\nRunning transaction test\nTransaction test succeeded\nRunning transaction" });
    let count = rows.len();
    // What is needed comes first.
    let mut ordered: Vec<&Value> = rows.iter().collect();
    ordered.arrange_by_key(|r| r.get("needed").and_then(Value::as_bool) != Some(true));
    for (verb, slow) in [("Installing", true), ("Verifying ", false)] {
        for (i, r) in ordered.iter().enumerate() {
            let verb = if verb == "Installing" && r.get("old").is_some() { "Updating  " } else { verb };
            let full = format!("{}-{}.x86_64", r.str("name"), plain(r.str("version")));
            if slow {
                io.sleep(Duration::millis(300))?;
                io.call("package-apply", map! { "install" => vec![(*r).clone()] }.into())?;
            }
            let end = format!("{}/{count}", i + 1);
            io.outln(if say.dnf {
                format!("  {verb:<16} : {full:<52} {end:>6} ")
            } else {
                format!("  {verb} : {full:<56} {end:>6} ")
            });
        }
    }
    for (title, old, needed) in
        [("Installed:", false, false), ("Dependency Installed:", false, true), ("Updated:", true, false)]
    {
        let fits = |r: &&&Value| {
            r.get("old").is_some() == old
                && (say.dnf || old || (r.get("needed").and_then(Value::as_bool) == Some(true)) == needed)
        };
        let these: Vec<String> = ordered.iter().filter(fits).map(|r| version_of(say, r)).collect();
        if !(these.is_empty() || say.dnf && needed) {
            io.outln(format!(
                "\n{}\n  {}",
                if say.dnf && old { "Upgraded:" } else { title },
                these.join(if say.dnf { "  " } else { "\n  " })
            ));
        }
    }
    io.outln("\nComplete!");
    Ok(0)
}

fn version_of(say: &Say, r: &Value) -> String {
    let (name, version) = (r.str("name"), r.str("version"));
    if say.dnf {
        return format!("{name}-{version}.x86_64");
    }
    format!("{name}.x86_64 {}", if version.contains(':') { version.to_owned() } else { format!("0:{version}") })
}

fn table(io: &mut Io<'_>, say: &Say, rows: &[Value]) {
    let new = |r: &&Value| r.get("old").is_none();
    if say.dnf {
        io.outln("Dependencies resolved.");
    } else {
        io.outln("Resolving Dependencies\n--> Running transaction check");
        for r in rows {
            let how = if new(&r) { "installed" } else { "an update" };
            io.outln(format!("---> Package {} will be {how}", version_of(say, r)));
        }
        io.outln("--> Finished Dependency Resolution\n\nDependencies Resolved\n");
    }
    let line = "=".repeat(80);
    let line_of = |r: &Value| {
        let (name, repo) = (r.str("name"), r.str("repo"));
        format!(" {name:<22} {:<8} {:<26} {repo:<14} {:>5}", "x86_64", r.str("version"), size(super::int(r, "kib")))
    };
    io.outln(format!(
        "{line}\n {:<22} {:<8} {:<26} {:<14} {:>5}\n{line}",
        "Package",
        if say.dnf { "Arch" } else { "Arch" },
        "Version",
        if say.dnf { "Repo" } else { "Repository" },
        "Size"
    ));
    let needed = |r: &&Value| r.get("needed").and_then(Value::as_bool) == Some(true);
    let (mut fresh, mut deps, mut updates) = (0, 0, 0);
    for (title, pick) in [
        ("Installing:", 0),
        (if say.dnf { "Upgrading:" } else { "Updating:" }, 1),
        (if say.dnf { "Installing dependencies:" } else { "Installing for dependencies:" }, 2),
    ] {
        let these: Vec<&Value> = rows
            .iter()
            .filter(|r| match pick {
                0 => new(r) && !needed(r),
                1 => !new(r),
                _ => new(r) && needed(r),
            })
            .collect();
        match pick {
            0 => fresh = these.len(),
            1 => updates = these.len(),
            _ => deps = these.len(),
        }
        if !these.is_empty() {
            io.outln(title);
            these.iter().for_each(|r| io.outln(line_of(r)));
        }
    }
    io.outln(format!("\nTransaction Summary\n{line}"));
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    match (say.dnf, deps) {
        (true, _) if fresh + deps > 0 => io.outln(format!("Install  {} Package{}", fresh + deps, plural(fresh + deps))),
        (false, 0) if fresh > 0 => io.outln(format!("Install  {fresh} Package{}", plural(fresh))),
        (false, _) if fresh > 0 => {
            io.outln(format!("Install  {fresh} Package{} (+{deps} Dependent package{})", plural(fresh), plural(deps)))
        }
        _ => {}
    }
    if updates > 0 {
        io.outln(format!("Upgrade  {updates} Package{}", plural(updates)));
    }
    let total: i64 = rows.iter().map(|r| super::int(r, "kib")).sum();
    io.outln(format!("\nTotal download size: {}\nInstalled size: {}", size(total), size(total * 4)));
}

fn confirmed(io: &mut Io<'_>, say: &Say) -> Flow<bool> {
    if say.yes {
        return Ok(true);
    }
    io.out(if say.dnf { "Is this ok [y/N]: " } else { "Is this ok [y/d/N]: " });
    let answer = io.read_line()?;
    if answer.is_some_and(|a| matches!(a.trim(), "y" | "Y" | "yes")) {
        return Ok(true);
    }
    io.outln(if say.dnf { "Operation aborted." } else { "Exiting on user command" });
    Ok(false)
}

fn remove(io: &mut Io<'_>, say: &Say, names: &[Str]) -> Flow<i32> {
    let here = io.call("packages", Value::Null)?;
    let found: Vec<&Value> = here.items().iter().filter(|p| names.iter().any(|n| n == p.str("name"))).collect();
    for name in names.iter().filter(|n| !found.iter().any(|p| p.str("name") == n.as_str())) {
        io.outln(if say.dnf {
            format!("No match for argument: {name}")
        } else {
            format!("No Match for argument: {name}")
        });
    }
    if found.is_empty() {
        io.outln(if say.dnf {
            "No packages marked for removal.\nDependencies resolved.\nNothing to do.\nComplete!"
        } else {
            "No Packages marked for removal"
        });
        return Ok(0);
    }
    for p in &found {
        io.outln(format!("---> Package {} will be erased", version_of(say, p)));
    }
    if !confirmed(io, say)? {
        return Ok(1);
    }
    io.sleep(Duration::millis(600))?;
    let gone: Vec<Value> = found.iter().map(|p| p.str("name").into()).collect();
    io.call("package-apply", map! { "remove" => gone }.into())?;
    io.outln("\nRemoved:");
    for p in &found {
        io.outln(format!("  {}", version_of(say, p)));
    }
    io.outln("\nComplete!");
    Ok(0)
}

fn list(io: &mut Io<'_>, say: &Say, words: &[Str], duplicates: bool, free: &str) -> Flow<i32> {
    let (which, names) = match words.first().map(Str::as_str) {
        Some(w @ ("installed" | "available" | "all" | "updates")) => (w, &words[1..]),
        _ => ("all", words),
    };
    load(io, say)?;
    let here = io.call("packages", Value::Null)?;
    let wanted = |name: &str| {
        names.is_empty() || names.iter().any(|n| n == name || n.strip_suffix('*').is_some_and(|s| name.starts_with(s)))
    };
    let mut shown = false;
    let line = |name: &str, version: &str, repo: &str| format!("{:<32} {version:<28} {repo}", format!("{name}.x86_64"));
    if which != "available" {
        let mut first = true;
        for p in here.items().iter().filter(|p| wanted(p.str("name"))) {
            if first {
                io.outln("Installed Packages");
                first = false;
            }
            shown = true;
            io.outln(line(p.str("name"), p.str("version"), "@installed"));
        }
    }
    if which != "installed" {
        let all = io.call("package-list", map! { "disableexcludes" => free }.into())?;
        let (mut first, mut last) = (true, Str::new());
        let rows: Vec<&Value> = all.items().iter().filter(|p| wanted(p.str("name"))).collect();
        // Oldest first where all are shown.
        let rows: Vec<&Value> = if duplicates { rows.into_iter().rev().collect() } else { rows };
        for p in rows {
            let name = p.str("name");
            let have = here
                .items()
                .iter()
                .any(|h| h.str("name") == name && (!duplicates || h.str("version") == plain(p.str("version"))));
            if !duplicates && (have || last == name) {
                continue;
            }
            last = name.into();
            if first {
                io.outln("Available Packages");
                first = false;
            }
            shown = true;
            io.outln(line(name, p.str("version"), p.str("repo")));
        }
    }
    if shown {
        Ok(0)
    } else {
        io.fail(1, if say.dnf { "Error: No matching Packages to list" } else { "Error: No matching Packages to list" })
    }
}

fn search(io: &mut Io<'_>, say: &Say, words: &[Str], free: &str) -> Flow<i32> {
    load(io, say)?;
    let all = io.call("package-list", map! { "disableexcludes" => free }.into())?;
    let mut seen = Vec::new();
    for p in all.items() {
        let name = p.str("name");
        if words.iter().any(|w| name.contains(w.as_str())) && !seen.contains(&name) {
            seen.push(name);
            io.outln(format!("{name}.x86_64"));
        }
    }
    if seen.is_empty() {
        io.outln(if say.dnf { "No matches found." } else { "Warning: No matches found for: " });
    }
    Ok(0)
}

fn info(io: &mut Io<'_>, say: &Say, words: &[Str], free: &str) -> Flow<i32> {
    load(io, say)?;
    let here = io.call("packages", Value::Null)?;
    let all = io.call("package-list", map! { "disableexcludes" => free }.into())?;
    for name in words {
        let found = here.items().iter().chain(all.items()).find(|p| p.str("name") == name.as_str());
        let Some(p) = found else { return io.fail(1, "Error: No matching Packages to list") };
        let (version, release) = p.str("version").rsplit_once('-').unwrap_or((p.str("version"), ""));
        let repo = if p.str("repo").is_empty() { "installed" } else { p.str("repo") };
        io.outln(format!("Name        : {name}\nArch        : x86_64\nVersion     : {version}\nRelease     : {release}\nRepo        : {repo}\n"));
    }
    Ok(0)
}

fn repolist(io: &mut Io<'_>, say: &Say, words: &[Str]) -> Flow<i32> {
    let all = words.first().is_some_and(|w| w == "all");
    let repos = io.call("repos", Value::Null)?;
    io.outln(if say.dnf {
        "repo id                          repo name"
    } else {
        "Loaded plugins: fastestmirror\nrepo id                          repo name"
    });
    for r in repos.items() {
        let on = r.get("enabled").and_then(Value::as_bool) == Some(true);
        if on || all {
            let name = r.str("name").replace("$releasever", say.release).replace("$basearch", "x86_64");
            io.outln(format!("{:<32} {name}", r.str("id")).trim_end());
        }
    }
    Ok(0)
}

fn config_manager(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    const SPEC: Spec =
        Spec::new("", &[("add-repo", 'A'), ("enable", 'e'), ("disable", 'd'), ("save", 's'), ("setopt", 'O')], 1);
    let o = parse(io, args, &SPEC)?;
    if !(o.has('e') || o.has('d')) {
        let url = o.rest.first().or(o.value('A')).cloned();
        return add_repo(io, false, url.as_deref());
    }
    for id in &o.rest {
        let folder = "/etc/yum.repos.d";
        for name in io.call("list-dir", folder.into())?.items() {
            let path = format!("{folder}/{}", name.as_str());
            let Ok(text) = io.read_file(&path)? else { continue };
            let changed = switch(&text, id, o.has('e'));
            if changed != text.as_str() {
                io.write_file(&path, changed)?.ok();
            }
        }
    }
    Ok(0)
}

/// The file with `enabled=` of one section set.
fn switch(text: &str, id: &str, on: bool) -> String {
    let (mut inside, mut out) = (false, String::new());
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line == format!("[{id}]");
            out += &format!("{line}\n");
            if inside {
                out += &format!("enabled={}\n", u8::from(on));
            }
        } else if !(inside && line.starts_with("enabled")) {
            out += &format!("{line}\n");
        }
    }
    out
}

fn add_repo(io: &mut Io<'_>, dnf: bool, url: Option<&str>) -> Flow<i32> {
    let Some(url) = url else { return io.fail(1, "Error: no repository was named") };
    if !dnf {
        io.outln(format!("Loaded plugins: fastestmirror\nadding repo from: {url}"));
    } else {
        io.outln(format!("Adding repo from: {url}"));
    }
    io.sleep(Duration::millis(400))?;
    let name = url.rsplit('/').next().unwrap_or("added.repo").to_owned();
    if !name.ends_with(".repo") {
        let id = url.split("://").nth(1).unwrap_or(url).trim_end_matches('/').replace('/', "_");
        let text = format!("[{id}]\nname=added from: {url}\nbaseurl={url}\nenabled=1\n");
        io.write_file(&format!("/etc/yum.repos.d/{id}.repo"), text)?.ok();
        return Ok(0);
    }
    let text = io.call("repo-file", url.into())?;
    let Value::Str(text) = text else {
        if dnf {
            io.errln(format!("Status code: 404 for {url} (IP: 13.35.166.30)"));
            return io.fail(1, "Error: Configuration of repo failed");
        }
        io.errln(format!("grabbing file {url} to /etc/yum.repos.d/{name}\nCould not fetch/save url {url} to file /etc/yum.repos.d/{name}: [Errno 14] HTTPS Error 404 - Not Found"));
        return Ok(0);
    };
    if !dnf {
        io.outln(format!("grabbing file {url} to /etc/yum.repos.d/{name}\nrepo saved to /etc/yum.repos.d/{name}"));
    }
    io.write_file(&format!("/etc/yum.repos.d/{name}"), text)?.ok();
    Ok(0)
}
