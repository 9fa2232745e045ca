//! What is sent to a modem, and what logs and errors may show of it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// How long a modem may take from a message's last byte to its result: it waits for the network, which may be
/// congested.
const SUBMIT_PATIENCE: Duration = Duration::from_secs(90);

/// A command and how long the modem may take over it.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    command: TxData,
    text: Option<String>,
    patience: Duration,
}

impl Request {
    /// A command without its end of line, and how many seconds the modem may take over it.
    pub const fn new(command: &'static str, seconds: u64) -> Self {
        Self::command(Cow::Borrowed(command), seconds)
    }

    /// Like [`new`](Self::new), for a command composed at run time.
    pub fn from_line(command: String, seconds: u64) -> Self {
        Self::command(Cow::Owned(command), seconds)
    }

    const fn command(text: Cow<'static, str>, seconds: u64) -> Self {
        let command = TxData { text, shown: None, ending: "\r" };
        Self { command, text: None, patience: Duration::from_secs(seconds) }
    }

    /// Leaves the prompt for a text (TS 27.005 §3.5.1).
    pub(super) const fn escape(seconds: u64) -> Self {
        let command = TxData { text: Cow::Borrowed("\x1b"), shown: Some("ESC"), ending: "" };
        Self { command, text: None, patience: Duration::from_secs(seconds) }
    }

    /// Logs and errors show this instead of the command, which has a secret in it.
    #[must_use]
    pub const fn shown_as(mut self, shown: &'static str) -> Self {
        self.command.shown = Some(shown);
        self
    }

    /// Bytes that are not a command line, such as `+++`.
    #[must_use]
    pub const fn without_end_of_line(mut self) -> Self {
        self.command.ending = "";
        self
    }

    /// A text that the modem prompts for with `>` (TS 27.005 §3.5.1), ended by Ctrl-Z. The time limit of the command is
    /// then that of the prompt.
    #[must_use]
    pub fn with_text(mut self, text: String) -> Self {
        self.text = Some(text);
        self
    }

    /// The command line, ready to be written.
    pub fn line(&self) -> &TxData {
        &self.command
    }

    /// How long the modem may take for its result, or for its prompt if the command has a text.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// The text for the prompt, ready to be written, and how long the modem may take over it.
    pub fn text(&self) -> Option<(TxData, Duration)> {
        let text = Cow::Owned(self.text.clone()?);
        // Ctrl-Z: TS 27.005 §3.5.1
        Some((TxData { text, shown: None, ending: "\x1a" }, SUBMIT_PATIENCE))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({}, {:?})", self.command, self.patience)
    }
}

/// Bytes for a modem. `Debug` and `Display` show no secret and no end of line.
#[derive(Clone, PartialEq, Eq)]
pub struct TxData {
    text: Cow<'static, str>,
    shown: Option<&'static str>,
    ending: &'static str,
}

impl TxData {
    /// Text that goes through the modem to a caller. It is not shown: it may echo what the caller typed.
    pub fn to_caller(text: String) -> Self {
        Self { text: Cow::Owned(text), shown: Some("text for the caller"), ending: "" }
    }

    /// Text of a protocol in a [process](crate::modem::sandbox), with its end of line. It is not shown: only the
    /// process knows whether it holds a secret.
    pub fn unshown(text: String) -> Self {
        Self { text: Cow::Owned(text), shown: Some("text of the modem's parser"), ending: "" }
    }

    /// What goes over the wire.
    pub fn bytes(&self) -> Vec<u8> {
        [self.text.as_bytes(), self.ending.as_bytes()].concat()
    }

    /// The text without the end of line, as the modem echoes it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for TxData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown.unwrap_or(&self.text))
    }
}

impl fmt::Debug for TxData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_over_the_wire_and_nowhere_else() {
        let request = Request::from_line("AT+CPIN=\"4321\"".to_owned(), 10).shown_as("AT+CPIN=…");
        assert_eq!(request.line().bytes(), b"AT+CPIN=\"4321\"\r");
        let shown = format!("{request:?} {:?} {}", request.line(), request.line());
        assert!(!shown.contains("4321"), "{shown}");
        assert!(shown.contains("AT+CPIN=…"), "{shown}");
    }

    #[test]
    fn a_text_ends_with_control_z_and_an_escape_sequence_with_nothing() {
        let submit = Request::from_line("AT+CMGS=3".to_owned(), 5).with_text("00AABBCC".to_owned());
        assert_eq!(submit.line().bytes(), b"AT+CMGS=3\r");
        assert_eq!(submit.text().unwrap().0.bytes(), b"00AABBCC\x1a");
        assert_eq!(Request::new("+++", 2).without_end_of_line().line().bytes(), b"+++");
    }
}
