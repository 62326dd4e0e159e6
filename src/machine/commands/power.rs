//! `reboot`, `poweroff`, `shutdown`.

use super::admin;
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io};

pub static REBOOT: Command = admin("reboot", ["restart the machine", "머신을 다시 시작합니다"], reboot);
pub static POWEROFF: Command = admin("poweroff", ["turn the machine off", "머신을 끕니다"], reboot);
pub static SHUTDOWN: Command =
    admin("shutdown", ["turn the machine off or restart it", "머신을 끄거나 다시 시작합니다"], shutdown);

fn reboot(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    if let Some(option) = args[1..].iter().find(|a| !matches!(a.as_str(), "-f" | "--force")) {
        return io.fail(1, format!("{}: unrecognized option '{option}'", args[0]));
    }
    io.call("power", if args[0] == "reboot" { "reboot" } else { "off" }.into())?;
    Ok(0)
}

fn shutdown(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let has = |flag: &str| args[1..].iter().any(|a| a == flag);
    let when = args[1..].iter().find(|a| !a.starts_with('-')).map_or("+1", Str::as_str);
    if has("-c") {
        return Ok(0);
    }
    let minutes = match when {
        "now" => 0,
        text => match text.trim_start_matches('+').parse::<u64>() {
            Ok(n) => n,
            Err(_) => return io.fail(1, format!("Failed to parse time specification: {text}")),
        },
    };
    io.sleep(crate::base::Duration::mins(minutes))?;
    io.call("power", if has("-r") || has("--reboot") { "reboot" } else { "off" }.into())?;
    Ok(0)
}
