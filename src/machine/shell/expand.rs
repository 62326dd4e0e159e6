//! Expansion of words: parameters, substitutions, arithmetic, splitting, patterns.
//!
//! A pure function of the shell's scope and of the outputs of command substitutions already run. It
//! halts at the first substitution whose output it lacks; the evaluator runs that one and expands
//! again from the start, on a fresh copy of the scope. So nothing half-done has to be saved.

use super::arith;
use super::ast::*;
use super::pattern;
use super::state::{Content, Scope, Var};
use crate::base::Str;
use crate::base::persistent::OrdMap;
use crate::machine::Machine;

/// Why an expansion did not finish.
pub enum Halt {
    /// The output of this substitution is needed next.
    Sub(Block),
    /// A message after `bash: `; the command is not run.
    Fail(String),
}

pub type Expanded<T> = Result<T, Halt>;

pub struct Expander<'a> {
    /// A copy: kept by the caller only when all went well.
    pub scope: Scope,
    pub machine: &'a Machine,
    /// Where the shell runs; empty: on the machine itself.
    pub container: &'a str,
    /// Outputs of the substitutions met so far, in order.
    pub subs: &'a [Str],
    pub next_sub: usize,
    /// What process substitutions met so far are made of, in order.
    pub processes: Vec<Process>,
}

/// A process substitution: the text it can be read for, or what runs behind it.
pub enum Process {
    In(Str),
    Out(Block),
}

impl Process {
    /// The descriptor of the one at this place, as bash numbers them.
    pub fn descriptor(at: usize) -> u8 {
        63u8.saturating_sub(u8::try_from(at).unwrap_or(40).min(40))
    }
}

/// A word in the making.
#[derive(Clone, Default)]
struct Field {
    text: String,
    /// The text as a pattern: quoted characters escaped.
    pattern: String,
    /// Has an unquoted pattern character.
    magic: bool,
    /// Exists even if empty.
    kept: bool,
}

impl Field {
    fn push(&mut self, text: &str, quoted: bool) {
        self.text += text;
        if quoted {
            self.kept = true;
            self.pattern += &pattern::escape(text);
        } else {
            self.magic |= text.contains(['*', '?', '[']);
            self.pattern += text;
        }
    }
}

#[derive(Default)]
struct Fields {
    done: Vec<Field>,
    now: Field,
}

impl Fields {
    fn end(&mut self) {
        let field = std::mem::take(&mut self.now);
        if field.kept || !field.text.is_empty() {
            self.done.push(field);
        }
    }
    /// Adds the unquoted result of an expansion, split at the characters of IFS.
    fn split(&mut self, text: &str, ifs: &str) {
        let mut after_end = false;
        for c in text.chars() {
            if !ifs.contains(c) {
                self.now.push(c.encode_utf8(&mut [0; 4]), false);
                after_end = false;
            } else if c.is_whitespace() {
                after_end |= !self.now.text.is_empty() || self.now.kept;
                self.end();
            } else {
                self.now.kept |= !after_end;
                self.end();
                after_end = false;
            }
        }
    }
}

impl Expander<'_> {
    /// Words of a command: split and matched against files.
    pub fn words(&mut self, words: &[Word]) -> Expanded<Vec<Str>> {
        let mut out = Vec::new();
        for word in words {
            for field in self.fields(word)? {
                let found = if field.magic && !self.scope.options.noglob {
                    pattern::glob((self.machine, self.container), &self.scope.cwd, &field.pattern)
                } else {
                    Vec::new()
                };
                let gone = field.magic && self.scope.options.nullglob;
                if found.is_empty() && !gone { out.push(Str::from(field.text)) } else { out.extend(found) }
            }
        }
        Ok(out)
    }
    /// One string: neither split nor matched.
    pub fn single(&mut self, word: &Word) -> Expanded<Str> {
        Ok(Str::from(self.whole(word)?.text))
    }
    /// A pattern: quoted characters stand for themselves.
    pub fn pattern(&mut self, word: &Word) -> Expanded<Str> {
        Ok(Str::from(self.whole(word)?.pattern))
    }
    fn whole(&mut self, word: &Word) -> Expanded<Field> {
        let mut fields = Fields::default();
        self.parts(&word.0, false, false, &mut fields)?;
        fields.end();
        let mut all = fields.done.into_iter();
        let mut first = all.next().unwrap_or_default();
        for field in all {
            first.push(" ", true);
            first.text += &field.text;
            first.pattern += &field.pattern;
        }
        Ok(first)
    }
    fn fields(&mut self, word: &Word) -> Expanded<Vec<Field>> {
        let mut fields = Fields::default();
        self.parts(&word.0, false, true, &mut fields)?;
        fields.end();
        Ok(fields.done)
    }

    fn parts(&mut self, parts: &[Part], quoted: bool, split: bool, out: &mut Fields) -> Expanded<()> {
        for (i, part) in parts.iter().enumerate() {
            match part {
                Part::Lit(text) if i == 0 && !quoted && text.starts_with('~') => {
                    let end = text.find('/').unwrap_or(text.len());
                    match self.tilde(&text[1..end]) {
                        Some(home) => {
                            out.now.push(&home, true);
                            out.now.push(&text[end..], false);
                        }
                        None => out.now.push(text, false),
                    }
                }
                Part::Lit(text) => out.now.push(text, quoted),
                Part::Quoted(text) => out.now.push(text, true),
                Part::Double(inner) => {
                    // `"$@"` without parameters is no word at all; any other quotes make one.
                    let all = matches!(&inner[..], [Part::Param(p)] if p.name == "@" || is_all(p));
                    out.now.kept |= !all;
                    self.parts(inner, true, split, out)?;
                }
                Part::Param(param) => self.param(param, quoted, split, out)?,
                Part::Sub(block) => {
                    let text = self.substitution(block)?;
                    self.add(&text, quoted, split, out);
                }
                Part::Process(block, out_of) => {
                    let fd = Process::descriptor(self.processes.len());
                    let process = match *out_of {
                        true => Process::Out(block.clone()),
                        false => Process::In(self.output(block)?),
                    };
                    self.processes.push(process);
                    out.now.push(&format!("/dev/fd/{fd}"), true);
                }
                Part::Arith(word) => {
                    let value = self.arith(word)?;
                    self.add(&value.to_string(), quoted, split, out);
                }
            }
        }
        Ok(())
    }
    fn add(&self, text: &str, quoted: bool, split: bool, out: &mut Fields) {
        if quoted || !split {
            if quoted {
                out.now.push(text, true);
            } else {
                out.now.push(text, false);
            }
        } else {
            let ifs = self.scope.get("IFS").unwrap_or(" \t\n".into());
            out.split(text, &ifs);
        }
    }
    fn tilde(&self, user: &str) -> Option<Str> {
        match user {
            "" => self.scope.get("HOME"),
            "+" => Some(self.scope.cwd.clone()),
            "root" => Some("/root".into()),
            user if self.machine.files.contains_key(&*format!("/home/{user}/")) => {
                Some(ecow::eco_format!("/home/{user}"))
            }
            _ => None,
        }
    }
    fn substitution(&mut self, block: &Block) -> Expanded<Str> {
        Ok(Str::from(self.output(block)?.trim_end_matches('\n')))
    }
    fn output(&mut self, block: &Block) -> Expanded<Str> {
        let Some(output) = self.subs.get(self.next_sub) else { return Err(Halt::Sub(block.clone())) };
        self.next_sub += 1;
        Ok(output.clone())
    }
    pub fn arith(&mut self, word: &Word) -> Expanded<i64> {
        let text = self.single(word)?;
        let text = text.as_str();
        arith::evaluate(text, &mut self.scope).map_err(Halt::Fail)
    }

    /// The values a parameter stands for; `None`: it is not set.
    fn values(&mut self, param: &Param) -> Expanded<Option<Vec<Str>>> {
        let name = param.name.as_str();
        if let (Some(index), Some(Content::Map(map))) = (&param.index, self.scope.vars.get(name).map(|v| &v.content)) {
            if is_all(param) {
                return Ok(Some(map.values().cloned().collect()));
            }
            let map = map.clone();
            let key = self.single(index)?;
            return Ok(map.get(&key).cloned().map(|v| vec![v]));
        }
        if let Some(index) = &param.index {
            let items: Vec<Str> = match self.scope.vars.get(name).map(|v| &v.content) {
                Some(Content::List(items)) => items.iter().cloned().collect(),
                Some(Content::Text(text)) => vec![text.clone()],
                Some(Content::Map(_)) | None => Vec::new(),
            };
            if is_all(param) {
                return Ok(Some(items));
            }
            let at = self.arith(index)?;
            let at = if at < 0 { at + items.len() as i64 } else { at };
            return Ok(usize::try_from(at).ok().and_then(|i| items.get(i).cloned()).map(|v| vec![v]));
        }
        let one = |text: Str| Ok(Some(vec![text]));
        match name {
            "@" | "*" => Ok(Some(self.scope.params.to_vec())),
            "#" => one(ecow::eco_format!("{}", self.scope.params.len())),
            "?" => one(ecow::eco_format!("{}", self.scope.status)),
            "$" => one(ecow::eco_format!("{}", self.scope.pid)),
            "!" if self.scope.last_background == 0 => Ok(None),
            "!" => one(ecow::eco_format!("{}", self.scope.last_background)),
            "-" => one(flags(&self.scope)),
            "0" => one(self.scope.zero.clone()),
            "RANDOM" => {
                self.scope.seed =
                    self.scope.seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                Ok(self.scope.get(name).map(|v| vec![v]))
            }
            _ => match name.parse::<usize>() {
                Ok(i) => Ok(self.scope.params.get(i.wrapping_sub(1)).cloned().map(|v| vec![v])),
                Err(_) => Ok(self.scope.get(name).map(|v| vec![v])),
            },
        }
    }

    fn param(&mut self, param: &Param, quoted: bool, split: bool, out: &mut Fields) -> Expanded<()> {
        let values = self.values(param)?;
        let many = param.name == "@" || param.name == "*" || is_all(param);
        let (values, word) = match &param.op {
            ParamOp::Length if many => (Some(vec![ecow::eco_format!("{}", values.map_or(0, |v| v.len()))]), None),
            ParamOp::Length => {
                let length = self.known(param, values)?.first().map_or(0, |v| v.chars().count());
                (Some(vec![ecow::eco_format!("{length}")]), None)
            }
            ParamOp::Test(sign, colon, word) => self.test(param, values, *sign, *colon, word)?,
            // `${!list[@]}`: the places.
            ParamOp::Indirect if is_all(param) => {
                if let Some(Content::Map(map)) = self.scope.vars.get(&param.name).map(|v| &v.content) {
                    let keys = map.keys().cloned().collect();
                    return self.spread(param, keys, (quoted, split), out);
                }
                let all = values.map_or(0, |v| v.len());
                (Some((0..all).map(|i| ecow::eco_format!("{i}")).collect()), None)
            }
            ParamOp::Indirect => {
                let name = self.known(param, values)?.first().cloned().unwrap_or_default();
                let inner = Param { name, index: None, op: ParamOp::Plain };
                (self.values(&inner)?, None)
            }
            ParamOp::Slice(offset, length) if many => {
                let all = values.unwrap_or_default();
                let skip = usize::from(param.index.is_none());
                let from = match self.arith(offset)? {
                    back @ ..0 => (all.len() as i64 + back).max(0) as usize,
                    from => usize::try_from(from).unwrap_or(0).saturating_sub(skip),
                };
                let take = match length {
                    Some(length) => usize::try_from(self.arith(length)?).unwrap_or(0),
                    None => usize::MAX,
                };
                (Some(all.into_iter().skip(from).take(take).collect()), None)
            }
            op => {
                let mut all = self.known(param, values)?;
                for value in &mut all {
                    *value = self.transform(value, op)?;
                }
                (Some(all), None)
            }
        };
        if let Some(word) = word {
            return self.parts(&word.0, quoted, split, out);
        }
        self.spread(param, values.unwrap_or_default(), (quoted, split), out)
    }

    /// Adds the values of a parameter as one word or as many.
    fn spread(
        &mut self,
        param: &Param,
        values: Vec<Str>,
        (quoted, split): (bool, bool),
        out: &mut Fields,
    ) -> Expanded<()> {
        let many = param.name == "@" || param.name == "*" || is_all(param);
        let star = param.name == "*" || param.index.as_ref().is_some_and(|i| i.literal() == Some("*"));
        if many && star && quoted {
            let ifs = self.scope.get("IFS").unwrap_or(" ".into());
            let joiner = ifs.chars().next().map(String::from).unwrap_or_default();
            out.now.push(&values.join(&joiner), true);
            return Ok(());
        }
        for (i, value) in values.iter().enumerate() {
            if i > 0 {
                out.end();
            }
            if many && quoted {
                out.now.kept = true;
            }
            self.add(value, quoted, split, out);
        }
        Ok(())
    }

    /// The values, or nothing; an error where `set -u` asks for one.
    fn known(&self, param: &Param, values: Option<Vec<Str>>) -> Expanded<Vec<Str>> {
        match values {
            Some(values) => Ok(values),
            None if self.scope.options.nounset => Err(Halt::Fail(format!("{}: unbound variable", param.name))),
            None => Ok(Vec::new()),
        }
    }

    /// `${x:-word}` and its kin: the values, or the word to use instead.
    fn test<'w>(
        &mut self,
        param: &Param,
        values: Option<Vec<Str>>,
        sign: char,
        colon: bool,
        word: &'w Word,
    ) -> Expanded<(Option<Vec<Str>>, Option<&'w Word>)> {
        let empty = values.as_ref().is_none_or(|v| v.iter().all(|v| v.is_empty()) && (colon || v.is_empty()));
        let unset = if colon { empty } else { values.is_none() || (param.name == "@" && empty) };
        match sign {
            '+' if unset => Ok((None, None)),
            '+' => Ok((None, Some(word))),
            _ if !unset => Ok((values, None)),
            '-' => Ok((None, Some(word))),
            '=' => {
                let text = self.single(word)?;
                self.scope.set(&param.name, text.clone());
                Ok((Some(vec![text]), None))
            }
            _ => {
                let text = self.single(word)?;
                let usual = if colon { "parameter null or not set" } else { "parameter not set" };
                let text = if text.is_empty() { usual } else { text.as_str() };
                Err(Halt::Fail(format!("{}: {text}", param.name)))
            }
        }
    }

    fn transform(&mut self, value: &str, op: &ParamOp) -> Expanded<Str> {
        Ok(match op {
            ParamOp::Trim { prefix, longest, pattern } => {
                let pattern = self.pattern(pattern)?;
                trim(value, &pattern, *prefix, *longest).into()
            }
            ParamOp::Replace { all, anchor, pattern, with } => {
                let pattern = self.pattern(pattern)?;
                let with = self.single(with)?;
                replace(value, &pattern, &with, *all, *anchor).into()
            }
            ParamOp::Slice(offset, length) => {
                let chars: Vec<char> = value.chars().collect();
                let size = chars.len() as i64;
                let from = self.arith(offset)?;
                let from = if from < 0 { (size + from).max(0) } else { from.min(size) };
                let to = match length {
                    None => size,
                    Some(length) => match self.arith(length)? {
                        n if n < 0 => size + n,
                        n => (from + n).min(size),
                    },
                };
                if to < from {
                    return Err(Halt::Fail(format!("{}: substring expression < 0", to - size)));
                }
                chars[from as usize..to as usize].iter().collect::<String>().into()
            }
            ParamOp::Case { upper, all } => {
                let change = |c: char| if *upper { c.to_uppercase().to_string() } else { c.to_lowercase().to_string() };
                let count = if *all { usize::MAX } else { 1 };
                value
                    .chars()
                    .enumerate()
                    .map(|(i, c)| if i < count { change(c) } else { c.to_string() })
                    .collect::<String>()
                    .into()
            }
            _ => value.into(),
        })
    }

    /// Sets a variable as an assignment says.
    pub fn assign(&mut self, assign: &Assign) -> Expanded<()> {
        if self.scope.vars.get(&assign.name).is_some_and(|v| v.readonly) {
            return Err(Halt::Fail(format!("{}: readonly variable", assign.name)));
        }
        let name = assign.name.as_str();
        match (&assign.value, &assign.index) {
            (AssignValue::Word(word), None) => {
                let text = self.assigned(word)?;
                let before = if assign.append { self.scope.get(name).unwrap_or_default() } else { Str::new() };
                self.scope.set(name, before + text.as_str());
            }
            (AssignValue::Word(word), Some(index)) if self.map(name).is_some() => {
                let (key, text) = (self.single(index)?, self.assigned(word)?);
                let mut map = self.map(name).unwrap_or_default();
                let before = map.get(&key).cloned().filter(|_| assign.append).unwrap_or_default();
                map.insert(key, before + text.as_str());
                self.set_content(name, Content::Map(map));
            }
            (AssignValue::List(words), _) if self.map(name).is_some() => {
                let mut map = if assign.append { self.map(name).unwrap_or_default() } else { OrdMap::new() };
                for word in words {
                    let text = self.single(word)?;
                    let Some((key, value)) = text.strip_prefix('[').and_then(|t| t.split_once("]=")) else {
                        let why = format!("{name}: {text}: must use subscript when assigning associative array");
                        return Err(Halt::Fail(why));
                    };
                    map.insert(key.into(), value.into());
                }
                self.set_content(name, Content::Map(map));
            }
            (AssignValue::Word(word), Some(index)) => {
                let at = usize::try_from(self.arith(index)?).unwrap_or(0).min(10_000);
                let text = self.assigned(word)?;
                let mut items = self.list(name);
                while items.len() <= at {
                    items.push_back(Str::new());
                }
                items[at] = if assign.append { items[at].clone() + text.as_str() } else { text };
                self.set_list(name, items);
            }
            (AssignValue::List(words), _) => {
                let words = self.words(words)?;
                let mut items = if assign.append { self.list(name) } else { crate::base::persistent::Vector::new() };
                for word in words {
                    let placed = word.strip_prefix('[').and_then(|t| t.split_once("]="));
                    let Some((Ok(at), value)) = placed.map(|(at, value)| (at.parse::<usize>(), value)) else {
                        items.push_back(word);
                        continue;
                    };
                    while items.len() <= at.min(10_000) {
                        items.push_back(Str::new());
                    }
                    items[at.min(10_000)] = value.into();
                }
                self.set_list(name, items);
            }
        }
        Ok(())
    }
    /// An assignment's value; a `~` after `:` counts too, as in `PATH=a:~/b`.
    fn assigned(&mut self, word: &Word) -> Expanded<Str> {
        self.single(word)
    }
    fn list(&self, name: &str) -> crate::base::persistent::Vector<Str> {
        match self.scope.vars.get(name).map(|v| &v.content) {
            Some(Content::List(items)) => items.clone(),
            Some(Content::Text(text)) => crate::base::persistent::Vector::from(vec![text.clone()]),
            Some(Content::Map(_)) | None => crate::base::persistent::Vector::new(),
        }
    }
    fn map(&self, name: &str) -> Option<OrdMap<Str, Str>> {
        match self.scope.vars.get(name).map(|v| &v.content) {
            Some(Content::Map(map)) => Some(map.clone()),
            _ => None,
        }
    }
    fn set_list(&mut self, name: &str, items: crate::base::persistent::Vector<Str>) {
        self.set_content(name, Content::List(items));
    }
    fn set_content(&mut self, name: &str, content: Content) {
        let exported = self.scope.vars.get(name).is_some_and(|v| v.exported);
        self.scope.vars.insert(name.into(), Var { content, exported, readonly: false });
    }
}

impl arith::Vars for Scope {
    fn get(&self, name: &str) -> Option<Str> {
        Scope::get(self, name)
    }
    fn item(&self, name: &str, at: usize) -> Option<Str> {
        match &self.vars.get(name)?.content {
            Content::List(items) => items.get(at).cloned(),
            Content::Text(text) => (at == 0).then(|| text.clone()),
            Content::Map(items) => items.get(&*format!("{at}")).cloned(),
        }
    }
    fn set(&mut self, name: &str, value: i64) {
        Scope::set(self, name, ecow::eco_format!("{value}"));
    }
}

fn is_all(param: &Param) -> bool {
    param.index.as_ref().is_some_and(|i| matches!(i.literal(), Some("@" | "*")))
}

/// `$-`
fn flags(scope: &Scope) -> Str {
    let o = &scope.options;
    let set = [(o.errexit, 'e'), (o.nounset, 'u'), (o.xtrace, 'x'), (o.noglob, 'f'), (true, 'h'), (true, 'B')];
    set.into_iter().filter(|(on, _)| *on).map(|(_, c)| c).collect::<String>().into()
}

/// Ends of characters in a text, with 0.
fn bounds(text: &str) -> Vec<usize> {
    text.char_indices().map(|(i, _)| i).chain([text.len()]).collect()
}

fn trim<'t>(text: &'t str, pattern: &str, prefix: bool, longest: bool) -> &'t str {
    let mut cuts = bounds(text);
    if prefix == longest {
        cuts.reverse();
    }
    for cut in cuts {
        let (head, tail) = text.split_at(cut);
        let (gone, left) = if prefix { (head, tail) } else { (tail, head) };
        if pattern::matches(pattern, gone) {
            return left;
        }
    }
    text
}

fn replace(text: &str, pattern: &str, with: &str, all: bool, anchor: Option<char>) -> String {
    let cuts = bounds(text);
    let (mut out, mut i) = (String::new(), 0);
    while i < cuts.len() {
        let from = cuts[i];
        let allowed = |end: usize| match anchor {
            Some('#') => from == 0,
            Some(_) => end == text.len(),
            None => true,
        };
        let found =
            (i + 1..cuts.len()).rev().find(|&j| allowed(cuts[j]) && pattern::matches(pattern, &text[from..cuts[j]]));
        match found {
            Some(j) => {
                out += with;
                i = j;
                if !all {
                    return out + &text[cuts[j]..];
                }
                if cuts[j] == text.len() {
                    break;
                }
            }
            None => {
                out += &text[from..cuts.get(i + 1).copied().unwrap_or(from)];
                i += 1;
            }
        }
    }
    out
}
