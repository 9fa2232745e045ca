//! `dialctl connect`, `disconnect`, `extend` and `budget`.

use std::fs;
use std::time::Duration;

use crate::control::{NoReply, Reply, Request, call};
use crate::link::{Budget, Session};
use crate::places::Places;
use crate::record::Record;
use crate::site::{DataSize, Role, Site, TimeSpan};
use crate::state::Store;

/// Longer than the dialer tries before it says that there is no link.
const TO_CONNECT: Duration = Duration::from_secs(20 * 60);
/// Longer than it waits before it kills a pppd that does not end.
const TO_DISCONNECT: Duration = Duration::from_secs(60);
/// What needs nothing but a look.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Opens the link, and waits until it is up or has failed.
///
/// # Errors
/// Why there is no link, for a person.
pub fn connect(places: &Places, length: Option<&str>) -> Result<String, String> {
    ask(places, &Request::Connect(span(length)?), TO_CONNECT)
}

/// Closes the link, and waits until it is closed.
///
/// # Errors
/// Why it is not closed, for a person.
pub fn disconnect(places: &Places) -> Result<String, String> {
    ask(places, &Request::Disconnect, TO_DISCONNECT)
}

/// Lets the link stay longer.
///
/// # Errors
/// Why it does not stay longer, for a person.
pub fn extend(places: &Places, more: Option<&str>) -> Result<String, String> {
    ask(places, &Request::Extend(span(more)?), AT_ONCE)
}

/// What the month has cost. Without a dialer, what it had stored last.
///
/// # Errors
/// Why that cannot be said, for a person.
pub fn budget(places: &Places) -> Result<String, String> {
    match call(places, &Request::Budget, AT_ONCE) {
        Ok(reply) => said(reply),
        Err(NoReply::NotRunning) => stored_budget(places),
        Err(error) => Err(error.to_string()),
    }
}

/// Corrects what the month has cost, by the operator's own count.
///
/// # Errors
/// Why it is not corrected, for a person.
pub fn set_used(places: &Places, used: &str) -> Result<String, String> {
    let used: DataSize = used.parse().map_err(as_words)?;
    ask(places, &Request::SetUsed(used), AT_ONCE)
}

fn stored_budget(places: &Places) -> Result<String, String> {
    let path = places.site();
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let site = Site::parse(&text).map_err(|error| error.to_string())?;
    let Role::Dialer(dialer) = site.role else {
        return Err("this box is no dialer: it pays for no link".to_owned());
    };
    let record = Store::new(places.state()).read(Session::FILE).unwrap_or_default();
    let budget = Budget::load(dialer.link.data_budget, &Record::parse(&record), &[]);
    Ok(format!("{} (as stored: the dialer is not running)\n", budget.spent()))
}

fn ask(places: &Places, request: &Request, patience: Duration) -> Result<String, String> {
    call(places, request, patience).map_err(|error| error.to_string()).and_then(said)
}

fn said(reply: Reply) -> Result<String, String> {
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
    fn without_a_dialer_the_budget_is_shown_as_it_was_stored() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::below(dir.path());
        let site =
            "role='dialer'\nhostname='x'\n[operator]\nname='free'\napn='free'\n[link]\ndata-budget='500MB'\n";
        for (path, text) in [
            (places.site(), site),
            (places.state().join("budget"), "month=2026-07\nused=12345678\nopen-ppp0=412 0 1000000\n"),
        ] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let shown = budget(&places).unwrap();
        assert_eq!(shown, "13.3MB of 500MB used in 2026-07 (as stored: the dialer is not running)\n");
    }

    #[test]
    fn a_request_without_a_dialer_or_without_sense_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::below(dir.path());
        assert_eq!(connect(&places, None).unwrap_err(), "the dialer is not running: see `dialctl status`");
        assert!(connect(&places, Some("soon")).unwrap_err().contains("next: write whole days"));
        assert!(set_used(&places, "much").unwrap_err().contains("next: write a number and kB"));
    }
}
