//! What a verb prints for people or for other programs.

use std::io::{self, ErrorKind, Write};

use crate::error::{Context, Result};

/// Prints to standard output; a closed pipe (`| head`) is no failure. (`println!` panics there, as Rust ignores SIGPIPE.)
pub fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context(|| "cannot write to standard output".to_owned()),
    }
}

/// Prints a line about the work to standard error. The work goes on if nobody reads it.
pub fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
