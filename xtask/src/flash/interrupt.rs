//! Ctrl-C while a card is written: what the user has in the hand then.

use std::{
    io, process,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

static UNFINISHED: AtomicBool = AtomicBool::new(false);

/// While it lives, an interrupt leaves a card that is not finished.
#[derive(Debug)]
pub struct Unfinished(());

impl Unfinished {
    /// From now on.
    pub fn begin() -> Self {
        UNFINISHED.store(true, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        UNFINISHED.store(false, Ordering::SeqCst);
    }
}

/// From now on a signal that ends the program is followed by a line about the card.
pub fn tell() -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            eprintln!("\n{}", what_is_left(UNFINISHED.load(Ordering::SeqCst)));
            // The status as a shell reports it.
            process::exit(128 + signal);
        }
    });
    Ok(())
}

fn what_is_left(unfinished: bool) -> &'static str {
    match unfinished {
        false => "interrupted: no card is half-written",
        true => {
            "interrupted: the card is not finished; it has no partition table and boots nowhere\n  next: run the same \
             command again, which writes it from the beginning"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_unfinished_only_while_it_is_written() {
        let now = || what_is_left(UNFINISHED.load(Ordering::SeqCst)).contains("not finished");
        assert!(!now());
        let writing = Unfinished::begin();
        assert!(now());
        drop(writing);
        assert!(!now());
    }
}
