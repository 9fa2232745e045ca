//! Proves that the modem itself answers, and not the caller through it.
//!
//! A modem in data state passes our commands to the caller, who can answer as a modem does, but cannot know what only
//! the modem was given. So before each call, with the modem in command state, two of its registers get random values;
//! after the call we ask for them. `ATZ` resets the registers.

use rustix::rand::{GetRandomFlags, getrandom};

use crate::modem::at::request::Request;

/// Random values for two registers that matter only for dialling: S8, the pause for a comma, and S6, the pause before
/// blind dialling (V.250 §6.3.11, §6.3.9). S8 takes any value; a modem may limit S6 to a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registers {
    s8: u8,
    s6: u8,
}

impl Registers {
    /// No value has one digit: some modems omit leading zeros, and `0` alone would be a result code.
    const LEAST: u8 = 10;

    /// Unpredictable values. `None` if the kernel has none.
    pub fn random() -> Option<Self> {
        let mut bytes = [0; 4];
        // INSECURE: at boot the line must not wait for the kernel's entropy.
        getrandom(&mut bytes, GetRandomFlags::INSECURE).ok().filter(|length| *length == bytes.len())?;
        let [a, b, c, d] = bytes;
        Some(Self::from_words([[a, b], [c, d]].map(u16::from_ne_bytes)))
    }

    /// Each word gives one value. There are so many more words than values that all are nearly equally likely.
    pub(super) fn from_words(words: [u16; 2]) -> Self {
        let values = u16::from(u8::MAX - Self::LEAST) + 1;
        let [s8, s6] = words.map(|word| u8::try_from(word % values).unwrap_or(0) + Self::LEAST);
        Self { s8, s6 }
    }

    /// The command that sets the registers. S8 comes first: what follows a refused command on the line is not executed
    /// (V.250 §5.2.3).
    pub fn set(self) -> Request {
        let Self { s8, s6 } = self;
        Request::from_line(format!("ATS8={s8}S6={s6}"), 2).shown_as("ATS8=…S6=…")
    }

    /// The modem's answer to [`ask`], if it keeps the values.
    pub fn kept(self, answer: &[String]) -> Option<Secret> {
        let values = values(answer)?;
        (values.first() == Some(&self.s8)).then_some(Secret(values))
    }
}

/// The command that reads the registers.
pub fn ask() -> Request {
    Request::new("ATS8?S6?", 2)
}

/// The modem's secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Whether the answer to [`ask`] is the modem's. Remains of the call may precede it.
    pub fn fits(&self, answer: &[String]) -> bool {
        let start = answer.len().checked_sub(self.0.len());
        start.and_then(|start| values(&answer[start..])).as_ref() == Some(&self.0)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(••)")
    }
}

/// Usually three digits each (V.250 §5.3.2).
fn values(answer: &[String]) -> Option<Vec<u8>> {
    answer.iter().map(|line| line.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn only_an_answer_with_both_values_is_the_modems() {
        let registers = Registers::from_words([113, 35]);
        assert_eq!(registers.set().line().bytes(), b"ATS8=123S6=45\r");
        let secret = registers.kept(&lines(&["123", "045"])).unwrap();
        for (answer, fits) in [
            (&["123", "045"][..], true),
            (&["123", "45"], true), // without the zeros
            (&["002", "002"], false),
            (&["123"], false),
            (&["045", "123"], false),
            (&["sent by the caller before", "123", "045"], true),
            (&["123", "045", "sent by the caller behind"], false),
            (&[], false),
        ] {
            assert_eq!(secret.fits(&lines(answer)), fits, "{answer:?}");
        }
    }

    #[test]
    fn a_modem_that_keeps_only_s8_has_a_shorter_secret_and_one_that_keeps_neither_has_none() {
        let registers = Registers::from_words([113, 35]);
        // S6 limited to 2 to 10, and S6 unknown.
        for answer in [&["123", "010"][..], &["123"]] {
            let secret = registers.kept(&lines(answer)).unwrap();
            assert!(secret.fits(&lines(answer)));
        }
        for answer in [&["002", "045"][..], &["OK?"], &[]] {
            assert_eq!(registers.kept(&lines(answer)), None, "{answer:?}");
        }
    }

    #[test]
    fn a_value_is_never_a_result_code_and_all_are_equally_likely() {
        let mut times = [0_u32; 256];
        for word in 0..=u16::MAX {
            let Registers { s8, s6 } = Registers::from_words([word, word]);
            assert!(s8 >= 10 && s6 == s8);
            times[usize::from(s8)] += 1;
        }
        assert!(times[10..].iter().all(|times| (266..=267).contains(times)), "about as likely: {times:?}");
        assert!(Registers::random().is_some());
    }

    #[test]
    fn the_secret_is_not_shown() {
        let registers = Registers::from_words([113, 35]);
        let secret = registers.kept(&lines(&["123", "045"]));
        let shown = format!("{:?} {:?} {secret:?}", registers.set(), registers.set().line());
        assert!(!shown.contains("123") && !shown.contains("45"), "{shown}");
    }
}
