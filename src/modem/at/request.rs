//! What is sent to a modem, and how it may be shown.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// How long a modem may take from a message's last byte to its result: the network is asked, and a
/// congested one takes its time.
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

    /// Like [`new`](Self::new), for a command that is put together at run time.
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

    /// A command with a secret in it: this is shown in its place, in logs and errors too.
    #[must_use]
    pub const fn shown_as(mut self, shown: &'static str) -> Self {
        self.command.shown = Some(shown);
        self
    }

    /// Bytes that are no command line, such as `+++`.
    #[must_use]
    pub const fn without_end_of_line(mut self) -> Self {
        self.command.ending = "";
        self
    }

    /// A text that the modem asks for with `>` (TS 27.005 §3.5.1), ended by Ctrl-Z. The patience of
    /// the command is that for the prompt.
    #[must_use]
    pub fn with_text(mut self, text: String) -> Self {
        self.text = Some(text);
        self
    }

    /// The command line, ready to be written.
    pub fn line(&self) -> &TxData {
        &self.command
    }

    /// How long the modem may take for its result, or its prompt if it is to ask for a text.
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

/// Bytes for a modem. `Debug` and `Display` show what may be shown, without the end of line.
#[derive(Clone, PartialEq, Eq)]
pub struct TxData {
    text: Cow<'static, str>,
    shown: Option<&'static str>,
    ending: &'static str,
}

impl TxData {
    /// Text that goes through the modem to a caller: not to be shown, since it may repeat what was typed.
    pub fn to_caller(text: String) -> Self {
        Self { text: Cow::Owned(text), shown: Some("text for the caller"), ending: "" }
    }

    /// Text of a protocol in a [process](crate::modem::sandbox), with its end of line: only the process knows whether
    /// it holds a secret.
    pub fn unshown(text: String) -> Self {
        Self { text: Cow::Owned(text), shown: Some("text of the modem's parser"), ending: "" }
    }

    /// What goes over the wire.
    pub fn bytes(&self) -> Vec<u8> {
        [self.text.as_bytes(), self.ending.as_bytes()].concat()
    }

    /// What stands before the end of line: the echo of it is no answer.
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
