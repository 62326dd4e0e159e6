//! `vagrant up`: box, virtual machine, boot, provisioners, triggers.
//! Models plugins/providers/virtualbox/action and plugins/provisioners/shell.

use super::file::{Provision, Sudo, Vm};
use super::{COMMUNICATOR, Cx, code_of};
use crate::base::{Duration, Str};
use crate::machine::program::Flow;
use crate::runtime::images::digest;

/// Where boxes lie on the host.
pub const BOXES: &str = "/home/learner/.vagrant.d/boxes";

/// Boxes of the internet: name, version, MB.
const KNOWN: [(&str, &str, u64); 6] = [
    ("sysnet4admin/CentOS-k8s", "0.7.4", 582),
    ("generic/centos7", "4.3.12", 1_020),
    ("centos/7", "2004.01", 425),
    ("generic/rocky9", "4.3.12", 1_380),
    ("bento/rockylinux-9", "202510.26.0", 771),
    ("rockylinux/9", "6.0.0", 650),
];

pub fn version_of(image: &str) -> &'static str {
    KNOWN.iter().find(|(name, ..)| *name == image).map_or("0", |(_, version, _)| version)
}

/// Refuses settings that do not exist and machines that could not be made.
pub fn validate(cx: &mut Cx<'_, '_>) -> Flow<()> {
    let mut errors = Vec::new();
    for vm in cx.chosen() {
        if !vm.unknown.is_empty() {
            errors.push(format!("* The following settings shouldn't exist: {}", vm.unknown.join(", ")));
        }
        if vm.image.is_empty() {
            errors.push("* A box must be specified.".to_owned());
        }
        for provision in &vm.provisions {
            let (path, what) = match provision {
                Provision::Shell { path, inline, .. } if inline.is_empty() => {
                    (path, "`path` for shell provisioner does not exist on the host system")
                }
                Provision::File { source, .. } => (source, "File upload source file must exist"),
                Provision::Shell { .. } => continue,
            };
            if cx.io.call("stat", path.as_str().into())?.is_null() {
                errors.push(format!("* {what}: {}/{path}", cx.folder));
            }
        }
        if !errors.is_empty() {
            break;
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    cx.io.fail(1, format!("There are errors in the configuration of this machine. Please fix\nthe following errors and try again:\n\nvm:\n{}\n", errors.join("\n")))
}

pub fn up(cx: &mut Cx<'_, '_>) -> Flow<i32> {
    let chosen = cx.chosen();
    for vm in &chosen {
        cx.io.outln(format!("Bringing machine '{}' up with '{}' provider...", vm.name, vm.provider));
    }
    validate(cx)?;
    for vm in &chosen {
        let code = one(cx, vm)?;
        if code != 0 {
            return Ok(code);
        }
    }
    Ok(0)
}

fn one(cx: &mut Cx<'_, '_>, vm: &Vm) -> Flow<i32> {
    let state = cx.state(vm)?;
    match state.as_str() {
        "running" => {
            cx.say(vm, &format!("Checking if box '{}' version '{}' is up to date...", vm.image, version_of(&vm.image)))
        }
        "not_created" => {
            if !create(cx, vm)? {
                return Ok(1);
            }
            boot(cx, vm)?;
        }
        _ => {
            cx.say(vm, &format!("Checking if box '{}' version '{}' is up to date...", vm.image, version_of(&vm.image)));
            boot(cx, vm)?;
        }
    }
    let done = !cx.io.call("stat", cx.kept(vm, "action_provision").into())?.is_null();
    if cx.flag(&["--no-provision"]) {
        return Ok(0);
    }
    if done && !cx.flag(&["--provision"]) {
        cx.say(vm, "Machine already provisioned. Run `vagrant provision` or use the `--provision`");
        cx.say(vm, "flag to force provisioning. Provisioners marked to run always will still run.");
    } else {
        let code = provisioners(cx, vm)?;
        if code != 0 {
            return Ok(code);
        }
    }
    if cx.reload { Ok(0) } else { triggers(cx, vm) }
}

/// Whether the machine could be made.
fn create(cx: &mut Cx<'_, '_>, vm: &Vm) -> Flow<bool> {
    let Some((_, version, mb)) = KNOWN.iter().find(|(name, ..)| *name == vm.image) else {
        cx.say(vm, &format!("Box '{}' could not be found. Attempting to find and install...", vm.image));
        cx.detail(vm, &format!("Box Provider: {}", vm.provider));
        cx.detail(vm, "Box Version: >= 0");
        cx.io.sleep(Duration::secs(2))?;
        cx.io.errln(format!("The box '{0}' could not be found or\ncould not be accessed in the remote catalog. If this is a private\nbox on HashiCorp's Vagrant Cloud, please verify you're logged in via\n`vagrant login`. Also, please double-check the name. The expanded\nURL and error message are shown below:\n\nURL: [\"https://vagrantcloud.com/{0}\"]\nError: The requested URL returned error: 404", vm.image));
        return Ok(false);
    };
    let folder = format!("{BOXES}/{}", vm.image.replace('/', "-VAGRANTSLASH-"));
    if cx.io.call("stat", folder.as_str().into())?.is_null() {
        cx.say(vm, &format!("Box '{}' could not be found. Attempting to find and install...", vm.image));
        cx.detail(vm, &format!("Box Provider: {}", vm.provider));
        cx.detail(vm, "Box Version: >= 0");
        cx.say(vm, &format!("Loading metadata for box '{}'", vm.image));
        cx.detail(vm, &format!("URL: https://vagrantcloud.com/{}", vm.image));
        cx.say(vm, &format!("Adding box '{}' (v{version}) for provider: {}", vm.image, vm.provider));
        cx.detail(
            vm,
            &format!(
                "Downloading: https://vagrantcloud.com/{}/boxes/versions/{version}/providers/{}.box",
                vm.image, vm.provider
            ),
        );
        cx.io.sleep(Duration::millis(mb * 25))?;
        cx.say(vm, &format!("Successfully added box '{}' (v{version}) for '{}'!", vm.image, vm.provider));
        write(cx, &format!("{folder}/{version}/{}/metadata.json", vm.provider), "{\"provider\":\"virtualbox\"}\n")?;
    }
    cx.say(vm, &format!("Importing base box '{}'...", vm.image));
    cx.io.sleep(Duration::secs(6))?;
    let data = map! { "name" => vm.name.as_str(), "ip" => vm.ip.as_str(), "cpus" => vm.cpus, "memory" => vm.memory };
    let why = cx.io.call("vm-create", data.into())?;
    if !why.as_str().is_empty() {
        cx.io.errln(why.as_str());
        return Ok(false);
    }
    cx.say(vm, "Matching MAC address for NAT networking...");
    cx.say(vm, &format!("Checking if box '{}' version '{version}' is up to date...", vm.image));
    cx.say(vm, &format!("Setting the name of the VM: {}", vm.name));
    let now = cx.io.now()?;
    let id = digest(&format!("{} {}", vm.name, now.0));
    let id = format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..32]);
    write(cx, &cx.kept(vm, "id"), &id)?;
    Ok(true)
}

fn boot(cx: &mut Cx<'_, '_>, vm: &Vm) -> Flow<()> {
    cx.say(vm, "Clearing any previously set network interfaces...");
    cx.say(vm, "Preparing network interfaces based on configuration...");
    cx.detail(vm, "Adapter 1: nat");
    if !vm.ip.is_empty() {
        cx.detail(vm, "Adapter 2: hostonly");
    }
    cx.say(vm, "Forwarding ports...");
    let mut port = 2222;
    for (guest, host) in &vm.forwarded {
        cx.detail(vm, &format!("{guest} (guest) => {host} (host) (adapter 1)"));
        if *guest == 22 {
            port = *host;
        }
    }
    cx.say(vm, "Running 'pre-boot' VM customizations...");
    cx.say(vm, "Booting VM...");
    cx.io.call("vm-boot", vm.name.as_str().into())?;
    cx.say(vm, "Waiting for machine to boot. This may take a few minutes...");
    cx.detail(vm, &format!("SSH address: 127.0.0.1:{port}"));
    cx.detail(vm, "SSH username: vagrant");
    cx.detail(vm, "SSH auth method: private key");
    while cx.io.call("vm-state", vm.name.as_str().into())?.as_str() != "running" {
        cx.io.sleep(Duration::secs(1))?;
    }
    cx.io.sleep(Duration::secs(1))?;
    cx.say(vm, "Machine booted and ready!");
    cx.say(vm, "Checking for guest additions in VM...");
    if !vm.hostname.is_empty() {
        cx.say(vm, "Setting hostname...");
        let text = format!("{}\n", vm.hostname);
        cx.io.call("vm-put", map! { "name" => vm.name.as_str(), "to" => "/etc/hostname", "text" => text }.into())?;
    }
    if !vm.ip.is_empty() {
        cx.say(vm, "Configuring and enabling network interfaces...");
        cx.io.sleep(Duration::secs(2))?;
    }
    Ok(())
}

pub fn provision(cx: &mut Cx<'_, '_>) -> Flow<i32> {
    validate(cx)?;
    for vm in cx.chosen() {
        if cx.state(&vm)? != "running" {
            cx.say(
                &vm,
                "VM is not currently running. Please, first bring it up with `vagrant up` then run this command.",
            );
            continue;
        }
        let code = provisioners(cx, &vm)?;
        if code != 0 {
            return Ok(code);
        }
    }
    Ok(0)
}

fn provisioners(cx: &mut Cx<'_, '_>, vm: &Vm) -> Flow<i32> {
    // Noted before they run: one that fails is not run again by the next `up`.
    let done = cx.kept(vm, "action_provision");
    write(cx, &done, "1.5:provisioned")?;
    for provision in &vm.provisions {
        let mut script = String::new();
        let code = match provision {
            Provision::Shell { name, path, inline, args, privileged } => {
                let title = if name.is_empty() { "shell".to_owned() } else { format!("{name} (shell)") };
                cx.say(vm, &format!("Running provisioner: {title}..."));
                let label = if path.is_empty() { "inline script".to_owned() } else { path.clone() };
                cx.detail(
                    vm,
                    &format!(
                        "Running: {}",
                        if path.is_empty() { label.clone() } else { format!("{}/{path}", cx.folder) }
                    ),
                );
                script.clone_from(&label);
                cx.io.call("vm-stage", map! { "name" => vm.name.as_str(), "what" => label }.into())?;
                let to = "/tmp/vagrant-shell";
                if path.is_empty() {
                    cx.io.call(
                        "vm-put",
                        map! { "name" => vm.name.as_str(), "to" => to, "text" => inline.as_str() }.into(),
                    )?;
                } else {
                    cx.io.call(
                        "vm-upload",
                        map! { "name" => vm.name.as_str(), "from" => path.as_str(), "to" => to }.into(),
                    )?;
                }
                let words: String = args.iter().map(|a| format!(" '{}'", a.replace('\'', "'\\''"))).collect();
                let _ = privileged;
                run(cx, vm, "labelled", &format!("bash {to}{words}"))?.0
            }
            Provision::File { source, destination } => {
                cx.say(vm, "Running provisioner: file...");
                cx.detail(vm, &format!("{} => {destination}", source));
                cx.io.call(
                    "vm-upload",
                    map! { "name" => vm.name.as_str(), "from" => source.as_str(), "to" => destination.as_str() }.into(),
                )?;
                0
            }
        };
        if code != 0 {
            cx.io.call("vm-stage", map! { "name" => vm.name.as_str(), "what" => "", "failed" => script }.into())?;
            cx.io.errln("The SSH command responded with a non-zero exit status. Vagrant\nassumes that this means the command failed. The output for this command\nshould be in the log above. Please read the output to determine what\nwent wrong.");
            return Ok(1);
        }
    }
    cx.io.call("vm-stage", map! { "name" => vm.name.as_str(), "what" => "" }.into())?;
    Ok(0)
}

/// What the triggers after `up` do on this machine and others.
fn triggers(cx: &mut Cx<'_, '_>, vm: &Vm) -> Flow<i32> {
    let mut printed: Vec<String> = Vec::new();
    for (name, steps) in &vm.triggers {
        cx.say(vm, "Running action triggers after up ...");
        cx.say(vm, &format!("Running trigger{}...", if name.is_empty() { String::new() } else { format!(": {name}") }));
        for Sudo { machine, command } in steps {
            let mut command = command.clone();
            for (i, text) in printed.iter().enumerate() {
                command = command.replace(&format!("\u{1}{i}\u{1}"), text.trim());
            }
            let target = cx.all.iter().find(|v| v.name == *machine).cloned().unwrap_or_else(|| vm.clone());
            if machine.is_empty() {
                cx.io.call("vm-stage", map! { "name" => vm.name.as_str(), "what" => name.as_str() }.into())?;
            }
            let (code, text) = run(cx, &target, if machine.is_empty() { "labelled" } else { "plain" }, &command)?;
            printed.push(text);
            if code != 0 {
                let what = if name.is_empty() { "trigger" } else { name.as_str() };
                cx.io.call("vm-stage", map! { "name" => vm.name.as_str(), "what" => "", "failed" => what }.into())?;
                cx.io.errln(format!("The following SSH command responded with a non-zero exit status.\nVagrant assumes that this means the command failed!\n\n{command}\n\nStdout from the command:\n\n\n\nStderr from the command:\n"));
                return Ok(1);
            }
        }
        cx.io.call("vm-stage", map! { "name" => vm.name.as_str(), "what" => "" }.into())?;
    }
    Ok(0)
}

/// Runs a line as root on a machine: its code, and what it printed where that is kept.
fn run(cx: &mut Cx<'_, '_>, vm: &Vm, how: &str, line: &str) -> Flow<(i32, String)> {
    let args: Vec<Str> = vec![COMMUNICATOR.name.into(), vm.name.as_str().into(), how.into(), line.into()];
    let ran = cx.io.call("spawn", map! { "args" => args, "capture" => how == "plain" }.into())?;
    Ok((code_of(&ran), ran.str("stdout").to_owned()))
}

fn write(cx: &mut Cx<'_, '_>, path: &str, text: &str) -> Flow<()> {
    let mut folder = String::new();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    for part in &parts[..parts.len() - 1] {
        folder = format!("{folder}/{part}");
        if cx.io.call("stat", folder.as_str().into())?.is_null() {
            cx.io.call("make-dir", folder.as_str().into())?;
        }
    }
    cx.io.write_file(path, text)?.ok();
    Ok(())
}
