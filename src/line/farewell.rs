//! What pppd says when a link ends.
//!
//! Its exit status tells how the last of it went: one that gives a caller up and then sees the
//! modem hang up ends with the status of a hang-up (2.4.9, main.c, `get_input`).

use crate::link::Exit;

/// The beginnings of pppd's messages (lcp.c, fsm.c, upap.c, auth.c, main.c), and what each tells.
/// What a caller has sent stands behind them.
const WORDS: [(&str, Exit); 11] = [
    ("LCP: timeout sending Config-Requests", Exit::NoAgreement),
    ("Serial line is looped back", Exit::Loopback),
    ("PAP peer authentication failed", Exit::AuthRefused),
    ("peer refused to authenticate", Exit::AuthRefused),
    ("Serial link appears to be disconnected", Exit::PeerDead),
    ("Terminating connection due to lack of activity", Exit::OwnLimit),
    ("Connect time expired", Exit::OwnLimit),
    ("Terminating on signal", Exit::Told),
    ("LCP terminated by peer", Exit::Peer),
    ("Modem hangup", Exit::HungUp),
    ("Hangup (SIGHUP)", Exit::HungUp),
];

/// Why a link has ended, by what its pppd said and by its exit status. What was said first counts;
/// a status that no hang-up has overwritten says it better.
pub fn cause(said: &str, exit: Exit) -> Exit {
    let told =
        |line: &str| WORDS.iter().find(|(words, _)| line.starts_with(words)).map(|(_, cause)| cause.clone());
    match exit {
        Exit::HungUp | Exit::Unseen => said.lines().find_map(told).unwrap_or(exit),
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
    fn a_status_is_believed_and_a_missing_one_made_good() {
        let said = "Terminating on signal 15\n";
        assert_eq!(cause(said, Exit::PeerDead), Exit::PeerDead);
        assert_eq!(cause(said, Exit::Unseen), Exit::Told);
        assert_eq!(cause("Using interface ppp0\n", Exit::Unseen), Exit::Unseen);
    }
}
