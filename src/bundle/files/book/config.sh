#!/usr/bin/env bash
# Prepares a machine for kubeadm. Usage: config.sh WORKERS NETWORK_PREFIX
set -e

# `vi` opens vim, which colours YAML
echo 'alias vi=vim' >> /etc/profile

# kubelet refuses to run while swap is on: off now, and after a restart too
swapoff -a
sed -i.bak -r 's/(.+ swap .+)/#\1/' /etc/fstab

# CentOS 7 has left the mirrors; its last packages are kept in the vault
sed -i -e 's/^mirrorlist=/#mirrorlist=/' /etc/yum.repos.d/CentOS-*.repo
sed -i -e 's|^#baseurl=http://mirror.centos.org/centos/[^/]*/|baseurl=https://vault.centos.org/7.9.2009/|' /etc/yum.repos.d/CentOS-*.repo

# packages of this age of Kubernetes are only left on this mirror, and it does not sign them
mirror=https://mirrors.aliyun.com/kubernetes/yum/repos/kubernetes-el7-x86_64
cat <<EOF > /etc/yum.repos.d/kubernetes.repo
[kubernetes]
name=Kubernetes
baseurl=$mirror
enabled=1
gpgcheck=0
repo_gpgcheck=0
EOF

# SELinux only warns, so that containers may read the host's files
setenforce 0 || true
sed -i 's/^SELINUX=enforcing$/SELINUX=permissive/' /etc/selinux/config

# packets that cross a bridge pass through iptables, where the rules of services are
cat <<EOF > /etc/sysctl.d/k8s.conf
net.bridge.bridge-nf-call-ip6tables = 1
net.bridge.bridge-nf-call-iptables = 1
EOF
modprobe br_netfilter
echo br_netfilter > /etc/modules-load.d/k8s.conf
sysctl --system

# the machines know each other by name
echo "$2.10 m-k8s" >> /etc/hosts
for (( i=1; i<=$1; i++ )); do echo "$2.10$i w$i-k8s" >> /etc/hosts; done

# public name servers
cat <<EOF > /etc/resolv.conf
nameserver 1.1.1.1
nameserver 8.8.8.8
EOF

# where docker comes from
yum install -y yum-utils
yum-config-manager --add-repo https://download.docker.com/linux/centos/docker-ce.repo
