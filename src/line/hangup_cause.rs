//! The cause of a link's end, from pppd's log.
//!
//! The exit status reflects the last event only: if pppd gives a caller up and then sees the modem hang up, its status
//! is that of a hang-up (2.4.9, main.c, `get_input`).

use std::fs::File;
use std::path::Path;

use crate::ppp::Exit;

/// More than pppd logs during a call without faults, in bytes.
const LONGEST: u64 = 16 << 10;

/// Complete log lines of pppd with the cause of a link's end (lcp.c, fsm.c, upap.c, auth.c, main.c), and that cause.
///
/// The caller can choose the text in three of them, and pppd 2.4.9 writes a control character in it as `^J` or `\n`
/// (utils.c, `vslprintf`). Even if one got through, the line it is in would be found first.
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

/// A line without variable text.
#[derive(Debug, Clone, Copy)]
enum Line {
    Is(&'static str),
    EndsWithNumber(&'static str),
    /// The caller's text follows this.
    EndsWithText(&'static str),
}

impl Line {
    fn fits(self, line: &str) -> bool {
        match self {
            Self::Is(whole) => line == whole,
            Self::EndsWithNumber(words) => {
                line.strip_prefix(words).is_some_and(|number| number.parse::<u8>().is_ok())
            }
            Self::EndsWithText(words) => line.starts_with(words),
        }
    }
}

/// The cause of a link's end, from pppd's log and exit status. The first cause in the log counts; an exit status that
/// is not a hang-up is more precise.
pub fn cause(said: &str, exit: Exit) -> Exit {
    let told = |said: &str| LINES.iter().find(|(line, _)| line.fits(said)).map(|(_, cause)| cause.clone());
    match exit {
        Exit::HungUp | Exit::Unseen => said.split('\n').find_map(told).unwrap_or(exit),
        _ => exit,
    }
}

/// Truncates pppd's log file when it is long: pppd logs every packet that it cannot use, and the caller may send them
/// for hours. The cause of the end comes last.
pub fn keep_short(said: &Path) {
    if said.metadata().is_ok_and(|file| file.len() > LONGEST) {
        // pppd appends (options.c, `setlogfile`), so it continues at the new end. This fails only if the file is gone.
        drop(File::options().write(true).open(said).and_then(|file| file.set_len(0)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_cannot_fill_the_memory_with_pppds_log() {
        let dir = tempfile::tempdir().unwrap();
        let said = dir.path().join("line1.pppd");
        keep_short(&said); // it does not exist yet
        for (length, kept) in [(LONGEST, LONGEST), (LONGEST + 1, 0)] {
            std::fs::write(&said, vec![b'x'; usize::try_from(length).unwrap()]).unwrap();
            keep_short(&said);
            assert_eq!(said.metadata().unwrap().len(), kept);
        }
    }

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
