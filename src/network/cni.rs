//! The CNI plugin as the runtime calls it for a new or dying sandbox.
//! Models projectcalico/cni-plugin as far as it gives and takes addresses.

use super::ipam;
use crate::base::{Duration, Str};
use crate::machine::Machine;
use crate::runtime::SandboxSpec;
use crate::sim::{Ctx, Profile, What};

pub const CONF_DIR: &str = "/etc/cni/net.d";
pub const CONF: &str = "/etc/cni/net.d/10-calico.conflist";
/// Written by calico-node: the plugin refuses to work before it.
pub const NODENAME: &str = "/var/lib/calico/nodename";

/// Whether the kubelet finds a network configuration.
pub fn configured(machine: &Machine) -> bool {
    machine.below(CONF_DIR).any(|p| p.ends_with(".conflist") || p.ends_with(".conf"))
}

/// Wires a sandbox and returns its address. `Err`: what the runtime reports.
pub fn cni_add(ctx: &mut Ctx<'_>, profile: Profile, spec: &SandboxSpec, id: &str) -> Result<Str, Str> {
    let why = if !configured(ctx.host()) {
        Some("cni plugin not initialized".to_owned())
    } else if ctx.host().read(NODENAME).is_none() {
        Some(format!(
            "stat {NODENAME}: no such file or directory: check that the calico/node container is running and has mounted /var/lib/calico/"
        ))
    } else {
        None
    };
    if let Some(why) = why {
        return Err(failure(profile, spec, id, &why));
    }
    let (machine, machines) = (ctx.machine, ctx.world.machines().len() as u32);
    let net = &mut ctx.host_mut().net;
    let Some(ip) = ipam::allocate(&mut net.blocks, net.pool, machine, machines) else {
        return Err(failure(profile, spec, id, "failed to request IPv4 addresses: no more free addresses"));
    };
    let ip = ipam::print(ip);
    let (now, me) = (ctx.now(), ctx.me);
    let what = What::Container { call: "CniAdd", pod: spec.pod.clone(), container: Str::new(), detail: ip.clone() };
    let until = now + Duration::millis(15);
    ctx.cause = ctx.world.trace.push(now, until, ctx.cause, me, me, what);
    Ok(ip)
}

fn failure(profile: Profile, spec: &SandboxSpec, id: &str, why: &str) -> Str {
    let (name, namespace) = (&spec.pod.name, &spec.pod.namespace);
    match profile {
        Profile::Book => ecow::eco_format!(
            "rpc error: code = Unknown desc = failed to set up sandbox container \"{id}\" network for pod \"{name}\": networkPlugin cni failed to set up pod \"{name}_{namespace}\" network: {why}"
        ),
        Profile::Modern => ecow::eco_format!(
            "rpc error: code = Unknown desc = failed to setup network for sandbox \"{id}\": plugin type=\"calico\" failed (add): {why}"
        ),
    }
}

/// Gives a sandbox's address back; a second time does nothing.
pub fn cni_del(ctx: &mut Ctx<'_>, id: &Str) {
    let data = &mut ctx.host_mut().runtime;
    let Some(sandbox) = data.sandboxes.get(id) else { return };
    let ip = sandbox.ip.clone();
    if sandbox.host_network || data.by_ip.get(&ip) != Some(id) {
        return;
    }
    data.by_ip.remove(&ip);
    if let Some(ip) = ipam::parse(&ip) {
        ipam::release(&mut ctx.host_mut().net.blocks, ip);
    }
}
