//! One port of a modem. A stick may have several for one radio.

use super::editor::Editor;
use super::settings::Settings;
use std::collections::VecDeque;
use std::time::Duration;

/// How the port takes the next byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// As part of a command line.
    Command,
    /// Not yet: a command is being executed.
    Busy,
    /// Not yet: a call is being set up since then; a byte aborts it.
    Dialling { since: Duration },
    /// As part of a message whose TPDU has this many octets (`+CMGS`).
    Message { octets: usize, hex: Vec<u8> },
    /// As data for the other end. The computer last sent at `since`, and since then `escapes` escape characters.
    Data { since: Duration, escapes: u8, guarded: bool },
}

/// Faults of the port's input and output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trouble {
    /// Nothing is sent before then; output waits in `held`.
    pub silent_until: Option<Duration>,
    pub held: Vec<u8>,
    /// Nothing is read before then.
    pub deaf_until: Option<Duration>,
    /// After this many more bytes, the port sends nothing for this long.
    pub stall: Option<(usize, Duration)>,
    /// Before the n-th piece of an answer from now, this line is sent.
    pub interruption: Option<(usize, String)>,
    /// `ATE0` is answered with `OK` and ignored.
    pub keeps_echo: bool,
}

/// One port.
#[derive(Debug, Clone)]
pub struct Port {
    pub editor: Editor,
    pub settings: Settings,
    pub mode: Mode,
    /// Input that came while the port did not read.
    pub unread: VecDeque<u8>,
    /// Unsolicited lines that wait for the end of data state.
    pub waiting: Vec<String>,
    /// How much longer the command line being executed takes.
    pub takes: Duration,
    pub trouble: Trouble,
}

impl Port {
    /// A new port.
    pub fn new() -> Self {
        Self {
            editor: Editor::new(),
            settings: Settings::factory(),
            mode: Mode::Command,
            unread: VecDeque::new(),
            waiting: Vec::new(),
            takes: Duration::ZERO,
            trouble: Trouble::default(),
        }
    }

    /// Whether the port carries a call's data.
    pub fn carries_data(&self) -> bool {
        matches!(self.mode, Mode::Data { .. })
    }

    /// When the port is next due without an event.
    pub fn deadline(&self) -> Option<Duration> {
        let escaped = match self.mode {
            Mode::Data { since, escapes: 3, guarded: true } => Some(since + self.guard_time()),
            _ => None,
        };
        [escaped, self.trouble.silent_until, self.trouble.deaf_until].into_iter().flatten().min()
    }

    /// S12: fiftieths of a second of silence around the escape characters.
    pub fn guard_time(&self) -> Duration {
        Duration::from_millis(u64::from(self.settings.register(12).unwrap_or(50)) * 20)
    }

    /// Whether the next byte is read now.
    pub fn reads(&self) -> bool {
        self.mode != Mode::Busy && self.trouble.deaf_until.is_none()
    }
}
