//! What commands print and return, as typed at `m-k8s`.

use crate::base::Duration;
use crate::machine::testing::{check, check_on, notify, quiet, terminal, typed, world};
use crate::sim::Profile;

#[test]
fn systemctl_of_the_book() {
    check(
        &[
            ("systemctl is-active kubelet", "active\n", 0),
            ("systemctl stop kubelet", "", 0),
            ("systemctl is-active kubelet", "inactive\n", 3),
            (
                "systemctl status kubelet | head -4 | cut -c1-46",
                "● kubelet.service - kubelet: The Kubernetes No\n   Loaded: loaded (/usr/lib/systemd/system/kub\n  Drop-In: /usr/lib/systemd/system/kubelet.ser\n           └─10-kubeadm.conf\n",
                0,
            ),
            (
                "systemctl status kubelet | grep Active | cut -d';' -f1",
                "   Active: inactive (dead) since Mon 2026-01-05 09:00:00 UTC\n",
                0,
            ),
            ("systemctl status kubelet > /dev/null", "", 3),
            ("systemctl start kubelet && systemctl is-active kubelet", "active\n", 0),
            ("systemctl stop nosuch", "Failed to stop nosuch.service: Unit nosuch.service not loaded.\n", 5),
            ("systemctl start nosuch", "Failed to start nosuch.service: Unit not found.\n", 5),
            ("systemctl status nosuch", "Unit nosuch.service could not be found.\n", 4),
            ("systemctl is-active nosuch", "unknown\n", 3),
            ("systemctl enable nosuch", "Failed to execute operation: No such file or directory\n", 1),
            (
                "systemctl disable kubelet",
                "Removed symlink /etc/systemd/system/multi-user.target.wants/kubelet.service.\n",
                0,
            ),
            ("systemctl disable kubelet; systemctl is-enabled kubelet", "disabled\n", 1),
            (
                "systemctl enable kubelet",
                "Created symlink from /etc/systemd/system/multi-user.target.wants/kubelet.service to /usr/lib/systemd/system/kubelet.service.\n",
                0,
            ),
            ("systemctl frob kubelet", "Unknown operation 'frob'.\n", 1),
            ("systemctl start", "Too few arguments.\n", 1),
            ("systemctl daemon-reload", "", 0),
            (
                "journalctl -u kubelet -n 2 --no-pager | cut -c17-",
                "09:00:00 UTC, end at Mon 2026-01-05 09:00:00 UTC. --\nm-k8s systemd[1]: Stopped kubelet: The Kubernetes Node Agent.\nm-k8s systemd[1]: Started kubelet: The Kubernetes Node Agent.\n",
                0,
            ),
        ][..18],
    );
}

#[test]
fn systemctl_of_today() {
    check_on(
        Profile::Modern,
        &[
            ("systemctl start nosuch", "Failed to start nosuch.service: Unit nosuch.service not found.\n", 5),
            ("systemctl enable nosuch", "Failed to enable unit: Unit file nosuch.service does not exist.\n", 1),
            (
                "systemctl stop containerd; systemctl status containerd | head -1",
                "○ containerd.service - containerd container runtime\n",
                0,
            ),
            ("systemctl frob", "Unknown command verb 'frob'.\n", 1),
            ("systemctl is-active nosuch", "inactive\n", 3),
            ("ls /nope", "ls: cannot access '/nope': No such file or directory\n", 2),
        ],
    );
}

#[test]
fn what_dies_starts_again() {
    let mut w = world(Profile::Book);
    let ran = typed(&mut w, "kill -9 $(pgrep kubelet); systemctl is-active kubelet");
    assert_eq!((ran.stdout.as_str(), ran.code), ("activating\n", 3));
    w.run_until(w.now + Duration::secs(11));
    assert_eq!(typed(&mut w, "systemctl is-active kubelet").stdout, "active\n");
    let log = typed(&mut w, "journalctl -u kubelet --no-pager | grep -c 'entered failed state'");
    assert_eq!(log.stdout, "1\n");
}

#[test]
fn text_tools() {
    check(&[
        (
            "printf 'b 2\\na 10\\nc 1\\n' > t; sort t | head -1; sort -k2 -n t | tail -1; sort -r t | head -1",
            "a 10\na 10\nc 1\n",
            0,
        ),
        ("printf 'a\\na\\nb\\n' | uniq -c", "      2 a\n      1 b\n", 0),
        (
            "wc t; wc -l < t; cat t | wc; wc -l t nofile",
            " 3  6 13 t\n3\n      3       6      13\n 3 t\n 3 total\nwc: nofile: No such file or directory\n",
            1,
        ),
        ("cut -d' ' -f2 t; echo abcdef | cut -c2-4", "2\n10\n1\nbcd\n", 0),
        ("grep -n a t; grep -c . t; grep -v a t; grep -q zz t; echo $?", "2:a 10\n3\nb 2\nc 1\n1\n", 0),
        ("grep -A1 b t; grep -o '[0-9]*' t | tr '\\n' ,", "b 2\na 10\n2,10,1,", 0),
        ("grep x nofile", "grep: nofile: No such file or directory\n", 2),
        ("grep -k x t", "grep: invalid option -- 'k'\nTry 'grep --help' for more information.\n", 2),
        ("awk '{print $2}' t; awk -F: '/root/{print $1, $NF}' /etc/passwd", "2\n10\n1\nroot /bin/bash\n", 0),
        ("awk '{s+=$2} END {print s, NR, s/NR}' t; awk '$2>1 {print $1}' t", "13 3 4.33333\nb\na\n", 0),
        ("awk 'NR==1{next} {printf \"%s=%d\\n\", $1, $2}' t", "a=10\nc=1\n", 0),
        (
            "awk 'BEGIN{for(i=1;i<=3;i++) printf i \" \"; print \"\"}'; awk '{c[$1]++} END{for (k in c) print k, c[k]}' t",
            "1 2 3 \na 1\nb 1\nc 1\n",
            0,
        ),
        ("echo 'x=1' | awk -F= -v y=2 '{print $2+y; gsub(/x/,\"z\"); print}'", "3\nz=1\n", 0),
        ("sed -i 's/a 10/a 11/' t; sed -n 2p t; sed 's/b/B/' t | head -1", "a 11\nB 2\n", 0),
        ("sed s/replicas:.4/replicas:\\ 5/ <<< 'replicas: 4'", "replicas: 5\n", 0),
        ("echo 'A b' | tr 'a-z' 'A-Z' | tr -d ' '", "AB\n", 0),
        (
            "seq 3 | xargs echo n; seq 2 | xargs -I{} echo '<{}>'; echo x | xargs nosuch",
            "n 1 2 3\n<1>\n<2>\nxargs: nosuch: No such file or directory\n",
            127,
        ),
        ("echo a | tee f g; cat f g; seq 3 | tac | head -1", "a\na\na\n3\n", 0),
        ("head -n 1 t; tail -n 1 t; tail -n +3 t; head -2 t | tail -1", "b 2\nc 1\nc 1\na 11\n", 0),
        ("timeout 2 sleep 10; echo $?; timeout 5 true; echo $?", "124\n0\n", 0),
        ("date -d @1767603600 +%F; date +%Y", "2026-01-05\n2026\n", 0),
        ("basename /a/b.c .c; dirname /a/b.c; which kubectl nosuch 2>/dev/null", "b\n/a\n/usr/bin/kubectl\n", 1),
    ]);
}

#[test]
fn files_and_machine() {
    check(&[
        ("mkdir -p a/b && touch a/b/f && cp -r a c && ls c/b && mv c/b/f c/g && ls c", "f\nb  g\n", 0),
        (
            "cp a x; cp nofile x; mkdir a; rmdir a",
            "cp: omitting directory 'a'\ncp: cannot stat 'nofile': No such file or directory\nmkdir: cannot create directory 'a': File exists\nrmdir: failed to remove 'a': Directory not empty\n",
            1,
        ),
        (
            "rm a; rm -f nofile; rm nofile; rm -rf a; ls a",
            "rm: cannot remove 'a': Is a directory\nrm: cannot remove 'nofile': No such file or directory\nls: cannot access a: No such file or directory\n",
            2,
        ),
        ("find /root -name g; find c -type d", "/root/c/g\nc\nc/b\n", 0),
        ("echo hi > s; chmod 600 s; ls -l s | cut -c1-25", "-rw------- 1 root root 3 \n", 0),
        ("hostname; whoami; uname -r; nproc; id -u", "m-k8s\nroot\n3.10.0-1127.19.1.el7.x86_64\n1\n0\n", 0),
        (
            "modprobe -r br_netfilter; lsmod | grep -c br_; sysctl net.bridge.bridge-nf-call-iptables",
            "0\nsysctl: cannot stat /proc/sys/net/bridge/bridge-nf-call-iptables: No such file or directory\n",
            255,
        ),
        (
            "modprobe br_netfilter; sysctl -n net.bridge.bridge-nf-call-iptables; modprobe nosuch",
            "1\nmodprobe: FATAL: Module nosuch not found in directory /lib/modules/3.10.0-1127.19.1.el7.x86_64\n",
            1,
        ),
        (
            "sysctl -w net.ipv4.ip_forward=0; cat /proc/sys/net/ipv4/ip_forward; sysctl --system | tail -1",
            "net.ipv4.ip_forward = 0\n0\nnet.ipv4.ip_forward = 1\n",
            0,
        ),
        (
            "ps -ef | grep kubelet | grep -v grep | wc -l; pgrep -c x; pgrep kubelet | wc -l",
            "1\n1\npgrep: invalid option -- 'c'\nTry `pgrep --help' for more information.\n",
            0,
        ),
        (
            "ping -c 1 w1-k8s | head -1; ping -c1 nohost",
            "PING w1-k8s (192.168.1.101) 56(84) bytes of data.\nping: nohost: Name or service not known\n",
            2,
        ),
        (
            "mkdir -p ~/.ssh; touch ~/.ssh/id_rsa; echo w1-k8s,x x y > ~/.ssh/known_hosts; ssh w1-k8s hostname; ssh root@w1-k8s 'echo $((1+1)); exit 3'; echo $?",
            "w1-k8s\n2\n3\n",
            0,
        ),
        (
            "echo data | ssh w1-k8s 'cat > /tmp/x; cat /tmp/x'; ssh nohost x",
            "data\nssh: Could not resolve hostname nohost: Name or service not known\n",
            255,
        ),
        ("curl -s -m 3 http://192.168.1.101:8080", "", 7),
        ("curl http://192.168.1.101:8080", "curl: (7) Failed connect to 192.168.1.101:8080; Connection refused\n", 7),
        (
            "curl -m 3 http://192.168.1.200/; curl nohost",
            "curl: (28) Connection timed out after 3001 milliseconds\ncurl: (6) Could not resolve host: nohost; Unknown error\n",
            6,
        ),
        ("LANG=ko_KR.UTF-8 help ls; help systemctl", "ls: 폴더의 내용을 보여 줍니다\nsystemctl: control services\n", 0),
    ]);
}

#[test]
fn pipes_stream_and_watch_redraws() {
    let mut w = world(Profile::Book);
    notify(&mut w, "line", "while true; do echo tick; sleep 1; done | grep --line-buffered tick | cat");
    w.run_until(w.now + Duration::millis(2_500));
    let shown = terminal(&w).screen.iter().filter(|c| c.text.contains("tick\n")).count();
    assert!(shown >= 3, "{shown} pieces");
    notify(&mut w, "interrupt", "");
    notify(&mut w, "line", "watch -n 1 hostname");
    w.run_until(w.now + Duration::millis(1_500));
    let screen: String = terminal(&w).screen.iter().map(|c| c.text.as_str()).collect();
    assert!(screen.starts_with("Every 1.0s: hostname") && screen.ends_with("\n\nm-k8s\n"), "{screen}");
    notify(&mut w, "interrupt", "");
    let screen: String = terminal(&w).screen.iter().map(|c| c.text.as_str()).collect();
    assert!(screen.contains("tick\n"), "what was there before is back");
    typed(&mut w, "clear");
    assert!(terminal(&w).screen.len() <= 1);
}

#[test]
fn quiet_lines_leave_no_mark() {
    let mut w = world(Profile::Book);
    let before = terminal(&w).screen.len();
    let ran = quiet(&mut w, "echo a; echo b >&2; exit 4");
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str(), ran.code), ("a\n", "b\n", 4));
    assert_eq!(terminal(&w).screen.len(), before);
    assert_eq!(terminal(&w).tasks.len(), 1);
}

#[test]
fn links_lead_where_they_point() {
    check(&[
        ("ln -s /etc/hostname h; cat h; readlink h; readlink -f h", "m-k8s\n/etc/hostname\n/etc/hostname\n", 0),
        ("ls -l h | sed 's/root .* h/root h/'", "lrwxrwxrwx 1 root h -> /etc/hostname\n", 0),
        ("[ -L h ] && [ -f h ] && [ ! -L /etc/hostname ] && echo link", "link\n", 0),
        ("mkdir d; ln -s d e; echo x > e/f; cat d/f; cd e; pwd; cd ..", "x\n/root/e\n", 0),
        (
            "find . -type l | sort; rm h; cat /etc/hostname; ls h",
            "./e\n./h\nm-k8s\nls: cannot access h: No such file or directory\n",
            2,
        ),
        ("ln -s b a; ln -s a b; cat a", "cat: a: Too many levels of symbolic links\n", 1),
        ("ln -s none dead; cat dead; echo y > dead; cat none", "y\ncat: dead: No such file or directory\n", 0),
        (
            "cp -a e g; readlink g; ln -s x g; ls d; ln -sT x g",
            "d\nf  x\nln: failed to create symbolic link 'g': File exists\n",
            1,
        ),
        ("ln -sfn /etc/hosts g; readlink g", "/etc/hosts\n", 0),
    ]);
}

#[test]
fn users_may_what_the_kernel_lets_them() {
    check(&[
        ("id vagrant; whoami", "uid=1000(vagrant) gid=1000(vagrant) groups=1000(vagrant)\nroot\n", 0),
        (
            "echo s > /etc/secret; chmod 600 /etc/secret; su - vagrant -c 'cat /etc/secret; echo x > /etc/y; pwd; id -un'",
            "/home/vagrant\nvagrant\ncat: /etc/secret: Permission denied\n-bash: line 1: /etc/y: Permission denied\n",
            0,
        ),
        (
            "su - vagrant -c 'mkdir -p $HOME/.kube; sudo cp -i /etc/secret $HOME/.kube/config; cat $HOME/.kube/config; sudo chown $(id -u):$(id -g) $HOME/.kube/config; cat $HOME/.kube/config'",
            "s\ncat: /home/vagrant/.kube/config: Permission denied\n",
            0,
        ),
        ("ls -l /home/vagrant/.kube | tail -1 | cut -d' ' -f1-4", "-rw------- 1 vagrant vagrant\n", 0),
        (
            "useradd -m -G wheel dev; id dev; ls -ld /home/dev | cut -d' ' -f1-4; useradd dev",
            "uid=1001(dev) gid=1001(dev) groups=1001(dev),10(wheel)\ndrwx------ 2 dev dev\nuseradd: user 'dev' already exists\n",
            9,
        ),
        (
            "echo secret99 | passwd --stdin dev; su - dev -c 'echo secret99 | sudo id -u'",
            "Changing password for user dev.\npasswd: all authentication tokens updated successfully.\n0\n",
            0,
        ),
        ("userdel -r dev; id dev; ls /home", "vagrant\nid: dev: no such user\n", 0),
    ]);
}

#[test]
fn rights_of_others_and_small_tools() {
    check(&[
        (
            "su vagrant -c 'systemctl stop kubelet'",
            "Failed to stop kubelet.service: Interactive authentication required.\n",
            1,
        ),
        ("su vagrant -c 'yum install -y tree'", "You need to be root to perform this command.\n", 1),
        ("su vagrant -c 'modprobe ip_vs'", "modprobe: ERROR: could not insert 'ip_vs': Operation not permitted\n", 1),
        ("printf 'a b\\nccc d\\n' | column -t", "a    b\nccc  d\n", 0),
        ("comm -12 <(printf 'a\\nb\\n') <(printf 'b\\nc\\n'); paste -sd, <(seq 3)", "b\n1,2,3\n", 0),
        (
            "echo -n abc | md5sum; echo hi | od -c",
            "900150983cd24fb0d6963f7d28e17f72  -\n0000000   h   i  \\n\n0000003\n",
            0,
        ),
        ("getent passwd vagrant; getent group nosuch", "vagrant:x:1000:1000::/home/vagrant:/bin/bash\n", 2),
        ("nc -zv m-k8s 22", "-bash: nc: command not found\n", 127),
        (
            "iptables -S | head -1; iptables -t nat -L KUBE-MARK-MASQ -n; iptables -L NONE",
            "-P INPUT ACCEPT\nChain KUBE-MARK-MASQ (0 references)\ntarget     prot opt source               destination         \nMARK       all  --  0.0.0.0/0            0.0.0.0/0            MARK or 0x4000\niptables: No chain/target/match by that name.\n",
            1,
        ),
        ("mkdir -p t/a; touch t/a/x; tree t", "t\n└── a\n    └── x\n\n1 directory, 1 file\n", 0),
        ("journalctl -u kubelet -o cat -n 1 | wc -l; journalctl -p bogus", "1\nUnknown log level bogus\n", 1),
    ]);
}
