//! One port of a modem: what a computer talks to. A stick may have several for one radio.

use super::editor::Editor;
use super::settings::Settings;
use std::collections::VecDeque;
use std::time::Duration;

/// How the port takes the next byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// As part of a command line.
    Command,
    /// Not yet: a command is being carried out.
    Busy,
    /// Not yet: a call is being set up since then; a byte breaks it off.
    Dialling { since: Duration },
    /// As part of a message whose TPDU has so many octets (`+CMGS`).
    Message { octets: usize, hex: Vec<u8> },
    /// As data for the other end. The computer last sent at `since`, and since then `escapes` escape characters.
    Data { since: Duration, escapes: u8, guarded: bool },
}

/// What keeps the port's answers from going out as they should.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trouble {
    /// Nothing is sent before then; what was to be sent waits in `held`.
    pub silent_until: Option<Duration>,
    pub held: Vec<u8>,
    /// Nothing is read before then.
    pub deaf_until: Option<Duration>,
    /// After so many bytes more, the port falls silent for so long.
    pub stall: Option<(usize, Duration)>,
    /// Before the so-many-th piece of an answer from now, this line goes out.
    pub interruption: Option<(usize, String)>,
    /// `ATE0` is acknowledged and forgotten.
    pub keeps_echo: bool,
}

/// One port.
#[derive(Debug, Clone)]
pub struct Port {
    pub editor: Editor,
    pub settings: Settings,
    pub mode: Mode,
    /// What was typed while the port did not read.
    pub unread: VecDeque<u8>,
    /// Unsolicited lines that wait for the end of data state.
    pub waiting: Vec<String>,
    /// How much longer the line that is being carried out takes.
    pub takes: Duration,
    pub trouble: Trouble,
}

impl Port {
    /// A port nobody has talked to yet.
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

    /// Whether what passes is a call's data.
    pub fn carries_data(&self) -> bool {
        matches!(self.mode, Mode::Data { .. })
    }

    /// When something happens here by itself.
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
