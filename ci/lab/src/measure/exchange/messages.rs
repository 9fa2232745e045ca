//! sipp's log of messages (`-trace_msg`), which has their times in microseconds. Its own response times are multiples of
//! 4 ms (3.6.1).

/// What is between two messages.
const RULE: &str = "-----------------------------------------------";

/// How long each call took, in ms: from the INVITE with a password to the first 180, or from the first REGISTER to the 200.
/// Calls follow one another.
pub fn times(log: &str) -> Vec<f64> {
    let (mut times, mut began) = (Vec::new(), None);
    for message in log.split(RULE) {
        let Some((head, text)) = message.split_once("\n\n") else { continue };
        let Some(at) = time_of_day(head) else { continue };
        let has = |field: &str| text.contains(field);
        let begins = head.contains("message sent")
            && (text.starts_with("INVITE ") && has("\nProxy-Authorization:")
                || text.starts_with("REGISTER ") && has("\nCSeq: 1 "));
        let ends = text.starts_with("SIP/2.0 180 ") || text.starts_with("SIP/2.0 200 ") && has(" REGISTER");
        if begins {
            // A retransmission belongs to the time.
            began = began.or(Some(at));
        } else if ends && let Some(began) = began.take() {
            times.push((at - began) * 1000.0);
        }
    }
    times
}

/// Seconds since midnight: ` 2026-11-29 02:40:59.120134`, and the direction on the next line.
fn time_of_day(head: &str) -> Option<f64> {
    let mut words = head.split_whitespace().nth(1)?.split(':').map(str::parse::<f64>);
    let (hours, minutes, seconds) = (words.next()?.ok()?, words.next()?.ok()?, words.next()?.ok()?);
    Some((hours * 60.0 + minutes) * 60.0 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_lasts_from_the_invite_with_a_password_to_its_first_180() {
        let log = format!(
            "{RULE} 2026-11-29 02:40:59.120000\nUDP message sent (448 bytes):\n\nINVITE sip:5@x SIP/2.0\nCSeq: 1 INVITE\n\n\
             {RULE} 2026-11-29 02:40:59.121000\nUDP message received [454] bytes :\n\nSIP/2.0 407 Proxy\n\n\
             {RULE} 2026-11-29 02:40:59.122000\nUDP message sent (448 bytes):\n\nINVITE sip:5@x SIP/2.0\nCSeq: 2 INVITE\n\
             Proxy-Authorization: Digest\n\n\
             {RULE} 2026-11-29 02:40:59.122500\nUDP message received [54] bytes :\n\nSIP/2.0 100 Trying\n\n\
             {RULE} 2026-11-29 02:40:59.124500\nUDP message received [54] bytes :\n\nSIP/2.0 180 Ringing\n\n\
             {RULE} 2026-11-29 02:40:59.125000\nUDP message received [54] bytes :\n\nSIP/2.0 200 OK\nCSeq: 2 INVITE\n\n"
        );
        let times = times(&log);
        assert!(times.len() == 1 && (times[0] - 2.5).abs() < 0.01, "{times:?}");
    }

    #[test]
    fn a_registration_lasts_from_the_first_request_to_the_200() {
        let log = format!(
            "{RULE} 2026-11-29 02:40:59.100000\nUDP message sent (48 bytes):\n\nREGISTER sip:x SIP/2.0\nCSeq: 1 REGISTER\n\n\
             {RULE} 2026-11-29 02:40:59.101000\nUDP message received [454] bytes :\n\nSIP/2.0 401 Un\nCSeq: 1 REGISTER\n\n\
             {RULE} 2026-11-29 02:40:59.102000\nUDP message sent (48 bytes):\n\nREGISTER sip:x SIP/2.0\nCSeq: 2 REGISTER\n\n\
             {RULE} 2026-11-29 02:40:59.103000\nUDP message received [454] bytes :\n\nSIP/2.0 200 OK\nCSeq: 2 REGISTER\n\n"
        );
        let times = times(&log);
        assert!(times.len() == 1 && (times[0] - 3.0).abs() < 0.01, "{times:?}");
    }
}
