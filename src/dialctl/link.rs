//! `dialctl connect`, `disconnect`, `extend`, `budget` and `gpio`.

use std::fs;
use std::time::Duration;

use crate::control::{self, Reply, Request, RequestError};
use crate::paths::Paths;
use crate::ppp::{Budget, Session};
use crate::reboot;
use crate::record::Record;
use crate::site::{DataSize, Level, LineName, Role, Site, TimeSpan};
use crate::sms::command::Switch;
use crate::state::Store;

/// Longer than the dialer takes to report a failure.
const TO_CONNECT: Duration = Duration::from_secs(20 * 60);
/// Longer than it waits before it kills a pppd that does not end.
const TO_DISCONNECT: Duration = Duration::from_secs(60);
/// For requests that are answered at once.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Opens the link, and waits until it is up or has failed.
///
/// # Errors
/// The reason why there is no link, as text.
pub fn connect(paths: &Paths, length: Option<&str>) -> Result<String, String> {
    request(paths, &Request::Connect(span(length)?), TO_CONNECT)
}

/// Closes the link, and waits until it is closed.
///
/// # Errors
/// The reason why it is not closed, as text.
pub fn disconnect(paths: &Paths) -> Result<String, String> {
    request(paths, &Request::Disconnect, TO_DISCONNECT)
}

/// Closes the link before the box stops, and waits until its traffic is stored.
///
/// # Errors
/// The dialer has not replied in time, as text.
pub fn stop(paths: &Paths) -> Result<(), String> {
    match control::request(paths, &Request::Stop, reboot::LINK_TIMEOUT) {
        // The link is closed, there was none, or the other role has none.
        Ok(_) | Err(RequestError::NotRunning) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Lets the link stay up longer.
///
/// # Errors
/// The reason why it does not, as text.
pub fn extend(paths: &Paths, more: Option<&str>) -> Result<String, String> {
    request(paths, &Request::Extend(span(more)?), AT_ONCE)
}

/// Keeps the values that are on trial.
///
/// # Errors
/// There is no trial, as text.
pub fn confirm(paths: &Paths) -> Result<String, String> {
    request(paths, &Request::Confirm, AT_ONCE)
}

/// Reads all lines of `[gpio]` or one, or switches an output, perhaps for some time.
///
/// # Errors
/// The words are none of these, or the reason why it is not done, as text.
pub fn gpio(paths: &Paths, words: &[&str]) -> Result<String, String> {
    let line = |name: &str| name.parse::<LineName>().map_err(as_words);
    let asked = match words {
        [] => Request::Get(None),
        [name] => Request::Get(Some(line(name)?)),
        [name, level, time @ ..] if time.len() < 2 => {
            let level = Level::parse(level).ok_or_else(|| format!("{level} is no level: write on or off"))?;
            Request::Switch(Switch { name: line(name)?, level, time: span(time.first().copied())? })
        }
        _ => return Err("write a line, its level and a time, as in `dialctl gpio router off 10s`".to_owned()),
    };
    request(paths, &asked, AT_ONCE)
}

/// The month's traffic; without a dialer, the last stored value.
///
/// # Errors
/// The reason why the dialer cannot reply, as text.
pub fn budget(paths: &Paths) -> Result<String, String> {
    match control::request(paths, &Request::Budget, AT_ONCE) {
        Ok(reply) => into_result(reply),
        Err(RequestError::NotRunning) => stored_budget(paths),
        Err(error) => Err(error.to_string()),
    }
}

/// Sets the month's traffic to the operator's count.
///
/// # Errors
/// The reason why it is not set, as text.
pub fn set_used(paths: &Paths, used: &str) -> Result<String, String> {
    let used: DataSize = used.parse().map_err(as_words)?;
    request(paths, &Request::SetUsed(used), AT_ONCE)
}

fn stored_budget(paths: &Paths) -> Result<String, String> {
    let path = paths.site();
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let site = Site::parse(&text).map_err(|error| error.to_string())?;
    let Role::Dialer(dialer) = site.role else {
        return Err("this box is no dialer: it pays for no link".to_owned());
    };
    let record = Store::new(paths.state()).read(Session::FILE).unwrap_or_default();
    let budget = Budget::load(dialer.link.data_budget, &Record::parse(&record), &[]);
    Ok(format!("{} (as stored: the dialer is not running)\n", budget.spent()))
}

fn request(paths: &Paths, request: &Request, patience: Duration) -> Result<String, String> {
    control::request(paths, request, patience).map_err(|error| error.to_string()).and_then(into_result)
}

fn into_result(reply: Reply) -> Result<String, String> {
    match reply {
        Reply::Done(what) => Ok(format!("{what}\n")),
        Reply::Failed(why) => Err(why),
    }
}

fn span(text: Option<&str>) -> Result<Option<Duration>, String> {
    let span: Option<TimeSpan> = text.map(str::parse).transpose().map_err(as_words)?;
    Ok(span.map(TimeSpan::get))
}

fn as_words(invalid: crate::site::Invalid) -> String {
    format!("{}\n  next: {}", invalid.why, invalid.next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_dialer_the_stored_budget_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        let site =
            "role='dialer'\nhostname='x'\n[operator]\nname='free'\napn='free'\n[link]\ndata-budget='500MB'\n";
        for (path, text) in [
            (paths.site(), site),
            (paths.state().join("budget"), "month=2026-07\nused=12345678\nopen-ppp0=412 0 1000000\n"),
        ] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let shown = budget(&paths).unwrap();
        assert_eq!(shown, "13.3MB of 500MB used in 2026-07 (as stored: the dialer is not running)\n");
    }

    #[test]
    fn the_error_of_a_failed_request_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        assert_eq!(connect(&paths, None).unwrap_err(), "the dialer is not running: see `dialctl status`");
        assert!(connect(&paths, Some("soon")).unwrap_err().contains("next: write whole days"));
        assert!(gpio(&paths, &["router", "high"]).unwrap_err().contains("write on or off"));
        assert!(gpio(&paths, &["Router"]).unwrap_err().contains("next: use 1 to 16 small letters"));
        assert!(gpio(&paths, &["router", "off", "10s", "now"]).unwrap_err().contains("off 10s"));
        assert!(set_used(&paths, "much").unwrap_err().contains("next: write a number and kB"));
    }
}
