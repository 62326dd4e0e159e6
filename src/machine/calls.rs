//! What commands can ask of their machine beside files, time and the API, by name:
//! `io.call(NAME, INPUT)`. Paths may be relative to the command's folder. Times are microseconds of
//! simulated time.
//!
//! | name | input | output |
//! |---|---|---|
//! | `env` | a variable's name; `Null` | its text, `""` where unset; all as a map |
//! | `profile` | | `book` or `modern` |
//! | `machine` | | `{name, ip, role, cpus, memoryMib, bootedAt, user, home, pid, image}` |
//! | `machines` | | `[{name, ip, on}]` |
//! | `cwd` | | absolute path |
//! | `tty` | descriptor 0, 1, 2 | whether it is the terminal |
//! | `stat`, `lstat` | path | `{folder, size, mode, modified, owner, group, uid, gid, access, link}`, or `Null` |
//! | `list-dir` | path | names, those of folders with `/` at the end; `Null`: no folder |
//! | `make-dir` | path | `""`, or why not |
//! | `remove` | path | whether it was there, or why not |
//! | `chmod` | `{path, mode}` | whether it was there, or why not |
//! | `chown` | `{path, user, group, link}` | `""`, or why not |
//! | `real-path` | path | the path without links |
//! | `symlink` | `{target, path}` | `""`, or why not |
//! | `touch` | path | `""`, or why not |
//! | `copy`, `move` | `{from, to, links, keep}`: files or whole folders | `""`, or why not |
//! | `commands` | | names of the commands there are here |
//! | `which` | name | where that command lies, or `""` |
//! | `processes` | | `[{pid, parent, user, command, started, container}]` |
//! | `kill` | `{pid, signal}` | whether there was such a process |
//! | `units` | | all units as `unit` gives them |
//! | `unit` | name | `{name, description, file, enabled, preset, state, since, pid, lastPid, exit, …}` or `Null` |
//! | `systemctl` | `{verb, unit}`: start, stop, restart, enable, disable | `""`, or why not |
//! | `journal` | unit name, or `""` for all | `[{at, ident, pid, text}]` by time |
//! | `modules` | | names of loaded kernel modules |
//! | `modprobe` | `{name, remove}` | `""`, or why not |
//! | `swaps` | devices to swap to from now on; `Null`: those of /etc/fstab | which they are |
//! | `packages` | | installed: `[{name, version}]` |
//! | `repos`, `repo-headless`, `package-list`, `package-plan`, `package-apply`, `repo-file` | see `calls/packages.rs` | |
//! | `sysctl-apply` | | `[{file, set: [[key, value]]}]`: what `sysctl --system` set |
//! | `listeners` | | `[{port, process, pid, address}]`; no address: all, IPv6 too |
//! | `resolve` | host name | `[ip]`, or the reason as a string |
//! | `dns` | `{name, type, server, search}` | `{name, code, zone, soa, records}`, or `Null`: nobody answered |
//! | `route` | ip | `{machine, micros}`, or `Null` if it cannot be reached |
//! | `reachable` | ip | round trip of a ping in micros, or `Null` |
//! | `tunnels` | | interfaces that the pod network made: `[{name, ip}]` |
//! | `pod-routes` | | its routes as `ip route` prints them |
//! | `connect` | `{ip, port}` | `{outcome: ok/refused/timeout/noRoute, micros, body, pod, component}` at once: wait yourself |
//! | `http` | URL | `{status, body}`; `{}` where there is no answer |
//! | `port-forward` | `{place, local, remote}`: where the kubelet said, ports | `""`, or why not |
//! | `user-*` | see `calls/users.rs` | users and groups |
//! | `spawn` | `{args, capture, stdin, env, timeout, user, cwd}` (all but `args` optional) | when it ended: `{code, stdout, stderr}`; code 124 after `timeout` µs |
//! | `remote-open` | `{host: machine name, line, input}`; no `line`: a session | `""`: it runs there; or why not |
//! | `screen` | `{text, row, col}`; `Null` | shows this instead of all else, and has keys sent one by one |
//! | `ask` | `{prompt, secret}` | shows it as the prompt of what is read next |
//! | `runtime`, `runtime-*` | see `calls/containers.rs` | what docker or containerd keeps |
//! | `etcd` | see `calls/etcd.rs` | what etcd answers |
//! | `load` | | bytes: `{memory, disk, diskUsed, shm}`; `oom`: lines of the kernel; `inside`: 1 in a container |
//! | `allocate` | `{path, bytes, keep}`: zeros without text; `keep`: longer only | `""`, or why not |
//! | `sizes` | folder | `[[path, bytes]]` of all files below it |
//! | `grown` | | whether the memory that this command claims is there; otherwise it is killed |
//! | `iptables` | | kube-proxy's rules as iptables-save prints them |
//! | `me` | | `{terminal, token}`: how others name this command when they send to it |
//! | `remote-adopt` | `{peer, session}` | takes a stream that was opened for `me`; `session`: typed lines go there |
//! | `remote-next` | | what came back: `{stream, text}`, `{code}`; `Null`: the connection is lost |
//! | `vm-state`, `vm-boot`, `vm-halt`, `vm-destroy` | a machine's name | vagrant's provider, see `calls/vm.rs` |
//! | `vm-create`, `vm-stage`, `vm-upload`, `vm-put` | `{name, …}` | `""` or `Null`, or why not |
//! | `web` | URL | the text of a page of the internet, or `Null` |
//! | `package` | name | version and release that is installed, or `""` |
//! | `image-look` | image | `{size, micros}` of a pull, or `{error}` |
//! | `image-keep` | image | it was pulled: it lies on the machine |
//! | `etcd-data`, `etcd-wipe` | | whether etcd has data here; removes it |
//! | `remove-containers` | | ends and forgets all containers |
//! | `default-address` | | the address of the interface with the default route |
//! | `power` | `reboot`, `off` | `""`; the machine goes down a moment later |

mod containers;
mod etcd;
mod kubeadm;
mod load;
mod machine;
mod net;
mod packages;
mod remote;
mod spawn;
mod tree;
mod units;
mod users;
pub(super) mod vm;

use crate::api::Value;
use crate::machine::program::Effect;
use crate::machine::terminal::CommandHost;

/// How a call is answered.
pub enum Called {
    Now(Value),
    /// Not yet: this effect is tried again when something changed.
    Later(Effect),
    /// By a timer or message that was set off.
    Timed,
}

/// What an ordinary user is told instead, where only root may.
fn refusal(host: &CommandHost<'_, '_>, name: &str, input: &Value) -> Option<Value> {
    if !matches!(name, "systemctl" | "modprobe" | "power" | "package-apply" | "runtime") || host.who().root() {
        return None;
    }
    let docker = name == "runtime" && host.who().in_group(host.ctx.host(), "docker");
    (!docker).then(|| match name {
        "modprobe" => format!("ERROR: could not insert '{}': Operation not permitted", input.str("name")).into(),
        "runtime" => "denied".into(),
        _ => "Interactive authentication required.".into(),
    })
}

pub(super) fn call(host: &mut CommandHost<'_, '_>, name: &str, input: &Value) -> Called {
    if let Some(value) = refusal(host, name, input) {
        return Called::Now(value);
    }
    Called::Now(match name {
        "env" => machine::env(host, input),
        "profile" => machine::profile(host),
        "machine" => machine::about(host),
        "machines" => machine::all(host),
        "cwd" => Value::from(&host.task.cwd),
        "tty" => machine::tty(host, input),
        "commands" => machine::commands(host),
        "which" => machine::which(host, input),
        "processes" => machine::processes(host),
        "kill" => machine::kill(host, input),
        "modules" => machine::modules(host),
        "modprobe" => machine::modprobe(host, input),
        "sysctl-apply" => machine::sysctl_apply(host),
        "web" => net::web(host, input),
        "vm-state" => vm::state(host, input),
        "vm-create" => vm::create(host, input),
        "vm-boot" => vm::boot(host, input),
        "vm-halt" => vm::halt(host, input),
        "vm-destroy" => vm::destroy(host, input),
        "vm-stage" => vm::stage(host, input),
        "vm-upload" => vm::upload(host, input),
        "vm-put" => vm::put(host, input),
        "package" => kubeadm::package(host, input),
        "image-look" => kubeadm::look(host, input),
        "image-keep" => kubeadm::keep(host, input),
        "etcd-data" => kubeadm::etcd_data(host),
        "etcd-wipe" => kubeadm::etcd_wipe(host),
        "remove-containers" => kubeadm::remove_containers(host),
        "default-address" => kubeadm::default_address(host),
        "power" => machine::power(host, input),
        "stat" => tree::stat(host, input, true),
        "lstat" => tree::stat(host, input, false),
        "chown" => tree::chown(host, input),
        "real-path" => host.whole_path(input.as_str()).into(),
        "symlink" => tree::symlink(host, input),
        "list-dir" => tree::list(host, input),
        "make-dir" => tree::make(host, input),
        "remove" => tree::remove(host, input),
        "chmod" => tree::chmod(host, input),
        "touch" => tree::touch(host, input),
        "copy" => tree::copy(host, input, false),
        "move" => tree::copy(host, input, true),
        "user" => users::one(host, input),
        "user-env" => users::environment(host, input),
        "user-set" => users::set(host, input),
        "user-check" => users::check(host, input),
        "units" => units::all(host),
        "unit" => units::one(host, input),
        "systemctl" => units::control(host, input),
        "journal" => units::journal(host, input),
        "repos" => packages::repos(host),
        "repo-headless" => packages::headless(host),
        "packages" => packages::installed(host),
        "package-list" => packages::available(host, input),
        "package-plan" => packages::plan(host, input),
        "package-apply" => packages::apply(host, input),
        "repo-file" => packages::repo_file(input),
        "swaps" => machine::swaps(host, input),
        "listeners" => net::listeners(host),
        "resolve" => net::resolve(host, input),
        "dns" => net::dns(host, input),
        "route" => net::route(host, input),
        "reachable" => net::reachable(host, input),
        "tunnels" => net::tunnels(host),
        "pod-routes" => net::pod_routes(host),
        "connect" => net::connect(host, input),
        "http" => net::http(host, input),
        "port-forward" => net::forward(host, input),
        "remote-open" => remote::open(host, input),
        "remote-next" => return remote::next(host),
        "remote-adopt" => remote::adopt(host, input),
        "me" => remote::me(host),
        "ask" => machine::ask(host, input),
        "screen" => machine::screen(host, input),
        "runtime" => containers::all(host),
        "runtime-pull" => containers::pull(host, input),
        "runtime-keep" => containers::keep(host, input),
        "runtime-stop" => containers::stop(host, input),
        "runtime-exec" => containers::exec(host, input),
        "etcd" => etcd::ask(host, input),
        "iptables" => net::iptables(host),
        "load" => load::load(host),
        "allocate" => load::allocate(host, input),
        "sizes" => load::sizes(host, input),
        "grown" => load::grown(host),
        "spawn" => return spawn::start(host, input),
        "spawned" => return spawn::wait(host, input),
        _ => Value::Null,
    })
}
