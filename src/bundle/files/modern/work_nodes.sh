#!/usr/bin/env bash
# Makes this machine a worker. Usage: work_nodes.sh ADDRESS kubeadm join SERVER --token … --discovery-token-ca-cert-hash …
set -e

# a worker that has joined already has this file
[ -e /etc/kubernetes/kubelet.conf ] && exit 0

# every machine also has vagrant's own address: name the one of the lab
echo "KUBELET_EXTRA_ARGS=--node-ip=$1" > /etc/sysconfig/kubelet

# the rest of the line is what `kubeadm token create --print-join-command` printed on m-k8s
shift
"$@"
