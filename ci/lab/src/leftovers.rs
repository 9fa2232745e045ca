//! Cleanup when a signal stops the program: kills the emulators and removes the directories of their cards. At a normal
//! end `Drop` does that.

use crate::error::{Error, Result};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;

static NOTED: Mutex<Vec<Leftover>> = Mutex::new(Vec::new());

#[derive(Debug, Clone, PartialEq, Eq)]
enum Leftover {
    Directory(PathBuf),
    Process(Pid),
}

/// An entry for the cleanup, for as long as this lives.
#[derive(Debug)]
pub struct Note(Leftover);

/// From now on, SIGINT, SIGTERM and SIGHUP clean up.
pub fn clear_up_on_signals() -> Result<()> {
    let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]);
    let mut signals = signals.map_err(|e| Error::io("wait for", Path::new("signals"), e))?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            clear_up(&noted());
            // The status as a shell reports it.
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

/// A temporary directory that only its owner can read: a card and the memory of a box hold the secrets of its site, and
/// the sockets of its console give a root shell.
pub fn private_dir() -> Result<TempDir> {
    let dir = tempfile::Builder::new().prefix("lab-").permissions(Permissions::from_mode(0o700)).tempdir();
    dir.map_err(|e| Error::io("make a directory in", &std::env::temp_dir(), e))
}

/// Adds a directory to remove.
pub fn directory(path: &Path) -> Note {
    Note::of(Leftover::Directory(path.to_owned()))
}

/// Adds a process to kill.
pub fn process(process: Pid) -> Note {
    Note::of(Leftover::Process(process))
}

/// Processes first: they write into the directories. Errors are ignored: what is gone already needs no cleanup.
fn clear_up(noted: &[Leftover]) {
    for leftover in noted {
        if let Leftover::Process(process) = leftover {
            let _ = kill_process(*process, Signal::KILL);
        }
    }
    for leftover in noted {
        if let Leftover::Directory(path) = leftover {
            drop(std::fs::remove_dir_all(path));
        }
    }
}

fn noted() -> MutexGuard<'static, Vec<Leftover>> {
    NOTED.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Note {
    fn of(leftover: Leftover) -> Self {
        noted().push(leftover.clone());
        Self(leftover)
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        noted().retain(|leftover| *leftover != self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    #[test]
    fn only_the_owner_can_read_the_card_of_a_box() {
        let dir = private_dir().unwrap();
        let mode = std::fs::metadata(dir.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn cleanup_kills_processes_and_removes_directories() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lab");
        std::fs::create_dir_all(path.join("dialer")).unwrap();
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        clear_up(&[Leftover::Directory(path.clone()), Leftover::Process(Pid::from_child(&child))]);
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        assert!(!path.exists());
    }

    #[test]
    fn a_dropped_entry_is_not_cleaned_up_again() {
        let path = Path::new("/nowhere/of-this-test");
        let is_noted = || noted().contains(&Leftover::Directory(path.to_owned()));
        let note = directory(path);
        assert!(is_noted());
        drop(note);
        assert!(!is_noted());
    }
}
