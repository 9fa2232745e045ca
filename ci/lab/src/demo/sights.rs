//! The sources of the demo's events: the network's journal, and the dialer's log, routes and VPN.

use crate::booted::Booted;
use crate::error::Result;
use crate::network::{Journal, What};
use std::time::Duration;

/// The programs whose log lines are shown.
const SPEAKERS: [&str; 2] = ["sms-dialer", "pppd"];
/// Log lines of these programs that are not shown.
const NOISE: &[&str] = &[
    "modem says",
    "Script ",
    "CCP",
    "Deflate",
    "LL address",
    "Sent ",
    "Received ",
    "Connect",
    "Using ",
    "started by",
    "Exit",
    "Remote message",
    "pppd (",
];
/// A command that does not end: it prints the log, and every second the routes and the VPN's last handshake.
const FOLLOWED: &str = "stty -echo; logread -f & while :; do echo \"ROUTES $(ip route show dev ppp0 2>/dev/null | \
     cut -d' ' -f1 | tr '\\n' ' ')\"; echo \"VPN $(wg show vpn latest-handshakes 2>/dev/null)\"; sleep 1; done";

/// What has been shown already.
#[derive(Default)]
pub struct Sights {
    entries: usize,
    routes: Vec<String>,
    shaken: bool,
}

impl Sights {
    /// Starts that command on a freshly booted dialer, whose shell does nothing else from then on.
    pub fn attend(&mut self, dialer: &mut Booted) -> Result<()> {
        (self.routes, self.shaken) = (Vec::new(), false);
        dialer.follow(FOLLOWED)
    }

    /// What happened on the network.
    pub fn events(&mut self, journal: &Journal) -> Vec<(Duration, String, String)> {
        let fresh = journal.entries().iter().skip(self.entries);
        let lines = fresh.filter_map(|entry| match &entry.what {
            What::Event(event) => Some((entry.at, entry.who.clone(), event.clone())),
            _ => None,
        });
        let lines = lines.collect();
        self.entries = journal.entries().len();
        lines
    }

    /// The next event on the dialer, if one comes within this time.
    pub fn look(&mut self, dialer: &mut Booted, within: Duration) -> Result<Option<String>> {
        let line = dialer.line(within)?;
        Ok(line.and_then(|line| {
            if let Some(routes) = line.strip_prefix("ROUTES") {
                self.note_routes(routes)
            } else if let Some(handshake) = line.strip_prefix("VPN") {
                self.note_handshake(handshake)
            } else {
                worth_showing(&line)
            }
        }))
    }

    /// Whether the VPN's far side has answered since the link came up.
    pub fn is_vpn_up(&self) -> bool {
        self.shaken
    }

    fn note_routes(&mut self, routes: &str) -> Option<String> {
        let routes: Vec<String> = routes.split_whitespace().map(str::to_owned).collect();
        if routes == self.routes {
            return None;
        }
        self.routes = routes;
        Some(match self.routes.as_slice() {
            [] => "no route over the link is left".to_owned(),
            routes => format!("routes over the link: {}", routes.join(", ")),
        })
    }

    /// `wg` shows the peer and the second of the last handshake, 0 before the first.
    fn note_handshake(&mut self, vpn: &str) -> Option<String> {
        let shaken = vpn.split_whitespace().nth(1).is_some_and(|second| second != "0");
        if shaken == std::mem::replace(&mut self.shaken, shaken) {
            return None;
        }
        Some(if shaken { "VPN: handshake with the far side" } else { "VPN: gone" }.to_owned())
    }
}

/// `Nov 22 15:36:25 dialer daemon.info sms-dialer: modem answers`
fn worth_showing(line: &str) -> Option<String> {
    let said = line.splitn(6, ' ').filter(|word| !word.is_empty()).last()?;
    let (speaker, what) = said.split_once(": ")?;
    let speaker = speaker.split('[').next()?;
    let worth = SPEAKERS.contains(&speaker) && !NOISE.iter().any(|noise| what.contains(noise));
    worth.then(|| format!("{speaker}: {}", what.split_whitespace().collect::<Vec<_>>().join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_log_lines_of_dialer_and_pppd_are_shown() {
        let said = |line: &str| worth_showing(line);
        assert_eq!(
            said("Nov 22 15:36:25 dialer daemon.info sms-dialer: SMS from +33612345678: connect, accepted"),
            Some("sms-dialer: SMS from +33612345678: connect, accepted".to_owned())
        );
        assert_eq!(
            said("Nov 22 15:36:25 dialer daemon.notice pppd[123]: local  IP address 192.168.32.105"),
            Some("pppd: local IP address 192.168.32.105".to_owned())
        );
        assert_eq!(said("Nov 22 15:36:25 dialer local2.info chat[12]: send (ATZ^M)"), None);
        assert_eq!(said("Nov 22 15:36:25 dialer daemon.info sms-dialer: modem says +CMTI: \"ME\",1"), None);
        assert_eq!(said(""), None);
    }

    #[test]
    fn routes_and_handshakes_are_shown_when_they_change() {
        let mut sights = Sights::default();
        assert_eq!(sights.note_routes(""), None);
        let lines = sights.note_routes(" 10.1.0.0/16 192.168.32.1 ");
        assert_eq!(lines.unwrap(), "routes over the link: 10.1.0.0/16, 192.168.32.1");
        assert_eq!(sights.note_handshake("key=\t0"), None);
        assert!(!sights.is_vpn_up());
        assert!(sights.note_handshake("key=\t1795000000").is_some());
        assert!(sights.is_vpn_up());
        assert_eq!(sights.note_handshake("key=\t1795000025"), None);
        assert!(sights.note_routes("").is_some() && sights.note_handshake("").is_some());
        assert!(!sights.is_vpn_up());
    }
}
