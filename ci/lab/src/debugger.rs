//! QEMU's gdb stub: reads and writes the board's registers while the guest is stopped.
//!
//! The remote protocol of gdb ("Debugging with GDB", appendix E): `$DATA#SUM`, answered by `+` and a packet of the same
//! form.

use crate::error::{Error, Result};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest wait for an answer of the stub; a loaded host is slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to the stub. The guest is stopped until it is [dropped](Self::resume).
pub struct Debugger {
    path: PathBuf,
    line: UnixStream,
}

impl Debugger {
    /// Connects to the stub that listens at `path`; addresses are physical ones from here on.
    pub fn connect(path: &Path) -> Result<Self> {
        let line = UnixStream::connect(path);
        let line = line.and_then(|line| line.set_read_timeout(Some(PATIENCE)).map(|()| line));
        let line = line.map_err(|e| Error::io("connect to", path, e))?;
        let mut debugger = Self { path: path.to_owned(), line };
        debugger.must("Qqemu.PhyMemMode:1")?;
        Ok(debugger)
    }

    /// The value of a register.
    pub fn read(&mut self, register: u32) -> Result<u32> {
        let answer = self.ask(&format!("m{register:x},4"))?;
        word(&answer).ok_or_else(|| self.refused("m", &answer))
    }

    /// Writes a register.
    pub fn write(&mut self, register: u32, value: u32) -> Result<()> {
        self.must(&format!("M{register:x},4:{:08x}", value.swap_bytes()))
    }

    /// Detaches: the guest continues.
    pub fn resume(mut self) -> Result<()> {
        self.must("D")
    }

    fn must(&mut self, command: &str) -> Result<()> {
        match self.ask(command)? {
            answer if answer == "OK" => Ok(()),
            answer => Err(self.refused(command, &answer)),
        }
    }

    fn refused(&self, command: &str, answer: &str) -> Error {
        Error::Unexpected(format!("the debugger's stub answers {command:?} with {answer:?}"))
    }

    fn ask(&mut self, command: &str) -> Result<String> {
        let failed = |e| Error::io("talk to the debugger's stub at", &self.path, e);
        self.line.write_all(packet(command).as_bytes()).map_err(failed)?;
        let mut said = Vec::new();
        let mut bytes = [0; 256];
        loop {
            match self.line.read(&mut bytes).map_err(failed)? {
                0 => return Err(failed(ErrorKind::UnexpectedEof.into())),
                count => said.extend_from_slice(&bytes[..count]),
            }
            if let Some(data) = data(&String::from_utf8_lossy(&said)) {
                self.line.write_all(b"+").map_err(failed)?;
                return Ok(data);
            }
        }
    }
}

fn packet(data: &str) -> String {
    let sum = data.bytes().fold(0_u8, u8::wrapping_add);
    format!("${data}#{sum:02x}")
}

/// The content of the first answer, once it is complete. Before it, a guest that was running may have reported that it has
/// stopped.
fn data(said: &str) -> Option<String> {
    let (data, sum) = said.split_once('$')?.1.split_once('#')?;
    match data.starts_with('T') {
        true => self::data(sum),
        false => (sum.len() >= 2).then(|| data.to_owned()),
    }
}

/// Four bytes as in memory; the board is little-endian.
fn word(hex: &str) -> Option<u32> {
    if hex.len() != 8 {
        return None;
    }
    u32::from_str_radix(hex, 16).ok().map(u32::swap_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stub's end: for each expected packet, its answer.
    fn stub(path: &Path, conversation: Vec<(&'static str, &'static str)>) -> std::thread::JoinHandle<()> {
        let listener = std::os::unix::net::UnixListener::bind(path).unwrap();
        std::thread::spawn(move || {
            let (mut line, _) = listener.accept().unwrap();
            for (expected, answer) in conversation {
                let mut heard = vec![0; expected.len()];
                line.read_exact(&mut heard).unwrap();
                assert_eq!(String::from_utf8(heard).unwrap(), expected);
                line.write_all(answer.as_bytes()).unwrap();
                line.read_exact(&mut [0]).unwrap();
            }
        })
    }

    #[test]
    fn registers_are_read_and_written_and_the_guest_continues() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stub");
        // Recorded from QEMU 7.2.
        let stub = stub(
            &path,
            vec![
                ("$Qqemu.PhyMemMode:1#77", "+$OK#9a"),
                ("$m20003004,4#56", "+$6709b400#cc"),
                ("$M20003018,4:4f0db400#99", "+$OK#9a"),
                ("$M0,4:00000000#97", "+$E14#aa"),
                ("$D#44", "+$OK#9a"),
            ],
        );
        let mut debugger = Debugger::connect(&path).unwrap();
        assert_eq!(debugger.read(0x2000_3004).unwrap(), 0x00b4_0967);
        debugger.write(0x2000_3018, 0x00b4_0d4f).unwrap();
        assert!(debugger.write(0, 0).unwrap_err().to_string().contains("E14"));
        debugger.resume().unwrap();
        stub.join().unwrap();
    }

    #[test]
    fn an_incomplete_packet_is_not_parsed() {
        assert_eq!(data("+$OK#9"), None);
        assert_eq!(data("+$OK#9a"), Some("OK".to_owned()));
        // Recorded from QEMU 7.2, on connecting to a running guest.
        assert_eq!(data("$T02thread:01;#04+$OK#9a"), Some("OK".to_owned()));
        assert_eq!(data("$T02thread:01;#04"), None);
        assert_eq!(word("6709b4"), None);
    }
}
