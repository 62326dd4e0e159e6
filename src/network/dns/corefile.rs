//! The Corefile: server blocks and the plugins that course manifests use. What is not known here stops
//! the server from starting, as an unknown directive stops CoreDNS.

use crate::base::Str;

/// Plugins in the order in which CoreDNS asks them, whatever the order in the file.
const KNOWN: [&str; 22] = [
    "bufsize",
    "cancel",
    "debug",
    "trace",
    "ready",
    "health",
    "prometheus",
    "errors",
    "log",
    "reload",
    "loadbalance",
    "cache",
    "rewrite",
    "hosts",
    "template",
    "kubernetes",
    "autopath",
    "forward",
    "loop",
    "import",
    "bind",
    "whoami",
];

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Corefile {
    pub blocks: Vec<Block>,
}

/// One server block.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Block {
    /// Zones that it serves, without the last dot; the root is empty.
    pub zones: Vec<Str>,
    pub port: u16,
    /// Zones of the cluster, of which the first names it.
    pub cluster: Vec<Str>,
    pub ttl: u32,
    /// Answers for addresses as names: `10-1-2-3.default.pod`.
    pub pods: bool,
    /// Zones for which a name that the cluster lacks goes on to the next plugin.
    pub fallthrough: Vec<Str>,
    /// Address and name of each inline entry, and whether unknown names go on.
    pub hosts: Vec<(Str, Str)>,
    pub hosts_fall: bool,
    pub rewrites: Vec<Rewrite>,
    /// Zone and servers.
    pub forwards: Vec<(Str, Vec<Str>)>,
    pub ready: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Rewrite {
    /// `exact`, `suffix`, `prefix`, `substring`.
    pub how: Str,
    pub from: Str,
    pub to: Str,
}

impl Rewrite {
    pub fn apply(&self, name: &str) -> Option<Str> {
        let (from, to) = (self.from.as_str(), self.to.as_str());
        Some(match self.how.as_str() {
            "suffix" => ecow::eco_format!("{}{to}", name.strip_suffix(from)?),
            "prefix" => ecow::eco_format!("{to}{}", name.strip_prefix(from)?),
            "substring" if name.contains(from) => name.replace(from, to).into(),
            "exact" if name == from => to.into(),
            _ => return None,
        })
    }
}

fn zone(text: &str) -> Str {
    text.trim_end_matches('.').to_lowercase().into()
}

/// Reads a Corefile; `Err`: why CoreDNS would not start with it.
pub fn parse(text: &str) -> Result<Corefile, Str> {
    let error = |line: usize, why: String| -> Result<Corefile, Str> {
        Err(ecow::eco_format!("/etc/coredns/Corefile:{line} - Error during parsing: {why}"))
    };
    let mut out = Corefile::default();
    let mut block: Option<Block> = None;
    // The plugin whose own braces are open.
    let mut inner: Option<Str> = None;
    for (number, line) in text.lines().enumerate() {
        let number = number + 1;
        let line = line.split('#').next().unwrap_or("").trim();
        let (line, opens) = line.strip_suffix('{').map_or((line, false), |l| (l.trim(), true));
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(first) = words.first().copied() else { continue };
        let Some(b) = block.as_mut() else {
            if first == "}" || !opens {
                return error(number, format!("Unexpected '{first}', expecting a server block"));
            }
            let mut b = Block { port: 53, ttl: 5, ..Block::default() };
            for word in words {
                let word = word.trim_end_matches(',').trim_start_matches("dns://");
                let (name, port) = word.rsplit_once(':').map_or((word, None), |(n, p)| (n, p.parse().ok()));
                b.port = port.unwrap_or(b.port);
                b.zones.push(zone(name));
            }
            block = Some(b);
            continue;
        };
        if first == "}" {
            match inner.take() {
                Some(_) => {}
                None => out.blocks.extend(block.take()),
            }
            continue;
        }
        if let Some(plugin) = &inner {
            match (plugin.as_str(), first) {
                ("kubernetes", "pods") => b.pods = words.get(1) != Some(&"disabled"),
                ("kubernetes", "ttl") => b.ttl = words.get(1).and_then(|t| t.parse().ok()).unwrap_or(5),
                ("kubernetes", "fallthrough") => {
                    b.fallthrough = words[1..].iter().map(|z| zone(z)).collect();
                    if b.fallthrough.is_empty() {
                        b.fallthrough.push(Str::new());
                    }
                }
                ("hosts", "fallthrough") => b.hosts_fall = true,
                ("hosts", ip) if super::super::ipam::parse(ip).is_some() => {
                    b.hosts.extend(words[1..].iter().map(|n| (ip.into(), zone(n))));
                }
                _ => {}
            }
            continue;
        }
        if !KNOWN.contains(&first) {
            return error(number, format!("Unknown directive '{first}'"));
        }
        match first {
            "kubernetes" => {
                let zones = words[1..].iter().map(|z| zone(z));
                b.cluster = zones.collect();
                if b.cluster.is_empty() {
                    b.cluster = b.zones.clone();
                }
            }
            "forward" => {
                let [_, from, to @ ..] = &words[..] else {
                    return error(number, "Wrong argument count or unexpected line ending after 'forward'".into());
                };
                if to.is_empty() {
                    return error(number, "Wrong argument count or unexpected line ending after 'forward'".into());
                }
                b.forwards.push((zone(from), to.iter().map(|t| Str::from(*t)).collect()));
            }
            "rewrite" => {
                let rest: Vec<&str> =
                    words[1..].iter().copied().filter(|w| !matches!(*w, "stop" | "continue")).collect();
                let how = |w: &str| matches!(w, "exact" | "suffix" | "prefix" | "substring" | "regex");
                match &rest[..] {
                    ["name", kind, from, to, ..] if how(kind) => {
                        b.rewrites.push(Rewrite { how: (*kind).into(), from: zone(from), to: zone(to) });
                    }
                    ["name", from, to, ..] => {
                        b.rewrites.push(Rewrite { how: "exact".into(), from: zone(from), to: zone(to) });
                    }
                    _ => {}
                }
            }
            "ready" => b.ready = true,
            _ => {}
        }
        if opens {
            inner = Some(first.into());
        }
    }
    if block.is_some() || inner.is_some() {
        let last = text.lines().count();
        return error(last, "Unexpected EOF".into());
    }
    Ok(out)
}

impl Corefile {
    /// The block for a name: the one with the longest zone.
    pub fn block(&self, name: &str) -> Option<&Block> {
        let fit = |b: &&Block| b.zones.iter().filter(|z| within(name, z)).map(|z| z.len()).max();
        self.blocks.iter().filter(|b| b.port == 53 && fit(b).is_some()).max_by_key(fit)
    }
    /// The plugin's readiness page is served.
    pub fn ready(&self) -> bool {
        self.blocks.iter().any(|b| b.ready)
    }
}

/// Whether a name lies in a zone.
pub fn within(name: &str, zone: &str) -> bool {
    zone.is_empty() || name == zone || name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_plugins() {
        let text = ".:53 {\n    errors\n    kubernetes cluster.local in-addr.arpa {\n       pods insecure\n       fallthrough in-addr.arpa\n       ttl 30\n    }\n    hosts {\n      192.168.1.10 lab.example m.example\n      fallthrough\n    }\n    rewrite name foo.example web.default.svc.cluster.local\n    forward . /etc/resolv.conf\n}\nexample.org {\n  forward . 10.0.0.1\n}\n";
        let file = parse(text).unwrap();
        let b = file.block("kubernetes.default.svc.cluster.local").unwrap();
        assert_eq!((b.ttl, b.pods, b.cluster.len(), b.hosts.len()), (30, true, 2, 2));
        assert_eq!(b.rewrites[0].apply("foo.example").as_deref(), Some("web.default.svc.cluster.local"));
        assert_eq!(file.block("www.example.org").unwrap().forwards[0].1, ["10.0.0.1"]);
    }

    #[test]
    fn what_does_not_start() {
        for (text, why) in [
            (".:53 {\n  forwrd . 8.8.8.8\n}\n", "Corefile:2 - Error during parsing: Unknown directive 'forwrd'"),
            (".:53 {\n  errors\n", "Unexpected EOF"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
