//! What pppd says when a link ends.
//!
//! Its exit status tells how the last of it went: one that gives a caller up and then sees the
//! modem hang up ends with the status of a hang-up (2.4.9, main.c, `get_input`).

use crate::ppp::Exit;
use crate::ppp::pppd_log::{Line, find};

/// The lines of pppd that tell why a link ends (lcp.c, fsm.c, upap.c, auth.c, main.c), whole, and
/// what each tells.
///
/// The caller can choose the text in three of them, and pppd 2.4.9 writes a control character in it
/// as `^J` or `\n` (utils.c, `vslprintf`). Should one get through all the same, its own line has been
/// found first.
const LINES: [(Line, Exit); 14] = [
    (Line::Is("LCP: timeout sending Config-Requests"), Exit::NoAgreement),
    (Line::Is("Serial line is looped back."), Exit::Loopback),
    (Line::EndsWithText("no PAP secret found for "), Exit::AuthRefused),
    (Line::EndsWithText("PAP peer authentication failed for "), Exit::AuthRefused),
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

/// Why a link has ended, by what its pppd said and by its exit status. What was said first counts;
/// a status that no hang-up has overwritten says it better.
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
    fn a_caller_s_name_is_no_cause_whatever_it_says() {
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
    fn a_line_that_only_begins_as_one_of_pppd_s_is_none() {
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
    fn a_status_is_believed_and_a_missing_one_made_good() {
        let said = "Terminating on signal 15\n";
        assert_eq!(cause(said, Exit::PeerDead), Exit::PeerDead);
        assert_eq!(cause(said, Exit::Unseen), Exit::Told);
        assert_eq!(cause("Using interface ppp0\n", Exit::Unseen), Exit::Unseen);
    }
}
