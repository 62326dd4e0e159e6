#!/usr/bin/env bash
# Makes this machine the control plane.
# Usage: master_node.sh NETWORK_PREFIX CNI POD_CIDR SERVICE_CIDR KUBERNETES_VERSION
set -e

# the token is written down here and never expires, so that workers can join without asking
kubeadm init --kubernetes-version "$5" --token 123456.1234567890123456 --token-ttl 0 \
  --pod-network-cidr="$3" --service-cidr="$4" --apiserver-advertise-address="$1.10"

# root's kubectl finds the cluster
mkdir -p /root/.kube
cp /etc/kubernetes/admin.conf /root/.kube/config

# the pod network; until it runs, every node is NotReady
if [ "$2" = 'flannel' ]; then
  # flannel shall use the lab's network and not the one that every machine shares with the host
  curl -fsSL https://raw.githubusercontent.com/flannel-io/flannel/v0.12.0/Documentation/kube-flannel.yml \
    | sed -e "s|10.244.0.0/16|$3|" -e "s|- --kube-subnet-mgr|&\n        - --iface-regex=^$1[.]|" \
    | kubectl apply --kubeconfig /etc/kubernetes/admin.conf -f -
else
  curl -fsSL https://raw.githubusercontent.com/sysnet4admin/IaC/master/manifests/172.16_net_calico.yaml \
    | sed "s|172.16.0.0/16|$3|" | kubectl apply --kubeconfig /etc/kubernetes/admin.conf -f -
fi
