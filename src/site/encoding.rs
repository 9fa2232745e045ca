//! The encoding of the files that people write. TOML is UTF-8 (TOML 1.0.0, "Spec"); editors may save something else.

use std::fmt;

/// Why bytes are no text in UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotUtf8 {
    /// They begin with UTF-16's byte order mark.
    Utf16,
    /// The first character that is wrong; both count from one, the column in characters.
    At {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
}

/// The text of a file.
///
/// # Errors
/// It is not in UTF-8.
pub fn text(bytes: Vec<u8>) -> Result<String, NotUtf8> {
    String::from_utf8(bytes).map_err(|error| {
        let bytes = error.as_bytes();
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return NotUtf8::Utf16;
        }
        let valid = &bytes[..error.utf8_error().valid_up_to()];
        let mut lines = valid.split(|byte| *byte == b'\n');
        let last = lines.next_back().unwrap_or_default();
        NotUtf8::At { line: lines.count() + 1, column: String::from_utf8_lossy(last).chars().count() + 1 }
    })
}

impl fmt::Display for NotUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utf16 => f.write_str("the file is in UTF-16"),
            Self::At { line, column } => {
                write!(f, "line {line}, column {column} is not in UTF-8")
            }
        }
    }
}

impl std::error::Error for NotUtf8 {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_character_that_is_not_utf_8_is_named() {
        let table: [(&[u8], Result<&str, NotUtf8>); 5] = [
            ("café\n".as_bytes(), Ok("café\n")),
            // Windows-1252.
            (b"caf\xe9", Err(NotUtf8::At { line: 1, column: 4 })),
            (b"role = 'dialer'\n# \xc3\xa9t\xe9\n", Err(NotUtf8::At { line: 2, column: 5 })),
            (b"\xff\xfer\0o\0", Err(NotUtf8::Utf16)),
            (b"\xfe\xff\0r\0o", Err(NotUtf8::Utf16)),
        ];
        for (bytes, expected) in table {
            assert_eq!(text(bytes.to_vec()), expected.map(str::to_owned), "{}", bytes.escape_ascii());
        }
    }
}
