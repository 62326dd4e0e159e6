//! vagrant on the learner's own computer: reads the Vagrantfile of the current folder, makes, boots
//! and provisions the machines it describes. Models vagrant 2.4 with its VirtualBox provider.
//!
//! - [`ruby`], [`file`]: the Vagrantfile; - [`up`]: boxes, booting, provisioners
//!
//! A command on a machine is run by [`COMMUNICATOR`], a process of its own: its output, however
//! long, is no weight on this command's journal.

mod file;
mod ruby;
mod up;

use crate::api::Value;
use crate::base::{Duration, Str};
use crate::machine::program::{Command, Flow, Io, Stop, Stream};
use file::Vm;
pub use up::BOXES;

pub static COMMAND: Command = Command {
    name: "vagrant",
    run: main,
    about: ["make and provision virtual machines", "가상 머신을 만들고 구성합니다"],
    folder: "/usr/bin",
    startup_ms: 900,
};

pub static COMMUNICATOR: Command = Command {
    name: "vagrant-communicator",
    run: communicate,
    about: ["run a command on a virtual machine", "가상 머신에서 명령을 실행합니다"],
    folder: "/opt/vagrant/bin",
    startup_ms: 30,
};

const VERSION: &str = "2.4.9";

/// What a verb runs with.
struct Cx<'a, 'i> {
    io: &'a mut Io<'i>,
    /// Folder of the Vagrantfile.
    folder: Str,
    all: Vec<Vm>,
    flags: Vec<Str>,
    names: Vec<Str>,
    /// Text after `-c`.
    command: Option<Str>,
    /// `reload`, whose machines come up without the triggers of `up`.
    reload: bool,
}

fn main(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let verb = args.get(1).map_or("", Str::as_str);
    let rest = args.get(2..).unwrap_or_default();
    match verb {
        "--version" | "-v" => {
            io.outln(format!("Vagrant {VERSION}"));
            return Ok(0);
        }
        "version" => {
            io.outln(format!("Installed Version: {VERSION}\nLatest Version: {VERSION}\n \nYou're running an up-to-date version of Vagrant!"));
            return Ok(0);
        }
        "" | "-h" | "--help" | "help" => return help(io, verb),
        "box" => return boxes(io, rest),
        _ => {}
    }
    if !VERBS.iter().any(|(name, _)| *name == verb) {
        help(io, "")?;
        return Ok(1);
    }
    let (mut flags, mut names, mut command) = (Vec::new(), Vec::new(), None);
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-c" | "--command" => command = words.next().cloned(),
            "--provider" => drop(words.next()),
            w if w.starts_with('-') => flags.push(word.clone()),
            _ => names.push(word.clone()),
        }
    }
    let known = [
        "-f",
        "--force",
        "--provision",
        "--no-provision",
        "--no-parallel",
        "--parallel",
        "--no-destroy-on-error",
        "-g",
        "--graceful",
        "--prune",
        "--no-color",
    ];
    if let Some(bad) = flags.iter().find(|f| !known.contains(&f.as_str()) && !f.starts_with("--provider=")) {
        io.errln(format!(
            "An invalid option was specified. The help for this command\nis available below.\n\ninvalid option: {bad}"
        ));
        return Ok(1);
    }
    let cwd = io.call("cwd", Value::Null)?;
    let folder = Str::from(cwd.as_str());
    let Ok(text) = io.read_file("Vagrantfile")? else {
        return io.fail(1, "A Vagrant environment or target machine is required to run this\ncommand. Run `vagrant init` to create a new Vagrant environment. Or,\nget an ID of a target machine from `vagrant global-status` to run\nthis command on. A final option is to change to a directory with a\nVagrantfile and to try again.");
    };
    let all = match file::read(&text) {
        Ok(all) => all,
        Err(e) if e.syntax => {
            return io.fail(1, format!("There is a syntax error in the following Vagrantfile. The syntax error\nmessage is reproduced below for convenience:\n\n{folder}/Vagrantfile:{}: {}", e.line, e.message));
        }
        Err(e) => {
            return io.fail(1, format!("There was an error loading a Vagrantfile. The file being loaded\nand the error message are shown below. This is usually caused by\na invalid or undefined variable.\n\nPath: {folder}/Vagrantfile\nLine number: {}\nMessage: {}", e.line, e.message));
        }
    };
    if let Some(name) = names.iter().find(|n| !all.iter().any(|v| v.name == **n)) {
        return io.fail(
            1,
            format!("The machine with the name '{name}' was not found configured for\nthis Vagrant environment."),
        );
    }
    let mut cx = Cx { io, folder, all, flags, names, command, reload: verb == "reload" };
    match verb {
        "up" => up::up(&mut cx),
        "provision" => up::provision(&mut cx),
        "reload" => {
            halt(&mut cx)?;
            up::up(&mut cx)
        }
        "halt" => halt(&mut cx),
        "destroy" => destroy(&mut cx),
        "status" => status(&mut cx),
        "global-status" => global_status(&mut cx),
        "ssh" => ssh(&mut cx),
        "ssh-config" => ssh_config(&mut cx),
        "validate" => {
            up::validate(&mut cx)?;
            cx.io.outln("Vagrantfile validated successfully.");
            Ok(0)
        }
        _ => Ok(1),
    }
}

const VERBS: [(&str, &str); 10] = [
    ("destroy", "stops and deletes all traces of the vagrant machine"),
    ("global-status", "outputs status Vagrant environments for this user"),
    ("halt", "stops the vagrant machine"),
    ("provision", "provisions the vagrant machine"),
    ("reload", "restarts vagrant machine, loads new Vagrantfile configuration"),
    ("ssh", "connects to machine via SSH"),
    ("ssh-config", "outputs OpenSSH valid configuration to connect to the machine"),
    ("status", "outputs status of the vagrant machine"),
    ("up", "starts and provisions the vagrant environment"),
    ("validate", "validates the Vagrantfile"),
];

fn help(io: &mut Io<'_>, _: &str) -> Flow<i32> {
    io.outln("Usage: vagrant [options] <command> [<args>]\n\n    -h, --help                       Print this help.\n\nCommon commands:");
    for (name, about) in VERBS {
        io.outln(format!("     {name:<15} {about}"));
    }
    io.outln("     box             manages boxes: installation, removal, etc.\n     version         prints current and latest Vagrant version\n\nFor help on any individual command run `vagrant COMMAND -h`");
    Ok(0)
}

fn boxes(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    if args.first().map(Str::as_str) != Some("list") {
        return io.fail(1, "Usage: vagrant box <subcommand> [<args>]\n\nAvailable subcommands:\n     list");
    }
    let names = io.call("list-dir", up::BOXES.into())?;
    if names.items().is_empty() {
        io.outln("There are no installed boxes! Use `vagrant box add` to add some.");
    }
    for name in names.items() {
        let name = name.as_str().trim_end_matches('/').replace("-VAGRANTSLASH-", "/");
        io.outln(format!("{name} (virtualbox, {}, (amd64))", up::version_of(&name)));
    }
    Ok(0)
}

impl Cx<'_, '_> {
    fn flag(&self, names: &[&str]) -> bool {
        self.flags.iter().any(|f| names.contains(&f.as_str()))
    }
    /// The machines that were named, or all.
    fn chosen(&self) -> Vec<Vm> {
        let wanted = |v: &&Vm| self.names.is_empty() || self.names.iter().any(|n| *n == v.name);
        self.all.iter().filter(wanted).cloned().collect()
    }
    fn state(&mut self, vm: &Vm) -> Flow<Str> {
        let known = self.io.call("stat", self.kept(vm, "id").into())?;
        if known.is_null() {
            return Ok("not_created".into());
        }
        Ok(self.io.call("vm-state", vm.name.as_str().into())?.as_str().into())
    }
    /// A file that vagrant keeps about a machine.
    fn kept(&self, vm: &Vm, file: &str) -> String {
        format!("{}/.vagrant/machines/{}/{}/{file}", self.folder, vm.name, vm.provider)
    }
    fn say(&mut self, vm: &Vm, text: &str) {
        self.io.outln(format!("==> {}: {text}", vm.name));
    }
    fn detail(&mut self, vm: &Vm, text: &str) {
        self.io.outln(format!("    {}: {text}", vm.name));
    }
}

fn status(cx: &mut Cx<'_, '_>) -> Flow<i32> {
    cx.io.outln("Current machine states:\n");
    let chosen = cx.chosen();
    for vm in &chosen {
        let state = cx.state(vm)?.replace("_", " ").replace("booting", "running");
        let (name, provider) = (&vm.name, &vm.provider);
        cx.io.outln(format!("{name:<25} {state} ({provider})"));
    }
    if chosen.len() > 1 {
        cx.io.outln("\nThis environment represents multiple VMs. The VMs are all listed\nabove with their current state. For more information about a specific\nVM, run `vagrant status NAME`.");
    } else {
        cx.io.outln("\nTo stop this VM, you can run `vagrant halt` to shut it down forcefully,\nor you can run `vagrant suspend` to simply suspend the virtual machine.\nIn either case, to restart it again, simply run `vagrant up`.");
    }
    Ok(0)
}

fn global_status(cx: &mut Cx<'_, '_>) -> Flow<i32> {
    let mut rows = Vec::new();
    for vm in cx.all.clone() {
        let state = cx.state(&vm)?;
        if state != "not_created" {
            let id = crate::runtime::images::digest(&format!("vm {}", vm.name));
            rows.push(format!("{}  {:<8}{:<11}{:<9}{}", &id[..7], vm.name, vm.provider, state, cx.folder));
        }
    }
    cx.io.outln("id       name    provider   state    directory\n------------------------------------------------------------------------");
    if rows.is_empty() {
        cx.io.outln("There are no active Vagrant environments on this computer! Or,\nyou haven't destroyed and recreated Vagrant environments that were\nstarted with an older version of Vagrant.");
        return Ok(0);
    }
    for row in rows {
        cx.io.outln(row);
    }
    cx.io.outln(" \nThe above shows information about all known Vagrant environments\non this machine. This data is cached and may not be completely\nup-to-date (use \"vagrant global-status --prune\" to prune invalid\nentries). To interact with any of the machines, you can go to that\ndirectory and run Vagrant, or you can use the ID directly with\nVagrant commands from any directory. For example:\n\"vagrant destroy 1a2b3c4d\"");
    Ok(0)
}

fn halt(cx: &mut Cx<'_, '_>) -> Flow<i32> {
    for vm in cx.chosen().iter().rev() {
        match cx.state(vm)?.as_str() {
            "running" | "booting" => {
                cx.say(vm, "Attempting graceful shutdown of VM...");
                cx.io.sleep(Duration::secs(4))?;
                cx.io.call("vm-halt", vm.name.as_str().into())?;
            }
            "not_created" => cx.say(vm, "VM not created. Moving on..."),
            _ => {}
        }
    }
    Ok(0)
}

fn destroy(cx: &mut Cx<'_, '_>) -> Flow<i32> {
    let mut declined = false;
    for vm in cx.chosen().iter().rev() {
        let state = cx.state(vm)?;
        if state == "not_created" {
            cx.say(vm, "VM not created. Moving on...");
            continue;
        }
        if !cx.flag(&["-f", "--force"]) {
            cx.io.out(format!("    {0}: Are you sure you want to destroy the '{0}' VM? [y/N] ", vm.name));
            let answer = cx.io.read_line()?.unwrap_or_default();
            if !matches!(answer.trim(), "y" | "Y") {
                cx.say(
                    vm,
                    &format!(
                        "The VM '{}' will not be destroyed, since the confirmation\n==> {}: was declined.",
                        vm.name, vm.name
                    ),
                );
                declined = true;
                continue;
            }
        }
        if state != "poweroff" {
            cx.say(vm, "Forcing shutdown of VM...");
            cx.io.sleep(Duration::secs(1))?;
        }
        cx.say(vm, "Destroying VM and associated drives...");
        cx.io.call("vm-destroy", vm.name.as_str().into())?;
        let kept = format!("{}/.vagrant/machines/{}", cx.folder, vm.name);
        cx.io.call("remove", kept.into())?;
        cx.io.sleep(Duration::secs(1))?;
    }
    Ok(i32::from(declined))
}

/// `vagrant ssh NAME [-c COMMAND]`
fn ssh(cx: &mut Cx<'_, '_>) -> Flow<i32> {
    if cx.names.is_empty() && cx.all.len() > 1 {
        return cx.io.fail(1, "This command requires a specific VM name to target in a multi-VM environment.");
    }
    let vm = cx.chosen()[0].clone();
    if cx.state(&vm)? != "running" {
        return cx
            .io
            .fail(1, "VM must be running to open SSH connection. Run `vagrant up`\nto start the virtual machine.");
    }
    let mut args = vec![Str::from(COMMUNICATOR.name), vm.name.as_str().into(), "session".into()];
    if let Some(command) = &cx.command {
        args[2] = "plain".into();
        args.push(command.clone());
    }
    let ran = cx.io.call("spawn", map! { "args" => args }.into())?;
    Ok(code_of(&ran))
}

fn ssh_config(cx: &mut Cx<'_, '_>) -> Flow<i32> {
    for vm in cx.chosen() {
        if cx.state(&vm)? == "running" {
            let port = vm.forwarded.iter().find(|(guest, _)| *guest == 22).map_or(2222, |(_, host)| *host);
            let (name, key) = (&vm.name, cx.kept(&vm, "private_key"));
            cx.io.outln(format!("Host {name}\n  HostName 127.0.0.1\n  User vagrant\n  Port {port}\n  UserKnownHostsFile /dev/null\n  StrictHostKeyChecking no\n  PasswordAuthentication no\n  IdentityFile {key}\n  IdentitiesOnly yes\n  LogLevel FATAL\n"));
        }
    }
    Ok(0)
}

fn code_of(ran: &Value) -> i32 {
    ran.get("code").and_then(Value::as_int).unwrap_or(1) as i32
}

/// `vagrant-communicator NAME HOW COMMAND`: runs a command there. `labelled`: every line of its
/// output after the machine's name; `plain`: as it is; `session`: what is typed goes there.
fn communicate(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let word = |i: usize| args.get(i).map_or("", Str::as_str);
    let (name, how, command) = (word(1), word(2), word(3));
    let state = io.state();
    let mut rest = match &state {
        Value::Null => {
            let mut data = map! { "host" => name };
            if how != "session" {
                data.insert("line", command);
            }
            let why = io.call("remote-open", data.into())?;
            if !why.as_str().is_empty() {
                return io.fail(255, format!("ssh: {name}: {}", why.as_str()));
            }
            io.checkpoint("".into());
            String::new()
        }
        kept => kept.as_str().to_owned(),
    };
    loop {
        let event = io.call("remote-next", Value::Null)?;
        if event.is_null() {
            return io.fail(255, format!("Connection to {name} closed by remote host."));
        }
        if let Some(code) = event.get("code").and_then(Value::as_int) {
            if !rest.is_empty() {
                io.outln(format!("    {name}: {rest}"));
            }
            return Err(Stop::Exit(code as i32));
        }
        let text = event.str("text");
        if how == "labelled" {
            rest += text;
            while let Some((line, tail)) = rest.split_once('\n') {
                io.outln(format!("    {name}: {line}"));
                rest = tail.to_owned();
            }
        } else {
            io.print(if event.str("stream") == "err" { Stream::Err } else { Stream::Out }, text);
        }
        io.checkpoint(rest.as_str().into());
    }
}
