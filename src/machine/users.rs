//! Users of a machine: `/etc/passwd`, `/etc/group`, `/etc/shadow`, and what the kernel lets each do with
//! files. The learner's own computer and containers have one user who may all.

use crate::base::{Str, Time};
use crate::machine::{File, Machine, Role, files};

pub const PASSWD: &str = "/etc/passwd";
pub const GROUP: &str = "/etc/group";
pub const SHADOW: &str = "/etc/shadow";
pub const SUDOERS: &str = "/etc/sudoers";
pub const VAGRANT_SUDOERS: &str = "/etc/sudoers.d/vagrant";

/// Read, write, and run or enter.
pub const READ: u16 = 4;
pub const WRITE: u16 = 2;
pub const ENTER: u16 = 1;

pub const DENIED: &str = "Permission denied";
pub const NOT_PERMITTED: &str = "Operation not permitted";

/// A line of `/etc/passwd`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    pub name: Str,
    pub uid: u16,
    pub gid: u16,
    pub home: Str,
    pub shell: Str,
}

fn fields<const N: usize>(line: &str) -> [&str; N] {
    let mut parts = line.split(':');
    [(); N].map(|()| parts.next().unwrap_or(""))
}

pub fn all(machine: &Machine) -> Vec<User> {
    let text = machine.read(PASSWD).map_or("", Str::as_str);
    let one = |line: &str| {
        let [name, _, uid, gid, _, home, shell] = fields(line);
        let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
        Some(User { name: name.into(), uid, gid, home: home.into(), shell: shell.into() })
    };
    text.lines().filter_map(one).collect()
}

/// The user of this name, or of this number.
pub fn find(machine: &Machine, name: &str) -> Option<User> {
    let uid = name.parse::<u16>().ok();
    let mut all = all(machine);
    let at = all.iter().position(|u| u.name == name).or_else(|| all.iter().position(|u| Some(u.uid) == uid))?;
    Some(all.swap_remove(at))
}

/// Groups in the order of their file: name, number, members.
pub fn groups(machine: &Machine) -> Vec<(Str, u16, Vec<Str>)> {
    let text = machine.read(GROUP).map_or("", Str::as_str);
    let one = |line: &str| {
        let [name, _, gid, members] = fields(line);
        let members = members.split(',').filter(|m| !m.is_empty()).map(Str::from).collect();
        Some((Str::from(name), gid.parse().ok()?, members))
    };
    text.lines().filter_map(one).collect()
}

/// Numbers of a user and of its groups, the first one its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Who {
    pub uid: u16,
    pub groups: Vec<u16>,
}

impl Who {
    pub fn of(machine: &Machine, user: &str) -> Who {
        if matches!(user, "" | "root") || machine.role == Role::Host {
            return Who { uid: 0, groups: vec![0] };
        }
        let Some(user) = find(machine, user) else { return Who { uid: 65_534, groups: vec![65_534] } };
        let mut numbers = vec![user.gid];
        for (_, gid, members) in groups(machine) {
            if members.contains(&user.name) && !numbers.contains(&gid) {
                numbers.push(gid);
            }
        }
        Who { uid: user.uid, groups: numbers }
    }
    pub fn root(&self) -> bool {
        self.uid == 0
    }
    /// Whether it is in the group of this name.
    pub fn in_group(&self, machine: &Machine, name: &str) -> bool {
        groups(machine).iter().any(|(n, gid, _)| n == name && self.groups.contains(gid))
    }
}

/// Mode and owner of what lies at a path; folders that are only implied are root's.
pub fn bits(machine: &Machine, path: &str) -> (u16, (u16, u16)) {
    let entry = machine.files.get(path).or_else(|| machine.files.get(&*format!("{}/", path.trim_end_matches('/'))));
    entry.map_or((0o755, (0, 0)), |f| (f.mode, f.owner))
}

/// Whether the kernel lets `who` do `want` with what lies at an absolute path. What is not there yet is
/// written by who may write into its folder.
pub fn may(machine: &Machine, who: &Who, path: &str, want: u16) -> bool {
    if who.root() {
        return true;
    }
    let mut at = files::parent(path);
    while at != "/" {
        if !allows(machine, who, at, ENTER) {
            return false;
        }
        at = files::parent(at);
    }
    match files::stat(machine, path) {
        Some(_) if path == "/dev/null" => true,
        Some(_) => allows(machine, who, path, want),
        None => want & WRITE == 0 || allows(machine, who, files::parent(path), WRITE),
    }
}

/// Whether `who` may add to or take from the folder of a path; of a sticky one only what is its own.
pub fn may_replace(machine: &Machine, who: &Who, path: &str) -> bool {
    let folder = files::parent(path);
    if who.root() {
        return true;
    }
    let (mode, owner) = bits(machine, folder);
    let sticky = mode & 0o1000 != 0 && owner.0 != who.uid;
    may(machine, who, folder, WRITE | ENTER)
        && (!sticky || files::stat(machine, path).is_none() || bits(machine, path).1.0 == who.uid)
}

fn allows(machine: &Machine, who: &Who, path: &str, want: u16) -> bool {
    let (mode, (uid, gid)) = bits(machine, path);
    let shift = if uid == who.uid {
        6
    } else if who.groups.contains(&gid) {
        3
    } else {
        0
    };
    mode >> shift & want == want
}

/// Gives a new file or folder to who made it.
pub fn claim(machine: &mut Machine, who: &Who, path: &str) {
    if !who.root() {
        set_owner(machine, path, Some(who.uid), who.groups.first().copied());
    }
}

/// Changes owner and group of what lies at a path.
pub fn set_owner(machine: &mut Machine, path: &str, uid: Option<u16>, gid: Option<u16>) {
    let folder = ecow::eco_format!("{}/", path.trim_end_matches('/'));
    let key = if machine.files.contains_key(path) { Str::from(path) } else { folder };
    if let Some(file) = machine.files.get_mut(&key) {
        file.owner = (uid.unwrap_or(file.owner.0), gid.unwrap_or(file.owner.1));
    }
}

pub fn user_name(machine: &Machine, uid: u16) -> Str {
    all(machine).into_iter().find(|u| u.uid == uid).map_or_else(|| ecow::eco_format!("{uid}"), |u| u.name)
}

pub fn group_name(machine: &Machine, gid: u16) -> Str {
    groups(machine)
        .into_iter()
        .find(|(_, g, _)| *g == gid)
        .map_or_else(|| ecow::eco_format!("{gid}"), |(name, ..)| name)
}

/// What `/etc/shadow` keeps of a password.
pub fn hashed(user: &str, password: &str) -> Str {
    let digest = crate::runtime::images::digest(&format!("{user}:{password}"));
    ecow::eco_format!("$6${}${}", &digest[..8], &digest[8..])
}

pub fn password_fits(machine: &Machine, user: &str, password: &str) -> bool {
    let text = machine.read(SHADOW).map_or("", Str::as_str);
    let kept = text.lines().find_map(|l| l.strip_prefix(user)?.strip_prefix(':')?.split(':').next());
    kept == Some(hashed(user, password).as_str())
}

/// Keeps a password (hashed; `!!`: none); adds the line where there is none.
pub fn set_password(machine: &mut Machine, user: &str, kept: &str, now: Time) {
    let text = machine.read(SHADOW).cloned().unwrap_or_default();
    let ours = |l: &&str| l.strip_prefix(user).is_some_and(|r| r.starts_with(':'));
    let mut out: String = text.lines().filter(|l| !ours(l)).map(|l| format!("{l}\n")).collect();
    if !kept.is_empty() {
        out += &format!("{user}:{kept}:18500:0:99999:7:::\n");
    }
    machine.write(SHADOW, out, now);
}

/// What `sudo` lets a user do: `None` nothing, `Some(true)` all without a password.
pub fn sudo(machine: &Machine, user: &str) -> Option<bool> {
    let who = Who::of(machine, user);
    if who.root() {
        return Some(true);
    }
    let own: Vec<Str> =
        groups(machine).into_iter().filter(|(_, gid, _)| who.groups.contains(gid)).map(|(name, ..)| name).collect();
    let below: Vec<&Str> = machine.below("/etc/sudoers.d").collect();
    let texts = [machine.read(SUDOERS)].into_iter().chain(below.into_iter().map(|p| machine.read(p))).flatten();
    let mut found = None;
    for line in texts.flat_map(|t| t.lines()).map(str::trim).filter(|l| !l.starts_with(['#', '@']) && l.contains('=')) {
        let name = line.split_whitespace().next().unwrap_or("");
        let ours = name == user || name == "ALL" || name.strip_prefix('%').is_some_and(|g| own.iter().any(|o| o == g));
        if ours {
            found = Some(line.contains("NOPASSWD"));
        }
    }
    found
}

/// The files of a fresh box about its users.
pub fn install(machine: &mut Machine, now: Time) {
    let host = machine.role == Role::Host;
    let passwd = if host {
        "root:x:0:0:root:/root:/bin/bash\nlearner:x:1000:1000::/home/learner:/bin/bash\n"
    } else {
        BOX_PASSWD
    };
    machine.write(PASSWD, passwd, now);
    let group = if host { "root:x:0:\nlearner:x:1000:\n" } else { BOX_GROUP };
    machine.write(GROUP, group, now);
    if host {
        return;
    }
    machine.write(SUDOERS, "Defaults    env_reset\nDefaults    secure_path = /sbin:/bin:/usr/sbin:/usr/bin\n\nroot    ALL=(ALL)       ALL\n%wheel  ALL=(ALL)       ALL\n\n#includedir /etc/sudoers.d\n", now);
    machine.write(VAGRANT_SUDOERS, "%vagrant ALL=(ALL) NOPASSWD: ALL\n", now);
    for (path, mode) in [(SUDOERS, 0o440), (VAGRANT_SUDOERS, 0o440), (SHADOW, 0)] {
        let content = machine.read(path).cloned().unwrap_or_default();
        machine.files.insert(path.into(), File::new(content, mode, now));
    }
    for user in ["root", "vagrant"] {
        set_password(machine, user, &hashed(user, "vagrant"), now);
    }
    for (path, mode, owner) in
        [("/root", 0o550, 0), ("/tmp", 0o1777, 0), ("/var/tmp", 0o1777, 0), ("/home/vagrant", 0o700, 1000)]
    {
        let folder = ecow::eco_format!("{path}/");
        machine.files.insert(folder, File { owner: (owner, owner), ..File::new("", mode, now) });
    }
}

const BOX_PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nbin:x:1:1:bin:/bin:/sbin/nologin\ndaemon:x:2:2:daemon:/sbin:/sbin/nologin\nadm:x:3:4:adm:/var/adm:/sbin/nologin\nnobody:x:99:99:Nobody:/:/sbin/nologin\ndbus:x:81:81:System message bus:/:/sbin/nologin\npolkitd:x:999:998:User for polkitd:/:/sbin/nologin\nsshd:x:74:74:Privilege-separated SSH:/var/empty/sshd:/sbin/nologin\nchrony:x:998:996::/var/lib/chrony:/sbin/nologin\nvagrant:x:1000:1000::/home/vagrant:/bin/bash\n";
const BOX_GROUP: &str = "root:x:0:\nbin:x:1:\ndaemon:x:2:\nadm:x:4:\nwheel:x:10:\nnobody:x:99:\ndbus:x:81:\nsshd:x:74:\nsystemd-journal:x:190:\npolkitd:x:998:\nchrony:x:996:\nvagrant:x:1000:\n";

/// Adds a system group, as a package's scriptlet does.
pub fn ensure_group(machine: &mut Machine, name: &str, gid: u16, now: Time) {
    let all = groups(machine);
    if all.iter().all(|(n, ..)| n != name) && machine.read(GROUP).is_some() {
        let text = machine.read(GROUP).cloned().unwrap_or_default();
        machine.write(GROUP, format!("{text}{name}:x:{gid}:\n"), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_refuses_what_modes_forbid() {
        let mut m = Machine::new("m", "10.0.0.1", Role::Worker);
        install(&mut m, Time::ZERO);
        m.files.insert("/etc/k/a".into(), File::new("x", 0o600, Time::ZERO));
        let (root, user) = (Who::of(&m, "root"), Who::of(&m, "vagrant"));
        assert_eq!(user, Who { uid: 1000, groups: vec![1000] });
        for (who, path, want, yes) in [
            (&root, "/etc/k/a", READ, true),
            (&user, "/etc/k/a", READ, false),
            (&user, "/etc/passwd", READ, true),
            (&user, "/etc/passwd", WRITE, false),
            (&user, "/etc/new", WRITE, false),
            (&user, "/home/vagrant/new", WRITE, true),
            (&user, "/root/x", READ, false),
            (&user, "/tmp/x", WRITE, true),
        ] {
            assert_eq!(may(&m, who, path, want), yes, "{path} {want}");
        }
        m.files.insert("/tmp/theirs".into(), File::new("x", 0o644, Time::ZERO));
        assert!(!may_replace(&m, &user, "/tmp/theirs"));
        assert_eq!(sudo(&m, "vagrant"), Some(true));
        assert_eq!(sudo(&m, "nobody"), None);
        assert!(password_fits(&m, "root", "vagrant") && !password_fits(&m, "root", "x"));
    }
}
