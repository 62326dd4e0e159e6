//! The commands of the machines: one file each (small relatives share one), one row here.
//!
//! A command is a function over [`Io`](super::program::Io); what it needs of its machine it asks for
//! with calls (`super::calls`). Options it does not know are refused as the real tool refuses them.

mod archive;
mod awk;
mod cat;
mod compare;
mod containers;
mod curl;
mod daemons;
mod date;
mod disk;
mod dns;
mod dockerfmt;
pub mod echo;
mod edit;
mod env;
mod etcdctl;
mod facts;
mod files;
mod grep;
mod head;
mod help;
mod iptables;
mod kernel;
mod kill;
mod links;
mod ls;
mod network;
mod openssl;
pub mod options;
mod power;
pub mod printf;
mod probes;
mod ps;
pub mod regex;
mod rpm;
mod run;
mod scp;
mod sed;
mod sort;
mod ssh;
mod system;
mod systemctl;
mod test;
#[cfg(test)]
mod tests;
mod text;
mod tools;
mod users;
mod watch;
mod wget;
mod words;
mod yum;

use super::program::{Command, Flow, Io};
use super::{Machine, Role, packages};
use crate::api::Value;
use crate::base::Str;
use crate::runtime::rootfs;
use crate::sim::Profile;

/// Every command.
static TABLE: &[&Command] = &[
    &awk::AWK,
    &run::BASENAME,
    &cat::CAT,
    &files::CHMOD,
    &links::CHGRP,
    &links::CHOWN,
    &system::CLEAR,
    &compare::CMP,
    &files::CP,
    &curl::CURL,
    &text::CUT,
    &date::DATE,
    &disk::DD,
    &system::DF,
    &compare::DIFF,
    &run::DIRNAME,
    &kernel::DMESG,
    &yum::DNF,
    &echo::ECHO,
    &grep::EGREP,
    &env::ENV,
    &words::EXPR,
    &disk::DU,
    &disk::FALLOCATE,
    &run::FALSE,
    &files::FIND,
    &system::FREE,
    &awk::GAWK,
    &kernel::GETENFORCE,
    &grep::GREP,
    &head::HEAD,
    &help::HELP,
    &system::HOSTNAME,
    &users::GROUPADD,
    &users::GROUPS,
    &users::ID,
    &network::IP,
    &systemctl::JOURNALCTL,
    &kill::KILL,
    &kill::KILLALL,
    &crate::kubeadm::COMMAND,
    &crate::kubectl::COMMAND,
    &links::LN,
    &ls::LS,
    &kernel::LSMOD,
    &help::MAN,
    &files::MKDIR,
    &kernel::MODPROBE,
    &files::MV,
    &edit::NANO,
    &network::NETSTAT,
    &words::NL,
    &run::NOHUP,
    &system::NPROC,
    &openssl::OPENSSL,
    &network::PING,
    &kill::PGREP,
    &kill::PKILL,
    &power::POWEROFF,
    &env::PRINTENV,
    &printf::PRINTF,
    &ps::PS,
    &run::PWD,
    &users::PASSWD,
    &links::READLINK,
    &links::REALPATH,
    &power::REBOOT,
    &words::REV,
    &files::RM,
    &files::RMDIR,
    &rpm::RPM,
    &sed::SED,
    &run::SEQ,
    &kernel::SESTATUS,
    &kernel::SETENFORCE,
    &power::SHUTDOWN,
    &run::SLEEP,
    &sort::SORT,
    &network::SS,
    &ssh::SSH,
    &links::STAT,
    &disk::STRESS,
    &users::SU,
    &users::SUDO,
    &disk::SYNC,
    &kernel::SWAPOFF,
    &kernel::SWAPON,
    &kernel::SYSCTL,
    &systemctl::SYSTEMCTL,
    &text::TAC,
    &head::TAIL,
    &text::TEE,
    &test::TEST,
    &run::TIME,
    &run::TIMEOUT,
    &files::TOUCH,
    &text::TR,
    &run::TRUE,
    &system::UNAME,
    &sort::UNIQ,
    &system::UPTIME,
    &users::USERADD,
    &users::USERDEL,
    &users::USERMOD,
    &crate::vagrant::COMMAND,
    &crate::vagrant::COMMUNICATOR,
    &edit::VI,
    &edit::VIM,
    &watch::WATCH,
    &text::WC,
    &run::WHICH,
    &users::WHOAMI,
    &run::XARGS,
    &run::YES,
    &yum::YUM,
    &yum::YUM_CONFIG_MANAGER,
    &archive::BASE64,
    &containers::CRICTL,
    &containers::CTR,
    &daemons::CONTAINERD,
    &dns::DIG,
    &dns::HOST,
    &containers::DOCKER,
    &etcdctl::ETCDCTL,
    &etcdctl::ETCDUTL,
    &daemons::GIT,
    &daemons::HOSTNAMECTL,
    &daemons::IPTABLES_SAVE,
    &daemons::KUBELET,
    &daemons::MOUNT,
    &daemons::NGINX,
    &dns::NSLOOKUP,
    &scp::SCP,
    &archive::TAR,
    &daemons::TOP,
    &wget::WGET,
    &facts::LSBLK,
    &facts::BLKID,
    &facts::LSCPU,
    &facts::DMIDECODE,
    &facts::TIMEDATECTL,
    &facts::CHRONYC,
    &facts::LOCALE,
    &facts::WHO,
    &facts::W,
    &facts::LAST,
    &facts::LOGINCTL,
    &facts::CRONTAB,
    &facts::VMSTAT,
    &facts::PIDOF,
    &facts::ANALYZE,
    &iptables::IPTABLES,
    &iptables::IP6TABLES,
    &iptables::IPVSADM,
    &probes::NC,
    &probes::NCAT,
    &probes::TELNET,
    &probes::GETENT,
    &probes::ROUTE,
    &probes::LSOF,
    &tools::TREE,
    &tools::FILE,
    &tools::MD5SUM,
    &tools::SHA256SUM,
    &tools::OD,
    &tools::XXD,
    &tools::COLUMN,
    &tools::PASTE,
    &tools::COMM,
];

/// Commands that the learner's own computer does not have.
const NOT_ON_HOST: &[&str] = &[
    "containerd",
    "crictl",
    "ctr",
    "docker",
    "etcdctl",
    "etcdutl",
    "iptables-save",
    "blkid",
    "dmidecode",
    "timedatectl",
    "chronyc",
    "loginctl",
    "systemd-analyze",
    "iptables",
    "ip6tables",
    "ipvsadm",
    "lsblk",
    "useradd",
    "userdel",
    "usermod",
    "groupadd",
    "su",
    "kubelet",
    "kubeadm",
    "yum",
    "dnf",
    "rpm",
    "yum-config-manager",
    "swapon",
    "sestatus",
    "kubectl",
    "systemctl",
    "journalctl",
    "modprobe",
    "lsmod",
    "getenforce",
    "setenforce",
    "swapoff",
    "reboot",
    "poweroff",
    "shutdown",
];

/// The command `name` of a machine, or of a container on it.
pub fn find(machine: &Machine, container: &str, profile: Profile, name: &str) -> Option<&'static Command> {
    let found = TABLE.iter().copied().find(|c| c.name == name)?;
    (if container.is_empty() { installed(machine, profile, name) } else { rootfs::has_tool(machine, container, name) })
        .then_some(found)
}

/// Whether the machine's packages brought this command.
fn installed(machine: &Machine, profile: Profile, name: &str) -> bool {
    if machine.role == Role::Host {
        return !NOT_ON_HOST.contains(&name);
    }
    if matches!(name, "nginx" | "stress") || name.starts_with("vagrant") || (name == "dnf" && profile == Profile::Book)
    {
        return false;
    }
    if machine.packages.is_empty() {
        return true; // a machine of a benchmark
    }
    let mut owners = packages::owner(name).peekable();
    owners.peek().is_none() || owners.any(|p| machine.packages.contains_key(p.name))
}

/// The command of this name, wherever it is.
pub fn named(name: &str) -> Option<&'static Command> {
    TABLE.iter().copied().find(|c| c.name == name)
}

/// All commands of a machine, by name.
pub fn all<'m>(
    machine: &'m Machine,
    container: &'m str,
    profile: Profile,
) -> impl Iterator<Item = &'static Command> + 'm {
    TABLE.iter().copied().filter(move |c| find(machine, container, profile, c.name).is_some())
}

impl Command {
    /// Its absolute path, as `which` prints it.
    pub fn path(&self) -> String {
        format!("{}/{}", self.folder, self.name)
    }
    pub fn lives_at(&self, path: &str) -> bool {
        path == self.path() || path.strip_prefix("/bin/").or(path.strip_prefix("/sbin/")) == Some(self.name)
    }
}

/// A row of the table for a program in `/usr/bin` that starts in 2 ms.
pub(super) const fn row(
    name: &'static str,
    about: [&'static str; 2],
    run: fn(&mut Io<'_>, &[Str]) -> Flow<i32>,
) -> Command {
    Command { name, run, about, folder: "/usr/bin", startup_ms: 2 }
}

/// The same in `/usr/sbin`.
pub(super) const fn admin(
    name: &'static str,
    about: [&'static str; 2],
    run: fn(&mut Io<'_>, &[Str]) -> Flow<i32>,
) -> Command {
    Command { name, run, about, folder: "/usr/sbin", startup_ms: 3 }
}

/// Texts of the named files in order (`-` and none: standard input), with their names. Files that
/// cannot be read are told as `NAME: FILE: why` and make the code 1.
pub(super) fn inputs(io: &mut Io<'_>, name: &str, files: &[Str], code: &mut i32) -> Flow<Vec<(Str, Str)>> {
    if files.is_empty() {
        return Ok(vec![("-".into(), io.read_all()?)]);
    }
    let mut out = Vec::new();
    for file in files {
        if file == "-" {
            out.push((file.clone(), io.read_all()?));
            continue;
        }
        match io.read_file(file)? {
            Ok(text) => out.push((file.clone(), text)),
            Err(why) => {
                io.errln(format!("{name}: {file}: {why}"));
                *code = 1;
            }
        }
    }
    Ok(out)
}

/// Whether a message can be in Korean: `$LANG`.
pub(super) fn korean(io: &mut Io<'_>) -> Flow<bool> {
    Ok(io.call("env", "LANG".into())?.as_str().starts_with("ko"))
}

/// A number among the operands of a command; refused in the command's words.
pub(super) fn int(value: &Value, key: &str) -> i64 {
    value.get(key).and_then(Value::as_int).unwrap_or(0)
}
