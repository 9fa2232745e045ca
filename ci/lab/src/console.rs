//! A box's serial console, used as a person would use it.

use crate::clock::Clocks;
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A working box prints something within this time, by its own clock.
const SILENCE: Duration = Duration::from_secs(30);
/// The longest wait for a text while the box prints other things.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at the clocks.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// What busybox init prints when the console is free.
const FREE: &str = "Please press Enter";
/// The end of root's prompt. When busybox's shell prints it, it has switched the terminal to its line editor
/// (libbb/lineedit.c); input during that switch may be cut off.
const PROMPT: &str = "# ";
/// After this long without an answer, the shell has not received the command.
const UNHEARD: Duration = Duration::from_secs(3);
/// Between the words of a marker, so that the echo of the command is not taken for its output.
const INVISIBLE: &str = "''";
/// In the log, where the emulator has ended: by a reset, a fault or a power cut.
const WENT_OFF: &[u8] = b"\n[the box went off]\n";

/// Output and exit code of a command on the box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Its exit code.
    pub code: i32,
    /// Standard output and error together, with plain line feeds, without the last one.
    pub text: String,
}

/// Everything received so far.
#[derive(Debug, Default)]
struct Heard {
    bytes: Vec<u8>,
    ended: bool,
}

#[derive(Debug, Default)]
struct Ear {
    heard: Mutex<Heard>,
    more: Condvar,
}

impl Ear {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The console of a running box.
#[derive(Debug)]
pub struct Console {
    line: UnixStream,
    ear: Arc<Ear>,
    clocks: Clocks,
    /// How much of what was received is processed.
    read: usize,
    commands: u32,
}

impl Console {
    /// Reads `line` from here on, and copies everything to `log`. Waiting is measured by these clocks.
    pub fn new(line: UnixStream, log: File, clocks: Clocks) -> Result<Self> {
        let ear = Arc::new(Ear::default());
        let hearing = line.try_clone().map_err(|e| Error::io("listen to", Path::new("the console"), e))?;
        std::thread::spawn({
            let ear = Arc::clone(&ear);
            move || read_console(hearing, log, &ear)
        });
        Ok(Self { line, ear, clocks, read: 0, commands: 0 })
    }

    /// Waits for the box to boot and takes the shell on its console.
    ///
    /// Until the kernel's messages to the console are turned off, they may split any text, the expected one included.
    /// So the command is repeated until its answer arrives whole.
    pub fn take_shell(&mut self) -> Result<()> {
        self.read_until(FREE, SILENCE)?;
        let mut waited = self.clocks.stopwatch();
        while waited.elapsed() < PATIENCE {
            self.send("")?;
            self.send(&format!("dmesg -n 1; echo lab{INVISIBLE}-awake"))?;
            if self.read_until("lab-awake\r\n", UNHEARD)?.is_some() {
                return self.wait_for(PROMPT).map(drop);
            }
        }
        Err(gave_up("a shell", "none answered"))
    }

    /// Sends a line.
    pub fn send(&mut self, line: &str) -> Result<()> {
        let typed = self.line.write_all(format!("{line}\r").as_bytes());
        typed.map_err(|_| gave_up(line, "the box is off"))
    }

    /// Waits for `pattern`; returns what came before it.
    pub fn wait_for(&mut self, pattern: &str) -> Result<String> {
        let heard = self.read_until(pattern, SILENCE)?;
        heard.ok_or_else(|| gave_up(pattern, &format!("it said nothing for {} s", SILENCE.as_secs())))
    }

    /// Like [`wait_for`](Self::wait_for); `None` after a silence of the given length.
    fn read_until(&mut self, pattern: &str, silence: Duration) -> Result<Option<String>> {
        let (mut waited, mut silent) = (self.clocks.stopwatch(), self.clocks.stopwatch());
        let mut heard = self.ear.lock();
        let mut length = heard.bytes.len();
        loop {
            if let Some(at) = find(&heard.bytes[self.read..], pattern.as_bytes()) {
                let before = String::from_utf8_lossy(&heard.bytes[self.read..self.read + at]).into_owned();
                self.read += at + pattern.len();
                return Ok(Some(before));
            }
            if heard.ended {
                return Err(gave_up(pattern, "the box went off"));
            }
            if waited.elapsed() > PATIENCE {
                return Err(gave_up(pattern, &format!("it said other things for {} s", PATIENCE.as_secs())));
            }
            if heard.bytes.len() > length {
                length = heard.bytes.len();
                silent.reset();
            }
            let passed = silent.elapsed();
            if passed >= silence {
                return Ok(None);
            }
            let look_again = LOOK_AGAIN.min(silence - passed);
            let unchanged = |heard: &mut Heard| heard.bytes.len() == length && !heard.ended;
            let woken = self.ear.more.wait_timeout_while(heard, look_again, unchanged);
            heard = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Runs a command in the shell on the console.
    pub fn run(&mut self, command: &str) -> Result<Finished> {
        self.commands += 1;
        let number = self.commands;
        self.send(&format!(
            "echo lab{INVISIBLE}-begin-{number}; {{ {command}; }} 2>&1; echo lab{INVISIBLE}-end-{number}-$?"
        ))?;
        self.wait_for(&format!("lab-begin-{number}\r\n"))?;
        let text = self.wait_for(&format!("lab-end-{number}-"))?;
        let code = self.wait_for("\r\n")?;
        self.wait_for(PROMPT)?;
        let code =
            code.trim().parse().map_err(|_| Error::Unexpected(format!("{command:?} ended with {code:?}")))?;
        let text = text.replace("\r\n", "\n").trim_end_matches('\n').to_owned();
        Ok(Finished { code, text })
    }

    /// The next complete line, if one comes within this time; for a command that does not end.
    pub fn line(&mut self, within: Duration) -> Result<Option<String>> {
        Ok(self.read_until("\r\n", within)?.map(|line| line.trim_end().to_owned()))
    }

    /// Waits until the box is off, at most this long.
    pub fn wait_end(&self, within: Duration) -> bool {
        let mut waited = self.clocks.stopwatch();
        let mut heard = self.ear.lock();
        while !heard.ended && waited.elapsed() < within {
            let woken = self.ear.more.wait_timeout_while(heard, LOOK_AGAIN, |heard| !heard.ended);
            heard = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        heard.ended
    }
}

fn gave_up(pattern: &str, instead: &str) -> Error {
    Error::Awaited { pattern: pattern.to_owned(), instead: instead.to_owned() }
}

fn read_console(mut line: UnixStream, mut log: File, ear: &Ear) {
    let mut bytes = [0; 4096];
    loop {
        let count = line.read(&mut bytes).unwrap_or(0);
        // The log is only for people; a full disk must not change the test's result.
        drop(log.write_all(if count == 0 { WENT_OFF } else { &bytes[..count] }));
        let mut heard = ear.lock();
        heard.bytes.extend(&bytes[..count]);
        heard.ended = count == 0;
        ear.more.notify_all();
        if count == 0 {
            return;
        }
    }
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A console and the box's end of it.
    fn console(dir: &Path) -> (Console, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Console::new(ours, File::create(dir.join("log")).unwrap(), Clocks::default()).unwrap(), theirs)
    }

    #[test]
    fn a_pattern_is_found_across_reads_and_what_came_before_is_returned() {
        let dir = tempfile::tempdir().unwrap();
        let (mut console, mut line) = console(dir.path());
        line.write_all(b"booting\r\nlog").unwrap();
        line.write_all(b"in: ").unwrap();
        assert_eq!(console.wait_for("login: ").unwrap(), "booting\r\n");
        line.write_all(b"rest\r\n").unwrap();
        drop(line);
        assert!(console.wait_for("login: ").unwrap_err().to_string().contains("the box went off"));
        let log = std::fs::read_to_string(dir.path().join("log")).unwrap();
        assert_eq!(log, "booting\r\nlogin: rest\r\n\n[the box went off]\n");
    }

    #[test]
    fn a_command_is_repeated_when_kernel_messages_split_its_answer() {
        let dir = tempfile::tempdir().unwrap();
        let (mut console, mut line) = console(dir.path());
        line.write_all(b"Please press Enter to activate this console. ").unwrap();
        let shell = std::thread::spawn(move || {
            let mut typed = [0; 200];
            for answer in [
                b"lab-aw[    5.302140] usb 1-1.1: New USB device found\r\nake\r\n".as_slice(),
                b"lab-awake\r\n# ",
            ] {
                let mut count = 0;
                while !typed[..count].ends_with(b"-awake\r") {
                    count = line.read(&mut typed).unwrap();
                }
                line.write_all(answer).unwrap();
            }
        });
        console.take_shell().unwrap();
        shell.join().unwrap();
    }

    #[test]
    fn a_commands_echo_is_not_its_output() {
        let dir = tempfile::tempdir().unwrap();
        let (mut console, mut line) = console(dir.path());
        let shell = std::thread::spawn(move || {
            let mut typed = [0; 200];
            let count = line.read(&mut typed).unwrap();
            line.write_all(&typed[..count]).unwrap();
            line.write_all(b"\r\nlab-begin-1\r\none\r\ntwo\r\nlab-end-1-3\r\n# ").unwrap();
        });
        let expected = Finished { code: 3, text: "one\ntwo".to_owned() };
        assert_eq!(console.run("some command").unwrap(), expected);
        shell.join().unwrap();
    }
}
