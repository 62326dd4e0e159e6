//! Built-ins that make, change and list variables, options and positional parameters.

use std::sync::Arc;

use super::builtins::set_flag;
use super::eval::{Eval, Frame, Step};
use super::is_name;
use super::state::{Content, Var};
use crate::base::Str;
use crate::base::persistent::OrdMap;

/// `export`, `local`, `readonly`, `declare`.
pub(super) fn declare(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let (mut name, mut export, mut readonly, mut drop_export) = (args[0].as_str(), false, false, false);
    let (mut integer, mut map, mut print) = (false, false, false);
    let mut rest = &args[1..];
    if name == "typeset" {
        name = "declare";
    }
    while let Some(flags) = rest.first().filter(|a| a.starts_with('-') && a.len() > 1) {
        for flag in flags[1..].chars() {
            match flag {
                'x' => export = true,
                'r' => readonly = true,
                'n' if name == "export" => drop_export = true,
                'i' => integer = true,
                'A' => map = true,
                'p' => print = true,
                'a' | 'g' | 'f' | 'F' => {}
                _ => return e.fail(2, &format!("{}: -{flag}: invalid option", args[0])),
            }
        }
        rest = &rest[1..];
    }
    export |= name == "export" && !drop_export;
    readonly |= name == "readonly";
    if rest.is_empty() {
        let shown = e.sh.scope.vars.iter().filter(|(_, v)| (v.exported || !export) && (v.readonly || !readonly));
        let lines: String = shown
            .map(|(n, v)| format!("declare -{} {n}=\"{}\"\n", if v.exported { "x" } else { "-" }, text_of(v)))
            .collect();
        return e.printed(lines);
    }
    if print && name == "declare" {
        let mut text = String::new();
        for word in rest {
            let Some(v) = e.sh.scope.vars.get(word) else {
                return e.fail(1, &format!("declare: {word}: not found"));
            };
            text += &match &v.content {
                Content::Text(t) => format!("declare -{} {word}=\"{t}\"\n", if v.exported { "x" } else { "-" }),
                Content::Map(_) => format!("declare -A {word}=({} )\n", text_of(v)),
                Content::List(items) => {
                    let all: Vec<String> = items.iter().enumerate().map(|(i, t)| format!("[{i}]=\"{t}\"")).collect();
                    format!("declare -a {word}=({})\n", all.join(" "))
                }
            };
        }
        return e.printed(text);
    }
    let local = name == "local" || name == "declare";
    let call = e.sh.frames.iter().rposition(|f| matches!(f, Frame::Call { .. }));
    if name == "local" && call.is_none() {
        return e.fail(1, "local: can only be used in a function");
    }
    let mut code = 0;
    for word in rest {
        let (variable, value) = match word.split_once('=') {
            Some((n, v)) => (n, Some(v)),
            None => (word.as_str(), None),
        };
        if !is_name(variable) {
            e.error(&format!("{}: `{word}': not a valid identifier", args[0]));
            code = 1;
            continue;
        }
        let before = e.sh.scope.vars.get(variable).cloned();
        if before.as_ref().is_some_and(|v| v.readonly) && value.is_some() {
            e.error(&format!("{variable}: readonly variable"));
            code = 1;
            continue;
        }
        if let (true, Some(call)) = (local, call)
            && let Frame::Call { locals, .. } = &mut e.sh.frames[call]
        {
            locals.push((variable.into(), before.clone()));
        }
        let number = value.filter(|_| integer).map(|text| super::arith::evaluate(text, &mut e.sh.scope));
        let value = match number {
            Some(Ok(n)) => Some(ecow::eco_format!("{n}")),
            Some(Err(why)) => return e.fail(1, &why),
            None => value.map(Str::from),
        };
        let value = value.or_else(|| (local && call.is_some()).then(Str::new));
        match value {
            Some(value) => e.sh.scope.set(variable, value),
            None if before.is_none() && (export || readonly) => e.sh.scope.set(variable, ""),
            None => {}
        }
        if map && !matches!(e.sh.scope.vars.get(variable).map(|v| &v.content), Some(Content::Map(_))) {
            e.sh.scope.set(variable, "");
            if let Some(var) = e.sh.scope.vars.get_mut(variable) {
                var.content = Content::Map(OrdMap::new());
            }
        }
        if let Some(var) = e.sh.scope.vars.get_mut(variable) {
            var.exported = (var.exported || export) && !drop_export;
            var.readonly |= readonly;
        }
    }
    e.done(code)
}

pub(super) fn text_of(var: &Var) -> Str {
    match &var.content {
        Content::Text(text) => text.clone(),
        Content::List(items) => items.iter().cloned().collect::<Vec<_>>().join(" ").into(),
        Content::Map(items) => items.iter().map(|(k, v)| format!("[{k}]=\"{v}\"")).collect::<Vec<_>>().join(" ").into(),
    }
}

pub(super) fn unset(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    for name in args[1..].iter().filter(|a| !a.starts_with('-')) {
        if let Some((list, key)) = name.split_once('[').and_then(|(l, k)| Some((l, k.strip_suffix(']')?))) {
            match e.sh.scope.vars.get_mut(list).map(|v| &mut v.content) {
                Some(Content::Map(map)) => drop(map.remove(key)),
                Some(Content::List(items)) if key.parse::<usize>().is_ok_and(|i| i + 1 == items.len()) => {
                    drop(items.pop_back());
                }
                _ => {}
            }
            continue;
        }
        if e.sh.scope.vars.get(name).is_some_and(|v| v.readonly) {
            return e.fail(1, &format!("unset: {name}: cannot unset: readonly variable"));
        }
        if e.sh.scope.vars.remove(name).is_none() {
            e.sh.functions.remove(name);
        }
    }
    e.done(0)
}

pub(super) fn set(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    if args.len() == 1 {
        let lines: String = e.sh.scope.vars.iter().map(|(n, v)| format!("{n}={}\n", text_of(v))).collect();
        return e.printed(lines);
    }
    let mut at = 1;
    while let Some(word) = args.get(at) {
        let on = word.starts_with('-');
        if word == "--" {
            at += 1;
            e.sh.scope.params = Arc::new(args[at..].to_vec());
            return e.done(0);
        }
        if !(on || word.starts_with('+')) || word.len() < 2 {
            e.sh.scope.params = Arc::new(args[at..].to_vec());
            return e.done(0);
        }
        at += 1;
        for flag in word[1..].chars() {
            if flag == 'o' {
                let options = &mut e.sh.scope.options;
                match args.get(at).map(Str::as_str) {
                    Some("pipefail") => options.pipefail = on,
                    Some("errexit") => options.errexit = on,
                    Some("nounset") => options.nounset = on,
                    Some("xtrace") => options.xtrace = on,
                    Some("noglob") => options.noglob = on,
                    Some("noclobber") => options.noclobber = on,
                    Some("vi" | "emacs" | "posix" | "history" | "monitor") => {}
                    Some(name) => {
                        let message = format!("set: {name}: invalid option name");
                        return e.fail(1, &message);
                    }
                    None => return e.done(0),
                }
                at += 1;
            } else if !set_flag(&mut e.sh.scope.options, flag, on) {
                return e.fail(2, &format!("set: -{flag}: invalid option"));
            }
        }
    }
    e.done(0)
}

pub(super) fn shift(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let by = args.get(1).and_then(|a| a.parse::<usize>().ok()).unwrap_or(1);
    if by > e.sh.scope.params.len() {
        return e.done(1);
    }
    e.sh.scope.params = Arc::new(e.sh.scope.params[by..].to_vec());
    e.done(0)
}

/// Only `nullglob` changes anything here.
pub(super) fn shopt(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    if args.iter().any(|a| a == "nullglob") {
        match args.get(1).map(Str::as_str) {
            Some("-s") => e.sh.scope.options.nullglob = true,
            Some("-u") => e.sh.scope.options.nullglob = false,
            _ => {}
        }
    }
    e.done(0)
}
