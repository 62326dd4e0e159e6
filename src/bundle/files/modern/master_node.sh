#!/usr/bin/env bash
# Makes this machine the control plane.
# Usage: master_node.sh NETWORK_PREFIX CNI POD_CIDR SERVICE_CIDR KUBERNETES_VERSION
set -e

# what kubeadm shall build; the node's address is named because every machine also has vagrant's own
cat <<EOF > /root/kubeadm-config.yaml
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: $1.10
nodeRegistration:
  criSocket: unix:///run/containerd/containerd.sock
  kubeletExtraArgs:
  - name: node-ip
    value: $1.10
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v$5
networking:
  podSubnet: $3
  serviceSubnet: $4
EOF
# before 1.31 kubeadm reads v1beta3, where the options of kubelet are no list
minor=${5#1.}
if [ "${minor%.*}" -lt 31 ]; then
  sed -i -e 's/v1beta4/v1beta3/' -e "s/- name: node-ip/  node-ip: $1.10/" -e '/^    value:/d' /root/kubeadm-config.yaml
fi
kubeadm init --config /root/kubeadm-config.yaml

# root's kubectl finds the cluster
mkdir -p /root/.kube
cp /etc/kubernetes/admin.conf /root/.kube/config
export KUBECONFIG=/etc/kubernetes/admin.conf

# the pod network; until it runs, every node is NotReady
if [ "$2" = 'flannel' ]; then
  # flannel shall use the lab's network and not the one that every machine shares with the host
  curl -fsSL https://raw.githubusercontent.com/flannel-io/flannel/v0.27.4/Documentation/kube-flannel.yml \
    | sed -e "s|10.244.0.0/16|$3|" -e "s|- --kube-subnet-mgr|&\n        - --iface-regex=^$1[.]|" \
    | kubectl apply -f -
else
  # Calico takes the pods' range from kubeadm's configuration
  kubectl apply -f https://raw.githubusercontent.com/projectcalico/calico/v3.31.2/manifests/calico.yaml
  kubectl set env -n kube-system daemonset/calico-node IP_AUTODETECTION_METHOD=kubernetes-internal-ip
fi
