#!/usr/bin/env bash
# Installs the container runtime and Kubernetes. Usage: install_pkg.sh KUBERNETES_VERSION
set -e

# the container runtime, with the cgroup driver that kubelet uses
dnf install -y dnf-plugins-core
dnf config-manager --add-repo https://download.docker.com/linux/centos/docker-ce.repo
dnf install -y containerd.io
containerd config default > /etc/containerd/config.toml
sed -i 's/SystemdCgroup = false/SystemdCgroup = true/' /etc/containerd/config.toml
systemctl enable --now containerd

# Kubernetes' own repository has one folder for each minor version and signs its packages
minor=${1%.*}
cat <<EOF > /etc/yum.repos.d/kubernetes.repo
[kubernetes]
name=Kubernetes
baseurl=https://pkgs.k8s.io/core:/stable:/v$minor/rpm/
enabled=1
gpgcheck=1
gpgkey=https://pkgs.k8s.io/core:/stable:/v$minor/rpm/repodata/repomd.xml.key
exclude=kubelet kubeadm kubectl cri-tools kubernetes-cni
EOF
dnf install -y "kubelet-$1" "kubeadm-$1" "kubectl-$1" --disableexcludes=kubernetes
systemctl enable --now kubelet
