//! A person at a terminal: reads what a program asks, and types.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Far longer than any answer takes; after it the test fails.
const DEADLINE: Duration = Duration::from_secs(60);

/// A program whose input is a pseudo-terminal.
pub struct Terminal {
    keyboard: File,
    child: Child,
    screen: Receiver<String>,
    /// What has not been expected yet.
    said: String,
}

impl Terminal {
    pub fn start(mut program: Command) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let line = ptsname(&keyboard, Vec::new()).unwrap().into_string().unwrap();
        let line = OpenOptions::new().read(true).write(true).open(line).unwrap();
        let mut child = program.stdin(line).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let (screen, read) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut buffer) {
                let _ = screen.send(String::from_utf8_lossy(&buffer[..length]).into_owned());
            }
        });
        Self { keyboard: keyboard.into(), child, screen: read, said: String::new() }
    }

    /// Waits until the program has said this; returns what it said before.
    pub fn expect(&mut self, words: &str) -> String {
        loop {
            if let Some((before, after)) = self.said.split_once(words) {
                let before = before.to_owned();
                self.said = after.to_owned();
                return before;
            }
            match self.screen.recv_timeout(DEADLINE) {
                Ok(more) => self.said += &more,
                Err(why) => panic!("it did not say {words:?} ({why}): {}", self.said),
            }
        }
    }

    pub fn types(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").unwrap();
    }

    /// Waits for its end; returns what it has said that was not expected.
    pub fn end(mut self) -> (ExitStatus, String) {
        self.said.extend(self.screen.iter());
        (self.child.wait().unwrap(), self.said)
    }
}
