//! Calls about users and groups.
//!
//! | name | input | output |
//! |---|---|---|
//! | `user` | a name or number; `Null`: who asks | `{name, uid, gid, home, shell, groups: [{name, gid}]}`, or `Null` |
//! | `user-env` | a name | the environment of its login |
//! | `user-set` | `{user, password}`; `{user}`: no password can fit; with `gone`: its line goes | whether who asks may |
//! | `user-check` | `{user, password}`; without a password: what sudo grants | whether it fits; `""`, `password`, `none` |

use crate::api::{List, Value};
use crate::machine::terminal::{CommandHost, environment_of};
use crate::machine::users::{self, Who};

pub fn one(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    let m = host.ctx.host();
    let name = match input {
        Value::Str(name) => name.as_str(),
        _ => host.task.user.as_str(),
    };
    let Some(user) = users::find(m, name) else { return Value::Null };
    let mut numbers = vec![user.gid];
    for (_, gid, members) in users::groups(m) {
        if members.contains(&user.name) && !numbers.contains(&gid) {
            numbers.push(gid);
        }
    }
    let group = |g: &u16| -> Value { map! { "name" => users::group_name(m, *g), "gid" => u32::from(*g) }.into() };
    let groups: List = numbers.iter().map(group).collect();
    map! {
        "name" => &user.name, "uid" => u32::from(user.uid), "gid" => u32::from(user.gid),
        "home" => &user.home, "shell" => &user.shell, "groups" => groups,
    }
    .into()
}

pub fn environment(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    let env = environment_of(host.ctx.host(), input.as_str());
    Value::Map(env.iter().map(|(k, v)| (k.clone(), Value::from(v))).collect())
}

pub fn set(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let user = input.str("user");
    if !host.who().root() && host.task.user != user {
        return false.into();
    }
    let kept = match (input.get("password"), input.get("gone")) {
        (Some(text), _) => users::hashed(user, text.as_str()),
        (None, Some(_)) => "".into(),
        (None, None) => "!!".into(),
    };
    let now = host.ctx.now();
    users::set_password(host.ctx.host_mut(), user, &kept, now);
    true.into()
}

pub fn check(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    let (m, user) = (host.ctx.host(), input.str("user"));
    match input.get("password") {
        Some(text) => users::password_fits(m, user, text.as_str()).into(),
        None if Who::of(m, user).root() => "".into(),
        None => match users::sudo(m, user) {
            Some(true) => "",
            Some(false) => "password",
            None => "none",
        }
        .into(),
    }
}
