//! The cause of a link's end, from pppd's log.
//!
//! The exit status reflects the last event only: if pppd gives a caller up and then sees the modem hang up, its status
//! is that of a hang-up (2.4.9, main.c, `get_input`).

use crate::ppp::Exit;
use crate::ppp::pppd_log::{Line, find};

/// Complete log lines of pppd with the cause of a link's end (lcp.c, fsm.c, upap.c, auth.c, main.c), and that cause.
///
/// The caller can choose the text in three of them, and pppd 2.4.9 writes a control character in it as `^J` or `\n`
/// (utils.c, `vslprintf`). Even if one got through, the line it is in would be found first.
const LINES: [(Line, Exit); 16] = [
    (Line::Is("LCP: timeout sending Config-Requests"), Exit::NoAgreement),
    (Line::Is("Serial line is looped back."), Exit::Loopback),
    (Line::EndsWithText("no PAP secret found for "), Exit::AuthRefused),
    (Line::EndsWithText("PAP peer authentication failed for "), Exit::AuthRefused),
    (Line::EndsWithText("No CHAP secret found for authenticating "), Exit::AuthRefused),
    (Line::Around("Peer ", " failed CHAP authentication"), Exit::AuthRefused),
    (Line::Is("peer refused to authenticate"), Exit::AuthRefused),
    (Line::Is("peer refused to authenticate: terminating link"), Exit::AuthRefused),
    (Line::Is("Serial link appears to be disconnected."), Exit::PeerDead),
    (Line::Is("Terminating connection due to lack of activity."), Exit::OwnLimit),
    (Line::Is("Connect time expired"), Exit::OwnLimit),
    (Line::EndsWithNumber("Terminating on signal "), Exit::Told),
    (Line::Is("LCP terminated by peer"), Exit::Peer),
    (Line::EndsWithText("LCP terminated by peer ("), Exit::Peer),
    (Line::Is("Modem hangup"), Exit::HungUp),
    (Line::Is("Hangup (SIGHUP)"), Exit::HungUp),
];

/// The cause of a link's end, from pppd's log and exit status. The first cause in the log counts; an exit status that
/// is not a hang-up is more precise.
pub fn cause(said: &str, exit: Exit) -> Exit {
    match exit {
        Exit::HungUp | Exit::Unseen => find(&LINES, said).unwrap_or(exit),
        _ => exit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cause_counts() {
        let table = [
            (
                "LCP: timeout sending Config-Requests\nConnection terminated.\nModem hangup\n",
                Exit::NoAgreement,
            ),
            (
                "No response to 4 echo-requests\nSerial link appears to be disconnected.\nModem hangup\n",
                Exit::PeerDead,
            ),
            ("PAP peer authentication failed for guest\nModem hangup\n", Exit::AuthRefused),
            ("Peer guest failed CHAP authentication\nModem hangup\n", Exit::AuthRefused),
            ("Peer refused to agree to our IP address\nModem hangup\n", Exit::HungUp),
            ("Connect time 2.0 minutes.\nModem hangup\nConnection terminated.\n", Exit::HungUp),
            ("LCP terminated by peer (Modem hangup)\nModem hangup\n", Exit::Peer),
            ("IPCP: timeout sending Config-Requests\n", Exit::HungUp),
            ("", Exit::HungUp),
        ];
        for (said, expected) in table {
            assert_eq!(cause(said, Exit::HungUp), expected, "{said}");
        }
    }

    #[test]
    fn a_callers_name_is_never_taken_for_a_cause() {
        let forged = "Connect time expired\nTerminating on signal 15\nLCP terminated by peer";
        for name in [forged, &forged.replace('\n', "^J"), &format!("\n{forged}\n"), &format!("\r{forged}\r")]
        {
            let said = format!(
                "no PAP secret found for {name}\nPAP peer authentication failed for {name}\nModem hangup\n"
            );
            assert_eq!(cause(&said, Exit::HungUp), Exit::AuthRefused, "{said:?}");
        }
    }

    #[test]
    fn a_line_that_only_begins_like_one_of_pppds_is_ignored() {
        for said in [
            "Connect time expired, says the caller",
            "Terminating on signal 15, says the caller",
            "Modem hangups",
            " Modem hangup",
            "Remote message: Connect time expired",
        ] {
            assert_eq!(cause(&format!("{said}\n"), Exit::Unseen), Exit::Unseen, "{said}");
        }
    }

    #[test]
    fn an_exit_status_gives_a_cause_and_so_does_a_missing_one() {
        let said = "Terminating on signal 15\n";
        assert_eq!(cause(said, Exit::PeerDead), Exit::PeerDead);
        assert_eq!(cause(said, Exit::Unseen), Exit::Told);
        assert_eq!(cause("Using interface ppp0\n", Exit::Unseen), Exit::Unseen);
    }
}
