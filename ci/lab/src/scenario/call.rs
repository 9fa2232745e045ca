//! A call from one box to another, with the real pppd at both ends.

use super::{DIAL_IN, SITE, shows};
use crate::error::{Error, Result};
use crate::stage::{Stage, boot_both, stick};

/// pppd by hand on the line of the box that is called: it answers the first ring.
const ANSWER: &str = "(pppd ttyUSB0 115200 file /etc/ppp/options.line1 \
                      connect \"chat -t 90 '' ATZ OK ATS0=1 OK '' CONNECT ''\" nodetach > /run/answer 2>&1 &)";

/// `*99#` of the one box rings at the other; PAP, addresses and a ping pass over the call, and `poff` at the
/// one end is the end of the link at both.
pub fn between_boxes(stage: &Stage) -> Result<()> {
    let (caller, called) = (stage.dialer(stick())?, stage.answerer()?);
    // The caller is whom the dialer's example site says.
    let accounts = DIAL_IN.replace("\"caller\"", "\"free\"").replace("\"change-me\"", "\"free\"");
    called.card().write(SITE, accounts.as_bytes())?;
    let (mut caller_box, mut called_box) = boot_both(&caller, &called)?;
    caller_box.until("dialctl status", &["Option N.V."])?;
    called_box.until("dialctl status", &["ready, no calls"])?;

    called_box.must(ANSWER)?;
    caller_box.must("pppd call free updetach").map_err(|error| with_log(error, &mut called_box))?;
    // pppd counts the link as up with its IPv6 addresses already.
    caller_box.until("ip addr show ppp0", &["inet 192.168.32.105 peer 192.168.32.1"])?;
    caller_box.must("ping -c 3 -W 10 192.168.32.1")?;

    caller_box.must("poff")?;
    for end in [&mut caller_box, &mut called_box] {
        end.until("pidof pppd || echo no pppd", &["no pppd"])?;
    }
    // Nothing carries DTR from the box: the modem would learn of the end if it were told by `+++` and `ATH`.
    let line = caller.modem()?;
    stage.exchange().with(|network, now| network.hang_up(line, now));
    let events = stage.exchange().with(|network, _| network.journal().tail(200));
    shows("the journal", &events, &["dialer * dials *99#", "dial-in * is called by dialer"])
}

fn with_log(error: Error, called: &mut crate::machine::Booted) -> Error {
    match called.run("cat /run/answer") {
        Ok(log) => Error::Unexpected(format!("{error}\nthe other end said:\n{}", log.text)),
        Err(_) => error,
    }
}
