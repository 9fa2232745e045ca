//! The box's exchange on this machine, and the telephones.

use crate::binaries::binaries;
use lab::baresip::{self, Account, Baresip};
use lab::sipp::{self, LOOPBACK, Scenario, Sipp};
use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The longest wait; a busy host is slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// The exchange, with accounts `ata0` to `ata31` and one route: any number rings `ata1`.
pub struct Box {
    dir: TempDir,
    port: u16,
    service: Child,
}

/// The directory with the unpacked telephones.
pub struct Tools(PathBuf);

/// A running sipp; it ends with this value.
pub struct Called(Child);

/// A UDP port that no other program has now.
fn free_port() -> u16 {
    baresip::free_port().unwrap()
}

impl Box {
    /// A running exchange.
    pub fn start() -> Self {
        Self::with(|site| site)
    }

    /// One through which the sound passes.
    pub fn relaying() -> Self {
        Self::with(|site| site.replace("[exchange]\n", "[exchange]\nrtp-relay = true\n"))
    }

    fn with(change: impl Fn(String) -> String) -> Self {
        let dir = tempfile::Builder::new().prefix("host-exchange-").tempdir().unwrap();
        let port = free_port();
        for made in ["etc/dialbox", "state"] {
            fs::create_dir_all(dir.path().join(made)).unwrap();
        }
        fs::write(dir.path().join("etc/dialbox/site.toml"), change(sipp::site(LOOPBACK, port))).unwrap();
        let service = Self::spawn(dir.path());
        let host = Self { dir, port, service };
        host.wait_until(|host| host.dir.path().join("run/dialbox/exchange").exists());
        host
    }

    fn spawn(root: &Path) -> Child {
        let mut command = Command::new(binaries().join("dialbox"));
        command.arg0("exchange").arg("--root").arg(root);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Kills the exchange, starts it again, and waits until it has published, which it does once its port is open.
    pub fn restart(&mut self) {
        self.service.kill().unwrap();
        self.service.wait().unwrap();
        let published = |host: &Self| {
            let file = fs::metadata(host.dir.path().join("run/dialbox/exchange"));
            file.and_then(|file| file.modified()).unwrap()
        };
        let before = published(self);
        self.service = Self::spawn(self.dir.path());
        self.wait_until(|host| published(host) > before);
    }

    /// What `dialctl exchange` prints. It has no option for another root, so its library is called.
    pub fn dialctl(&self, words: &[&str]) -> String {
        dialbox::dialctl::exchange::run(&dialbox::paths::Paths::below(self.dir.path()), words).unwrap()
    }

    /// Memory of its own, in kB (proc(5), `RssAnon`).
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.service.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Waits until something holds.
    pub fn wait_until(&self, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(self) {
            let shown = ["peers", "calls", "log"].map(|what| self.dialctl(&[what]));
            assert!(Instant::now() < end, "{}", shown.join("\n"));
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Box {
    fn drop(&mut self) {
        drop(self.service.kill());
        drop(self.service.wait());
    }
}

impl Tools {
    /// Where the tools are, if they were unpacked for this run.
    pub fn find() -> Option<Self> {
        let dir = std::env::var_os("DIALBOX_SIP_TOOLS");
        if dir.is_none() {
            println!("left out: `cargo xtask test` brings sipp and baresip");
        }
        dir.map(|dir| Self(dir.into()))
    }

    /// Registers accounts, all from one address.
    pub fn register(&self, host: &Box, accounts: &[usize]) {
        let users: Vec<_> = accounts.iter().map(|at| (*at, contact(host, *at))).collect();
        let mut command = self.sipp(host).by(&users, Scenario::Register, host.port, free_port()).unwrap();
        command.args(["-m", &accounts.len().to_string(), "-r", "400"]);
        Sipp::finish(&mut command).unwrap();
    }

    /// A telephone that answers every call of an account, and checks that the caller's SDP has come unchanged.
    pub fn answer(&self, host: &Box, account: usize) -> Called {
        let mut command =
            self.sipp(host).command(Scenario::Answer, host.port, contact(host, account)).unwrap();
        Called(command.args(["-m", "1000000"]).stdout(Stdio::null()).spawn().unwrap())
    }

    /// Calls from an account, up to four at a time, each of which must succeed. It answers the exchange's OPTIONS (`-aa`),
    /// without which its calls would end.
    pub fn call(&self, host: &Box, account: usize, times: u32) {
        let port = contact(host, account);
        let mut command = self.sipp(host).by(&[(account, port)], Scenario::Call, host.port, port).unwrap();
        command.args(["-m", &times.to_string(), "-r", "400", "-l", "4", "-aa", "-trace_err", "-trace_msg"]);
        Sipp::finish(&mut command).unwrap();
    }

    fn sipp(&self, host: &Box) -> Sipp {
        Sipp::new(&self.0, host.dir.path())
    }

    /// A telephone that answers every call; with a number, it dials that at once.
    pub fn baresip(&self, host: &Box, account: usize, number: Option<&str>) -> Baresip {
        let dir = host.dir.path().join(format!("baresip{account}"));
        let (name, password) = (format!("ata{account}"), format!("key{account}"));
        let own = Account { name: &name, password: &password, server: host.port };
        Baresip::start(&self.0, &dir, own, contact(host, account), number).unwrap()
    }
}

/// The port of an account's telephone.
fn contact(host: &Box, account: usize) -> u16 {
    let file = host.dir.path().join(format!("port{account}"));
    if let Ok(port) = fs::read_to_string(&file) {
        return port.parse().unwrap();
    }
    let port = free_port();
    write!(fs::File::create(file).unwrap(), "{port}").unwrap();
    port
}

impl Drop for Called {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
