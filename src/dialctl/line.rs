//! `dialctl lines`, `calls` and `hangup`.

use std::fs;

use rustix::process::{Signal, kill_process};

use crate::line::{Calls, session_of};
use crate::names::LineName;
use crate::paths::Paths;
use crate::published::{CallerNote, DriverStatus, LineState, LineStatus, Published};
use crate::site::{Offer, Role, Site};
use crate::state::Store;

/// Every line, and its user.
///
/// # Errors
/// The box has no lines.
pub fn lines(paths: &Paths) -> Result<String, String> {
    let shown = |number| {
        let name = LineName(number);
        let status = paths.published(&name.to_string());
        let status = status.as_ref().and_then(DriverStatus::<LineStatus>::from_record);
        let caller = paths.published(&name.up()).as_ref().map(CallerNote::from_record);
        format!("{:<8}{}\n", name.to_string(), show(status.as_ref(), caller.unwrap_or_default()))
    };
    Ok((1..=count(paths)?).map(shown).collect())
}

/// Every call in the ledger.
pub fn calls(paths: &Paths) -> String {
    Calls::load(&Store::new(paths.state())).to_string()
}

/// Ends the call on a line: pppd terminates LCP, and the service hangs up, as it does after any other session.
///
/// # Errors
/// There is no such line, or no call on it.
pub fn hang_up(paths: &Paths, line: &str) -> Result<String, String> {
    let lines = count(paths)?;
    let name = LineName::parse(line).filter(|LineName(number)| (1..=lines).contains(number));
    let Some(LineName(number)) = name else {
        return Err(format!("{line}: no such line; there are {lines}, counted from 1"));
    };
    let session =
        session_of(paths, number).ok_or_else(|| format!("line {number}: no caller is connected"))?;
    kill_process(session, Signal::TERM).map_err(|error| format!("line {number}: {error}"))?;
    Ok(format!("line {number}: hanging up\n"))
}

fn count(paths: &Paths) -> Result<usize, String> {
    let path = paths.site();
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    match Site::parse(&text).map_err(|error| error.to_string())?.role {
        Role::DialIn(dial_in) => Ok(dial_in.lines.len()),
        Role::Dialer(_) => Err("this box is a dialer: it has no lines".to_owned()),
    }
}

fn show(status: Option<&DriverStatus<LineStatus>>, caller: CallerNote) -> String {
    let line = match status {
        None => return "not found yet".to_owned(),
        Some(DriverStatus::Trouble(why)) => return why.clone(),
        Some(DriverStatus::Works { status, .. }) => status,
    };
    if line.state != LineState::Connected {
        return format!("{}, {} calls since boot", line.state.as_str(), line.calls);
    }
    let call = line.call.as_ref();
    let speed = call.and_then(|call| call.speed.clone());
    let user = caller.user.or_else(|| Some(call?.user.as_ref()?.to_string()));
    let service = call.map(|call| &call.offer).filter(|offer| **offer != Offer::Ppp);
    let on = caller.interface.or_else(|| service.map(ToString::to_string));
    let facts = [("from ", line.caller.clone()), ("at ", speed), ("as ", user), ("on ", on)];
    let facts = facts.into_iter().filter_map(|(before, fact)| Some(format!(", {before}{}", fact?)));
    std::iter::once(line.state.as_str().to_owned()).chain(facts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    const SITE: &str = "role='dial-in'\nhostname='x'\n\
        [[line]]\nport='1-1.2'\nlocal='192.0.2.1'\nremote='192.0.2.2'\n\
        [[line]]\nport='1-1.3'\nlocal='192.0.2.1'\nremote='192.0.2.3'\n\
        [[line]]\nport='1-1.4'\nlocal='192.0.2.1'\nremote='192.0.2.4'\n\
        [[line]]\nport='1-1.5'\nlocal='192.0.2.1'\nremote='192.0.2.5'\n\
        [[user]]\nname='u'\npassword='p'\n";

    fn dial_in() -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        fs::create_dir_all(paths.path("/etc/dialbox")).unwrap();
        fs::write(paths.site(), SITE).unwrap();
        (dir, paths)
    }

    #[test]
    fn every_line_is_shown_with_its_caller_calls_or_error() {
        let (_dir, paths) = dial_in();
        let publish = |name: &str, text: &str| paths.publish(name, &Record::parse(text)).unwrap();
        publish(
            "line1",
            "line=connected\ncalls=3\ncaller=0555\nspeed=33600/ARQ\nsince=9\nport=/dev/ttyUSB0\n",
        );
        publish("line1.up", "user=guest\ninterface=ppp0\n");
        publish("line2", "line=ready\ncalls=12\nport=/dev/ttyUSB1\n");
        publish("line3", "line=connected\ncalls=1\nsince=9\nuser=guest\ngets=bbs\nport=/dev/ttyUSB2\n");
        publish("line4", "trouble=no modem found\n");
        insta::assert_snapshot!(lines(&paths).unwrap(), @"
        line1   connected, from 0555, at 33600/ARQ, as guest, on ppp0
        line2   ready, 12 calls since boot
        line3   connected, as guest, on bbs
        line4   no modem found
        ");
    }

    #[test]
    fn only_a_call_can_be_hung_up() {
        let (_dir, paths) = dial_in();
        let refusal = |line| hang_up(&paths, line).unwrap_err();
        assert_eq!(refusal("5"), "5: no such line; there are 4, counted from 1");
        assert_eq!(refusal("0"), "0: no such line; there are 4, counted from 1");
        assert_eq!(refusal("line2"), "line 2: no caller is connected");
        // A process ID that another program has by now is left alone.
        fs::create_dir_all(paths.path("/run")).unwrap();
        fs::create_dir_all(paths.path("/proc/4711")).unwrap();
        fs::write(paths.path("/run/ppp-line2.pid"), "4711\nppp0\n").unwrap();
        fs::write(paths.path("/proc/4711/comm"), "sleep\n").unwrap();
        assert_eq!(refusal("2"), "line 2: no caller is connected");
    }
}
