//! The box's exchange on this machine, and the telephones.

use crate::binaries::binaries;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
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

/// A running telephone; it ends with this value.
pub struct Phone {
    child: Child,
    said: Arc<Mutex<String>>,
}

/// A UDP port that no other program has now.
fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Box {
    /// A running exchange.
    pub fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("host-exchange-").tempdir().unwrap();
        let port = free_port();
        let accounts: String = (0..32)
            .map(|at| format!("[[exchange.account]]\nname = 'ata{at}'\npassword = 'key{at}'\n"))
            .collect();
        let site = format!(
            "role = 'dial-in'\nhostname = 'box'\n[lan]\naddress = '127.0.0.1/8'\ninterface = 'lo'\n\
             [[line]]\nport = 'auto'\nlocal = '192.168.32.1'\nremote = '192.168.32.105'\n\
             [[user]]\nname = 'u'\npassword = 'p'\n[exchange]\nport = {port}\n{accounts}\
             [[exchange.route]]\npattern = '_X!'\nto = ['ata1']\n"
        );
        for made in ["etc/dialbox", "state"] {
            fs::create_dir_all(dir.path().join(made)).unwrap();
        }
        fs::write(dir.path().join("etc/dialbox/site.toml"), site).unwrap();
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

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
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

    /// A program with the libraries that were unpacked with it, by their own dynamic loader.
    fn program(&self, name: &str) -> Command {
        let libraries = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"].map(|dir| self.0.join(dir));
        let loader =
            libraries.iter().map(|dir| dir.join("ld-linux-x86-64.so.2")).find(|it| it.exists()).unwrap();
        let path = libraries.map(|dir| dir.display().to_string()).join(":");
        let mut command = Command::new(loader);
        command.arg("--library-path").arg(path).arg(self.0.join("usr/bin").join(name));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).env("TERM", "xterm");
        command
    }

    fn sipp(&self, host: &Box, scenario: &str, port: u16) -> Command {
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sip_clients").join(scenario);
        let mut command = self.program("sipp");
        command.current_dir(host.dir.path()).arg(format!("127.0.0.1:{}", host.port)).arg("-sf").arg(scenario);
        command.args(["-i", "127.0.0.1", "-nostdin", "-p", &port.to_string()]);
        command
    }

    fn finish(mut command: Command) {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }

    /// Registers accounts, all from one address.
    pub fn register(&self, host: &Box, accounts: &[usize]) {
        let lines: String = accounts.iter().map(|at| line(host, *at)).collect();
        let users = host.file("users.csv", &format!("SEQUENTIAL\n{lines}"));
        let mut command = self.sipp(host, "register.xml", free_port());
        command.arg("-inf").arg(users).args(["-m", &accounts.len().to_string(), "-r", "400"]);
        Self::finish(command);
    }

    /// A telephone that answers every call of an account, and checks that the caller's SDP has come unchanged.
    pub fn answer(&self, host: &Box, account: usize) -> Phone {
        let mut command = self.sipp(host, "called.xml", contact(host, account));
        Phone::new(command.args(["-m", "1000000"]))
    }

    /// Calls from an account, up to four at a time, each of which must succeed. It answers the exchange's OPTIONS (`-aa`),
    /// without which its calls would end.
    pub fn call(&self, host: &Box, account: usize, times: u32) {
        let users = host.file("caller.csv", &format!("SEQUENTIAL\n{}", line(host, account)));
        let mut command = self.sipp(host, "caller.xml", contact(host, account));
        command.arg("-inf").arg(users).args([
            "-m",
            &times.to_string(),
            "-r",
            "400",
            "-l",
            "4",
            "-aa",
            "-trace_err",
            "-trace_msg",
        ]);
        Self::finish(command);
    }

    /// A telephone that answers every call; with a number, it dials that as soon as it has registered.
    pub fn baresip(&self, host: &Box, account: usize, number: Option<&str>) -> Phone {
        let dir = host.dir.path().join(format!("baresip{account}"));
        fs::create_dir(&dir).unwrap();
        let modules = self.0.join("usr/lib/baresip/modules");
        let (tone, port) = (dir.join("tone.wav"), contact(host, account));
        fs::write(&tone, wave()).unwrap();
        let config = format!(
            "module_path {}\nmodule g711.so\nmodule aufile.so\nmodule account.so\nmodule_app menu.so\n\
             sip_listen 127.0.0.1:{port}\naudio_source aufile,{}\naudio_player aufile,{}\naudio_alert aufile,{}\n",
            modules.display(),
            tone.display(),
            dir.join("heard.wav").display(),
            dir.join("alert.wav").display()
        );
        fs::write(dir.join("config"), config).unwrap();
        let accounts = format!(
            "<sip:ata{account}@127.0.0.1:{}>;auth_user=ata{account};auth_pass=key{account};regint=600;\
             answermode=auto;audio_codecs=PCMA\n",
            host.port
        );
        fs::write(dir.join("accounts"), accounts).unwrap();
        let mut command = self.program("baresip");
        command.arg("-f").arg(&dir).args(["-t", "120"]);
        if let Some(number) = number {
            command.args(["-e", &format!("/dial sip:{number}@127.0.0.1:{}", host.port)]);
        }
        Phone::new(&mut command)
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

/// An account, its answer to a challenge, the number it dials, and its port: a line of sipp's fields.
fn line(host: &Box, account: usize) -> String {
    let port = contact(host, account);
    format!("ata{account};[authentication username=ata{account} password=key{account}];5551234;{port}\n")
}

/// Two minutes of silence, as a WAV file of 8000 samples of 16 bits a second: at its end baresip hangs up.
fn wave() -> Vec<u8> {
    let samples = vec![0; 120 * 16_000];
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + samples.len() as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    for (value, size) in [(16, 4), (1, 2), (1, 2), (8000, 4), (16_000, 4), (2, 2), (16, 2)] {
        bytes.extend(&u32::to_le_bytes(value)[..size]);
    }
    bytes.extend(b"data");
    bytes.extend((samples.len() as u32).to_le_bytes());
    bytes.extend(samples);
    bytes
}

impl Phone {
    fn new(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (heard, out) = (Arc::clone(&said), child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(out).split(b'\n').map_while(Result::ok) {
                let mut said = heard.lock().unwrap();
                said.push_str(&String::from_utf8_lossy(&line));
                said.push('\n');
            }
        });
        Self { child, said }
    }

    /// Waits until it says something.
    pub fn wait_for(&self, words: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.said.lock().unwrap().contains(words) {
            assert!(Instant::now() < end, "{words:?} is not in\n{}", self.said.lock().unwrap());
            sleep(Duration::from_millis(50));
        }
    }

    /// Has baresip end: it hangs up, unregisters, and waits for both answers.
    pub fn hang_up(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let end = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "it does not end:\n{}", self.said.lock().unwrap());
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
