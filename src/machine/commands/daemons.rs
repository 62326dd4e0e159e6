//! The programs of daemons as commands: `nginx`, `containerd`, `kubelet`, `iptables-save`, `mount`, `top`.

use super::{admin, row};
use crate::api::Value;
use crate::base::Str;
use crate::base::arrange::Arrange;
use crate::machine::files;
use crate::machine::program::{Command, Flow, Io};

pub static NGINX: Command = admin("nginx", ["control the web server", "웹 서버를 다룹니다"], nginx);
pub static CONTAINERD: Command =
    row("containerd", ["containerd's configuration and version", "containerd 설정과 버전을 보여 줍니다"], containerd);
pub static KUBELET: Command = row("kubelet", ["version of the kubelet", "kubelet 버전을 보여 줍니다"], kubelet);
pub static IPTABLES_SAVE: Command =
    admin("iptables-save", ["print the packet rules", "패킷 규칙을 출력합니다"], iptables_save);
pub static MOUNT: Command = row("mount", ["list mounted file systems", "마운트된 파일 시스템을 보여 줍니다"], mount);
pub static TOP: Command = row("top", ["processes, busiest first", "바쁜 프로세스부터 보여 줍니다"], top);
pub static GIT: Command = row("git", ["version control", "버전 관리 도구입니다"], git);
pub static HOSTNAMECTL: Command =
    row("hostnamectl", ["name and system of the machine", "머신 이름과 시스템을 보여 줍니다"], hostnamectl);

fn nginx(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let words: Vec<&str> = args[1..].iter().map(Str::as_str).collect();
    let running = io.read_file("/run/nginx.pid")?.ok().and_then(|t| t.trim().parse::<i64>().ok());
    match words[..] {
        ["-v"] => io.errln("nginx version: nginx/1.19.10"),
        ["-t"] => io.errln("nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\nnginx: configuration file /etc/nginx/nginx.conf test is successful"),
        ["-T"] => {
            for path in ["/etc/nginx/nginx.conf", "/etc/nginx/conf.d/default.conf"] {
                if let Ok(text) = io.read_file(path)? {
                    io.outln(format!("# configuration file {path}:\n{text}"));
                }
            }
        }
        ["-s", "stop" | "quit"] => {
            let Some(pid) = running else {
                return io.fail(1, "nginx: [error] open() \"/run/nginx.pid\" failed (2: No such file or directory)");
            };
            let signal = if words[1] == "stop" { 15 } else { 3 };
            io.call("kill", map! { "pid" => pid, "signal" => signal }.into())?;
        }
        ["-s", "reload" | "reopen"] => io.errln("[notice] signal process started"),
        ["-s", other] => return io.fail(1, format!("nginx: invalid option: \"-s {other}\"")),
        [] | ["-g", _] => {
            if running.is_some() {
                return io.fail(1, "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)\nnginx: [emerg] still could not bind()");
            }
        }
        [other, ..] => return io.fail(1, format!("nginx: invalid option: \"{other}\"")),
    }
    Ok(0)
}

fn containerd(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    match args[1..].iter().map(Str::as_str).collect::<Vec<_>>()[..] {
        ["config", "default" | "dump"] => io.out(crate::machine::packages::containerd_default()),
        ["--version" | "-v"] => io.outln("containerd containerd.io 1.7.28 b98a3aace656320842a23f4a392a33f46af97866"),
        _ => {
            return io
                .fail(1, "containerd: failed to get listener for main ttrpc endpoint: bind: address already in use");
        }
    }
    Ok(0)
}

fn kubelet(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    if args.get(1).is_some_and(|a| a == "--version") {
        let all = io.call("packages", Value::Null)?;
        let version = all.items().iter().find(|p| p.str("name") == "kubelet").map_or("", |p| p.str("version"));
        io.outln(format!("Kubernetes v{}", version.split('-').next().unwrap_or("")));
        return Ok(0);
    }
    io.fail(1, "kubelet: it is run by systemd here: systemctl status kubelet")
}

fn iptables_save(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    let rules = io.call("iptables", Value::Null)?;
    io.out(rules.as_str());
    Ok(0)
}

fn mount(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    if args.len() > 1 && args[1] != "-l" && args[1] != "-t" {
        return io.fail(32, "mount: mounting is not modelled (docs/FIDELITY.md)");
    }
    io.outln("sysfs on /sys type sysfs (rw,nosuid,nodev,noexec,relatime,seclabel)\nproc on /proc type proc (rw,nosuid,nodev,noexec,relatime)\ndevtmpfs on /dev type devtmpfs (rw,nosuid,seclabel,mode=755)\ntmpfs on /run type tmpfs (rw,nosuid,nodev,seclabel,mode=755)\n/dev/mapper/centos-root on / type xfs (rw,relatime,seclabel,attr2,inode64,noquota)\n/dev/sda1 on /boot type xfs (rw,relatime,seclabel,attr2,inode64,noquota)");
    Ok(0)
}

/// One picture; `-b` and a plain `top` alike.
fn top(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    let all = io.call("processes", Value::Null)?;
    let rows = all.items();
    io.outln(format!("top - {} tasks\nTasks: {} total,   1 running, {} sleeping,   0 stopped,   0 zombie\n%Cpu(s):  2.0 us,  1.3 sy,  0.0 ni, 96.5 id\n", rows.len(), rows.len(), rows.len().saturating_sub(1)));
    io.outln("  PID USER      PR  NI S %CPU %MEM COMMAND");
    let busy = |p: &Value| match super::kill::name(p.str("command")) {
        "kube-apiserver" => 3,
        "kubelet" | "etcd" => 2,
        "dockerd" | "containerd" | "kube-controller-manager" => 1,
        _ => 0,
    };
    let mut sorted: Vec<&Value> = rows.iter().collect();
    sorted.arrange_by_key(|p| std::cmp::Reverse(busy(p)));
    for p in sorted.into_iter().take(20) {
        io.outln(format!(
            "{:>5} {:<9} 20   0 S  {}.0  {}.0 {}",
            super::int(p, "pid"),
            p.str("user"),
            busy(p),
            busy(p),
            super::kill::name(p.str("command"))
        ));
    }
    Ok(0)
}

fn git(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    match args.get(1).map(Str::as_str) {
        Some("--version") => {
            io.outln("git version 1.8.3.1");
            Ok(0)
        }
        Some("clone") => {
            let url = args.get(2).map_or("", Str::as_str);
            let name = url.rsplit('/').next().unwrap_or("").trim_end_matches(".git");
            io.errln(format!("Cloning into '{name}'..."));
            io.sleep(crate::base::Duration::secs(1))?;
            io.fail(
                128,
                format!(
                    "fatal: unable to access '{url}': Could not resolve host: {}; Unknown error",
                    url.split('/').nth(2).unwrap_or(url)
                ),
            )
        }
        Some("status" | "log" | "add" | "commit" | "pull" | "push" | "diff") => {
            io.fail(128, "fatal: Not a git repository (or any of the parent directories): .git")
        }
        Some(other) => io.fail(1, format!("git: '{other}' is not a git command. See 'git --help'.")),
        None => io.fail(1, "usage: git [--version] [--help] <command> [<args>]"),
    }
}

fn hostnamectl(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let machine = io.call("machine", Value::Null)?;
    match args[1..].iter().map(Str::as_str).collect::<Vec<_>>()[..] {
        ["set-hostname" | "hostname", name] => {
            io.write_file("/etc/hostname", format!("{name}\n"))?.ok();
            io.write_file(&files::sysctl_path("kernel.hostname"), format!("{name}\n"))?.ok();
            Ok(0)
        }
        [] | ["status"] => {
            let book = io.call("profile", Value::Null)?.as_str() == "book";
            let (os, profile) = if book {
                ("CentOS Linux 7 (Core)", crate::sim::Profile::Book)
            } else {
                ("Rocky Linux 9.6 (Blue Onyx)", crate::sim::Profile::Modern)
            };
            io.outln(format!("   Static hostname: {}\n         Icon name: computer-vm\n           Chassis: vm\n  Operating System: {os}\n            Kernel: Linux {}\n      Architecture: x86-64", machine.str("name"), files::release(profile)));
            Ok(0)
        }
        [other, ..] => io.fail(1, format!("Unknown operation {other}")),
    }
}
