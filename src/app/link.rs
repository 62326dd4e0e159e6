//! Addresses: what the URL says, and a session as text that fits into one.

use crate::base::{Duration, Time};
use crate::scene::Lang;
use crate::sim::history::Saved;
use crate::sim::{Config, Profile};

use super::settings::Theme;

/// What the address asked for.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Params {
    pub lesson: Option<String>,
    pub profile: Option<String>,
    pub lang: Option<Lang>,
    pub theme: Option<Theme>,
    pub seed: Option<String>,
    pub workers: Option<String>,
    pub masters: Option<String>,
    pub embed: bool,
    /// A saved session, still as text.
    pub session: Option<String>,
    /// The app panics once this line has been typed. A crash screen that nobody can call up is one
    /// that nobody knows to work: the tests call it up so, in the program that is published.
    pub panic: Option<String>,
}

/// Reads `?lesson=…&lang=ko` and `#session=…`. Unknown names are ignored.
pub fn parse(search: &str, hash: &str) -> Params {
    let mut params = Params::default();
    let pairs = search.trim_start_matches('?').split('&').chain(hash.trim_start_matches('#').split('&'));
    for (name, value) in pairs.filter_map(|p| p.split_once('=')) {
        let value = unescape(value);
        match name {
            "lesson" => params.lesson = Some(value),
            "profile" => params.profile = Some(value),
            "lang" => params.lang = Some(Lang::of(&value)),
            "theme" => params.theme = Theme::of(&value),
            "seed" => params.seed = Some(value),
            "workers" => params.workers = Some(value),
            "masters" => params.masters = Some(value),
            "embed" => params.embed = value != "0",
            "session" => params.session = Some(value),
            "panic" => params.panic = Some(value),
            _ => {}
        }
    }
    params
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&b, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|h| u8::from_str_radix(std::str::from_utf8(h).ok()?, 16).ok());
        match (b, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            _ => {
                bytes.push(b);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The configuration that the address asks for; the error names the parameter and its value.
pub fn config(params: &Params) -> Result<Config, BadParam> {
    let mut config = Config::default();
    match params.profile.as_deref() {
        None | Some("book") => {}
        Some("modern") => config.profile = Profile::Modern,
        Some(other) => return Err(BadParam::Profile(other.into())),
    }
    if let Some(seed) = &params.seed {
        config.seed = seed.parse().map_err(|_| BadParam::Seed(seed.clone()))?;
    }
    if let Some(workers) = &params.workers {
        let n = workers.parse().ok().filter(|n| (1..=9).contains(n));
        config.workers = n.ok_or_else(|| BadParam::Workers(workers.clone()))?;
    }
    if let Some(masters) = &params.masters {
        let n = masters.parse().ok().filter(|n| matches!(n, 1 | 3 | 5));
        config.masters = n.ok_or_else(|| BadParam::Masters(masters.clone()))?;
    }
    Ok(config)
}

#[derive(Clone, PartialEq, Debug)]
pub enum BadParam {
    Profile(String),
    Seed(String),
    Workers(String),
    Masters(String),
}

pub fn profile_name(profile: Profile) -> &'static str {
    match profile {
        Profile::Book => "book",
        Profile::Modern => "modern",
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// base64url without padding.
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..=chunk.len() {
            out.push(ALPHABET[(n >> (18 - 6 * i) & 63) as usize] as char);
        }
    }
    out
}

/// The inverse of [`encode`]; the error is the place of the first character that does not belong.
pub fn decode(text: &str) -> Result<Vec<u8>, usize> {
    let (mut out, mut n, mut bits) = (Vec::new(), 0u32, 0);
    for (i, b) in text.trim_end_matches('=').bytes().enumerate() {
        let value = ALPHABET.iter().position(|a| *a == b).ok_or(i)?;
        n = (n << 6 | value as u32) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((n >> bits) as u8);
        }
    }
    Ok(out)
}

/// A session as a file or, encoded, in a link.
pub fn session_json(saved: &Saved) -> String {
    serde_json::to_string(saved).unwrap_or_default()
}

/// The longest session that is replayed.
const MOST: Duration = Duration::secs(30 * 24 * 3600);

/// Reads a session from a file's text. The error says where and why, in English as serde words it.
pub fn read_session(json: &str) -> Result<Saved, String> {
    let saved: Saved = serde_json::from_str(json).map_err(|e| e.to_string())?;
    if saved.version != 1 {
        return Err(format!("version {} is not known here", saved.version));
    }
    if saved.config.workers == 0 || saved.config.workers > 64 {
        return Err(format!("{} workers are not possible here", saved.config.workers));
    }
    // A broken number must not keep the page busy for ever.
    if saved.until > Time::ZERO + MOST {
        return Err(format!(
            "{} is too late: sessions of more than {} hours are not replayed",
            saved.until,
            MOST.as_secs() / 3600
        ));
    }
    Ok(saved)
}

/// Reads a session from a link.
pub fn read_link(text: &str) -> Result<Saved, String> {
    let bytes = decode(text).map_err(|at| format!("character {} does not belong into a link", at + 1))?;
    let json = String::from_utf8(bytes).map_err(|e| format!("byte {} is no text", e.utf8_error().valid_up_to() + 1))?;
    read_session(&json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_round_trip() {
        for text in ["", "a", "ab", "abc", "한국어 kubectl ☸ ?>"] {
            assert_eq!(decode(&encode(text.as_bytes())).unwrap(), text.as_bytes());
        }
        let saved = Saved { version: 1, config: Config::default(), inputs: Vec::new(), until: Time(5), steps: 7 };
        assert_eq!(read_link(&encode(session_json(&saved).as_bytes())), Ok(saved));
    }

    #[test]
    fn broken_links_say_where() {
        let err = |text: &str| read_link(text).unwrap_err();
        assert_eq!(err("ab!c"), "character 3 does not belong into a link");
        assert!(err(&encode(b"{\"version\":1")).contains("line 1 column 12"), "{}", err(&encode(b"{\"version\":1")));
        assert!(err(&encode(b"\xff\xfe")).contains("no text"));
    }

    #[test]
    fn parameters() {
        let p = parse("?lesson=kubelet-stopped&lang=ko&embed=1&x=y&seed=7", "#session=abc");
        assert_eq!((p.lesson.as_deref(), p.lang, p.embed), (Some("kubelet-stopped"), Some(Lang::Ko), true));
        assert_eq!(p.session.as_deref(), Some("abc"));
        assert_eq!(config(&p).unwrap().seed, 7);
        assert_eq!(config(&parse("?profile=x%20y", "")), Err(BadParam::Profile("x y".into())));
        assert_eq!(config(&parse("?seed=-1", "")), Err(BadParam::Seed("-1".into())));
        assert_eq!(config(&parse("?masters=3&workers=5", "")).map(|c| (c.masters, c.workers)), Ok((3, 5)));
        assert_eq!(config(&parse("?masters=2", "")), Err(BadParam::Masters("2".into())));
        assert_eq!(config(&parse("?workers=10", "")), Err(BadParam::Workers("10".into())));
    }
}
