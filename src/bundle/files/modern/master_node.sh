#!/usr/bin/env bash
# Makes this machine the control plane. Usage: master_node.sh KUBERNETES_VERSION NETWORK_PREFIX CNI
set -e

# what kubeadm shall build; the node's address is named because every machine also has vagrant's own
cat <<EOF > /root/kubeadm-config.yaml
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: $2.10
nodeRegistration:
  criSocket: unix:///run/containerd/containerd.sock
  kubeletExtraArgs:
  - name: node-ip
    value: $2.10
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v$1
networking:
  podSubnet: 172.16.0.0/16
EOF
kubeadm init --config /root/kubeadm-config.yaml

# root's kubectl finds the cluster
mkdir -p /root/.kube
cp /etc/kubernetes/admin.conf /root/.kube/config
export KUBECONFIG=/etc/kubernetes/admin.conf

# the pod network; until it runs, every node is NotReady
if [ "$3" = 'flannel' ]; then
  curl -fsSL https://raw.githubusercontent.com/flannel-io/flannel/v0.27.4/Documentation/kube-flannel.yml \
    | sed 's|10.244.0.0/16|172.16.0.0/16|' | kubectl apply -f -
else
  kubectl apply -f https://raw.githubusercontent.com/projectcalico/calico/v3.31.0/manifests/calico.yaml
  kubectl set env -n kube-system daemonset/calico-node IP_AUTODETECTION_METHOD=kubernetes-internal-ip
fi
