//! The machines: file tree, packages, units, kernel, network, processes; their shell and commands.
//! This module holds the data; what acts on it lives in the submodules.

pub mod calls;
pub mod commands;
pub mod complete;
pub mod fault;
pub mod files;
pub mod kill;
pub mod load;
pub mod packages;
pub mod power;
pub mod program;
pub mod shell;
pub mod systemd;
pub mod task;
pub mod terminal;
#[cfg(test)]
pub(crate) mod testing;
pub mod users;

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::base::persistent::{OrdMap, OrdSet, Vector};
use crate::base::{Duration, Str, Time};
use crate::etcd::EtcdData;
use crate::network::NetState;
use crate::runtime::RuntimeData;
use crate::sim::ActorId;

/// What a machine is in the lab.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The learner's own computer, where vagrant runs.
    Host,
    ControlPlane,
    Worker,
}

/// A file system's block, in bytes.
const BLOCK: u64 = 4096;

/// A regular file, or a symbolic link: its content is then where it points. Folders are implied by the
/// paths below them and by entries ending in `/`.
#[derive(Clone, PartialEq, Debug)]
pub struct File {
    pub content: Content,
    /// Permissions, and [`LINK`].
    pub mode: u16,
    pub modified: Time,
    /// Numbers of its user and group.
    pub owner: (u16, u16),
    /// Bytes of zeros that follow, which nobody keeps.
    pub hole: u64,
}

/// The bits of a mode that mark a symbolic link.
pub const LINK: u16 = 0o120_000;

impl File {
    /// A file of root's.
    pub fn new(content: impl Into<Str>, mode: u16, modified: Time) -> File {
        File { content: Content::Text(content.into()), mode, modified, owner: (0, 0), hole: 0 }
    }
    pub fn is_link(&self) -> bool {
        self.mode & LINK == LINK
    }
    /// In bytes.
    pub fn size(&self) -> u64 {
        self.content.text().len() as u64 + self.hole
    }
    /// Bytes of the disk: a text that is made when it is read counts as a block, so that counting makes none.
    pub fn occupies(&self) -> u64 {
        match &self.content {
            Content::Text(text) => text.len() as u64 + self.hole,
            Content::Late(_) => BLOCK + self.hole,
        }
    }
}

/// A file's text. Many a file that comes with a machine is never read: its text is made when it is, always
/// the same.
#[derive(Clone)]
pub enum Content {
    Text(Str),
    Late(Arc<Late>),
}

pub struct Late {
    made: OnceLock<Str>,
    make: Box<dyn Fn() -> Str + Send + Sync>,
}

impl Content {
    /// `make` depends on nothing but what it holds.
    pub fn late(make: impl Fn() -> Str + Send + Sync + 'static) -> Content {
        Content::Late(Arc::new(Late { made: OnceLock::new(), make: Box::new(make) }))
    }
    pub fn text(&self) -> &Str {
        match self {
            Content::Text(text) => text,
            Content::Late(late) => late.made.get_or_init(&late.make),
        }
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Content) -> bool {
        self.text() == other.text()
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl From<Str> for Content {
    fn from(text: Str) -> Content {
        Content::Text(text)
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Content {
        Content::Text(text.into())
    }
}

/// A process as `ps` shows it.
#[derive(Clone, PartialEq, Debug)]
pub struct Process {
    pub pid: u32,
    pub parent: u32,
    pub user: Str,
    /// The whole command line.
    pub command: Str,
    pub started: Time,
    /// The component that behaves for it, if any.
    pub actor: Option<ActorId>,
    /// The container it runs in; empty for the machine's own.
    pub container: Str,
    /// Its number in that container; 0 outside.
    pub inner: u32,
}

impl Process {
    /// Name of the program, as `ps` shows it in COMMAND: `kubelet`.
    pub fn name(&self) -> &str {
        let program = self.command.split(' ').next().unwrap_or("");
        program.rsplit('/').next().unwrap_or(program).trim_end_matches(':')
    }
}

/// A local port that leads into a pod.
#[derive(Clone, Debug)]
pub struct Forward {
    /// The command that holds it: its terminal, and its number there.
    pub terminal: ActorId,
    pub task: u32,
    /// Where the pod's sandbox is.
    pub machine: u32,
    pub sandbox: Str,
    pub port: u16,
}

#[derive(Clone, Debug)]
pub struct Machine {
    pub name: Str,
    pub ip: Str,
    pub role: Role,
    pub cpus: u32,
    pub memory_mib: u32,
    pub powered_on: bool,
    /// What a write to its disk takes longer than on a sound one.
    pub disk_lag: Duration,
    /// The provisioner that vagrant runs on it; empty: none.
    pub provisioning: Str,
    pub booted_at: Time,
    /// Absolute path → file.
    pub files: OrdMap<Str, File>,
    pub processes: OrdMap<u32, Process>,
    pub next_pid: u32,
    /// TCP port → the component that accepts on it.
    pub listeners: OrdMap<u16, ActorId>,
    /// Local port → what `kubectl port-forward` makes of it.
    pub forwards: OrdMap<u16, Forward>,
    /// Loaded kernel modules.
    pub modules: OrdSet<Str>,
    /// Installed packages: name → version and release, `1.18.4-0`.
    pub packages: OrdMap<Str, Str>,
    /// Services, by name without `.service`.
    pub units: OrdMap<Str, systemd::Unit>,
    /// What etcd keeps in its data folder: survives its process.
    pub etcd_data: Option<EtcdData>,
    /// What lies in folders that no etcd has opened: moved away, copied.
    pub etcd_kept: OrdMap<Str, EtcdData>,
    /// What docker or containerd keeps: survives the daemon.
    pub runtime: RuntimeData,
    /// Processes that the kernel ended for want of memory: when, number and name.
    pub oom_kills: Vector<(Time, Str)>,
    /// What the kernel knows of the pod network: survives who programmed it.
    pub net: NetState,
}

impl Machine {
    pub fn new(name: &str, ip: &str, role: Role) -> Machine {
        Machine {
            name: name.into(),
            ip: ip.into(),
            role,
            cpus: 1,
            memory_mib: 2560,
            powered_on: true,
            disk_lag: Duration::ZERO,
            provisioning: Str::new(),
            booted_at: Time::ZERO,
            files: OrdMap::new(),
            processes: OrdMap::new(),
            next_pid: 1,
            listeners: OrdMap::new(),
            forwards: OrdMap::new(),
            modules: OrdSet::new(),
            packages: OrdMap::new(),
            units: OrdMap::new(),
            etcd_data: None,
            etcd_kept: OrdMap::new(),
            runtime: RuntimeData::default(),
            oom_kills: Vector::new(),
            net: NetState::default(),
        }
    }

    /// Content of the regular file at an absolute path, through links.
    pub fn read(&self, path: &str) -> Option<&Str> {
        let mut file = self.files.get(path)?;
        if file.is_link() {
            file = self.files.get(&self.real_path("", path)).filter(|f| !f.is_link())?;
        }
        Some(file.content.text())
    }
    /// Writes a file, keeping its mode and owner if it exists (0644 otherwise).
    pub fn write(&mut self, path: &str, content: impl Into<Str>, now: Time) {
        let mut path = Str::from(path);
        if self.files.get(&path).is_some_and(File::is_link) {
            path = self.real_path("", &path);
        }
        let (mode, owner) = self.files.get(&path).map_or((0o644, (0, 0)), |f| (f.mode, f.owner));
        self.files.insert(path, File { owner, ..File::new(content, mode, now) });
    }
    /// Writes a file of which the text is made once somebody reads it.
    pub fn write_late(&mut self, path: &str, now: Time, make: impl Fn() -> Str + Send + Sync + 'static) {
        self.files.insert(path.into(), File { content: Content::late(make), ..File::new("", 0o644, now) });
    }
    /// Version of an installed package without its release: `1.18.4`.
    pub fn version_of(&self, package: &str) -> Option<&str> {
        let text = self.packages.get(package)?;
        Some(text.split('-').next().unwrap_or(text))
    }
    /// Removes a file; whether it was there.
    pub fn remove(&mut self, path: &str) -> bool {
        self.files.remove(path).is_some()
    }
    /// Removes a folder and all below it.
    pub fn remove_below(&mut self, folder: &str) {
        let all: Vec<Str> = self.below(folder).cloned().collect();
        for path in all {
            self.remove(&path);
        }
    }
    /// Paths of all files below a folder, sorted.
    pub fn below<'a>(&'a self, folder: &str) -> impl Iterator<Item = &'a Str> {
        let prefix = Str::from(format!("{}/", folder.trim_end_matches('/')));
        let from = prefix.clone();
        self.files.range(from..).map(|(p, _)| p).take_while(move |p| p.starts_with(prefix.as_str()))
    }
    /// Registers a process and returns its pid.
    pub fn add_process(&mut self, command: &str, actor: Option<ActorId>, container: &str, now: Time) -> u32 {
        let pid = self.next_pid;
        self.next_pid += 1;
        let inner = match self.runtime.containers.get_mut(container).filter(|_| !container.is_empty()) {
            Some(c) => {
                c.last_pid += 1;
                c.last_pid
            }
            None => u32::from(!container.is_empty()),
        };
        let process = Process {
            pid,
            parent: 1,
            user: "root".into(),
            command: command.into(),
            started: now,
            actor,
            container: container.into(),
            inner,
        };
        self.processes.insert(pid, process);
        pid
    }
}
