#!/usr/bin/env bash
# Installs the container runtime and Kubernetes. Usage: install_pkg.sh KUBERNETES_VERSION
set -e

# an editor with colours
yum install -y vim-enhanced

# the container runtime
yum install -y docker-ce-18.06.0.ce-3.el7
systemctl enable --now docker

# Kubernetes: kubelet runs from now on and restarts until kubeadm has given it a configuration
yum install -y "kubelet-$1" "kubeadm-$1" "kubectl-$1"
systemctl enable --now kubelet
