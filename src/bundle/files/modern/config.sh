#!/usr/bin/env bash
# Prepares a machine for kubeadm. Usage: config.sh WORKERS NETWORK_PREFIX
set -e

# kubelet refuses to run while swap is on: off now, and after a restart too
swapoff -a
sed -i.bak -r 's/(.+ swap .+)/#\1/' /etc/fstab

# SELinux only warns, so that containers may read the host's files
setenforce 0 || true
sed -i 's/^SELINUX=enforcing$/SELINUX=permissive/' /etc/selinux/config

# layered file systems for containers, and bridges that iptables can see
cat <<EOF > /etc/modules-load.d/k8s.conf
overlay
br_netfilter
EOF
modprobe overlay
modprobe br_netfilter

# packets may be forwarded and pass through iptables, where the rules of services are
cat <<EOF > /etc/sysctl.d/k8s.conf
net.bridge.bridge-nf-call-ip6tables = 1
net.bridge.bridge-nf-call-iptables = 1
net.ipv4.ip_forward = 1
EOF
sysctl --system

# the lab's own network is trusted; a firewall between the nodes would need some twenty ports opened
systemctl disable --now firewalld || true

# the machines know each other by name
echo "$2.10 m-k8s" >> /etc/hosts
for (( i=1; i<=$1; i++ )); do echo "$2.10$i w$i-k8s" >> /etc/hosts; done
