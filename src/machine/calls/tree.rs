//! Calls about the file tree. Each asks first whether the user may.

use crate::api::Value;
use crate::base::Str;
use crate::machine::files::{self, Node};
use crate::machine::shell::cond::facts;
use crate::machine::terminal::CommandHost;
use crate::machine::users::{self, DENIED, ENTER, NOT_PERMITTED, READ, WRITE};
use crate::machine::{File, LINK, Role};

fn path(host: &CommandHost<'_, '_>, input: &str) -> Str {
    host.path(input)
}

/// The path itself where it is a link; a slash at the end asks for where the link leads.
fn own_path(host: &CommandHost<'_, '_>, input: &str) -> Str {
    if input.ends_with('/') { host.path(input) } else { host.link_path(input) }
}

pub fn stat(host: &CommandHost<'_, '_>, input: &Value, follow: bool) -> Value {
    let wanted = input.as_str();
    if host.open_file(wanted).is_some() {
        return map! { "folder" => false, "size" => 0, "mode" => 0o600, "modified" => 0, "owner" => "root", "group" => "root" }
            .into();
    }
    let path = if follow { path(host, wanted) } else { own_path(host, wanted) };
    let m = host.ctx.host();
    if !users::may(m, &host.who(), files::parent(&path), ENTER) {
        return Value::Null;
    }
    let link = m.files.get(&path).filter(|f| f.is_link());
    if let Some(file) = link.filter(|_| !follow) {
        let (uid, gid) = file.owner;
        return map! {
            "folder" => false, "size" => file.content.text().len() as u64, "mode" => 0o777, "modified" => file.modified.0,
            "link" => file.content.text(), "uid" => u32::from(uid), "gid" => u32::from(gid),
            "owner" => users::user_name(m, uid), "group" => users::group_name(m, gid),
        }
        .into();
    }
    let Some(f) = facts(m, &path, &host.who()) else { return Value::Null };
    let inside = &host.task.container;
    let (uid, gid) = match m.role {
        Role::Host if f.owner == (0, 0) && path.starts_with("/home/learner") => (1000, 1000),
        _ => f.owner,
    };
    let name = |name: Str| if inside.is_empty() { name } else { "root".into() };
    map! {
        "folder" => f.folder,
        "size" => f.size,
        "mode" => u32::from(f.mode),
        "modified" => f.modified.0,
        "uid" => u32::from(uid), "gid" => u32::from(gid),
        "owner" => name(users::user_name(m, uid)), "group" => name(users::group_name(m, gid)),
        "access" => u32::from(f.access),
    }
    .into()
}

/// Names, or `"Permission denied"`.
pub fn list(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    let folder = path(host, input.as_str());
    let m = host.ctx.host();
    if files::stat(m, &folder) != Some(Node::Folder) {
        return Value::Null;
    }
    if !users::may(m, &host.who(), &folder, READ) {
        return DENIED.into();
    }
    let name = |(name, node): (Str, Node)| Value::from(if node == Node::Folder { name + "/" } else { name });
    Value::List(files::list(m, &folder).into_iter().map(name).collect())
}

pub fn make(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let path = path(host, input.as_str());
    let (now, who) = (host.ctx.now(), host.who());
    let m = host.ctx.host_mut();
    let why = match (files::stat(m, &path), files::stat(m, files::parent(&path))) {
        (Some(_), _) => "File exists",
        (None, Some(Node::Folder)) if !users::may_replace(m, &who, &path) => DENIED,
        (None, Some(Node::Folder)) => {
            files::make_folder(m, &path, now);
            users::claim(m, &who, &path);
            ""
        }
        (None, Some(Node::File)) => files::NOT_FOLDER,
        (None, None) => files::NO_SUCH,
    };
    why.into()
}

/// `true`, or why not.
pub fn remove(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let path = own_path(host, input.as_str());
    let (now, who) = (host.ctx.now(), host.who());
    if !users::may_replace(host.ctx.host(), &who, &path) {
        return DENIED.into();
    }
    files::remove(host.ctx.host_mut(), &path, now).into()
}

/// `{path, mode}`: whether it was there, or why not.
pub fn chmod(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let path = path(host, input.str("path"));
    let mode = input.get("mode").and_then(Value::as_int).unwrap_or(0) as u16 & 0o7777;
    let (who, now) = (host.who(), host.ctx.now());
    let m = host.ctx.host_mut();
    if files::stat(m, &path).is_none() {
        return false.into();
    }
    if !who.root() && users::bits(m, &path).1.0 != who.uid {
        return NOT_PERMITTED.into();
    }
    let folder = path.clone() + "/";
    if files::stat(m, &path) == Some(Node::Folder) && !m.files.contains_key(&folder) {
        files::make_folder(m, &path, now);
    }
    let key = if m.files.contains_key(&path) { path } else { folder };
    if let Some(file) = m.files.get_mut(&key) {
        file.mode = mode;
    }
    true.into()
}

/// `{path, user, group, link}`: names or numbers, empty ones stay; `""`, or why not.
pub fn chown(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let link = input.get("link").and_then(Value::as_bool) == Some(true);
    let path = if link { host.link_path(input.str("path")) } else { path(host, input.str("path")) };
    let (who, now) = (host.who(), host.ctx.now());
    let m = host.ctx.host_mut();
    let (user, group) = (input.str("user"), input.str("group"));
    let uid = users::find(m, user).map(|u| u.uid).or(user.parse().ok());
    let gid = users::groups(m).iter().find(|(n, ..)| n == group).map(|(_, g, _)| *g).or(group.parse().ok());
    if !user.is_empty() && uid.is_none() {
        return "invalid user".into();
    }
    if !group.is_empty() && gid.is_none() {
        return "invalid group".into();
    }
    if files::stat(m, &path).is_none() {
        return files::NO_SUCH.into();
    }
    let owner = users::bits(m, &path).1;
    let own = owner.0 == who.uid && uid.is_none_or(|u| u == owner.0) && gid.is_none_or(|g| who.groups.contains(&g));
    if !who.root() && !own {
        return NOT_PERMITTED.into();
    }
    if files::stat(m, &path) == Some(Node::Folder) && !m.files.contains_key(&*format!("{path}/")) {
        files::make_folder(m, &path, now);
    }
    users::set_owner(m, &path, uid, gid);
    "".into()
}

pub fn touch(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let path = path(host, input.as_str());
    let m = host.ctx.host();
    if files::stat(m, &path) == Some(Node::Folder) {
        return "".into();
    }
    let content = m.read(&path).cloned().unwrap_or_default();
    host.write_path(&path, content).err().unwrap_or_default().into()
}

/// `{target, path}`: a symbolic link; `""`, or why not.
pub fn symlink(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let path = host.link_path(input.str("path"));
    let (now, who) = (host.ctx.now(), host.who());
    let m = host.ctx.host_mut();
    let why = match (files::stat(m, &path), files::stat(m, files::parent(&path))) {
        (Some(_), _) => "File exists",
        (None, None) => files::NO_SUCH,
        (None, Some(Node::File)) => files::NOT_FOLDER,
        (None, Some(Node::Folder)) if !users::may_replace(m, &who, &path) => DENIED,
        (None, Some(Node::Folder)) => {
            m.files.insert(path.clone(), File::new(input.str("target"), LINK | 0o777, now));
            users::claim(m, &who, &path);
            ""
        }
    };
    why.into()
}

/// Copies a file or a whole folder onto an exact path; `gone`: and removes the original. `links`: a link
/// itself, not what it leads to; `keep`: with owner and time. `""`, or why not.
pub fn copy(host: &mut CommandHost<'_, '_>, input: &Value, gone: bool) -> Value {
    let yes = |key: &str| input.get(key).and_then(Value::as_bool) == Some(true);
    let (links, keep) = (gone || yes("links"), gone || yes("keep"));
    let from = if links { own_path(host, input.str("from")) } else { path(host, input.str("from")) };
    let to = if gone { own_path(host, input.str("to")) } else { path(host, input.str("to")) };
    let (now, who) = (host.ctx.now(), host.who());
    let m = host.ctx.host_mut();
    let readable = files::is_link(m, &from) || users::may(m, &who, &from, READ);
    if !gone && !readable {
        return "unreadable".into();
    }
    let there = files::stat(m, &to) == Some(Node::File);
    let may = if there && !gone { users::may(m, &who, &to, WRITE) } else { users::may_replace(m, &who, &to) };
    if !may || (gone && !users::may_replace(m, &who, &from)) {
        return DENIED.into();
    }
    let own = (who.uid, who.groups.first().copied().unwrap_or(0));
    let dressed = |file: File, before: Option<(u16, u16)>| match keep && (gone || who.root()) {
        true => file,
        false => File {
            modified: if keep { file.modified } else { now },
            owner: before.unwrap_or(own),
            mode: if file.is_link() { file.mode } else { file.mode & 0o7777 },
            ..file
        },
    };
    let mut found = false;
    if from == to {
        return "".into();
    }
    if let Some(file) = m.files.get(&from).cloned() {
        found = true;
        let before = m.files.get(&to).filter(|f| !f.is_link()).map(|f| f.owner);
        m.files.insert(to.clone(), dressed(file, before));
    }
    let folder = from.clone() + "/";
    let below: Vec<Str> =
        m.files.contains_key(&folder).then_some(folder).into_iter().chain(m.below(&from).cloned()).collect();
    for path in below {
        found = true;
        if let Some(file) = m.files.get(&path).cloned() {
            m.files.insert(ecow::eco_format!("{to}{}", &path[from.len()..]), dressed(file, None));
        }
    }
    if gone && found {
        files::remove(m, &from, now);
    }
    (if found { "" } else { files::NO_SUCH }).into()
}
