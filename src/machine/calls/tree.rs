//! Calls about the file tree.

use crate::api::Value;
use crate::base::Str;
use crate::machine::files::{self, Node};
use crate::machine::shell::cond::facts;
use crate::machine::terminal::CommandHost;

fn path(host: &CommandHost<'_, '_>, input: &str) -> Str {
    host.path(input)
}

pub fn stat(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    let Some(f) = facts(host.ctx.host(), &path(host, input.as_str())) else { return Value::Null };
    map! {
        "folder" => f.folder,
        "size" => f.size,
        "mode" => u32::from(f.mode),
        "modified" => f.modified.0,
    }
    .into()
}

pub fn list(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    let folder = path(host, input.as_str());
    let m = host.ctx.host();
    if files::stat(m, &folder) != Some(Node::Folder) {
        return Value::Null;
    }
    let name = |(name, node): (Str, Node)| Value::from(if node == Node::Folder { name + "/" } else { name });
    Value::List(files::list(m, &folder).into_iter().map(name).collect())
}

pub fn make(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let path = path(host, input.as_str());
    let now = host.ctx.now();
    let m = host.ctx.host_mut();
    let why = match (files::stat(m, &path), files::stat(m, files::parent(&path))) {
        (Some(_), _) => "File exists",
        (None, Some(Node::Folder)) => {
            files::make_folder(m, &path, now);
            ""
        }
        (None, Some(Node::File)) => files::NOT_FOLDER,
        (None, None) => files::NO_SUCH,
    };
    why.into()
}

pub fn remove(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let path = path(host, input.as_str());
    let now = host.ctx.now();
    files::remove(host.ctx.host_mut(), &path, now).into()
}

pub fn chmod(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let path = path(host, input.str("path"));
    let mode = input.get("mode").and_then(Value::as_int).unwrap_or(0) as u16 & 0o7777;
    let m = host.ctx.host_mut();
    let key = if m.files.contains_key(&path) { path.clone() } else { path.clone() + "/" };
    match m.files.get_mut(&key) {
        Some(file) => {
            file.mode = mode;
            true
        }
        None => files::stat(m, &path).is_some(),
    }
    .into()
}

pub fn touch(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let path = path(host, input.as_str());
    let now = host.ctx.now();
    let m = host.ctx.host_mut();
    if files::stat(m, &path) == Some(Node::Folder) {
        return "".into();
    }
    let content = m.read(&path).cloned().unwrap_or_default();
    match files::write(m, &path, content, now) {
        Ok(()) => "".into(),
        Err(why) => why.into(),
    }
}

/// Copies a file or a whole folder onto an exact path; `gone`: and removes the original.
pub fn copy(host: &mut CommandHost<'_, '_>, input: &Value, gone: bool) -> Value {
    let (from, to) = (path(host, input.str("from")), path(host, input.str("to")));
    let now = host.ctx.now();
    let m = host.ctx.host_mut();
    let mut found = false;
    if let Some(file) = m.files.get(&from).cloned() {
        found = true;
        let modified = if gone { file.modified } else { now };
        m.files.insert(to.clone(), crate::machine::File { modified, ..file });
    }
    let folder = from.clone() + "/";
    let below: Vec<Str> =
        m.files.contains_key(&folder).then_some(folder).into_iter().chain(m.below(&from).cloned()).collect();
    for path in below {
        found = true;
        if let Some(file) = m.files.get(&path).cloned() {
            m.files.insert(ecow::eco_format!("{to}{}", &path[from.len()..]), file);
        }
    }
    if gone && found && from != to {
        files::remove(m, &from, now);
    }
    found.into()
}
