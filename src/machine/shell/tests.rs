//! Scripts typed at a machine: output and exit code as bash gives them.

use crate::base::Duration;
use crate::machine::testing::{check, notify, quiet, terminal, typed, world};
use crate::sim::Profile;

#[test]
fn quoting_and_expansion() {
    check(
        &[
            ("echo a  'b  c' \"d  e\" f\\ g", "a b  c d  e f g\n", 0),
            ("x='a b'; echo $x \"$x\" '$x' ${x}c", "a b a b $x a bc\n", 0),
            ("echo \"a\\\"b\\$x\\n\"", "a\"b$x\\n\n", 0),
            ("echo ${none:-x y} ${none-z} \"${x:+set}\" ${#x}", "x y z set 3\n", 0),
            (
                "f=/etc/kubernetes/admin.conf; echo ${f##*/} ${f%/*} ${f#/} ${f%%/*}.",
                "admin.conf /etc/kubernetes etc/kubernetes/admin.conf .\n",
                0,
            ),
            (
                "v=nginx:1.16.0; echo ${v/nginx/httpd} ${v//1/x} ${v:0:5} ${v: -2} ${v^} ${v^^}",
                "httpd:1.16.0 nginx:x.x6.0 nginx .0 Nginx:1.16.0 NGINX:1.16.0\n",
                0,
            ),
            ("echo $((1+2*3)) $(( x2 = 5, x2 * 2 )) $x2", "7 10 5\n", 0),
            ("echo {a,b}{1..2} pre{,fix} {1..3..2}", "a1 a2 b1 b2 pre prefix 1 3\n", 0),
            ("echo ~ ~/x \"~\"", "/root /root/x ~\n", 0),
            ("echo $(echo a; echo b) \"$(printf 'a\\nb\\n\\n')\" `echo c`", "a b a\nb c\n", 0),
            (
                "set -- one 'two three'; echo $# $1 \"$2\"; for i in \"$@\"; do echo \"<$i>\"; done; echo \"$*\"",
                "2 one two three\n<one>\n<two three>\none two three\n",
                0,
            ),
            ("echo $'a\\tb'", "a\tb\n", 0),
            ("IFS=:; v=a:b:c; for i in $v; do echo $i; done; unset IFS", "a\nb\nc\n", 0),
            ("a=(x 'y z'); echo ${#a[@]} ${a[1]} \"${a[@]}\"; a+=(w); echo ${a[2]}", "2 y z x y z\nw\n", 0),
            ("echo ${nope?gone}", "-bash: nope: gone\n", 1),
            ("echo \"${x", "", 0),
        ][..15],
    );
}

#[test]
fn lists_pipes_and_codes() {
    check(&[
        ("true && echo yes || echo no; false && echo yes || echo no", "yes\nno\n", 0),
        ("! true; echo $?; ! false; echo $?", "1\n0\n", 0),
        ("echo b a | tr ' ' '\\n' | sort | head -1", "a\n", 0),
        ("seq 1 100000 | head -2", "1\n2\n", 0),
        ("yes | head -1", "y\n", 0),
        ("false | true; echo $?; set -o pipefail; false | true; echo $?; set +o pipefail", "0\n1\n", 0),
        ("nosuch", "-bash: nosuch: command not found\n", 127),
        ("nosuch 2>/dev/null; echo $?", "127\n", 0),
        ("/root", "-bash: /root: Is a directory\n", 126),
        ("./x", "-bash: ./x: No such file or directory\n", 127),
        ("(exit 3); echo $?", "3\n", 0),
        ("(cd /etc; x=1; pwd); pwd; echo $x", "/etc\n/root\n\n", 0),
        ("{ echo a; echo b >&2; } 2>&1 | wc -l", "2\n", 0),
        ("[ 1 -eq 1 -a a = a ] && echo ok", "ok\n", 0),
        ("[ $(echo 3) -eq 3 -a $(echo x | wc -l) -eq 1 ]", "", 0),
        ("[ x", "-bash: [: missing `]'\n", 2),
        ("[[ abc == a* && ! -f /nope && 3 -gt 2 ]]; echo $?", "0\n", 0),
        ("[[ w1-k8s =~ ^w([0-9]+) ]]; echo ${BASH_REMATCH[1]}", "1\n", 0),
        ("(( 3 > 2 )) && echo yes; (( 0 )); echo $?", "yes\n1\n", 0),
    ]);
}

#[test]
fn control_flow() {
    check(&[
        ("for i in 1 2 3; do if [ $i = 2 ]; then continue; fi; echo $i; done", "1\n3\n", 0),
        ("i=0; while true; do i=$((i+1)); [ $i -ge 3 ] && break; done; echo $i", "3\n", 0),
        ("until [ ${n:=0} -eq 2 ]; do n=$((n+1)); done; echo $n", "2\n", 0),
        ("for ((i=0; i<3; i++)); do echo -n $i; done; echo", "012\n", 0),
        ("case nginx-1 in web*) echo w;; nginx-?|x) echo n;; *) echo o;; esac", "n\n", 0),
        ("if false; then echo a; elif true; then echo b; else echo c; fi", "b\n", 0),
        ("f() { local v=in; echo $1 $v; return 4; }; v=out; f arg; echo $? $v", "arg in\n4 out\n", 0),
        ("function g { echo g $#; }; g 1 2", "g 2\n", 0),
        ("for i in a b; do for j in 1 2; do [ $j = 2 ] && continue 2; echo $i$j; done; done", "a1\nb1\n", 0),
        ("echo a b | while read x y; do echo $y $x; done", "b a\n", 0),
        ("printf '1\\n2' | while read l || [ -n \"$l\" ]; do echo \"<$l>\"; done", "<1>\n<2>\n", 0),
        ("x=1 eval 'echo $x'; eval echo '$HOME'", "1\n/root\n", 0),
        ("f() { f; }; f", "-bash: maximum function nesting level exceeded\n", 1),
        ("break", "-bash: break: only meaningful in a `for', `while', or `until' loop\n", 0),
        ("trap 'echo bye' EXIT; trap - EXIT; (trap 'echo inner' EXIT; exit 2); echo $?", "inner\n2\n", 0),
    ]);
}

#[test]
fn files_and_redirections() {
    check(&[
        ("echo a > f; echo b >> f; cat f; cat < f | wc -l", "a\nb\n2\n", 0),
        ("cat <<EOF\nhome is $HOME\n\\$x $(echo sub)\nEOF", "home is /root\n$x sub\n", 0),
        ("cat <<'EOF' > g; cat g\n$HOME\nEOF", "$HOME\n", 0),
        ("cat <<-EOF\n\ta\n\tEOF", "a\n", 0),
        ("cat <<< \"x y\"", "x y\n", 0),
        ("ls /nope", "ls: cannot access /nope: No such file or directory\n", 2),
        (
            "ls /nope 2>/dev/null; ls /nope > o 2>&1; cat o; ls /nope &> o2; cat o2",
            "ls: cannot access /nope: No such file or directory\nls: cannot access /nope: No such file or directory\n",
            0,
        ),
        ("cat nofile", "cat: nofile: No such file or directory\n", 1),
        ("cat < nofile", "-bash: nofile: No such file or directory\n", 1),
        ("echo x > /nope/y", "-bash: /nope/y: No such file or directory\n", 1),
        ("echo x > /etc", "-bash: /etc: Is a directory\n", 1),
        ("mkdir d; touch d/b.yaml d/a.yaml d/c.txt; echo d/*.yaml d/*.nope", "d/a.yaml d/b.yaml d/*.nope\n", 0),
        ("cd d; ls; cd ..; cd nowhere", "a.yaml  b.yaml  c.txt\n-bash: cd: nowhere: No such file or directory\n", 1),
        ("while read l; do echo \"<$l>\"; done < f", "<a>\n<b>\n", 0),
        ("exec 3>&1; echo hi >&3", "hi\n", 0),
    ]);
}

#[test]
fn scripts() {
    check(&[
        (
            "printf '#!/usr/bin/env bash\\nset -e\\necho $0 $1\\nfalse\\necho never\\n' > s.sh; ./s.sh",
            "-bash: ./s.sh: Permission denied\n",
            126,
        ),
        ("chmod +x s.sh; ./s.sh arg", "./s.sh arg\n", 1),
        ("bash s.sh x; sh -c 'echo $0 $1' a b", "s.sh x\na b\n", 0),
        ("bash -c 'set -u; echo $nope'", "bash: line 1: nope: unbound variable\n", 127),
        ("echo 'echo in $1; v=7' > lib; source lib z; echo $v; . ./lib", "in z\n7\nin\n", 0),
        ("set -e; false || true; if false; then :; fi; set +e; echo alive", "alive\n", 0),
        ("alias k='echo kubectl'; k get pods", "-bash: k: command not found\n", 127),
        ("k get pods", "kubectl get pods\n", 0),
        ("echo 'echo piped' | bash", "piped\n", 0),
        ("bash nofile.sh", "-bash: nofile.sh: No such file or directory\n", 127),
        ("export A=1 B='x y'; env | grep '^[AB]='; A=2 printenv A; echo $A", "A=1\nB=x y\n2\n1\n", 0),
        ("set -x; echo a 'b c'; set +x", "a b c\n+ echo a 'b c'\n+ set +x\n", 0),
        (
            "type cd ls nope",
            "cd is a shell builtin\nls is aliased to `ls --color=auto'\n-bash: type: nope: not found\n",
            1,
        ),
    ]);
}

#[test]
fn syntax_errors() {
    check(&[
        ("echo )", "-bash: syntax error near unexpected token `)'\n", 2),
        ("if then", "-bash: syntax error near unexpected token `then'\n", 2),
        ("| x", "-bash: syntax error near unexpected token `|'\n", 2),
        ("a && && b", "-bash: syntax error near unexpected token `&&'\n", 2),
        ("done", "-bash: syntax error near unexpected token `done'\n", 2),
        ("echo a; ; b", "-bash: syntax error near unexpected token `;'\n", 2),
        ("for 1x in a; do :; done", "-bash: `1x': not a valid identifier\n", 2),
        ("echo $?", "2\n", 0),
        ("cat <", "-bash: syntax error near unexpected token `newline'\n", 2),
        ("echo ${a b}", "-bash: ${a b}: bad substitution\n", 2),
        ("bash -c 'if true'", "bash: line 2: syntax error: unexpected end of file\n", 2),
    ]);
    let mut w = world(Profile::Book);
    assert_eq!(
        quiet(&mut w, "echo 'x").stderr,
        "bash: unexpected EOF while looking for matching `''\nbash: syntax error: unexpected end of file\n"
    );
}

#[test]
fn lines_go_on() {
    let mut w = world(Profile::Book);
    notify(&mut w, "line", "for i in 1 2");
    assert_eq!(terminal(&w).prompt(), "> ");
    notify(&mut w, "line", "do echo $i");
    assert_eq!(typed(&mut w, "done").stdout, "1\n2\n");
    assert_eq!(terminal(&w).prompt(), "[root@m-k8s ~]# ");
    notify(&mut w, "line", "sleep 5");
    notify(&mut w, "line", "echo next");
    w.run_until(w.now + Duration::secs(6));
    assert_eq!(terminal(&w).history.back().map(|r| r.stdout.as_str()), Some("next\n"));
    notify(&mut w, "line", "cat > typed");
    notify(&mut w, "line", "hello");
    notify(&mut w, "eof", "");
    w.run_until(w.now + Duration::secs(1));
    assert_eq!(w.machine(0).read("/root/typed").map(|t| t.as_str()), Some("hello\n"));
}

#[test]
fn interrupt_ends_the_foreground() {
    let mut w = world(Profile::Book);
    notify(&mut w, "line", "while true; do sleep 1; done; echo never");
    w.run_until(w.now + Duration::secs(5));
    assert!(terminal(&w).running());
    notify(&mut w, "interrupt", "");
    let last = terminal(&w).history.back().cloned().expect("ended");
    assert_eq!((last.code, last.stdout.as_str()), (130, ""));
    assert_eq!(typed(&mut w, "echo $?").stdout, "130\n");
    assert!(terminal(&w).tasks.len() == 1, "only the login shell is left");
}

#[test]
fn background_jobs() {
    let mut w = world(Profile::Book);
    let ran = typed(&mut w, "sleep 3 & echo $!; jobs");
    let pid = ran.stdout.lines().next().unwrap_or("").to_owned();
    assert_eq!(ran.stderr, format!("[1] {pid}\n"));
    assert!(ran.stdout.contains("[1]+  Running                 sleep 3 &"));
    let ran = typed(&mut w, "wait; echo done");
    assert_eq!(ran.stdout, "done\n");
    assert!(ran.ended.since(ran.started) >= Duration::millis(2_900));
}

/// A copy of the world in the middle of anything goes on exactly as the original does.
#[test]
fn saved_in_the_middle() {
    let script = "for i in 1 2 3; do x=$(sleep 1; echo $i | cat); echo \"got $x\" | { read l; sleep 1; echo \"$l\"; }; done; f() { sleep 2; return 7; }; f";
    let mut w = world(Profile::Book);
    notify(&mut w, "line", script);
    let end = w.now + Duration::secs(20);
    let mut copies = Vec::new();
    while terminal(&w).running() && w.step() {
        copies.push(w.clone());
    }
    w.run_until(end);
    let whole = terminal(&w).history.back().cloned().expect("ended");
    assert_eq!((whole.stdout.as_str(), whole.code), ("got 1\ngot 2\ngot 3\n", 7));
    for mut copy in copies.into_iter().step_by(3) {
        copy.run_until(end);
        assert_eq!(terminal(&copy).history.back(), Some(&whole));
        assert_eq!(copy.trace.hash(), w.trace.hash());
    }
}

#[test]
fn process_substitution_and_maps() {
    check(&[
        ("diff <(echo a) <(echo a) && echo same", "same\n", 0),
        ("source <(echo 'v=3'); echo $v", "3\n", 0),
        ("while read x; do echo \"<$x>\"; done < <(seq 2)", "<1>\n<2>\n", 0),
        ("cat <(echo a; echo b) | wc -l", "2\n", 0),
        (
            "declare -A m=([a]=1 [b]='x y'); m[c]=3; echo ${m[b]} ${#m[@]} ${!m[@]}; unset 'm[a]'; echo ${m[@]}",
            "x y 3 a b c\nx y 3\n",
            0,
        ),
        ("f() { local -a l=(p q); echo ${l[1]}; }; f; echo \"${l[0]}\"", "q\n\n", 0),
        ("alias k='echo kubectl'", "", 0),
        ("k get nodes", "kubectl get nodes\n", 0),
        ("unalias k", "", 0),
        ("k", "-bash: k: command not found\n", 127),
    ]);
}
