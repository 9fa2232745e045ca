//! The layer serial-server of docs/layers.md: ser2net in the place of the box's own program.

use super::{check, shows};
use crate::equipment::{self, SERIAL};
use crate::error::Result;
use crate::pair::{Pair, VPN_ENDS, put_behind_vpn};
use crate::stage::Stage;

/// What the client sends, in the notation of printf(1), and what the server answers, in hexadecimal: RFC 2217 §2 and §3.
/// The device then speaks at 9600 bit/s with seven bits, even parity and two stop bits.
const DIALOGUE: [(&str, &str); 5] = [
    // WILL COM-PORT-OPTION, DO COM-PORT-OPTION
    (r"\377\373\054", "fffd2c"),
    // SET-BAUDRATE 9600
    (r"\377\372\054\001\000\000\045\200\377\360", "fffa2c6500002580fff0"),
    // SET-DATASIZE 7
    (r"\377\372\054\002\007\377\360", "fffa2c6607fff0"),
    // SET-PARITY EVEN
    (r"\377\372\054\003\003\377\360", "fffa2c6703fff0"),
    // SET-STOPSIZE 2
    (r"\377\372\054\004\002\377\360", "fffa2c6802fff0"),
];
/// Shows the settings of the serial port, in one line. stty fails because it has no size of a window.
const STTY: &str = "stty -a -F /dev/serial/1-1.2 2>/dev/null | tr '\\n' ' '";
const SETTINGS: &[&str] = &["speed 9600 baud", " cs7", " parenb", " -parodd", " cstopb"];
/// `OK` of the device.
const ANSWER: &str = "4f4b";

/// The far side of the VPN sets speed and format of the equipment's port, and talks to it. A second client is refused,
/// and the next one begins with the site's own speed and format. The server starts again when it has ended, and the box's
/// watchdog knows of it.
pub fn obeys(stage: &Stage) -> Result<()> {
    let mut pair = Pair::on(stage)?;
    equipment::connect(stage, &mut pair)?;
    let mut far = pair.far.boot()?;
    far.until("dialctl status", &["ready, no calls"])?;
    put_behind_vpn(&mut far)?;
    let mut dialer = pair.dialer.boot()?;
    dialer.until("logread", &["the clock is set to", "messages: in"])?;
    dialer.until("pidof ser2net", &[])?;
    dialer.must("kill $(pidof ser2net)")?;
    dialer.until("pidof ser2net || echo gone", &["gone"])?;
    dialer.until("pidof ser2net", &[])?;
    dialer.until("dialctl status", &["serial-forward up"])?;
    let owner = dialer.must("grep Uid: /proc/$(pidof ser2net)/status")?;
    check(!owner.contains("\t0\t"), || format!("ser2net runs as root: {owner}"))?;
    pair.owner.text(&pair.owner.order("connect"));
    shows("the reply", &pair.owner.reply(1)?, &["connected as"])?;
    dialer.until("WG_COLOR_MODE=never wg show vpn", &["latest handshake: "])?;

    let sends = DIALOGUE.map(|(sent, _)| sent).concat();
    let client = format!(
        "((printf '{sends}'; until [ -e /tmp/go ]; do sleep 1; done; printf 'ATI\\r'; sleep 5) | \
         nc -w 60 {} {SERIAL} | hexdump -v -e '/1 \"%02x\"' >/tmp/said &)",
        VPN_ENDS[0]
    );
    far.must(&client)?;
    dialer.until(STTY, SETTINGS)?;
    let second = far.run(&format!("nc -w 10 {} {SERIAL} </dev/null", VPN_ENDS[0]))?;
    shows("the second client", &second.text, &["Port already in use"])?;
    far.must("touch /tmp/go")?;
    let said = far.until("cat /tmp/said", &[ANSWER])?;
    shows("the server", &said, &DIALOGUE.map(|(_, answer)| answer))?;

    far.must(&format!("({} >/tmp/told &)", equipment::ask_serial()))?;
    dialer.until(STTY, &["speed 115200 baud", " cs8", " -parenb", " -cstopb"])?;
    far.until("cat /tmp/told", &["OK"]).map(drop)
}
