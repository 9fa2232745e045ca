//! How a modem takes a message to send, where it differs from 3GPP TS 27.005 §3.5.1.

use std::time::Duration;

/// The differences; none by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sending {
    /// The prompt ends like a line: `\r\n>\r\n` (SIM7670G).
    pub prompt_is_a_line: bool,
    /// `OK` comes without `+CMGS: <mr>`.
    pub omits_reference: bool,
    /// The result comes so much later than the network's own.
    pub late_by: Duration,
}
