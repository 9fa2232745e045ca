//! The log of pppd. The exit status reflects the last event only: 19 means a refused password or a peer that never
//! answered (auth.c, `auth_withpeer_fail`), and a pppd that gives up and then sees the modem hang up has the status of
//! a hang-up (2.4.9, main.c, `get_input`).
//!
//! pppd also logs to a file (pppd(8), `logfile`), and its `chat` writes its report there.

use std::fs::{self, File};
use std::path::Path;

use super::Exit;
use crate::names::run_file;
use crate::paths::Paths;

/// The most bytes of the log: more than pppd writes about a call without errors.
const LONGEST: u64 = 16 << 10;

/// Complete lines of pppd with the cause of a link's end (lcp.c, upap.c, chap-new.c, eap.c, auth.c, main.c, of 2.4.9
/// and 2.5), and that cause for the side that has called.
const LINES: [(Line, Exit); 16] = [
    (Line::Is("PAP authentication failed"), Exit::AuthRefused),
    (Line::Is("CHAP authentication failed"), Exit::AuthRefused),
    (Line::Is("EAP: peer reports authentication failure"), Exit::AuthRefused),
    (Line::Is("No response to PAP authenticate-requests"), Exit::AuthUnanswered),
    (Line::Is("CHAP authentication timed out"), Exit::AuthUnanswered),
    (Line::Is("PAP authentication failed due to protocol-reject"), Exit::AuthUnanswered),
    (Line::Is("CHAP authentication failed due to protocol-reject"), Exit::AuthUnanswered),
    (Line::Is("LCP: timeout sending Config-Requests"), Exit::NoAgreement),
    (Line::Is("Serial line is looped back."), Exit::Loopback),
    (Line::Is("Serial link appears to be disconnected."), Exit::PeerDead),
    (Line::EndsWithNumber("Terminating on signal "), Exit::Told),
    (Line::Is("LCP terminated by peer"), Exit::Peer),
    (Line::EndsWithText("LCP terminated by peer ("), Exit::Peer),
    (Line::Is("Modem hangup"), Exit::HungUp),
    (Line::Is("Hangup (SIGHUP)"), Exit::HungUp),
    (Line::Is("Terminating connection due to lack of activity."), Exit::OwnLimit),
];

/// A line of fixed form.
#[derive(Debug, Clone, Copy)]
pub enum Line {
    /// The whole line.
    Is(&'static str),
    /// A number follows this.
    EndsWithNumber(&'static str),
    /// Text of the peer follows this.
    EndsWithText(&'static str),
    /// Text of the peer stands between these.
    Around(&'static str, &'static str),
}

impl Line {
    fn fits(self, line: &str) -> bool {
        match self {
            Self::Is(whole) => line == whole,
            Self::EndsWithNumber(words) => {
                line.strip_prefix(words).is_some_and(|number| number.parse::<u8>().is_ok())
            }
            Self::EndsWithText(words) => line.starts_with(words),
            Self::Around(before, after) => {
                line.strip_prefix(before).is_some_and(|rest| rest.ends_with(after))
            }
        }
    }
}

/// The cause of the first of these lines in the log.
pub fn find(lines: &[(Line, Exit)], said: &str) -> Option<Exit> {
    let told = |said: &str| lines.iter().find(|(line, _)| line.fits(said)).map(|(_, cause)| cause.clone());
    said.split('\n').find_map(told)
}

/// Why the dialer's link has ended, from pppd's log and exit status. The log decides if the status is ambiguous.
pub fn cause(said: &str, exit: Exit) -> Exit {
    match exit {
        Exit::Peer | Exit::HungUp if is_without_address(said) => Exit::NoAgreement,
        Exit::HungUp | Exit::AuthUnexplained => find(&LINES, said).unwrap_or(exit),
        _ => exit,
    }
}

/// Whether the operator has admitted the dialer, and there was no IPv4 address. If it rejects IPCP (RFC 1661 §5.7), pppd
/// waits without an end (ipcp.c, `ipcp_protrej`), until the operator gives up.
fn is_without_address(said: &str) -> bool {
    let has = |words: &str| said.split('\n').any(|line| line.starts_with(words));
    let is_admitted = has("PAP authentication succeeded") || has("CHAP authentication succeeded");
    is_admitted && !has("local  IP address ")
}

/// The log of the dialer's pppd.
pub fn read(paths: &Paths) -> String {
    let said = fs::read(paths.run_file(run_file::PPPD_LOG)).unwrap_or_default();
    String::from_utf8_lossy(&said).into_owned()
}

/// Truncates a long log: pppd logs each unusable packet, and the peer may send them for hours. The cause of the end is
/// logged last.
pub fn keep_short(said: &Path) {
    if said.metadata().is_ok_and(|file| file.len() > LONGEST) {
        // pppd appends (options.c, `setlogfile`): it continues at the new end. This fails only if the file is gone.
        drop(File::options().write(true).open(said).and_then(|file| file.set_len(0)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pppd_s_log_never_fills_the_memory() {
        let dir = tempfile::tempdir().unwrap();
        let said = dir.path().join("line1.pppd");
        keep_short(&said); // it does not exist yet
        for (length, kept) in [(LONGEST, LONGEST), (LONGEST + 1, 0)] {
            std::fs::write(&said, vec![b'x'; usize::try_from(length).unwrap()]).unwrap();
            keep_short(&said);
            assert_eq!(said.metadata().unwrap().len(), kept);
        }
    }

    /// Lines of ppp 2.4.9 (upap.c, chap-new.c), each with the cause.
    #[test]
    fn a_login_counts_as_refused_only_by_a_line_of_pppd_itself() {
        let begin = "Serial connection established.\nUsing interface ppp0\nConnect: ppp0 <--> /dev/modem\n";
        let end = "Connection terminated.\n";
        for (said, expected) in [
            ("PAP authentication failed\n", Exit::AuthRefused),
            ("Remote message: Login incorrect\nPAP authentication failed\n", Exit::AuthRefused),
            ("CHAP authentication failed\nCHAP authentication failed\n", Exit::AuthRefused),
            ("CHAP authentication failed: E=691 R=0\nCHAP authentication failed\n", Exit::AuthRefused),
            ("No response to PAP authenticate-requests\n", Exit::AuthUnanswered),
            ("CHAP authentication timed out\n", Exit::AuthUnanswered),
            ("PAP authentication failed due to protocol-reject\n", Exit::AuthUnanswered),
            // The peer chooses this text.
            ("Remote message: PAP authentication failed\n", Exit::AuthUnexplained),
            ("CHAP authentication failed: no, it was not\n", Exit::AuthUnexplained),
            ("", Exit::AuthUnexplained),
        ] {
            let said = format!("{begin}{said}{end}");
            assert_eq!(cause(&said, Exit::from_code(19)), expected, "{said}");
        }
        let hung_up = format!("{begin}No response to PAP authenticate-requests\nModem hangup\n{end}");
        assert_eq!(cause(&hung_up, Exit::HungUp), Exit::AuthUnanswered);
        assert_eq!(cause(&format!("{begin}Modem hangup\n{end}"), Exit::HungUp), Exit::HungUp);
        assert_eq!(cause("PAP authentication failed\n", Exit::PeerDead), Exit::PeerDead);
    }

    /// What ppp 2.4.9 logs of an operator that rejects IPCP and then ends the link.
    #[test]
    fn a_link_that_ends_without_an_address_after_the_login_had_no_ipv4() {
        let login = "Connect: ppp0 <--> /dev/modem\nCHAP authentication succeeded: Access granted\n";
        let address = "local  IP address 10.64.0.2\nremote IP address 10.64.0.1\n";
        for (said, exit, expected) in [
            (format!("{login}LCP terminated by peer (User request)\n"), Exit::Peer, Exit::NoAgreement),
            (format!("{login}Modem hangup\n"), Exit::HungUp, Exit::NoAgreement),
            (format!("{login}{address}Modem hangup\n"), Exit::HungUp, Exit::HungUp),
            (format!("{login}{address}LCP terminated by peer\n"), Exit::Peer, Exit::Peer),
            ("Connect: ppp0 <--> /dev/modem\nModem hangup\n".to_owned(), Exit::HungUp, Exit::HungUp),
            ("Remote message: PAP authentication succeeded\n".to_owned(), Exit::Peer, Exit::Peer),
            (format!("{login}Terminating on signal 15\n"), Exit::Told, Exit::Told),
        ] {
            assert_eq!(cause(&said, exit), expected, "{said}");
        }
    }
}
