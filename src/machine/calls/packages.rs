//! Calls about packages and their repositories.

use crate::api::{List, Map, Value};
use crate::base::Str;
use crate::machine::packages::{self, Broken, Package, Repo};
use crate::machine::terminal::CommandHost;

/// The repository file that cannot be read: `{path, line}`.
pub fn headless(host: &CommandHost<'_, '_>) -> Value {
    packages::headless(host.ctx.host())
        .map_or(Value::Null, |(path, line)| map! { "path" => path, "line" => line }.into())
}

/// All repositories: `{id, name, url, host, enabled, mirrors, list, error}`.
pub fn repos(host: &CommandHost<'_, '_>) -> Value {
    let one = |r: Repo| -> Value {
        let error = match r.source() {
            Ok(_) => "",
            Err(Broken::NoHost) => "no host",
            Err(Broken::NotFound) => "not found",
        };
        map! {
            "id" => &r.id, "name" => &r.name, "url" => &r.url, "host" => r.host(),
            "enabled" => r.enabled, "mirrors" => r.mirrors, "list" => &r.list, "error" => error,
        }
        .into()
    };
    Value::List(packages::repos(host.ctx.host()).into_iter().map(one).collect())
}

pub fn installed(host: &CommandHost<'_, '_>) -> Value {
    Value::List(host.ctx.host().packages.iter().map(|(n, v)| map! { "name" => n, "version" => v }.into()).collect())
}

/// Candidates of a package in the enabled repositories, newest first.
fn candidates(host: &CommandHost<'_, '_>, package: &Package, free: &str) -> Vec<(Str, Str)> {
    let profile = host.ctx.world.config.profile;
    let mut out: Vec<(Str, Str)> = Vec::new();
    for repo in packages::repos(host.ctx.host()).iter().filter(|r| r.enabled) {
        let excluded =
            repo.exclude.iter().any(|e| e == package.name) && free != repo.id && free != "all" && free != "main";
        if let (Ok(source), false) = (repo.source(), excluded) {
            for version in package.versions(source, profile) {
                if !out.iter().any(|(o, _): &(Str, Str)| *o == version) {
                    out.push((version, repo.id.clone()));
                }
            }
        }
    }
    out
}

/// `{disableexcludes}` → every package that could be installed: `[{name, version, repo}]`.
pub fn available(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    let mut out = List::new();
    for package in packages::all() {
        for (version, repo) in candidates(host, package, input.str("disableexcludes")) {
            out.push(map! { "name" => package.name, "version" => version, "repo" => repo });
        }
    }
    Value::List(out)
}

/// `{specs, upgrade, disableexcludes}` → `{install: [{name, version, repo, kib, needed, old}], missing: [spec],
/// present: [{name, version}]}`; with what else is needed.
pub fn plan(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    let free = input.str("disableexcludes");
    let upgrade = input.get("upgrade").and_then(Value::as_bool).unwrap_or(false);
    let (mut install, mut missing, mut present) = (List::new(), List::new(), List::new());
    let here = &host.ctx.host().packages;
    let mut todo: Vec<(Str, bool)> =
        input.get("specs").map_or(&[][..], Value::items).iter().map(|s| (s.as_str().into(), false)).collect();
    let mut at = 0;
    while let Some((spec, needed)) = todo.get(at).cloned() {
        at += 1;
        // `name`, `name-version`: the name itself may hold dashes.
        let cuts = std::iter::once(spec.len()).chain(spec.rmatch_indices('-').map(|(i, _)| i));
        let found = cuts.filter_map(|i| Some((packages::named(&spec[..i])?, spec.get(i + 1..).unwrap_or("")))).next();
        let Some((package, asked)) = found else {
            if let Some(version) = here.get(&spec) {
                present.push(map! { "name" => &spec, "version" => version });
            } else if !needed {
                missing.push(spec);
            }
            continue;
        };
        let old = here.get(package.name);
        let wanted = candidates(host, package, free)
            .into_iter()
            .find(|(v, _)| asked.is_empty() || packages::is_version(v, asked.trim_end_matches(".x86_64")));
        let same = |version: &str| old.is_some_and(|o| packages::plain(version) == o);
        match wanted {
            Some((version, _)) if same(&version) || (old.is_some() && (needed || asked.is_empty() && !upgrade)) => {
                if !needed {
                    present.push(map! { "name" => package.name, "version" => old.cloned() });
                }
            }
            None if old.is_some() && asked.is_empty() => {
                if !needed {
                    present.push(map! { "name" => package.name, "version" => old.cloned() });
                }
            }
            Some((version, repo)) => {
                let mut row: Map = map! {
                    "name" => package.name, "version" => version, "repo" => repo.clone(),
                    "kib" => package.kib, "needed" => needed,
                };
                if let Some(old) = old {
                    row.insert("old", old);
                }
                // Signatures are checked unless the repository says otherwise; the distribution's keys are there.
                let repos = packages::repos(host.ctx.host());
                if repos.iter().any(|r| r.id == repo && r.signed && r.key.is_empty()) {
                    row.insert("unsigned", true);
                }
                let known = install.iter().any(|r: &Value| r.str("name") == package.name);
                if !known {
                    install.push(row);
                    todo.extend(package.requires().iter().map(|r| (Str::from(*r), true)));
                }
            }
            None if needed => {}
            None => missing.push(spec),
        }
    }
    map! { "install" => install, "missing" => missing, "present" => present }.into()
}

/// `{install: [{name, version}], remove: [name]}`.
pub fn apply(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let (now, profile) = (host.ctx.now(), host.ctx.world.config.profile);
    for row in input.get("install").map_or(&[][..], Value::items) {
        packages::install(host.ctx.host_mut(), profile, row.str("name"), row.str("version"), now);
    }
    let (machine, cause) = (host.ctx.machine, host.ctx.cause);
    for name in input.get("remove").map_or(&[][..], Value::items) {
        let unit = match name.as_str() {
            "docker-ce" => "docker",
            "containerd.io" => "containerd",
            other => other,
        };
        // rpm's scriptlets stop the service; most packages have none.
        let _ = crate::machine::systemd::stop(host.ctx.world, machine, unit, cause);
        packages::remove(host.ctx.host_mut(), name.as_str());
    }
    Value::Null
}

/// A repository file by URL: its text, or `Null`.
pub fn repo_file(input: &Value) -> Value {
    packages::repo_file(input.as_str()).map_or(Value::Null, Value::from)
}
