//! The drill as files: what to read (`README`), what to run (`run.sh`), what must be so
//! (`verify.sh`), what it looked like in the simulation (`expected/`).

use std::fmt::Write;

use super::escape::{comment, markdown_code, shell, shell_pattern};
use super::zip::Entry;
use super::{Knobs, profile_name, script, text};
use crate::lesson::check::Expect;
use crate::lesson::format::{Command, HOST, Step};
use crate::lesson::{self, Check, Lesson, Text, span};
use crate::sim::Profile;

pub fn files(lesson: &Lesson, knobs: &Knobs) -> Vec<Entry> {
    let profile = knobs.profile;
    let at = |name: &str| format!("drills/{}/{name}", lesson.name);
    let mut entries = vec![
        text(at("README.en.md"), readme(lesson, &EN)),
        text(at("README.ko.md"), readme(lesson, &KO)),
        script(at("run.sh"), run_sh(lesson)),
        script(at("verify.sh"), verify_sh(lesson)),
        script(at("record.sh"), record_sh(lesson, knobs)),
    ];
    for step in &lesson.steps {
        let content = expected(lesson, step, profile);
        entries.push(text(at(&format!("expected/{}.txt", step.id)), content));
    }
    entries
}

// --- README ---

/// The words around the drill's own texts.
struct Words {
    pick: fn(&Text) -> &str,
    look_at: &'static str,
    question: &'static str,
    answer: &'static str,
    hint: &'static str,
    not_in_kind: &'static str,
    done_when: &'static str,
    interrupt: fn(u64) -> String,
    wait: fn(u64) -> String,
    at_machine: &'static str,
    fresh: &'static str,
}

const EN: Words = Words {
    pick: |t| &t.en,
    look_at: "Look at",
    question: "Before you do it",
    answer: "Answer",
    hint: "Hint",
    not_in_kind: "Not with kind:",
    done_when: "Done when",
    interrupt: |s| format!("# after some {s} s: Ctrl-C"),
    wait: |s| format!("# wait {s} s"),
    at_machine: "# on the machine that this prints",
    fresh: "This drill makes the machines itself: begin with `vagrant destroy -f`, not with `vagrant up`. `~/lab` stands for the folder that this bundle was unpacked into.",
};
const KO: Words = Words {
    pick: |t| &t.ko,
    look_at: "볼 것",
    question: "하기 전에",
    answer: "답",
    hint: "힌트",
    not_in_kind: "kind에서는 할 수 없습니다.",
    done_when: "확인",
    interrupt: |s| format!("# {s}초쯤 뒤 Ctrl-C"),
    wait: |s| format!("# {s}초 기다립니다"),
    at_machine: "# 다음 명령이 알려 주는 머신에서",
    fresh: "이 실습은 머신을 직접 만듭니다. `vagrant up` 대신 `vagrant destroy -f`로 시작하십시오. `~/lab`은 이 묶음을 푼 폴더를 뜻합니다.",
};

fn readme(lesson: &Lesson, words: &Words) -> String {
    let pick = words.pick;
    let mut out = format!("# {}\n\n{}\n", pick(&lesson.title), pick(&lesson.summary));
    if let Some(why) = &lesson.not_in_kind {
        let _ = write!(out, "\n{} {}\n", words.not_in_kind, pick(why));
    }
    if lesson.fresh {
        let _ = write!(out, "\n{}\n", words.fresh);
    }
    for (i, step) in lesson.steps.iter().enumerate() {
        if let Some(part) = &step.part {
            let _ = write!(out, "\n## {}\n", pick(part));
        }
        let _ = write!(out, "\n### {}. {}\n\n{}\n", i + 1, pick(&step.title), pick(&step.text));
        prediction(&mut out, step, words);
        if !step.commands.is_empty() {
            out += "\n```\n";
            step.commands.iter().for_each(|c| typed(&mut out, c, words));
            out += "```\n";
        }
        hints(&mut out, step, words);
        if let Some(look_at) = &step.look_at {
            let _ = write!(out, "\n{}: {}\n", words.look_at, pick(look_at));
        }
        let _ = write!(out, "\n{} (`verify.sh {}`):\n\n", words.done_when, step.id);
        for check in &step.checks {
            let _ = writeln!(out, "- {}: {}", pick(&check.title), markdown_code(&check.command));
        }
    }
    out
}

fn typed(out: &mut String, command: &Command, words: &Words) {
    if command.machine == HOST {
        let _ = writeln!(out, "[learner@host ~]$ {}", command.command);
    }
    let machine = if command.machine == HOST {
        HOST
    } else if let Some(ask) = asked(&command.machine) {
        let _ = writeln!(out, "{} ({ask})", words.at_machine);
        "NODE"
    } else {
        &command.machine
    };
    if machine != HOST {
        let _ = writeln!(out, "[root@{machine} ~]# {}", command.command);
    }
    if let Some(after) = command.interrupt_after {
        let _ = writeln!(out, "{}", (words.interrupt)(span::seconds(after)));
    }
    if let Some(wait) = command.wait {
        let _ = writeln!(out, "{}", (words.wait)(span::seconds(wait)));
    }
}

fn hints(out: &mut String, step: &Step, words: &Words) {
    for hint in &step.hints {
        let _ = write!(out, "\n<details><summary>{}</summary>\n\n{}\n\n</details>\n", words.hint, (words.pick)(hint));
    }
}

fn prediction(out: &mut String, step: &Step, words: &Words) {
    let Some(predict) = &step.predict else { return };
    let pick = words.pick;
    let _ = write!(out, "\n**{}.** {}\n\n", words.question, pick(&predict.question));
    for option in &predict.options {
        let _ = writeln!(out, "- {}", pick(&option.text));
    }
    let right = predict.options.iter().find(|o| o.right);
    let answer = right.map(|o| format!("{} {}", pick(&o.text), pick(&o.because))).unwrap_or_default();
    let _ = write!(out, "\n<details><summary>{}</summary>\n\n{answer}\n\n</details>\n", words.answer);
}

// --- scripts ---

/// What both scripts begin with: how to reach the machines.
const PRELUDE: &str = r#"# shellcheck disable=SC2016  # commands are quoted whole: the machine they run on expands them
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
lab=$(cd "$here/../.." && pwd) || exit 1
ssh_config=$lab/.ssh-config
# With KIND=NAME in the environment the machines are the containers of that kind cluster.
KIND=${KIND:-}

# The lab's names of machines, as kind has them.
kind_names() {
  local text=${1//m-k8s/$KIND-control-plane} i
  text=${text//w1-k8s/$KIND-worker}
  for i in 2 3 4 5 6 7 8 9; do
    text=${text//w$i-k8s/$KIND-worker$i}
  done
  printf '%s' "$text"
}

# Runs a line as root on a machine, as if it were typed there; on the host in the lab's folder.
on() {
  if [ "$1" = host ]; then
    (cd "$lab" && bash -c "${2#cd*lab && }")
  elif [ -n "$KIND" ]; then
    printf 'cd /root\nexport KUBECONFIG=/etc/kubernetes/admin.conf\n%s\n' "$(kind_names "$2")" \
      | docker exec -i "$(kind_names "$1")" bash -s
  else
    {{config}}printf '%s\n' "$2" | ssh -F "$ssh_config" "$1" sudo -i bash -s
  fi
}

# Prints the first text where the language is Korean, otherwise the second.
say() {
  case ${LC_ALL:-${LANG:-}} in
    ko*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$2" ;;
  esac
}

"#;

/// The machines are there from the beginning.
const READY: &str = r#"[ -n "$KIND" ] || (cd "$lab" && vagrant ssh-config > "$ssh_config") || {
  say '가상 머신을 찾지 못했습니다. 먼저 vagrant up을 실행하십시오.' 'No machines: run vagrant up first.' >&2
  exit 1
}
"#;

/// They come and go: each is asked for when it is needed.
const LATER: &str = "(cd \"$lab\" && vagrant ssh-config \"$1\" > \"$ssh_config\") || return\n    ";

fn prelude(lesson: &Lesson) -> String {
    match lesson.fresh {
        true => PRELUDE.replace("{{config}}", LATER),
        false => PRELUDE.replace("{{config}}", "") + READY,
    }
}

fn run_sh(lesson: &Lesson) -> String {
    let mut out = format!(
        "#!/usr/bin/env bash\n# {}: plays the drill on the lab's machines and checks each step.\n# Usage: run.sh\n\
         # Exit code 0: every step came out as in the simulation.\n{}{RUN_FUNCTIONS}",
        comment(&lesson.title.en),
        prelude(lesson)
    );
    for step in &lesson.steps {
        let _ = write!(out, "\nsay {} {}\n", shell(&heading(&step.title.ko)), shell(&heading(&step.title.en)));
        for command in &step.commands {
            let line = match command.interrupt_after {
                Some(after) => format!("timeout -s INT {} {}", span::seconds(after), command.command),
                None => command.command.clone(),
            };
            let _ = writeln!(out, "run {} {}", machine_word(&command.machine), shell(&line));
            if let Some(wait) = command.wait {
                let _ = writeln!(out, "sleep {}", span::seconds(wait));
            }
        }
        let _ = writeln!(out, "\"$here/verify.sh\" {} || failed=1", shell(&step.id));
    }
    out + "\nexit \"$failed\"\n"
}

fn record_sh(lesson: &Lesson, knobs: &Knobs) -> String {
    let (name, profile, workers) = (&lesson.name, profile_name(knobs.profile), knobs.workers);
    format!(
        "#!/usr/bin/env bash\n# Writes the cluster's objects and events, and each machine's services, into one JSON file.\n\
         # Usage: record.sh [FILE]\n{}\nlesson={}\nprofile={profile}\nworkers={workers}\n\n{RECORD}",
        prelude(lesson),
        shell(name)
    )
}

const RECORD: &str = include_str!("files/record.sh");

const RUN_FUNCTIONS: &str = r#"
# Shows a line behind its prompt and runs it. What it returns is for the reader, not for us.
run() {
  printf '[root@%s ~]# %s\n' "$1" "$2"
  on "$1" "$2"
}

failed=0
"#;

fn heading(title: &str) -> String {
    format!("== {title}")
}

fn verify_sh(lesson: &Lesson) -> String {
    let last = lesson.steps.last().map_or("", |s| &s.id);
    let ids: Vec<&str> = lesson.steps.iter().map(|s| s.id.as_str()).collect();
    let mut out = format!(
        "#!/usr/bin/env bash\n# {}: checks one step of the drill; without an argument, how it ends.\n\
         # Usage: verify.sh [STEP]   where STEP is one of: {}\n\
         # PATIENCE=N in the environment: how many times as long as in the simulation a check may take (3).\n\
         # Exit code 0: all of it holds.\n{}{VERIFY_FUNCTIONS}\
         \ncase ${{1:-{last}}} in\n",
        comment(&lesson.title.en),
        ids.join(" "),
        prelude(lesson),
    );
    for step in &lesson.steps {
        let _ = writeln!(out, "  {})", step.id);
        step.checks.iter().for_each(|check| verify_check(&mut out, check));
        out += "    ;;\n";
    }
    out + "  *)\n    say \"그런 단계가 없습니다: $1\" \"no such step: $1\" >&2\n    exit 2\n    ;;\nesac\nexit \"$failed\"\n"
}

const VERIFY_FUNCTIONS: &str = r#"
# holds HOW WANTED OUTPUT CODE: whether a command's output is what it should be.
holds() {
  case $1 in
    is) [[ $3 == "$2" ]] ;;
    has) [[ $3 == *"$2"* ]] ;;
    lacks) [[ $4 -eq 0 && -n $3 && $3 != *"$2"* ]] ;;
    like)
      # shellcheck disable=SC2053  # here the wanted text is a pattern
      [[ $3 == $2 ]]
      ;;
  esac
}

# Real machines pull images over a real line: each check may take so many times as long as in the
# simulation.
PATIENCE=${PATIENCE:-3}

# check SECONDS KOREAN ENGLISH HOW WANTED MACHINE COMMAND: waits until it holds.
check() {
  local deadline=$((SECONDS + $1 * PATIENCE)) output code wanted=$5
  [ -z "$KIND" ] || wanted=$(kind_names "$5")
  while :; do
    output=$(on "$6" "$7" 2>&1)
    code=$?
    if holds "$4" "$wanted" "$output" "$code"; then
      say "  [v] $2" "  [v] $3"
      return
    fi
    [ "$SECONDS" -ge "$deadline" ] && break
    sleep 1
  done
  say "  [x] $2" "  [x] $3"
  printf '      %s: %s\n%s\n' "$6" "$7" "$output"
  failed=1
}

failed=0
"#;

fn verify_check(out: &mut String, check: &Check) {
    let (how, wanted) = match &check.expect {
        Expect::Is(want) => ("is", want.clone()),
        Expect::Has(part) => ("has", part.clone()),
        Expect::Lacks(part) => ("lacks", part.clone()),
        Expect::Like(pattern) => ("like", shell_pattern(pattern)),
    };
    let _ = writeln!(
        out,
        "    check {} {} {} {how} {} {} {}",
        span::seconds(check.within),
        shell(&check.title.ko),
        shell(&check.title.en),
        shell(&wanted),
        machine_word(&check.machine),
        shell(&check.command),
    );
}

/// A machine as one word of the script: its name, or what asking m-k8s prints.
fn machine_word(machine: &str) -> String {
    match asked(machine) {
        Some(ask) => format!("\"$(on m-k8s {})\"", shell(ask)),
        None => shell(machine),
    }
}

/// The command inside `$(…)`, if a machine is asked for.
fn asked(machine: &str) -> Option<&str> {
    machine.strip_prefix("$(")?.strip_suffix(')')
}

// --- expected ---

/// What the step printed in the simulation, then what its checks want.
fn expected(lesson: &Lesson, step: &Step, profile: Profile) -> String {
    let printed = lesson::printed(&lesson.name, profile).and_then(|p| lesson::printed_step(p, &step.id));
    let mut out = printed.map_or(String::new(), |p| {
        format!(
            "# Printed in the simulation. Ages, addresses, generated names and the chosen nodes will differ.\n{p}\n"
        )
    });
    out += "# Checked by verify.sh.\n";
    for check in &step.checks {
        let (how, what) = match &check.expect {
            Expect::Is(want) => ("is", want),
            Expect::Has(part) => ("has", part),
            Expect::Lacks(part) => ("lacks", part),
            Expect::Like(pattern) => ("like", pattern),
        };
        let _ = write!(out, "[{}] {}\n{how}: {what}\n", check.machine, check.command);
    }
    out
}
