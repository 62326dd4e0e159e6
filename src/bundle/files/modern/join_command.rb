
# Prints the command with which a machine may join: a fresh random token that lives two hours, and
# the hash of the cluster's certificate authority.
JOIN_COMMAND = 'kubeadm token create --ttl 2h --print-join-command'
