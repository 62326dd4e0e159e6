      cfg.vm.provision 'shell', path: 'work_nodes.sh', args: [NETWORK_PREFIX]
