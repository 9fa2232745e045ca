//! baresip, a SIP telephone of Debian's, from packages that are unpacked in a directory.

use crate::error::{Error, Result};
use crate::leftovers::{self, Note};
use crate::unpacked;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The longest wait for its output or its end; a busy host is slow.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it runs, and how long its tone is, at whose end it hangs up.
const SECONDS: u32 = 1200;

/// Its account at an exchange.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// The name.
    pub name: &'a str,
    /// The password.
    pub password: &'a str,
    /// The exchange's port at 127.0.0.1.
    pub server: u16,
}

/// A running telephone that answers every call; it ends with this value.
#[derive(Debug)]
pub struct Baresip {
    child: Child,
    said: Arc<Mutex<String>>,
    _note: Note,
}

impl Baresip {
    /// Starts one from the packages in `tools`, with its files in a new directory `dir`. With a number, it dials that at
    /// once. It listens at this port of 127.0.0.1, and speaks PCMA only.
    ///
    /// # Errors
    /// The program is missing, or its files cannot be written.
    pub fn start(
        tools: &Path,
        dir: &Path,
        account: Account,
        port: u16,
        number: Option<&str>,
    ) -> Result<Self> {
        let found = unpacked::find(tools, "usr/bin/baresip").map_err(Error::NoSipTool)?;
        fs::create_dir(dir).map_err(|e| Error::io("make", dir, e))?;
        let tone = dir.join("tone.wav");
        silence(&tone).map_err(|e| Error::io("write", &tone, e))?;
        let write = |name: &str, text: String| {
            let file = dir.join(name);
            fs::write(&file, text).map_err(|e| Error::io("write", &file, e))
        };
        write(
            "config",
            format!(
                "module_path {}\nmodule g711.so\nmodule aufile.so\nmodule account.so\nmodule_app menu.so\n\
                 sip_listen 127.0.0.1:{port}\naudio_source aufile,{}\naudio_player aufile,{}\naudio_alert aufile,{}\n",
                tools.join("usr/lib/baresip/modules").display(),
                tone.display(),
                dir.join("heard.wav").display(),
                dir.join("alert.wav").display()
            ),
        )?;
        let Account { name, password, server } = account;
        write(
            "accounts",
            format!(
                "<sip:{name}@127.0.0.1:{server}>;auth_user={name};auth_pass={password};regint=600;answermode=auto;\
                 audio_codecs=PCMA\n"
            ),
        )?;
        let mut command = Command::new(found.loader);
        command.args(found.first).arg("-f").arg(dir).args(["-t", &SECONDS.to_string()]);
        if let Some(number) = number {
            command.args(["-e", &format!("/dial sip:{number}@127.0.0.1:{server}")]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).env("TERM", "xterm");
        let child = command.spawn().map_err(|e| Error::io("start", Path::new("baresip"), e))?;
        Ok(Self::listen(child))
    }

    fn listen(mut child: Child) -> Self {
        let said = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&said);
        if let Some(out) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(out).split(b'\n').map_while(std::io::Result::ok) {
                    let mut said = heard.lock().unwrap_or_else(PoisonError::into_inner);
                    said.push_str(&String::from_utf8_lossy(&line));
                    said.push('\n');
                }
            });
        }
        let note = leftovers::process(Pid::from_child(&child));
        Self { child, said, _note: note }
    }

    /// Waits until it says something.
    ///
    /// # Errors
    /// It has not said it within a minute.
    pub fn wait_for(&self, words: &str) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while !self.said().contains(words) {
            if Instant::now() > end {
                return Err(Error::Unexpected(format!(
                    "baresip does not say {words:?}, but:\n{}",
                    self.said()
                )));
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Has it hang up, unregister, wait for both answers, and end.
    ///
    /// # Errors
    /// It does not end within a minute.
    pub fn hang_up(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)
            .map_err(|e| Error::io("end", Path::new("baresip"), e.into()))?;
        let end = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > end {
                return Err(Error::Unexpected(format!("baresip does not end:\n{}", self.said())));
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Its output so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A UDP port of 127.0.0.1 that no other program has now.
///
/// # Errors
/// There is none.
pub fn free_port() -> Result<u16> {
    let found = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    found.map(|address| address.port()).map_err(|e| Error::io("listen at", Path::new("127.0.0.1"), e))
}

/// Silence, as a WAV file of 8000 samples of 16 bits a second: a header, and a hole in the file.
fn silence(file: &Path) -> std::io::Result<()> {
    let length = SECONDS * 16_000;
    let mut header = b"RIFF".to_vec();
    header.extend((36 + length).to_le_bytes());
    header.extend(b"WAVEfmt ");
    for (value, size) in [(16, 4), (1, 2), (1, 2), (8000, 4), (16_000, 4), (2, 2), (16, 2)] {
        header.extend(u32::to_le_bytes(value).into_iter().take(size));
    }
    header.extend(b"data");
    header.extend(length.to_le_bytes());
    let whole = header.len() as u64 + u64::from(length);
    fs::write(file, header)?;
    fs::File::options().write(true).open(file)?.set_len(whole)
}
