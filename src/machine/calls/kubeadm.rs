//! Calls about packages, images and the data that kubeadm and vagrant look at.

use crate::api::Value;
use crate::base::Str;
use crate::machine::terminal::CommandHost;
use crate::runtime::{ContainerState, Image, images, process};

/// Version and release of an installed package; empty: it is not installed.
pub fn package(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    host.ctx.host().packages.get(input.as_str()).cloned().unwrap_or_default().into()
}

/// What pulling an image would take, or why it cannot be pulled.
pub fn look(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    let profile = host.ctx.world.config.profile;
    let image = input.as_str();
    let full = images::normalize(image).unwrap_or_default();
    match images::find(&full) {
        Ok(row) => {
            let here = host.ctx.host().runtime.images.contains_key(&full);
            let micros = if here { 40_000 } else { images::pull_time(row.size(), false).0 };
            map! { "size" => row.size(), "micros" => micros }.into()
        }
        Err(e) => map! { "error" => images::pull_error(profile, image, e) }.into(),
    }
}

/// The image was pulled.
pub fn keep(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let full = images::normalize(input.as_str()).unwrap_or_default();
    if let Ok(row) = images::find(&full) {
        let image = Image { reference: full.clone(), digest: images::digest(&full), size: row.size() };
        host.ctx.host_mut().runtime.images.insert(full, image);
    }
    Value::Null
}

/// Whether etcd has data here.
pub fn etcd_data(host: &CommandHost<'_, '_>) -> Value {
    host.ctx.host().etcd_data.is_some().into()
}

pub fn etcd_wipe(host: &mut CommandHost<'_, '_>) -> Value {
    let machine = host.ctx.host_mut();
    machine.etcd_data = None;
    machine.etcd_kept = Default::default();
    Value::Null
}

/// Ends and forgets every container of the machine.
pub fn remove_containers(host: &mut CommandHost<'_, '_>) -> Value {
    let (machine, cause) = (host.ctx.machine, host.ctx.cause);
    let world = &mut *host.ctx.world;
    let data = &world.machine(machine).runtime;
    let running: Vec<Str> =
        data.containers.values().filter(|c| c.state == ContainerState::Running).map(|c| c.id.clone()).collect();
    let sandboxes: Vec<Str> = data.sandboxes.keys().cloned().collect();
    for id in running {
        process::exit(world, machine, &id, 137, true, cause);
    }
    for id in sandboxes {
        process::end_sandbox(world, machine, &id, cause);
    }
    let data = &mut world.machine_mut(machine).runtime;
    data.containers.clear();
    data.sandboxes.clear();
    data.by_ip.clear();
    Value::Null
}

/// The address that a program finds which only looks at the default route.
pub fn default_address(_host: &CommandHost<'_, '_>) -> Value {
    crate::sim::world::NAT.into()
}
