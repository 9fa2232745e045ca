//! Checks the signature of a Debian archive's InRelease file and prints what was signed.
//!
//! ```text
//! inrelease --now 1783764997 --keyring image/keys/a.asc --keyring image/keys/b.asc < InRelease > Release
//! ```
//!
//! Nothing is printed, and the exit status is 1, unless one signature by a key of the keyrings
//! is good. What is printed is the text that was hashed, so nothing outside the signature can
//! reach the reader.

use std::{
    io::{self, Read, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use inrelease::{keyring::Keyring, verify};
use pgp::types::Timestamp;

#[derive(Debug, Parser)]
struct Args {
    /// Armoured public keys that may sign
    #[arg(long, value_name = "FILE", required = true)]
    keyring: Vec<PathBuf>,
    /// Judge expiry at this moment, in seconds since 1970
    #[arg(long, value_name = "SECONDS")]
    now: u32,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    let keyring = Keyring::load(&args.keyring)?;
    let mut message = String::new();
    io::stdin()
        .read_to_string(&mut message)
        .map_err(|error| format!("cannot read the InRelease file: {error}"))?;
    let text = verify::signed_text(&message, &keyring, Timestamp::from_secs(args.now))?;
    io::stdout().write_all(text.as_bytes()).map_err(|error| format!("cannot write the signed text: {error}"))
}
