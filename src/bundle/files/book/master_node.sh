#!/usr/bin/env bash
# Makes this machine the control plane. Usage: master_node.sh NETWORK_PREFIX CNI
set -e

# the token is written down here and never expires, so that workers can join without asking
kubeadm init --token 123456.1234567890123456 --token-ttl 0 \
  --pod-network-cidr=172.16.0.0/16 --apiserver-advertise-address="$1.10"

# root's kubectl finds the cluster
mkdir -p /root/.kube
cp /etc/kubernetes/admin.conf /root/.kube/config

# the pod network; until it runs, every node is NotReady
if [ "$2" = 'flannel' ]; then
  curl -fsSL https://raw.githubusercontent.com/flannel-io/flannel/v0.12.0/Documentation/kube-flannel.yml \
    | sed 's|10.244.0.0/16|172.16.0.0/16|' | kubectl apply --kubeconfig /etc/kubernetes/admin.conf -f -
else
  kubectl apply --kubeconfig /etc/kubernetes/admin.conf \
    -f https://raw.githubusercontent.com/sysnet4admin/IaC/master/manifests/172.16_net_calico.yaml
fi
