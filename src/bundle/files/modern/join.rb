      cfg.vm.provision 'file', source: 'work_nodes.sh', destination: '/tmp/work_nodes.sh'

      # Joining needs what only the control plane can tell, so it happens once this machine is up.
      cfg.trigger.after :up do |trigger|
        trigger.name = 'join the cluster'
        trigger.ruby do |env, machine|
          command = String.new
          master = env.machine(:'m-k8s', machine.provider_name)
          master.communicate.sudo(JOIN_COMMAND) { |stream, text| command << text if stream == :stdout }
          machine.communicate.sudo("bash /tmp/work_nodes.sh #{NETWORK_PREFIX}.10#{i} #{command.strip}")
        end
      end
