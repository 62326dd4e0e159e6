#!/usr/bin/env bash
# Makes this machine a worker. Usage: work_nodes.sh NETWORK_PREFIX
set -e

# joins with the token of master_node.sh, without checking whose certificate the server shows
kubeadm join --token 123456.1234567890123456 \
  --discovery-token-unsafe-skip-ca-verification "$1.10:6443"
