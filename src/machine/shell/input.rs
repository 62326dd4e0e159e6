//! Built-ins that take input apart: `read`, `mapfile`, `getopts`.

use crate::base::persistent::Vector;

use super::eval::{Eval, Frame, Step};
use super::state::{Content, Var};
use crate::base::Str;
use crate::machine::program::Stream;
use crate::machine::terminal::Input;

/// What `read` was asked for.
#[derive(Default)]
struct Wanted {
    raw: bool,
    prompt: Option<Str>,
    names: Vec<Str>,
    /// `-a NAME`
    list: Option<Str>,
    /// `-n COUNT`
    count: Option<usize>,
}

fn wanted(args: &[Str]) -> Result<Wanted, Str> {
    let mut out = Wanted::default();
    let mut words = args.iter().skip(1);
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-').filter(|l| !l.is_empty() && out.names.is_empty()) else {
            out.names.push(word.clone());
            continue;
        };
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            let mut value = || {
                let attached: Str = letters.by_ref().collect::<String>().into();
                if attached.is_empty() { words.next().cloned().unwrap_or_default() } else { attached }
            };
            match letter {
                'r' => out.raw = true,
                's' | 'e' => {}
                'p' => out.prompt = Some(value()),
                'a' => out.list = Some(value()),
                'n' | 'N' => out.count = value().parse().ok(),
                't' | 'd' | 'u' => drop(value()),
                _ => return Err(ecow::eco_format!("read: -{letter}: invalid option")),
            }
        }
    }
    Ok(out)
}

fn set_list(e: &mut Eval<'_, '_>, name: &str, items: Vector<Str>) {
    let var = Var { content: Content::List(items), exported: false, readonly: false };
    e.sh.scope.vars.insert(name.into(), var);
}

pub(super) fn read(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let Wanted { raw, prompt, names, list, count } = match wanted(&args) {
        Ok(wanted) => wanted,
        Err(why) => return e.fail(2, &why),
    };
    let text = match e.term.read_line(e.task.fds.get(&0).cloned().as_ref()) {
        Input::Text(text) => text,
        Input::End => {
            for name in &names {
                e.sh.scope.set(name, "");
            }
            return e.done(1);
        }
        Input::Later => {
            if let Some(prompt) = &prompt {
                e.write(Stream::Err, prompt);
            }
            // Without its prompt, which is printed once.
            let again = args.iter().filter(|a| Some(*a) != prompt.as_ref() && *a != "-p").cloned();
            let again = again.map(|a| if a == "-rp" { "-r".into() } else { a }).collect();
            e.sh.frames.push(Frame::Builtin(again));
            return Step::Wait;
        }
    };
    let complete = text.ends_with('\n');
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let mut line = if raw { line.to_owned() } else { line.replace('\\', "") };
    if let Some(count) = count {
        line = line.chars().take(count).collect();
    }
    let code = i32::from(!complete);
    let ifs = e.sh.scope.get("IFS").unwrap_or(" \t\n".into());
    let is_end = |c: char| ifs.contains(c);
    let blank = |c: char| is_end(c) && c.is_whitespace();
    if let Some(name) = list {
        let words = line.split(is_end).filter(|w| !w.is_empty()).map(Str::from).collect();
        set_list(e, &name, words);
        return e.done(code);
    }
    if names.is_empty() {
        e.sh.scope.set("REPLY", line);
        return e.done(code);
    }
    let mut rest = line.trim_start_matches(blank).to_owned();
    for (i, name) in names.iter().enumerate() {
        if i + 1 == names.len() {
            e.sh.scope.set(name, rest.trim_end_matches(blank));
            break;
        }
        let end = rest.find(is_end).unwrap_or(rest.len());
        e.sh.scope.set(name, &rest[..end]);
        let after = rest[end..].trim_start_matches(blank);
        let after = after.strip_prefix(|c| is_end(c) && !c.is_whitespace()).unwrap_or(after);
        rest = after.trim_start_matches(blank).to_owned();
    }
    e.done(code)
}

/// `mapfile [-t] NAME`
pub(super) fn mapfile(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let text = match e.term.read_all(e.task.fds.get(&0).cloned().as_ref()) {
        Input::Text(text) => text,
        Input::End => Str::new(),
        Input::Later => {
            e.sh.frames.push(Frame::Builtin(args));
            return Step::Wait;
        }
    };
    let bare = args.iter().any(|a| a == "-t");
    let name = args.iter().skip(1).find(|a| !a.starts_with('-')).cloned().unwrap_or("MAPFILE".into());
    let line = |l: &str| Str::from(if bare { l.trim_end_matches('\n') } else { l });
    set_list(e, &name, text.split_inclusive('\n').map(line).collect());
    e.done(0)
}

/// `getopts LETTERS NAME [WORDS]`: one option at a time. The place within a word of several letters is
/// kept behind the word's number.
pub(super) fn getopts(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let (Some(letters), Some(name)) = (args.get(1), args.get(2)) else {
        return e.fail(2, "getopts: usage: getopts optstring name [arg]");
    };
    let words: Vec<Str> = if args.len() > 3 { args[3..].to_vec() } else { e.sh.scope.params.to_vec() };
    let index = e.sh.scope.get("OPTIND").and_then(|n| n.parse::<usize>().ok()).unwrap_or(1).max(1);
    let (kept, at) = e.sh.getopts;
    let at = if kept == index { at.max(1) } else { 1 };
    e.sh.scope.vars.remove("OPTARG");
    let word = words.get(index - 1).filter(|w| w.starts_with('-') && w.len() > 1);
    let Some(word) = word.filter(|w| *w != "--") else {
        let after = index + usize::from(words.get(index - 1).is_some_and(|w| w == "--"));
        e.sh.scope.set("OPTIND", ecow::eco_format!("{after}"));
        e.sh.scope.set(name, "?");
        e.sh.getopts = (0, 0);
        return e.done(1);
    };
    let letter = word[at..].chars().next().unwrap_or('?');
    let rest = &word[at + letter.len_utf8()..];
    let quiet = letters.starts_with(':');
    let found = letters.find(letter).filter(|_| letter != ':');
    let takes = found.is_some_and(|i| letters[i + letter.len_utf8()..].starts_with(':'));
    let mut next = if rest.is_empty() { (index + 1, 1) } else { (index, at + letter.len_utf8()) };
    let mut shown = ecow::eco_format!("{letter}");
    if found.is_none() {
        if quiet {
            e.sh.scope.set("OPTARG", shown.clone());
        } else {
            e.error(&format!("illegal option -- {letter}"));
        }
        shown = "?".into();
    } else if takes {
        let value = if rest.is_empty() { words.get(index).cloned() } else { Some(rest.into()) };
        next = (index + if rest.is_empty() { 2 } else { 1 }, 1);
        match value {
            Some(value) => e.sh.scope.set("OPTARG", value),
            None if quiet => {
                e.sh.scope.set("OPTARG", shown);
                shown = ":".into();
            }
            None => {
                e.error(&format!("option requires an argument -- {letter}"));
                shown = "?".into();
            }
        }
    }
    e.sh.getopts = next;
    e.sh.scope.set("OPTIND", ecow::eco_format!("{}", next.0));
    e.sh.scope.set(name, shown);
    e.done(0)
}
