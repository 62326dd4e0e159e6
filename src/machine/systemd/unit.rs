//! Units as data: what a machine's services are and in which state each is.

use crate::base::persistent::Vector;
use crate::base::{Duration, Str, Time};
use crate::sim::Profile;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Inactive,
    Active,
    Failed,
    /// Ended by itself; starts again when `Unit::restart` has passed.
    AutoRestart,
}

impl State {
    /// As `systemctl is-active` prints it.
    pub fn word(self) -> &'static str {
        match self {
            State::Inactive => "inactive",
            State::Active => "active",
            State::Failed => "failed",
            State::AutoRestart => "activating",
        }
    }
}

/// One line of a unit's journal.
#[derive(Clone, PartialEq, Debug)]
pub struct LogLine {
    pub at: Time,
    /// Who wrote it: `systemd`, `kubelet`.
    pub ident: Str,
    pub pid: u32,
    pub text: Str,
}

/// Lines kept per unit.
pub const JOURNAL_LINES: usize = 400;

/// A service. Named without `.service`.
#[derive(Clone, PartialEq, Debug)]
pub struct Unit {
    pub name: Str,
    pub description: Str,
    /// Name of the component that behaves for it (`addons::daemons`); empty: it only has a state.
    pub program: Str,
    /// The command line of its main process.
    pub command: Str,
    /// Starts something and ends: `active (exited)`.
    pub one_shot: bool,
    /// Wait before systemd starts it again when it ended by itself; `None`: it stays failed.
    pub restart: Option<Duration>,
    /// Lower starts earlier at boot.
    pub order: u8,
    pub docs: Str,
    /// A file that adds to the unit file: `10-kubeadm.conf`.
    pub drop_in: Str,
    pub enabled: bool,
    /// Whether the distribution enables it by itself.
    pub preset: bool,
    pub state: State,
    pub since: Time,
    /// 0: none.
    pub main_pid: u32,
    /// How the last main process ended: exit code, or 128 + signal.
    pub exit: i32,
    /// Pid of the last main process, for `status` of a stopped unit.
    pub last_pid: u32,
    /// Times it was started since boot.
    pub starts: u32,
    pub journal: Vector<LogLine>,
}

impl Unit {
    pub fn new(name: &str, description: &str, program: &str, command: &str) -> Unit {
        Unit {
            name: name.into(),
            description: description.into(),
            program: program.into(),
            command: command.into(),
            one_shot: false,
            restart: None,
            order: 50,
            docs: Str::new(),
            drop_in: Str::new(),
            enabled: true,
            preset: true,
            state: State::Inactive,
            since: Time::ZERO,
            main_pid: 0,
            exit: 0,
            last_pid: 0,
            starts: 0,
            journal: Vector::new(),
        }
    }
    pub fn file(&self) -> Str {
        ecow::eco_format!("/usr/lib/systemd/system/{}.service", self.name)
    }
    /// Name of the main process: the last part of the program's path.
    pub fn process(&self) -> &str {
        let program = self.command.split(' ').next().unwrap_or("");
        program.rsplit('/').next().unwrap_or(program)
    }
    pub fn log(&mut self, at: Time, ident: &str, pid: u32, text: impl Into<Str>) {
        if self.journal.len() == JOURNAL_LINES {
            self.journal.pop_front();
        }
        self.journal.push_back(LogLine { at, ident: ident.into(), pid, text: text.into() });
    }
}

const KUBELET: &str = "/usr/bin/kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
                       --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml";

/// The services of a Kubernetes machine, all stopped. The host PC has none of them.
pub fn standard(profile: Profile) -> Vec<Unit> {
    let runtime = if profile == Profile::Book { "docker" } else { "containerd" };
    let packaged = [runtime, "kubelet"].into_iter().filter_map(|name| packaged(profile, name));
    of_box(profile).into_iter().chain(packaged.map(|unit| Unit { enabled: true, ..unit })).collect()
}

/// The service that a package brings, not enabled.
pub fn packaged(profile: Profile, name: &str) -> Option<Unit> {
    let book = profile == Profile::Book;
    let kubelet = Unit {
        restart: Some(Duration::secs(10)),
        order: 60,
        docs: if book { "https://kubernetes.io/docs/" } else { "https://kubernetes.io/docs/home/" }.into(),
        drop_in: "10-kubeadm.conf".into(),
        preset: false,
        ..Unit::new("kubelet", "kubelet: The Kubernetes Node Agent", "kubelet", KUBELET)
    };
    let docker = || {
        let restart = Some(Duration::millis(100));
        let docs = "https://docs.docker.com".into();
        let unit = Unit::new("docker", "Docker Application Container Engine", "dockerd", "/usr/bin/dockerd");
        Unit { restart, order: 55, docs, preset: false, ..unit }
    };
    let containerd = || {
        let restart = Some(Duration::secs(5));
        let docs = "https://containerd.io".into();
        let unit = Unit::new("containerd", "containerd container runtime", "containerd", "/usr/bin/containerd");
        Unit { restart, order: 55, docs, preset: false, ..unit }
    };
    let unit = match name {
        "kubelet" => kubelet,
        "docker" => docker(),
        "containerd" => containerd(),
        "keepalived" => {
            let about = "LVS and VRRP High Availability Monitor";
            Unit { order: 40, preset: false, ..Unit::new(name, about, name, "/usr/sbin/keepalived -D") }
        }
        _ => return None,
    };
    Some(Unit { enabled: false, ..unit })
}

/// The services of a fresh box.
pub fn of_box(profile: Profile) -> Vec<Unit> {
    let book = profile == Profile::Book;
    let network = if book {
        let unit = Unit::new("network", "LSB: Bring up/down networking", "", "/etc/rc.d/init.d/network start");
        Unit { one_shot: true, order: 10, docs: "man:systemd-sysv-generator(8)".into(), ..unit }
    } else {
        let unit = Unit::new("NetworkManager", "Network Manager", "", "/usr/sbin/NetworkManager --no-daemon");
        Unit { order: 10, docs: "man:NetworkManager(8)".into(), ..unit }
    };
    let sshd = Unit { order: 20, ..Unit::new("sshd", "OpenSSH server daemon", "", "/usr/sbin/sshd -D") };
    let crond = Unit { order: 30, ..Unit::new("crond", "Command Scheduler", "", "/usr/sbin/crond -n") };
    let time = Unit { order: 15, ..Unit::new("chronyd", "NTP client/server", "", "/usr/sbin/chronyd") };
    let firewall = Unit {
        enabled: false,
        order: 12,
        docs: "man:firewalld(1)".into(),
        ..Unit::new("firewalld", "firewalld - dynamic firewall daemon", "", "/usr/sbin/firewalld --nofork --nopid")
    };
    vec![network, firewall, time, sshd, crond]
}
