//! One-time codes as people type them.

use std::fmt;

/// A one-time code as it was typed: 6 or 8 digits. `Debug` shows dots: a code may still be valid if the message was
/// refused for another reason.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// Validates 6 or 8 digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = matches!(text.len(), 6 | 8) && text.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| Self(text.to_owned()))
    }

    /// The digits.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(••••)")
    }
}

/// Removes the code from the end of the words, perhaps in two halves.
pub(super) fn code_at_end(words: &mut Vec<&str>) -> Option<Code> {
    let [.., before, last] = words.as_slice() else { return None };
    let digits = |word: &str| word.trim_end_matches(['.', ',']).to_owned();
    let (before, last) = (digits(before), digits(last));
    if let Some(code) = Code::parse(&last) {
        words.pop();
        return Some(code);
    }
    let is_half = |word: &str| matches!(word.len(), 3 | 4) && word.bytes().all(|byte| byte.is_ascii_digit());
    if !is_half(&last) || before.len() != last.len() {
        return None;
    }
    let code = Code::parse(&format!("{before}{last}"))?;
    words.truncate(words.len() - 2);
    Some(code)
}
