//! Tab at the command line: grows the last word as far as it is certain, or lists what it could be.

use std::sync::Arc;

use crate::machine::complete::complete as candidates;

use super::State;

/// Completes the line at the current terminal.
pub fn complete(state: &mut State) {
    let line = state.draft().text;
    let found = candidates(state.world(), state.tab, &line, line.len());
    if found.candidates.is_empty() {
        return;
    }
    let mut text = format!("{}{}", &line[..found.start], found.common());
    if let [only] = &found.candidates[..]
        && !only.ends_with(['/', '='])
    {
        text.push(' ');
    }
    let grew = text.len() > line.len();
    state.set_draft(text);
    if found.candidates.len() > 1 && !grew {
        let shown = found.candidates.iter().map(|c| c.trim_end_matches('/').rsplit('/').next().unwrap_or(c).into());
        state.draft_mut().candidates = Arc::new(shown.collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::settings::Settings;
    use crate::sim::{Config, Session};

    #[test]
    fn words_grow_as_far_as_they_are_certain() {
        let session = Session::new(&Config::default(), crate::addons::lab::ready);
        let mut s = State::of(session, Settings::default(), crate::addons::lab::ready);
        let mut check = |line: &str, grown: &str| {
            s.set_draft(line.into());
            complete(&mut s);
            assert_eq!(s.draft().text, grown, "{line:?}");
        };
        check("kubec", "kubectl ");
        check("systemctl stop kubele", "systemctl stop kubelet ");
        check("kubectl describe node w1", "kubectl describe node w1-k8s ");
        check("cat /etc/kuber", "cat /etc/kubernetes/");
        check("zzz", "zzz");
        s.set_draft("kubectl c".into());
        complete(&mut s);
        assert!(s.draft().candidates.iter().any(|c| c == "create"));
    }
}
