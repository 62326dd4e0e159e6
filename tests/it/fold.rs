//! Folds what may differ between two runs that mean the same: ages, generated names, identifiers,
//! addresses, column padding. Every other word stays, and so do the order of lines and exit codes.

/// Letters of generated name suffixes.
const SAFE: &str = "bcdfghjklmnpqrstvwxz2456789";

pub fn fold(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(line).collect();
    lines.join("\n")
}

fn line(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word = |c: char| c.is_ascii_alphanumeric() || "-.:+_".contains(c);
        let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
        if end > 0 {
            out += &self::word(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        // Padding of columns depends on the widest cell.
        let spaces = rest.len() - rest.trim_start_matches(' ').len();
        let other = if spaces > 1 && !out.trim().is_empty() { "  ".len() } else { spaces.max(1) };
        let skip = spaces.max(rest.chars().next().map_or(1, char::len_utf8));
        out += if spaces > 0 { &rest[..other] } else { &rest[..skip] };
        rest = &rest[skip..];
    }
    workers(out.trim_end())
}

/// A word, folded; a colon or full stop at its end stays.
fn word(word: &str) -> String {
    let core = word.trim_end_matches([':', '.']);
    folded(core) + &word[core.len()..]
}

fn folded(word: &str) -> String {
    match word {
        _ if is_age(word) => "<age>".into(),
        _ if is_time(word) => "<time>".into(),
        _ if is_uuid(word) => "<uid>".into(),
        _ if is_hex(word, 64) => "<sha>".into(),
        _ if numbers(word).is_some_and(|n| n[..2] == [172, 16]) => "<pod-ip>".into(),
        _ if numbers(word).is_some_and(|n| n[0] == 10 && (96..=111).contains(&n[1])) => "<cluster-ip>".into(),
        _ => generated(word),
    }
}

/// `web-6799fc88d8-x7k2p` and `web-6799fc88d8`: a template hash, and a suffix of five.
fn generated(word: &str) -> String {
    let digit = |s: &str| s.bytes().any(|b| b.is_ascii_digit());
    let safe = |s: &str| s.chars().all(|c| SAFE.contains(c));
    let hash = |s: &str| {
        (8..=10).contains(&s.len()) && digit(s) && s.chars().all(|c| SAFE.contains(c) || c.is_ascii_hexdigit())
    };
    let parts: Vec<&str> = word.split('-').collect();
    match parts.as_slice() {
        [name @ .., h, id] if !name.is_empty() && hash(h) && id.len() == 5 && safe(id) => {
            format!("{}-<hash>-<id>", name.join("-"))
        }
        [name @ .., h] if !name.is_empty() && hash(h) => format!("{}-<hash>", name.join("-")),
        [name @ .., id] if !name.is_empty() && id.len() == 5 && safe(id) => {
            format!("{}-<id>", name.join("-"))
        }
        _ => word.into(),
    }
}

/// Dice choose the worker of a pod with a generated name.
fn workers(line: &str) -> String {
    if !line.contains("<id>") && !line.starts_with("Node:") {
        return line.into();
    }
    let mut out = line.to_owned();
    for i in 1..=9 {
        out = out.replace(&format!("w{i}-k8s"), "w?-k8s").replace(&format!("192.168.1.10{i}"), "192.168.1.10?");
    }
    out
}

fn is_age(word: &str) -> bool {
    let mut rest = word;
    for unit in ['y', 'd', 'h', 'm', 's'] {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        if digits > 0 && rest[digits..].starts_with(unit) {
            rest = &rest[digits + 1..];
        }
    }
    rest.is_empty() && !word.is_empty()
}

fn is_time(word: &str) -> bool {
    let b = word.as_bytes();
    b.len() >= 20 && b[4] == b'-' && b[10] == b'T' && b[13] == b':' && b[..4].iter().all(u8::is_ascii_digit)
}

fn is_uuid(word: &str) -> bool {
    let parts: Vec<usize> = word.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && word.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

fn is_hex(word: &str, len: usize) -> bool {
    word.len() == len && word.chars().all(|c| c.is_ascii_hexdigit())
}

fn numbers(word: &str) -> Option<[u16; 4]> {
    word.split('.').map(|p| p.parse().ok()).collect::<Option<Vec<u16>>>()?.try_into().ok()
}

#[test]
fn what_is_folded_and_what_stays() {
    let cases = [
        ("nginx-pod   1/1     Running   0          5s", "nginx-pod  1/1  Running  0  <age>"),
        ("pod/web-6799fc88d8-x7k2p deleted", "pod/web-<hash>-<id> deleted"),
        ("pod \"web-6799fc88d8-x7k2p\" deleted", "pod \"web-<hash>-<id>\" deleted"),
        ("calico-node-b6g4k  w1-k8s", "calico-node-<id>  w?-k8s"),
        ("calico-node-rszmr  kube-proxy", "calico-node-<id>  kube-proxy"),
        ("nginx-pod  w1-k8s  172.16.3.4", "nginx-pod  w1-k8s  <pod-ip>"),
        ("nginx-deployment", "nginx-deployment"),
        (
            "kubernetes ClusterIP 10.96.0.1 <none> 443/TCP 2m3s",
            "kubernetes ClusterIP <cluster-ip> <none> 443/TCP <age>",
        ),
        ("    indented:   x", "    indented:  x"),
        ("at 2026-01-05T09:00:00Z.", "at <time>."),
        ("192.168.1.10 m-k8s v1.18.4", "192.168.1.10 m-k8s v1.18.4"),
    ];
    for (text, want) in cases {
        assert_eq!(fold(text), want, "{text}");
    }
}
