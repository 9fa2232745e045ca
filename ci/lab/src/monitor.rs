//! QEMU's monitor: reads the board's state from outside, whatever its kernel is doing.

use crate::error::{Error, Result};
use crate::system_timer::{BASE, REGISTERS, SystemTimer};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The prompt before each command.
const PROMPT: &str = "(qemu) ";
/// A monitor that sends nothing for this long has ended.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to the monitor of a running emulator.
pub struct Monitor {
    path: PathBuf,
    line: UnixStream,
}

impl Monitor {
    /// Connects to the monitor that listens at `path`.
    pub fn connect(path: &Path) -> Result<Self> {
        let line = UnixStream::connect(path);
        let line = line.and_then(|line| line.set_read_timeout(Some(PATIENCE)).map(|()| line));
        let line = line.map_err(|e| Error::io("connect to", path, e))?;
        Ok(Self { path: path.to_owned(), line })
    }

    /// A monitor that has connected to us; the wait for its answers has no limit while its emulator runs.
    pub fn on(line: UnixStream) -> Self {
        Self { path: PathBuf::from("an unnamed socket"), line }
    }

    /// The board's own time since power-on, at any pace of the emulator.
    pub fn since_power_on(&mut self) -> Result<Duration> {
        self.system_timer().map(|timer| Duration::from_micros(timer.micros().into()))
    }

    /// The system timer.
    pub fn system_timer(&mut self) -> Result<SystemTimer> {
        let registers = self.ask(&format!("xp /{REGISTERS}wx 0x{BASE:x}"), registers)?;
        Ok(SystemTimer::new(registers))
    }

    /// Sends an empty line, which wakes the emulator's main loop.
    pub fn wake(&mut self) -> Result<()> {
        let woken = self.line.write_all(b"\n").and_then(|()| self.line.read(&mut [0; 256]));
        match woken.map_err(|e| Error::io("talk to the monitor at", &self.path, e))? {
            0 => {
                Err(Error::io("talk to the monitor at", &self.path, std::io::ErrorKind::UnexpectedEof.into()))
            }
            _ => Ok(()),
        }
    }

    /// The program counter: an address of the kernel, or of a program.
    pub fn program_counter(&mut self) -> Result<u32> {
        self.ask("info registers", program_counter)
    }

    /// Runs a command, which is complete when the answer comes; returns the answer.
    pub fn command(&mut self, words: &str) -> Result<String> {
        let failed = |e| Error::io("talk to the monitor at", &self.path, e);
        // Without a limit: on a loaded host it may take long.
        self.line.set_read_timeout(None).map_err(failed)?;
        self.ask(words, |said| answer(words, said))
    }

    /// Sends a line, and reads until the answer has what is wanted.
    fn ask<T>(&mut self, words: &str, wanted: impl Fn(&str) -> Option<T>) -> Result<T> {
        let failed = |e| Error::io("talk to the monitor at", &self.path, e);
        self.line.write_all(format!("{words}\n").as_bytes()).map_err(failed)?;
        let mut said = Vec::new();
        let mut bytes = [0; 256];
        loop {
            match self.line.read(&mut bytes).map_err(failed)? {
                0 => return Err(failed(std::io::ErrorKind::UnexpectedEof.into())),
                count => said.extend_from_slice(&bytes[..count]),
            }
            if let Some(found) = wanted(&String::from_utf8_lossy(&said)) {
                return Ok(found);
            }
        }
    }
}

/// The text between the echo of a command and the next prompt. The echo comes letter by letter, with cursor movements;
/// its last state is the whole command.
fn answer(command: &str, said: &str) -> Option<String> {
    let (_, after) = said.split_once(command)?;
    let (_, answer) = after.split_once('\n')?;
    Some(answer.split_once(PROMPT)?.0.trim().to_owned())
}

/// The words in lines such as `0000000020003010: 0x00000000 0x002dc6c0`, once all of them have come.
fn registers<const N: usize>(said: &str) -> Option<[u32; N]> {
    let (whole, _) = said.rsplit_once('\r')?;
    let words = whole.lines().filter_map(|line| line.trim().split_once(": ")?.1.strip_prefix("0x"));
    let words = words.flat_map(|line| line.split(" 0x")).map_while(|word| u32::from_str_radix(word, 16).ok());
    words.collect::<Vec<_>>().try_into().ok()
}

/// The last register in `R12=00000000 … R14=c0e8d0a4 R15=c0108f4c`, once the line has ended.
fn program_counter(said: &str) -> Option<u32> {
    let (value, _) = said.split_once("R15=")?.1.split_once('\r')?;
    u32::from_str_radix(value.trim_end(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_counter_is_the_last_register() {
        let said = "R12=00000000 R13=c1001f38 R14=c0e8d0a4 R15=c0108f4c\r\nPSR=60000093";
        assert_eq!(program_counter(said), Some(0xc010_8f4c));
        assert_eq!(program_counter(&said[..50]), None);
    }

    #[test]
    fn an_answer_is_the_text_between_echo_and_prompt() {
        let said = "QEMU 7.2.22 monitor\r\n(qemu) s\u{1b}[K\u{1b}[Dst\u{1b}[K\u{1b}[D\u{1b}[Dstatus\u{1b}[K\r\nVM status: paused\r\n(qemu) ";
        assert_eq!(answer("status", said).as_deref(), Some("VM status: paused"));
        assert_eq!(answer("status", &said[..said.len() - 3]), None);
        assert_eq!(answer("stop", "stop\u{1b}[K\r\n(qemu) ").as_deref(), Some(""));
    }

    #[test]
    fn registers_are_read_once_the_monitors_answer_is_complete() {
        let whole = "(qemu) xp /5wx 0x20003000\r\n0000000020003000: 0x00000000 0x002dc6c0 0x00000000 0x00000000\r\n\
            0000000020003010: 0x0000000f\r\n(qemu) ";
        assert_eq!(registers(whole), Some([0, 3_000_000, 0, 0, 15]));
        assert_eq!(registers::<5>(&whole[..whole.len() - 12]), None);
        assert_eq!(registers::<5>("(qemu) xp /5wx 0x20003000\r\n"), None);
    }
}
