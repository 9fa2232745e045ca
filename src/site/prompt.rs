//! The words of the login prompt.

use super::text::{Invalid, Text, checked_string};

checked_string! {
    /// A prompt: printable ASCII on one line. Without `+`: three of them could make the box's own modem leave the call.
    Prompt
}

const LONGEST: usize = 60;

impl Text for Prompt {
    const EXPECTED: &'static str = "a prompt";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let fits = |byte: u8| (b' '..=b'~').contains(&byte) && !b"+~".contains(&byte);
        if (1..=LONGEST).contains(&text.len()) && text.bytes().all(fits) {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            format!("{text:?} cannot be a prompt"),
            format!("use 1 to {LONGEST} printable ASCII characters but `+` and `~`, as in \"username: \""),
        ))
    }
}
