//! Measurements of time and memory, in the guest's time.

pub mod boot;
pub mod dial_in;
pub mod dialer;
pub mod exchange;
pub mod scrub;
mod trace;
pub mod wire;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Subject {
    /// From the kernel's start to the first `AT`, and the memory in use at idle
    Boot,
    /// From a text message to the link, and what the dialer costs at idle
    Dialer,
    /// From `RING` to pppd, throughput, and what the service costs after fifty calls
    DialIn,
    /// Where the time of a line goes: the wire's idle time, and what is not payload
    Wire,
    /// The telephone exchange, beside Debian's kamailio
    Exchange,
    /// The throughput of a line beside a scrub of the card, and without one
    Scrub,
}

/// The number that follows `key` at the start of a line; 0 if there is none.
fn field(text: &str, key: &str) -> f64 {
    let values = text.lines().filter_map(|line| line.strip_prefix(key)?.split_whitespace().next());
    values.filter_map(|value| value.parse().ok()).next().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_the_number_after_its_key() {
        assert_eq!(field("MemFree: 1 kB\nMemTotal:     440996 kB\n", "MemTotal:"), 440_996.0);
        assert_eq!(field("init-started-ms=2041\n", "init-started-ms="), 2041.0);
        assert_eq!(field("12.34 56.78", ""), 12.34);
        assert_eq!(field("", "MemTotal:"), 0.0);
    }
}
