//! What is wrong with a schedule, in the words of the library that reads it (robfig/cron).

use super::super::Profile;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Smallest, largest, and names from the smallest on.
const FIELDS: [(i64, i64, &[&str]); 5] = [(0, 59, &[]), (0, 23, &[]), (1, 31, &[]), (1, 12, &MONTHS), (0, 6, &DAYS)];

pub(super) fn error(text: &str, profile: Profile) -> Option<String> {
    let modern = profile == Profile::Modern;
    if modern && text.contains("TZ") {
        return Some("cannot use TZ or CRON_TZ in schedule, use timeZone field instead".to_owned());
    }
    let why = parse(text, modern).err()?;
    if modern {
        return Some(why);
    }
    // The older library begins its sentences with a capital.
    let mut chars = why.chars();
    let first = chars.next()?.to_ascii_uppercase();
    Some(std::iter::once(first).chain(chars).collect())
}

fn parse(text: &str, modern: bool) -> Result<(), String> {
    if let Some(word) = text.strip_prefix('@') {
        let known = ["yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"];
        let fine = known.contains(&word) || word.strip_prefix("every ").is_some_and(duration);
        return if fine { Ok(()) } else { Err(format!("unrecognized descriptor: {text}")) };
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != 5 {
        let shown = if modern { format!("[{}]", fields.join(" ")) } else { text.to_owned() };
        return Err(format!("expected exactly 5 fields, found {}: {shown}", fields.len()));
    }
    for (field, (min, max, names)) in fields.iter().zip(FIELDS) {
        field.split(',').try_for_each(|part| range(part, min, max, names))?;
    }
    Ok(())
}

/// `1h30m`
fn duration(text: &str) -> bool {
    let mut digits = false;
    let fine = text.chars().all(|c| {
        digits |= c.is_ascii_digit();
        c.is_ascii_digit() || matches!(c, 'h' | 'm' | 's' | '.')
    });
    fine && digits && !text.ends_with(|c: char| c.is_ascii_digit())
}

fn range(text: &str, min: i64, max: i64, names: &[&str]) -> Result<(), String> {
    let parts: Vec<&str> = text.split('/').collect();
    let ends: Vec<&str> = parts[0].split('-').collect();
    let (start, mut end);
    if matches!(ends[0], "*" | "?") {
        (start, end) = (min, max);
    } else {
        start = number(ends[0], min, names)?;
        end = match ends[..] {
            [_] => start,
            [_, last] => number(last, min, names)?,
            _ => return Err(format!("too many hyphens: {text}")),
        };
    }
    let step = match parts[..] {
        [_] => 1,
        [_, step] => {
            if ends.len() == 1 {
                end = max;
            }
            number(step, min, &[])?
        }
        _ => return Err(format!("too many slashes: {text}")),
    };
    if start < min {
        return Err(format!("beginning of range ({start}) below minimum ({min}): {text}"));
    }
    if end > max {
        return Err(format!("end of range ({end}) above maximum ({max}): {text}"));
    }
    if start > end {
        return Err(format!("beginning of range ({start}) beyond end of range ({end}): {text}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    Ok(())
}

fn number(text: &str, min: i64, names: &[&str]) -> Result<i64, String> {
    if let Some(at) = names.iter().position(|n| *n == text.to_lowercase()) {
        return Ok(min + at as i64);
    }
    match text.parse::<i64>() {
        Ok(n) if n < 0 => Err(format!("negative number ({n}) not allowed: {text}")),
        Ok(n) => Ok(n),
        Err(_) => {
            let quoted = super::super::gofmt::quote(text);
            Err(format!("failed to parse int from {text}: strconv.Atoi: parsing {quoted}: invalid syntax"))
        }
    }
}

/// Time zones are known by their region; no table of cities is kept.
pub(super) fn zone_error(zone: &str) -> Option<String> {
    if zone.is_empty() {
        return Some("timeZone must be nil or non-empty string".to_owned());
    }
    if zone.eq_ignore_ascii_case("local") {
        return Some("timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones".to_owned());
    }
    let regions = [
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Brazil",
        "Canada",
        "Chile",
        "Etc",
        "Europe",
        "Indian",
        "Mexico",
        "Pacific",
        "US",
    ];
    let alone = ["UTC", "GMT", "EST", "MST", "HST", "CET", "EET", "WET", "MET", "ROK", "Japan", "PRC", "Singapore"];
    let known = alone.contains(&zone)
        || zone.split_once('/').is_some_and(|(region, city)| {
            let letters = city.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '/'));
            regions.contains(&region) && letters && !city.is_empty()
        });
    if known { None } else { Some(format!("unknown time zone {zone}")) }
}
