//! A box in a directory, and the modem's end of a serial line.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use dialbox::paths::Paths;
use dialbox::record::Record;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A test without progress for this long fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program of all services; its name says which.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_dialbox");

/// A box in a directory, with one service running in it.
pub struct TestBox {
    pub paths: Paths,
    pub service: Child,
    _dir: tempfile::TempDir,
}

impl TestBox {
    pub fn start(service: &str, site: &str) -> Self {
        Self::start_with(service, site, |_| {})
    }

    /// `prepare` creates further files of the box; programs in its `/bin` are found first.
    pub fn start_with(service: &str, site: &str, prepare: impl Fn(&Paths)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        prepare(&paths);
        fs::create_dir_all(paths.path("/dev")).unwrap();
        fs::create_dir_all(paths.path("/etc/dialbox")).unwrap();
        fs::write(paths.site(), site).unwrap();
        let service = start(service, &paths);
        Self { paths, service, _dir: dir }
    }

    /// Kills the service with SIGKILL and starts it again, as init does; returns when its loop runs.
    pub fn kill_and_restart(&mut self, service: &str, heartbeat: &str) {
        self.service.kill().unwrap();
        self.service.wait().unwrap();
        self.paths.withdraw(heartbeat);
        self.service = start(service, &self.paths);
        self.until(heartbeat, |_| true);
    }

    /// The service's process.
    pub fn id(&self) -> u32 {
        self.service.id()
    }

    /// The processes that the service has started and that have not ended.
    pub fn children(&self) -> Vec<u32> {
        let id = self.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        children.split_whitespace().map(|id| id.parse().unwrap()).collect()
    }

    /// Waits for the process that parses the modem's output.
    pub fn parser(&self) -> u32 {
        let is_parser = |id: &u32| {
            let said = fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
            said.starts_with("modem-parser\0")
        };
        let start = Instant::now();
        loop {
            match self.children().into_iter().find(is_parser) {
                Some(id) => return id,
                None => assert!(start.elapsed() < PATIENCE),
            }
            sleep(Duration::from_millis(5));
        }
    }

    pub fn port(&self) -> PathBuf {
        self.paths.path("/dev/ttyTEST")
    }

    /// Waits until the published record is as wanted.
    pub fn until(&self, name: &str, wanted: impl Fn(&Record) -> bool) -> Record {
        let start = Instant::now();
        loop {
            match self.paths.published(name).filter(&wanted) {
                Some(record) => return record,
                None => assert!(start.elapsed() < PATIENCE, "{:?}", self.paths.published(name)),
            }
            sleep(Duration::from_millis(5));
        }
    }
}

fn start(service: &str, paths: &Paths) -> Child {
    Command::new(PROGRAM)
        .arg0(service)
        .arg("--root")
        .arg(paths.path("/"))
        .env("PATH", format!("{}:/usr/bin:/bin", paths.path("/bin").display()))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for TestBox {
    fn drop(&mut self) {
        self.service.kill().unwrap();
        self.service.wait().unwrap();
    }
}

/// Waits until a condition is true.
pub fn until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE);
        sleep(Duration::from_millis(5));
    }
}

/// The modem's end of a serial line.
pub struct Modem {
    pub line: File,
    received: String,
    port: PathBuf,
    /// The last values of S8 and S6.
    registers: [u8; 2],
}

/// The command by which a service verifies that the modem answers.
pub const PROOF: &str = "ATS8?S6?";

/// The last command of a dialer's configuration: it lists the only storage.
pub const DIALERS_LAST: &str = "AT+CMGL=4";

/// Removes its node first: the next test may get the same pseudo-terminal, and this test's service must not find it.
impl Drop for Modem {
    fn drop(&mut self) {
        fs::remove_file(&self.port).unwrap();
    }
}

impl Modem {
    /// Plugged in at a port, which appears atomically, like a kernel's node.
    pub fn plugged_in_at(port: &Path) -> Self {
        let line = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&line).unwrap();
        unlockpt(&line).unwrap();
        let node = ptsname(&line, Vec::new()).unwrap();
        symlink(node.to_str().unwrap(), port).unwrap();
        Self { line: line.into(), received: String::new(), port: port.to_owned(), registers: [2; 2] }
    }

    /// Waits for a command and returns the text before its end of line.
    pub fn receive(&mut self) -> String {
        loop {
            if let Some((command, rest)) = self.received.split_once('\r') {
                let command = command.to_owned();
                self.received = rest.to_owned();
                return command;
            }
            self.read_more();
        }
    }

    fn read_more(&mut self) {
        let mut fds = [PollFd::new(&self.line, PollFlags::IN)];
        let timeout = Timespec::try_from(PATIENCE).unwrap();
        assert_ne!(poll(&mut fds, Some(&timeout)).unwrap(), 0, "silence after {:?}", self.received);
        let mut bytes = [0; 100];
        // EIO: the service has not opened its end yet.
        match self.line.read(&mut bytes) {
            Ok(length) => self.received += std::str::from_utf8(&bytes[..length]).unwrap(),
            Err(_) => sleep(Duration::from_millis(5)),
        }
    }

    /// Waits for this text, whatever comes before it.
    pub fn wait_for(&mut self, words: &str) {
        while !self.received.contains(words) {
            self.read_more();
        }
        let (_, rest) = self.received.split_once(words).unwrap();
        self.received = rest.to_owned();
    }

    pub fn send(&mut self, text: &str) {
        write!(self.line, "\r\n{text}\r\n").unwrap();
    }

    fn set_registers(&mut self, command: &str) {
        let values = command.strip_prefix("ATS8=").and_then(|values| values.split_once("S6=")).unwrap();
        self.registers = [values.0, values.1].map(|value| value.parse().unwrap());
    }

    fn say_registers(&mut self) {
        for value in self.registers {
            self.send(&format!("{value:03}"));
        }
    }

    /// Answers the question for the secret, which proves that it has left the call.
    pub fn prove(&mut self) {
        self.wait_for(&format!("{PROOF}\r"));
        self.prove_now();
    }

    /// The same after the question was received. On a busy machine the answer may come too late, and it is asked again.
    /// The next command stays to be received.
    pub fn prove_now(&mut self) {
        loop {
            self.say_registers();
            self.send("OK");
            let next = self.receive();
            if !next.ends_with(PROOF) {
                self.received = format!("{next}\r{}", self.received);
                return;
            }
        }
    }

    /// Answers every command, with its echo, up to this one.
    pub fn answer_up_to(&mut self, last: &str) {
        let (start, mut command) = (Instant::now(), String::new());
        while command != last {
            command = self.receive();
            // A service reads the signal regularly, so that silence alone would never end this.
            assert!(start.elapsed() < PATIENCE, "no {last} after {command}");
            write!(self.line, "{command}\r").unwrap();
            match command.as_str() {
                "AT+CGMI" => self.send("Option N.V."),
                "AT+CGMM" => self.send("GTM378"),
                "AT+CPIN?" => self.send("+CPIN: READY"),
                "AT+CSQ" => self.send("+CSQ: 17,99"),
                "AT+CPMS=?" => self.send("+CPMS: (\"SM\"),(\"SM\"),(\"SM\")"),
                PROOF => self.say_registers(),
                set if set.starts_with("ATS8=") => self.set_registers(set),
                _ => {}
            }
            self.send("OK");
        }
    }
}
