//! The file tree: paths, folders, and the files every machine of the lab starts with.
//! Paths here are those after links were followed (`Machine::real_path`); who may what is in
//! [`users`](super::users).

use crate::base::arrange::Arrange;
use crate::base::{Str, Time};
use crate::machine::{File, Machine, Role, packages, systemd, users};
use crate::sim::Profile;

/// What a path names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Node {
    File,
    Folder,
}

pub const NO_SUCH: &str = "No such file or directory";
pub const IS_FOLDER: &str = "Is a directory";
pub const NOT_FOLDER: &str = "Not a directory";
pub const LOOP: &str = "Too many levels of symbolic links";

/// The absolute path of `path` seen from the folder `cwd`, without `.`, `..` and doubled slashes.
pub fn absolute(cwd: &str, path: &str) -> Str {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{cwd}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Str::from(format!("/{}", parts.join("/")))
}

/// What an absolute path names, if anything.
pub fn stat(machine: &Machine, path: &str) -> Option<Node> {
    if path == "/" || machine.files.contains_key(&*format!("{path}/")) {
        return Some(Node::Folder);
    }
    if path == "/dev/null" || machine.files.contains_key(path) {
        return Some(Node::File);
    }
    machine.below(path).next().map(|_| Node::Folder)
}

/// The folder a path lies in.
pub fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(i) => &path[..i],
    }
}

pub fn read(machine: &Machine, path: &str) -> Result<Str, Str> {
    match stat(machine, path) {
        Some(Node::File) if is_link(machine, path) => Err(LOOP.into()),
        Some(Node::File) => Ok(machine.read(path).cloned().unwrap_or_default()),
        Some(Node::Folder) => Err(IS_FOLDER.into()),
        None => Err(missing(machine, path)),
    }
}

/// Whether a path is a link: one that leads nowhere but to itself, where links were followed.
pub fn is_link(machine: &Machine, path: &str) -> bool {
    machine.files.get(path).is_some_and(File::is_link)
}

/// `No such file or directory`, or `Not a directory` where a file stands in the way.
fn missing(machine: &Machine, path: &str) -> Str {
    let mut at = parent(path);
    while at != "/" {
        if is_link(machine, at) {
            return LOOP.into();
        }
        if stat(machine, at) == Some(Node::File) {
            return NOT_FOLDER.into();
        }
        at = parent(at);
    }
    NO_SUCH.into()
}

/// Writes a whole file. The folder must exist.
pub fn write(machine: &mut Machine, path: &str, content: impl Into<Str>, now: Time) -> Result<(), Str> {
    if path == "/dev/null" {
        return Ok(());
    }
    match (stat(machine, path), stat(machine, parent(path))) {
        (Some(Node::Folder), _) => Err(IS_FOLDER.into()),
        (Some(Node::File), _) if is_link(machine, path) => Err(LOOP.into()),
        (None, None) => Err(NO_SUCH.into()),
        (None, Some(Node::File)) => Err(NOT_FOLDER.into()),
        _ => {
            keep_folder(machine, path, now);
            machine.write(path, content, now);
            Ok(())
        }
    }
}

/// The same for a user: refused where the kernel refuses it; a new file is the user's.
pub fn write_as(machine: &mut Machine, who: &users::Who, path: &str, content: Str, now: Time) -> Result<(), Str> {
    let before = stat(machine, path);
    if before != Some(Node::Folder)
        && stat(machine, parent(path)).is_some()
        && !users::may(machine, who, path, users::WRITE)
    {
        return Err(users::DENIED.into());
    }
    write(machine, path, content, now)?;
    if before.is_none() {
        users::claim(machine, who, path);
    }
    Ok(())
}

/// The number of the descriptor that `/dev/fd/N` names.
pub fn descriptor(path: &str) -> Option<u8> {
    match path {
        "/dev/stdin" => Some(0),
        "/dev/stdout" => Some(1),
        "/dev/stderr" => Some(2),
        path => path.strip_prefix("/dev/fd/")?.parse().ok(),
    }
}

/// Makes the folder of `path` an entry of its own, so that it stays when its last file goes.
fn keep_folder(machine: &mut Machine, path: &str, now: Time) {
    let folder = format!("{}/", parent(path).trim_end_matches('/'));
    if folder != "/" && !machine.files.contains_key(&*folder) {
        let file = File::new("", 0o755, now);
        machine.files.insert(folder.into(), file);
    }
}

pub fn make_folder(machine: &mut Machine, path: &str, now: Time) {
    let file = File::new("", 0o755, now);
    machine.files.insert(ecow::eco_format!("{path}/"), file);
}

/// Removes a file, or a folder with all below it; whether anything was there.
pub fn remove(machine: &mut Machine, path: &str, now: Time) -> bool {
    keep_folder(machine, path, now);
    let below: Vec<Str> = machine.below(path).cloned().collect();
    let mut found = machine.remove(path) | machine.remove(&format!("{path}/"));
    for file in below {
        found |= machine.remove(&file);
    }
    found
}

/// Names directly in a folder, sorted, folders with their kind.
pub fn list(machine: &Machine, folder: &str) -> Vec<(Str, Node)> {
    let base = folder.trim_end_matches('/').len() + 1;
    let mut out: Vec<(Str, Node)> = Vec::new();
    for path in machine.below(folder) {
        let rest = &path[base..];
        let (name, node) = match rest.split_once('/') {
            Some((name, _)) => (name, Node::Folder),
            None => (rest, Node::File),
        };
        if !name.is_empty() && out.last().is_none_or(|(last, _)| last != name) {
            out.push((name.into(), node));
        }
    }
    // `a-b` sorts between `a` and `a/b`, so one folder can come up twice.
    out.arrange_by(|a, b| a.0.cmp(&b.0));
    out.dedup_by(|a, b| a.0 == b.0);
    out
}

/// Home folder of a machine's user.
pub fn home(role: Role) -> &'static str {
    if role == Role::Host { "/home/learner" } else { "/root" }
}

/// Files that every machine has. `all`: name and address of each machine of the lab.
pub fn install(machine: &mut Machine, profile: Profile, all: &[(Str, Str)], now: Time) {
    for folder in FOLDERS {
        make_folder(machine, folder, now);
    }
    let role = machine.role;
    make_folder(machine, home(role), now);
    let name = machine.name.clone();
    let mut put = |path: &str, content: String| machine.write(path, content, now);
    put("/etc/hostname", format!("{name}\n"));
    put("/etc/os-release", os_release(profile).to_owned());
    let mut hosts = String::from(LOCAL_HOSTS);
    if role != Role::Host {
        hosts += &format!("127.0.1.1 {name} {name}\n");
    }
    for (name, ip) in all {
        hosts += &format!("{ip} {name}\n");
    }
    put("/etc/hosts", hosts);
    put("/etc/resolv.conf", "nameserver 1.1.1.1 #cloudflare DNS\nnameserver 8.8.8.8 #Google DNS\n".to_owned());
    users::install(machine, now);
    let mut put = |path: &str, content: String| machine.write(path, content, now);
    if role != Role::Host {
        put("/etc/fstab", fstab(profile).replace("\n/dev/mapper", "\n#/dev/mapper"));
        if profile == Profile::Book {
            put(SYSTEM_SYSCTL, system_sysctl());
        }
        put(SELINUX_CONFIG, selinux("permissive"));
        put("/etc/sysctl.d/k8s.conf", "net.bridge.bridge-nf-call-ip6tables = 1\nnet.bridge.bridge-nf-call-iptables = 1\nnet.ipv4.ip_forward = 1\n".to_owned());
        let overlay = if profile == Profile::Modern { "overlay\n" } else { "" };
        put("/etc/modules-load.d/k8s.conf", format!("{overlay}br_netfilter\n"));
    }
    // Benchmarks do without thousands of package lists.
    if role != Role::Host && !all.is_empty() {
        packages::of_box(machine, profile, now);
        packages::of_lab(machine, profile, crate::kubelet::version(profile).trim_start_matches('v'), now);
    }
    fresh_kernel(machine, profile, now);
    first_processes(machine, now);
}

/// What a virtual machine has when its box has just been unpacked: nothing of Kubernetes, swap on,
/// SELinux enforcing. Its kernel has booted.
pub fn fresh_box(machine: &mut Machine, profile: Profile, now: Time) {
    machine.files.clear();
    machine.packages.clear();
    machine.units = systemd::unit::of_box(profile).into_iter().map(|u| (u.name.clone(), u)).collect();
    for folder in FOLDERS {
        make_folder(machine, folder, now);
    }
    let name = machine.name.clone();
    let mut put = |path: &str, content: String| machine.write(path, content, now);
    put("/etc/hostname", format!("{name}\n"));
    put("/etc/os-release", os_release(profile).to_owned());
    put("/etc/hosts", format!("{LOCAL_HOSTS}127.0.1.1 {name} {name}\n"));
    put("/etc/resolv.conf", "# Generated by NetworkManager\nnameserver 10.0.2.3\n".to_owned());
    users::install(machine, now);
    let mut put = |path: &str, content: String| machine.write(path, content, now);
    put("/etc/profile", "# /etc/profile\n".to_owned());
    put("/etc/fstab", fstab(profile).to_owned());
    put(SELINUX_CONFIG, selinux("enforcing"));
    put("/etc/sysctl.conf", "# System default settings live in /usr/lib/sysctl.d/00-system.conf.\n".to_owned());
    if profile == Profile::Book {
        put(SYSTEM_SYSCTL, system_sysctl());
    }
    for folder in ["/etc/sysctl.d", "/etc/modules-load.d", "/root/.ssh", "/home/vagrant/.ssh"] {
        make_folder(machine, folder, now);
    }
    users::set_owner(machine, "/home/vagrant/.ssh", Some(1000), Some(1000));
    packages::of_box(machine, profile, now);
    fresh_kernel(machine, profile, now);
    first_processes(machine, now);
}

const FOLDERS: [&str; 14] = [
    "/root",
    "/tmp",
    "/home",
    "/home/vagrant",
    "/var/log",
    "/opt",
    "/usr/bin",
    "/usr/sbin",
    "/mnt",
    "/srv",
    "/run",
    "/etc/yum.repos.d",
    "/var/lib",
    "/usr/lib/systemd/system",
];
const LOCAL_HOSTS: &str = "127.0.0.1   localhost localhost.localdomain\n::1         localhost\n";

fn fstab(profile: Profile) -> &'static str {
    match profile {
        Profile::Book => {
            "/dev/mapper/centos-root /     xfs  defaults 0 0\n/dev/mapper/centos-swap swap  swap defaults 0 0\n"
        }
        Profile::Modern => "/dev/mapper/rl-root /     xfs  defaults 0 0\n/dev/mapper/rl-swap none  swap defaults 0 0\n",
    }
}

fn system_sysctl() -> String {
    "# Kernel sysctl configuration file\n# Disable netfilter on bridges.\nnet.bridge.bridge-nf-call-ip6tables = 0\nnet.bridge.bridge-nf-call-iptables = 0\nnet.bridge.bridge-nf-call-arptables = 0\n".to_owned()
}

pub const SELINUX_CONFIG: &str = "/etc/selinux/config";
/// What the kernel does: `1` enforcing, `0` permissive; absent: SELinux is off.
pub const SELINUX_NOW: &str = "/sys/fs/selinux/enforce";
pub const SWAPS: &str = "/proc/swaps";

fn selinux(mode: &str) -> String {
    format!("# This file controls the state of SELinux on the system.\nSELINUX={mode}\nSELINUXTYPE=targeted\n")
}

/// Devices that `/etc/fstab` names as swap.
pub fn swap_devices(machine: &Machine) -> Vec<Str> {
    let text = machine.read("/etc/fstab").cloned().unwrap_or_default();
    let lines = text.lines().filter(|l| !l.trim_start().starts_with('#'));
    let swap = lines.filter(|l| l.split_whitespace().nth(2) == Some("swap"));
    swap.filter_map(|l| l.split_whitespace().next()).map(Str::from).collect()
}

/// Writes /proc/swaps: what is swapped to now.
pub fn set_swaps(machine: &mut Machine, devices: &[Str], now: Time) {
    let mut text = String::from("Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n");
    for (i, device) in devices.iter().enumerate() {
        let device = if device.starts_with("/dev/mapper/") { "/dev/dm-1" } else { device };
        text += &format!("{device:<39} partition\t2097148\t0\t-{}\n", i + 2);
    }
    machine.write(SWAPS, text, now);
}

fn os_release(profile: Profile) -> &'static str {
    match profile {
        Profile::Book => {
            "NAME=\"CentOS Linux\"\nVERSION=\"7 (Core)\"\nID=\"centos\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"7\"\nPRETTY_NAME=\"CentOS Linux 7 (Core)\"\n"
        }
        Profile::Modern => {
            "NAME=\"Rocky Linux\"\nVERSION=\"9.6 (Blue Onyx)\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.6\"\nPRETTY_NAME=\"Rocky Linux 9.6 (Blue Onyx)\"\n"
        }
    }
}

/// Modules and kernel parameters as they are after boot: defaults, then what files ask for.
pub fn fresh_kernel(machine: &mut Machine, profile: Profile, now: Time) {
    machine.modules = ["ext4", "xfs", "overlay", "nf_conntrack", "ip_tables", "iptable_nat", "iptable_filter", "veth"]
        .into_iter()
        .map(Str::from)
        .collect();
    let listed: Vec<Str> = machine.below("/etc/modules-load.d").filter_map(|p| machine.read(p).cloned()).collect();
    for line in listed.iter().flat_map(|text| text.lines()) {
        if !line.trim().is_empty() && !line.starts_with('#') {
            machine.modules.insert(line.trim().into());
        }
    }
    let defaults = [
        ("kernel.hostname", machine.name.as_str().to_owned()),
        ("kernel.osrelease", release(profile).to_owned()),
        ("kernel.pid_max", "32768".to_owned()),
        ("net.ipv4.ip_forward", "0".to_owned()),
        ("vm.max_map_count", "65530".to_owned()),
        ("vm.overcommit_memory", "0".to_owned()),
        ("vm.swappiness", if profile == Profile::Book { "30" } else { "60" }.to_owned()),
    ];
    let gone: Vec<Str> = machine.below("/proc/sys").cloned().collect();
    for path in gone {
        machine.remove(&path);
    }
    for (key, value) in defaults {
        machine.write(&sysctl_path(key), value + "\n", now);
    }
    for module in std::mem::take(&mut machine.modules) {
        load_module(machine, &module, now);
    }
    apply_sysctl_files(machine, now);
    if machine.role == Role::Host {
        return;
    }
    let swap = swap_devices(machine);
    set_swaps(machine, &swap, now);
    let config = machine.read(SELINUX_CONFIG).cloned().unwrap_or_default();
    let mode = config.lines().find_map(|l| l.trim().strip_prefix("SELINUX=")).unwrap_or("enforcing");
    match mode {
        "disabled" => drop(machine.remove(SELINUX_NOW)),
        mode => machine.write(SELINUX_NOW, if mode == "enforcing" { "1" } else { "0" }, now),
    }
    let (cpus, memory) = (machine.cpus, machine.memory_mib);
    for (i, path) in PROC_FILES.into_iter().enumerate() {
        machine.write_late(path, now, move || proc_files(cpus, memory, profile)[i].as_str().into());
    }
}

/// What programs read of the machine itself.
const PROC_FILES: [&str; 4] = ["/proc/cpuinfo", "/proc/meminfo", "/proc/version", "/proc/cmdline"];

/// The texts of [`PROC_FILES`].
fn proc_files(cpus: u32, memory_mib: u32, profile: Profile) -> [String; 4] {
    let cpu = |i: u32| {
        format!(
            "processor\t: {i}\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz\ncpu cores\t: {cpus}\n\n"
        )
    };
    let total = u64::from(memory_mib) * 1024;
    [
        (0..cpus).map(cpu).collect(),
        format!(
            "MemTotal:       {total:>8} kB\nMemFree:        {:>8} kB\nMemAvailable:   {:>8} kB\n",
            total / 3,
            total * 3 / 5
        ),
        format!("Linux version {} (mockbuild@kbuilder) (gcc) #1 SMP\n", release(profile)),
        format!("BOOT_IMAGE=/vmlinuz-{} ro quiet\n", release(profile)),
    ]
}

/// Parameters that a module brings along, and takes with it.
const MODULE_PARAMETERS: [(&str, &str, &str); 3] = [
    ("br_netfilter", "net.bridge.bridge-nf-call-iptables", "1"),
    ("br_netfilter", "net.bridge.bridge-nf-call-ip6tables", "1"),
    ("nf_conntrack", "net.netfilter.nf_conntrack_max", "131072"),
];

/// Loads a kernel module: its parameters appear with their defaults. Those of bridges then take what
/// the files say, which udev sees to.
pub fn load_module(machine: &mut Machine, module: &str, now: Time) {
    if machine.modules.insert(module.into()).is_none() {
        for (_, key, value) in MODULE_PARAMETERS.iter().filter(|(of, ..)| *of == module) {
            machine.write(&sysctl_path(key), format!("{value}\n"), now);
        }
        if module == "br_netfilter" {
            set_from_files(machine, "net.bridge.", now);
        }
    }
}

pub fn unload_module(machine: &mut Machine, module: &str) {
    machine.modules.remove(module);
    for (_, key, _) in MODULE_PARAMETERS.iter().filter(|(of, ..)| *of == module) {
        machine.remove(&sysctl_path(key));
    }
}

/// Applies the files of `sysctl.d` by name and `/etc/sysctl.conf`; returns what was set, in order.
pub fn apply_sysctl_files(machine: &mut Machine, now: Time) -> Vec<(Str, Vec<(Str, Str)>)> {
    set_from_files(machine, "", now)
}

/// CentOS 7 hides bridged packets from iptables unless another file says otherwise.
const SYSTEM_SYSCTL: &str = "/usr/lib/sysctl.d/00-system.conf";

fn set_from_files(machine: &mut Machine, prefix: &str, now: Time) -> Vec<(Str, Vec<(Str, Str)>)> {
    let folders = ["/usr/lib/sysctl.d", "/etc/sysctl.d"];
    let mut paths: Vec<Str> =
        folders.iter().flat_map(|f| machine.below(f)).filter(|p| p.ends_with(".conf")).cloned().collect();
    paths.sort_by(|a, b| a.rsplit('/').next().cmp(&b.rsplit('/').next()));
    paths.push("/etc/sysctl.conf".into());
    let mut out = Vec::new();
    for path in paths {
        let Some(text) = machine.read(&path).cloned() else { continue };
        let mut set = Vec::new();
        for line in text.lines().filter(|l| !l.trim_start().starts_with(['#', ';'])) {
            let Some((key, value)) = line.split_once('=') else { continue };
            let (key, value) = (Str::from(key.trim()), Str::from(value.trim()));
            if !key.starts_with(prefix) {
                continue;
            }
            if machine.read(&sysctl_path(&key)).is_some() {
                machine.write(&sysctl_path(&key), ecow::eco_format!("{value}\n"), now);
            }
            set.push((key, value));
        }
        out.push((path, set));
    }
    out
}

/// `net.ipv4.ip_forward` → `/proc/sys/net/ipv4/ip_forward`.
pub fn sysctl_path(key: &str) -> String {
    format!("/proc/sys/{}", key.replace('.', "/"))
}

/// As `uname -r` prints it.
pub fn release(profile: Profile) -> &'static str {
    match profile {
        Profile::Book => "3.10.0-1127.19.1.el7.x86_64",
        Profile::Modern => "5.14.0-570.12.1.el9_6.x86_64",
    }
}

/// The processes that run before any unit does.
pub fn first_processes(machine: &mut Machine, now: Time) {
    if machine.processes.is_empty() {
        machine.add_process("/usr/lib/systemd/systemd --switched-root --system --deserialize 22", None, "", now);
        for kernel in ["[kthreadd]", "[kworker/0:0]", "[ksoftirqd/0]"] {
            machine.add_process(kernel, None, "", now);
        }
        // Early boot used up some hundred pids.
        machine.next_pid = machine.next_pid.max(612);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (cwd, path, whole) in
            [("/root", "a", "/root/a"), ("/", "../x//y/.", "/x/y"), ("/a/b", "/c", "/c"), ("/a/b", "..", "/a")]
        {
            assert_eq!(absolute(cwd, path), whole);
        }
    }

    #[test]
    fn folders() {
        let mut m = Machine::new("m", "10.0.0.1", Role::Worker);
        install(&mut m, Profile::Book, &[], Time::ZERO);
        assert_eq!(write(&mut m, "/none/x", "1", Time::ZERO), Err(NO_SUCH.into()));
        assert_eq!(write(&mut m, "/root/x", "1", Time::ZERO), Ok(()));
        assert_eq!(list(&m, "/root"), [("x".into(), Node::File)]);
        assert_eq!(write(&mut m, "/root/x/y", "1", Time::ZERO), Err(NOT_FOLDER.into()));
        assert!(remove(&mut m, "/root/x", Time::ZERO));
        assert_eq!(stat(&m, "/root"), Some(Node::Folder));
        assert_eq!(read(&m, "/root"), Err(IS_FOLDER.into()));
    }
}
