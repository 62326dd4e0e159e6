//! The two languages, and the bits of Korean grammar that generated sentences need.

use serde::{Deserialize, Serialize};

use crate::api::Kind;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    #[default]
    En,
    Ko,
}

impl Lang {
    /// The value of an HTML `lang` attribute.
    pub fn code(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Ko => "ko",
        }
    }
    /// Reads `ko`, `ko-KR`, `en-US` …; anything that is not Korean is English.
    pub fn of(tag: &str) -> Lang {
        if tag.to_ascii_lowercase().starts_with("ko") { Lang::Ko } else { Lang::En }
    }
    pub fn pick<T>(self, en: T, ko: T) -> T {
        match self {
            Lang::En => en,
            Lang::Ko => ko,
        }
    }
}

/// Whether the last syllable of a Hangul word ends in a consonant. Other scripts: no.
fn closed(word: &str) -> bool {
    let last = word.chars().next_back().map_or(0, |c| c as u32);
    (0xac00..=0xd7a3).contains(&last) && !(last - 0xac00).is_multiple_of(28)
}

/// `word` with the object particle: 파드를, 레플리카셋을.
pub fn object(word: &str) -> String {
    format!("{word}{}", if closed(word) { "을" } else { "를" })
}
/// `word` with the subject particle: 파드가, 레플리카셋이.
pub fn subject(word: &str) -> String {
    format!("{word}{}", if closed(word) { "이" } else { "가" })
}

/// A kind as prose names it.
pub fn kind_name(kind: Kind, lang: Lang) -> &'static str {
    if lang == Lang::En {
        return kind.name();
    }
    match kind {
        Kind::POD => "파드",
        Kind::NODE => "노드",
        Kind::NAMESPACE => "네임스페이스",
        Kind::EVENT => "이벤트",
        Kind::SERVICE => "서비스",
        Kind::ENDPOINTS => "엔드포인트",
        Kind::ENDPOINT_SLICE => "엔드포인트슬라이스",
        Kind::CONFIG_MAP => "컨피그맵",
        Kind::SECRET => "시크릿",
        Kind::SERVICE_ACCOUNT => "서비스어카운트",
        Kind::DEPLOYMENT => "디플로이먼트",
        Kind::REPLICA_SET => "레플리카셋",
        Kind::DAEMON_SET => "데몬셋",
        Kind::STATEFUL_SET => "스테이트풀셋",
        Kind::JOB => "잡",
        Kind::CRON_JOB => "크론잡",
        Kind::LEASE => "리스",
        Kind::PERSISTENT_VOLUME => "퍼시스턴트볼륨",
        Kind::PERSISTENT_VOLUME_CLAIM => "퍼시스턴트볼륨클레임",
        Kind::INGRESS => "인그레스",
        other => other.name(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particles_follow_the_last_syllable() {
        assert_eq!(object("파드"), "파드를");
        assert_eq!(object("레플리카셋"), "레플리카셋을");
        assert_eq!(subject("노드"), "노드가");
        assert_eq!(subject("데몬셋"), "데몬셋이");
    }

    #[test]
    fn languages_by_tag() {
        assert_eq!(Lang::of("ko-KR"), Lang::Ko);
        assert_eq!(Lang::of("fr"), Lang::En);
    }
}
