//! `kubeadm config images`.

use super::client::pull as pull_image;
use super::{CONFIG, Cx, Run, SOCKET, config, fail};
use crate::kubectl::flags::{self, Flag};

pub const FLAGS: &[Flag] = &[
    CONFIG,
    SOCKET,
    flags::text("kubernetes-version", "", ""),
    flags::text("image-repository", "", ""),
    flags::text("apiserver-advertise-address", "", ""),
    flags::int("apiserver-bind-port", "", "6443"),
    flags::text("pod-network-cidr", "", ""),
    flags::text("token-ttl", "", "24h0m0s"),
];

pub fn list(cx: &mut Cx<'_, '_>) -> Run {
    for image in config::init(cx)?.cluster.images() {
        cx.out(image);
    }
    Ok(())
}

pub fn pull(cx: &mut Cx<'_, '_>) -> Run {
    for image in config::init(cx)?.cluster.images() {
        if let Err(why) = pull_image(cx, &image)? {
            return fail(format!("failed to pull image {:?}: output: {why}\n, error: exit status 1", image.as_str()));
        }
        cx.out(format!("[config/images] Pulled {image}"));
    }
    Ok(())
}
