//! Keys typed at a terminal, what is then on its screen, and what is in the file.

use crate::machine::terminal::Frame;
use crate::machine::testing::{notify, terminal, typed, world};
use crate::sim::{Profile, World};

/// Opens an editor, types, and lets it work.
fn edit(world: &mut World, command: &str, keys: &[&str]) -> Option<Frame> {
    notify(world, "line", command);
    settle(world);
    for key in keys {
        notify(world, "keys", *key);
        settle(world);
    }
    terminal(world).frame.clone()
}

fn settle(world: &mut World) {
    let until = world.now + crate::base::Duration::millis(20);
    world.run_until(until);
}

fn content(world: &World, path: &str) -> String {
    world.machine(0).read(path).map(ToString::to_string).unwrap_or_default()
}

/// Keys on a file of this text, ended with `:wq`: what is in it then.
fn check(before: &str, keys: &str, after: &str) {
    let mut w = world(Profile::Modern);
    let now = w.now;
    w.machine_mut(0).write("/root/f", before, now);
    let left = edit(&mut w, "vi f", &[keys, "\x1b:wq\r"]);
    assert_eq!(left, None, "{keys:?}: {:?}", left.as_ref().map(|f| f.text.clone()));
    assert_eq!(content(&w, "/root/f"), after, "{keys:?}");
}

#[test]
fn vi_changes_files_as_vim_does() {
    const TEXT: &str = "one two\nthree\nfour five six\n";
    for (keys, after) in [
        ("ix", "xone two\nthree\nfour five six\n"),
        ("A!", "one two!\nthree\nfour five six\n"),
        ("onew", "one two\nnew\nthree\nfour five six\n"),
        ("Otop", "top\none two\nthree\nfour five six\n"),
        ("ddp", "three\none two\nfour five six\n"),
        ("2dd", "four five six\n"),
        ("yyGp", "one two\nthree\nfour five six\none two\n"),
        ("dwu", TEXT),
        ("dw", "two\nthree\nfour five six\n"),
        ("wcwTWO\x1bj0x", "one TWO\nhree\nfour five six\n"),
        ("Gf", "one two\nthree\nfour five six\n"),
        ("Gwdw", "one two\nthree\nfour six\n"),
        ("jddu", TEXT),
        ("G$x", "one two\nthree\nfour five si\n"),
        ("/five\rD", "one two\nthree\nfour \n"),
        ("J", "one two three\nfour five six\n"),
        ("rX", "Xne two\nthree\nfour five six\n"),
        (">>", "\tone two\nthree\nfour five six\n"),
        ("Vjd", "four five six\n"),
        (":%s/o/0/g\r", "0ne tw0\nthree\nf0ur five six\n"),
        (":2d\r", "one two\nfour five six\n"),
        ("i한글 \x1b", "한글 one two\nthree\nfour five six\n"),
        ("i가나\x7f다", "가다one two\nthree\nfour five six\n"),
        ("ia\rb", "a\nbone two\nthree\nfour five six\n"),
        ("\x1b[B\x1b[Cx", "one two\ntree\nfour five six\n"),
    ] {
        check(TEXT, keys, after);
    }
}

#[test]
fn vi_says_what_vim_says() {
    let mut w = world(Profile::Modern);
    let now = w.now;
    w.machine_mut(0).write("/root/f", "a\n가 b\n", now);
    let frame = edit(&mut w, "vi f", &[]).expect("it draws");
    let rows: Vec<&str> = frame.text.split('\n').collect();
    assert_eq!((rows.len(), rows[0], rows[1], rows[2]), (24, "a", "가 b", "~"));
    assert!(rows[23].starts_with("\"f\" 2L, 8B ") && rows[23].ends_with("1,1           All"), "{}", rows[23]);
    let says = |w: &mut World, keys: &str, text: &str| {
        notify(w, "keys", keys);
        settle(w);
        let frame = terminal(w).frame.clone().expect("it draws");
        let last = frame.text.rsplit('\n').next().unwrap_or_default().to_owned();
        assert!(last.starts_with(text), "{keys:?}: {last}");
    };
    says(&mut w, "i", "-- INSERT --");
    says(&mut w, "x\x1b:q\r", "E37: No write since last change (add ! to override)");
    says(&mut w, ":frob\r", "E492: Not an editor command: frob");
    says(&mut w, "/zzz\r", "E486: Pattern not found: zzz");
    says(&mut w, ":set nu\r", ":set nu");
    assert!(terminal(&w).frame.clone().expect("it draws").text.starts_with("  1 xa\n"));
    says(&mut w, ":w\r", "\"f\" 2L, 9B written");
    notify(&mut w, "interrupt", "");
    says(&mut w, "", "Type  :qa  and press <Enter> to exit Vim");
    edit(&mut w, "", &[":q!\r"]);
    let ran = terminal(&w).history.back().cloned().expect("it ended");
    assert_eq!((ran.line.as_str(), ran.code, ran.stdout.as_str()), ("vi f", 0, ""));
    // A script has no terminal.
    assert_eq!(typed(&mut w, "echo | vi f").code, 1);
    let frame = edit(&mut w, "vi new", &[]).expect("it draws");
    assert!(frame.text.contains("\"new\" [New]"));
}

#[test]
fn nano_saves_as_it_does() {
    let mut w = world(Profile::Modern);
    let now = w.now;
    w.machine_mut(0).packages.insert("nano".into(), "5.6.1-7.el9".into());
    w.machine_mut(0).write("/root/f", "one\ntwo\n", now);
    let frame = edit(&mut w, "nano f", &["\x1b[B", "한글 ", "\x18"]).expect("it asks");
    assert!(frame.text.contains("Save modified buffer?"), "{}", frame.text);
    assert_eq!(edit(&mut w, "", &["y", "\r"]), None);
    assert_eq!(content(&w, "/root/f"), "one\n한글 two\n");
    let frame = edit(&mut w, "nano f", &["\x0b\x15\x15", "\x0f\r"]).expect("it goes on");
    assert!(frame.text.contains("[ Wrote 3 lines ]"), "{}", frame.text);
    assert_eq!(content(&w, "/root/f"), "one\none\n한글 two\n");
    assert_eq!(edit(&mut w, "", &["x\x18n"]), None);
    assert_eq!(content(&w, "/root/f"), "one\none\n한글 two\n");
    let frame = edit(&mut w, "nano f", &["\x17two\r"]).expect("it goes on");
    assert_eq!((frame.row, frame.col), (3, 3));
}

#[test]
fn an_editor_works_over_ssh() {
    let mut w = world(Profile::Modern);
    notify(&mut w, "line", "ssh -o StrictHostKeyChecking=no w1-k8s");
    w.run_until(w.now + crate::base::Duration::secs(3));
    if terminal(&w).prompt().contains("password") {
        notify(&mut w, "line", "vagrant");
        w.run_until(w.now + crate::base::Duration::secs(3));
    }
    assert!(terminal(&w).prompt().contains("w1-k8s"), "{}", terminal(&w).prompt());
    let frame = edit(&mut w, "vi g", &["ihello\x1b"]).expect("it draws here");
    assert!(frame.text.starts_with("hello\n"));
    assert_eq!(edit(&mut w, "", &[":wq\r"]), None);
    assert_eq!(w.machine(1).read("/root/g").map(ToString::to_string).as_deref(), Some("hello\n"));
    assert!(terminal(&w).prompt().contains("w1-k8s"));
}
