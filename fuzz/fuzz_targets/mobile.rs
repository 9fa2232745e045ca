//! Any answers of a mobile modem, at any time: the PIN is sent only after that was stored, once, and never logged;
//! every command is one line; a deadline is always in the future or acted upon; there are no more than ten commands in
//! any second and, as the log limits them, less than a line a second; no message is deleted that was not judged.
#![no_main]

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use dialbox::log::Level;
use dialbox::log::rate::RateLimit;
use dialbox::modem::mobile::{Mobile, OutgoingSms, Place, Report, SmsId};
use dialbox::modem::protocol::{Protocol, ProtocolAction};
use dialbox::site::Pin;
use dialbox::sms::pdu::Submit;
use libfuzzer_sys::fuzz_target;

const PIN: &str = "90817263";

/// Lines that modems send, most of them in answer to a command.
const WORDS: [&str; 32] = [
    "OK",
    "ERROR",
    "+CME ERROR: 11",
    "+CME ERROR: 16",
    "+CME ERROR: 12",
    "+CME ERROR: 14",
    "+CMS ERROR: 500",
    "> ",
    "+CPIN: READY",
    "+CPIN: SIM PIN",
    "+CPIN: SIM PUK",
    "_OERCN: 3, 10",
    "+CPINR: SIM PIN,3,3",
    "^CPIN: READY,,10,3,10,3",
    "Option N.V.",
    "huawei",
    "8933150319000000001",
    "+CCID: 8933150319000000001",
    "+CSQ: 17,99",
    "+CREG: 0,1",
    "+CGREG: 0,1",
    "+COPS: 0,2,\"20815\",2",
    "+CPMS: (\"SM\",\"ME\"),(\"SM\",\"ME\"),(\"SM\",\"ME\")",
    "+CPMS: 0,20,0,99,0,99",
    "+CNMI: (0-2),(0-3),(0,2),(0,1),(0,1)",
    "+CMGL: 1,0,,23",
    "+CMTI: \"SM\",1",
    "+CMGR: 0,,23",
    "07913396050066F0040B913316325476F8000062704130955840046F3A9B0E",
    "+CMGS: 7",
    "+CCLK: \"26/07/14,03:59:58+08\"",
    "RING",
];

/// The most commands in any second.
const MOST: usize = 10;
const SECOND: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Watcher {
    now: Duration,
    remembered: bool,
    is_given: bool,
    recent: VecDeque<Duration>,
    log: RateLimit,
    lines: u32,
    /// Indices of messages that were handed over and discarded.
    judged: BTreeSet<u16>,
    to_discard: Vec<Place>,
}

impl Watcher {
    /// Whether the port stays open.
    fn look(&mut self, actions: Vec<ProtocolAction<Report>>) -> bool {
        let mut stays = true;
        for action in actions {
            match action {
                ProtocolAction::Send(data) => self.sent(&data.bytes(), &data.to_string()),
                ProtocolAction::Log(Level::Info | Level::Warning | Level::Error, text) => {
                    assert!(!text.contains(PIN), "{text}");
                    self.lines += u32::from(self.log.admit(&text, self.now).is_some());
                    // What it may say at once, and one more in a second and a half.
                    assert!(u64::from(self.lines) <= 121 + self.now.as_secs());
                }
                ProtocolAction::Report(Report::Message { place, .. }) => {
                    if let Place::Stored(_, index) = place {
                        self.judged.insert(index);
                    }
                    self.to_discard.push(place);
                }
                ProtocolAction::Remember { record, .. } => {
                    self.remembered = true;
                    assert!(!record.to_string().contains(PIN), "{record}");
                }
                ProtocolAction::Abandon(why) => {
                    assert!(!why.contains(PIN), "{why}");
                    stays = false;
                }
                _ => {}
            }
        }
        stays
    }

    fn sent(&mut self, bytes: &[u8], shown: &str) {
        assert!(!shown.contains(PIN), "{shown}");
        // ESC cancels a prompt for a text that may be left over, alone or before a command.
        let line = bytes.strip_prefix(b"\x1b").unwrap_or(bytes);
        let body = line.strip_suffix(b"\r").or(line.strip_suffix(b"\x1a")).unwrap_or(line);
        let is_command = body.starts_with(b"AT") && line.ends_with(b"\r");
        assert!(is_command || line.ends_with(b"\x1a") || matches!(line, b"" | b"+++"), "{shown}");
        assert!(body.iter().all(|byte| matches!(byte, b' '..=b'~')), "{shown}");
        if bytes.windows(PIN.len()).any(|part| part == PIN.as_bytes()) {
            assert!(self.remembered, "given before that was remembered");
            assert!(!self.is_given, "given twice");
            self.is_given = true;
        }
        let text = String::from_utf8_lossy(body);
        if let Some(index) = text.strip_prefix("AT+CMGD=") {
            assert!(
                index.parse().is_ok_and(|index: u16| self.judged.contains(&index)),
                "{text} was not judged"
            );
        }
        // A text is part of its command.
        if is_command {
            self.recent.push_back(self.now);
            while self.recent.len() > MOST {
                let first = self.recent.pop_front();
                assert!(first.is_none_or(|first| first + SECOND <= self.now), "{:?}", self.recent);
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    // The log may contain what the modem itself sends.
    if bytes.windows(4).any(|part| PIN.as_bytes().windows(4).any(|secret| secret == part)) {
        return;
    }
    // `PIN` has eight digits.
    let pin: Pin = PIN.parse().expect("a PIN");
    let mut mobile = Mobile::new(Some(pin), None, "this-boot");
    let mut watcher = Watcher::default();
    let mut now = Duration::from_secs(10);
    watcher.now = now;
    let mut stays = watcher.look(mobile.on_open(None, now));
    let mut rest = bytes;
    while let Some((&operation, more)) = rest.split_first() {
        rest = more;
        let actions = match operation {
            _ if !stays => {
                mobile.on_close();
                mobile.on_open(None, now)
            }
            0..=31 => {
                let line = format!("\r\n{}\r\n", WORDS[usize::from(operation)]);
                mobile.on_bytes(line.as_bytes(), now)
            }
            // A complete answer, which gets the dialogue further than single lines do.
            32..=63 => {
                let line = format!("\r\n{}\r\n\r\nOK\r\n", WORDS[usize::from(operation - 32)]);
                mobile.on_bytes(line.as_bytes(), now)
            }
            64..=95 => {
                let length = usize::from(operation - 64).min(rest.len());
                let (said, more) = rest.split_at(length);
                rest = more;
                mobile.on_bytes(said, now)
            }
            96 => {
                mobile.on_close();
                mobile.on_open(None, now)
            }
            97 => {
                // The constant is a valid number.
                let to = "+33612345678".parse().expect("a number");
                // Three characters fit one message.
                let message = Submit::text(&to, "yes").expect("a short text");
                mobile.send(OutgoingSms { id: SmsId(1), message });
                mobile.on_time(now)
            }
            98 => {
                mobile.ask_time();
                mobile.on_time(now)
            }
            99..=127 => {
                now += Duration::from_secs(u64::from(operation - 99));
                mobile.on_time(now)
            }
            _ => {
                now = mobile.next_deadline().map_or(now, |deadline| deadline.max(now));
                let actions = mobile.on_time(now);
                // A deadline that stays in the past would keep the loop of the service from sleeping.
                assert!(!actions.is_empty() || mobile.next_deadline().is_none_or(|deadline| deadline > now));
                actions
            }
        };
        watcher.now = now;
        stays = watcher.look(actions);
        for place in std::mem::take(&mut watcher.to_discard) {
            mobile.discard(place);
        }
    }
});
