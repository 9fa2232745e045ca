//! A box without a board: a directory as its root, a service on this machine, and the lab's modems in its `/dev`.

use crate::binaries::binaries;
use dialbox::names::RUN_DIR;
use dialbox::paths::Paths;
use dialbox::record::Record;
use dialbox::site::{Proof, Role, Site, UsbId};
use dialbox::sms::proof;
use dialbox::state::{new_card, slots};
use lab::error::Result;
use lab::exchange::{Exchange, Patience};
use lab::modem::{Modem, TimeOfDay};
use lab::network::{Network, Subscriber};
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// The longest wait; a busy host is slow.
const PATIENCE: Patience = Patience { silence: Duration::from_secs(30), total: Duration::from_secs(90) };

/// The box's number.
pub const BOX: &str = "+33600000001";
/// The owner's number.
pub const OWNER: &str = "+33612345678";
/// RFC 4226's own secret in base 32.
pub const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// A telephone network with one box on it.
pub struct HostBox {
    pub exchange: Exchange,
    pub modem: Subscriber,
    pub phone: Subscriber,
    pub places: Paths,
    program: &'static str,
    service: Option<Child>,
    said: Arc<Mutex<Vec<String>>>,
    _dir: TempDir,
}

/// A port of a stick, as the kernel shows it.
#[derive(Debug, Clone, Copy)]
pub struct Tty {
    /// Its node: `ttyHS3`.
    pub name: &'static str,
    /// Which port of the lab's modem it is; one beyond its last does not answer.
    pub port: usize,
    /// Its `hsotype`, as the driver hso shows it.
    pub hsotype: Option<&'static str>,
}

/// The only port of a stick that has one.
pub const ONLY_PORT: &[Tty] = &[Tty { name: "ttyUSB0", port: 0, hsotype: None }];

/// The site of a dialer that accepts [`OWNER`] with HOTP codes, with `more` added.
pub fn site(more: &str) -> String {
    format!(
        "role = 'dialer'\nhostname = 'box'\n{more}\n[operator]\nname = 'free'\napn = 'free'\n\
         [sms]\nnumbers = ['{OWNER}']\nproof = 'hotp'\nsecret = '{SECRET}'\ndigits = 8\n"
    )
}

/// A command with the HOTP code of this counter, as the owner types it.
pub fn order(words: &str, counter: u64) -> String {
    let Role::Dialer(dialer) = Site::parse(&site("")).unwrap().role else {
        unreachable!("the site is a dialer's")
    };
    match dialer.sms.unwrap().proof {
        Proof::Hotp(of) => format!("{words} {:08}", proof::code(&of, counter)),
        _ => unreachable!("the site's codes are counted"),
    }
}

/// [`site`] with codes by the clock.
pub fn site_by_the_clock(more: &str) -> String {
    site(more).replace("'hotp'", "'totp'")
}

/// A command with the code of this moment.
pub fn code_by_the_clock(words: &str) -> String {
    let Role::Dialer(dialer) = Site::parse(&site_by_the_clock("")).unwrap().role else {
        unreachable!("the site is a dialer's")
    };
    let Some(Proof::Totp(of)) = dialer.sms.map(|sms| sms.proof) else {
        unreachable!("the site's codes go by the clock")
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    format!("{words} {:08}", proof::code(&of, now / proof::STEP))
}

impl HostBox {
    /// A running dialer with this modem plugged in.
    pub fn dialer(site: &str, modem: Modem, ttys: &[Tty]) -> Self {
        let mut host_box = Self::switched_off(site, modem);
        host_box.plug_in(ttys);
        host_box.start();
        host_box
    }

    /// A running dial-in whose only line has this modem.
    pub fn dial_in(site: &str, modem: Modem) -> Self {
        let mut host_box = Self::switched_off_dial_in(site, modem);
        host_box.plug_in(ONLY_PORT);
        host_box.start();
        host_box
    }

    /// The same without its modem, not started yet.
    pub fn switched_off_dial_in(site: &str, modem: Modem) -> Self {
        let mut host_box = Self::switched_off(site, modem);
        host_box.program = "dial-in";
        host_box
    }

    /// A dialer without a modem, not started yet.
    pub fn switched_off(site: &str, modem: Modem) -> Self {
        let dir = tempfile::Builder::new().prefix("host-box-").tempdir().unwrap();
        let places = Paths::below(dir.path());
        for made in ["/dev", "/etc/dialbox", "/run/lock", "/state", "/sys/class/tty", "/bin"] {
            fs::create_dir_all(places.path(made)).unwrap();
        }
        fs::write(places.site(), site).unwrap();
        let card = File::create(places.card()).unwrap();
        for (at, block) in new_card::blocks().unwrap() {
            card.write_all_at(&block, at).unwrap();
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut network = Network::new(TimeOfDay { origin: now.try_into().unwrap(), quarters: 4 });
        let modem = network.connect_modem("box", BOX, modem);
        let phone = network.connect_phone("owner", OWNER);
        let exchange = Exchange::new(network, PATIENCE).unwrap();
        let said = listen(&places.path("/dev/log"));
        Self { exchange, modem, phone, places, program: "sms-dialer", service: None, said, _dir: dir }
    }

    /// Plugs the modem in; its ports appear in sysfs and `/dev` as the kernel would show them.
    pub fn plug_in(&self, ttys: &[Tty]) {
        self.plug_in_at("1-1.1", self.modem, ttys);
    }

    /// The device at this place of the USB tree has these ids.
    pub fn identify(&self, place: &str, id: UsbId) {
        let device = self.places.path(format!("/sys/devices/usb/{place}"));
        fs::create_dir_all(&device).unwrap();
        fs::write(device.join("idVendor"), format!("{:04x}\n", id.0)).unwrap();
        fs::write(device.join("idProduct"), format!("{:04x}\n", id.1)).unwrap();
    }

    /// Plugs another modem in beside it.
    pub fn plug_in_another(&self, number: &str, modem: Modem, ttys: &[Tty]) -> Subscriber {
        let modem = self.exchange.with(|network, _| network.connect_modem("another", number, modem));
        self.plug_in_at("1-1.3", modem, ttys);
        modem
    }

    fn plug_in_at(&self, place: &str, modem: Subscriber, ttys: &[Tty]) {
        let sys = |path: String| self.places.path(Path::new("/sys").join(path));
        for tty in ttys {
            let number = tty.name.trim_start_matches(char::is_alphabetic).parse().unwrap_or(0u8);
            let interface = sys(format!("devices/usb/{place}/{place}:1.{number}"));
            let driver = if tty.hsotype.is_some() { "hso" } else { "option" };
            fs::create_dir_all(&interface).unwrap();
            fs::create_dir_all(sys(format!("bus/usb/drivers/{driver}"))).unwrap();
            fs::write(interface.join("bInterfaceNumber"), format!("{number:02x}\n")).unwrap();
            drop(fs::remove_file(interface.join("driver")));
            symlink(sys(format!("bus/usb/drivers/{driver}")), interface.join("driver")).unwrap();
            let class = sys(format!("class/tty/{}", tty.name));
            fs::create_dir_all(&class).unwrap();
            symlink(&interface, class.join("device")).unwrap();
            if let Some(hsotype) = tty.hsotype {
                fs::write(class.join("hsotype"), format!("{hsotype}\n")).unwrap();
            }
            let terminal = self.exchange.terminal(modem, tty.port).unwrap();
            // The node appears last, in one step, as it does on the box.
            symlink(terminal, self.places.path("/dev").join(tty.name)).unwrap();
        }
    }

    /// Pulls it out: nodes, sysfs and the open ports vanish.
    pub fn pull_out(&self, ttys: &[Tty]) {
        for tty in ttys {
            fs::remove_file(self.places.path("/dev").join(tty.name)).unwrap();
            fs::remove_dir_all(self.places.path("/sys/class/tty").join(tty.name)).unwrap();
        }
        self.exchange.unplug(self.modem);
    }

    /// Starts the service. There is no pppd in its `PATH`.
    pub fn start(&mut self) {
        let root = self.places.path("/");
        let mut command = Command::new(binaries().join("dialbox"));
        command.arg0(self.program);
        command.arg("--root").arg(&root).env("PATH", root.join("bin"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.service = Some(child.unwrap());
    }

    /// Kills the service, which ends as by a power cut, and removes what it has published.
    pub fn kill(&mut self) {
        if let Some(mut service) = self.service.take() {
            service.kill().unwrap();
            service.wait().unwrap();
            drop(fs::remove_dir_all(self.places.path(RUN_DIR)));
        }
    }

    /// Formats the state partition, as a boot does that finds nothing in it to repair.
    pub fn lose_state(&self) {
        fs::remove_dir_all(self.places.state()).unwrap();
        fs::create_dir(self.places.state()).unwrap();
    }

    /// Damages both slots of the second copy.
    pub fn lose_second_copy(&self) {
        let card = File::options().write(true).open(self.places.card()).unwrap();
        for at in slots::OFFSETS {
            card.write_all_at(&[0xa5; slots::SECTOR], at).unwrap();
        }
    }

    /// The service's log so far.
    pub fn said(&self) -> Vec<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for something on the network; panics with the transcript if it does not come.
    pub fn until<T>(&self, what: &str, look: impl FnMut(&mut Network) -> Option<T>) -> T {
        self.expect(self.exchange.until(what, look))
    }

    /// Waits until a published record is as wanted.
    pub fn until_published(&self, name: &str, wanted: impl Fn(&Record) -> bool) -> Record {
        self.wait_for(&format!("another record than {:?}", self.places.published(name)), || {
            self.places.published(name).filter(&wanted)
        })
    }

    /// Waits for a log line that contains this.
    pub fn until_said(&self, words: &str) {
        self.wait_for(words, || self.said().iter().any(|line| line.contains(words)).then_some(()));
    }

    /// Polls for a condition outside the network.
    fn wait_for<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(began.elapsed() < PATIENCE.silence, "waited for {what:?}\n{}", self.account());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends the box a text from this number.
    pub fn text(&self, from: &str, text: &str) {
        self.exchange.with(|network, now| network.text(from, self.modem, text, now));
    }

    /// Waits for this many answers on the owner's telephone, and returns all of them.
    pub fn answers(&self, count: usize) -> Vec<String> {
        self.until("an answer by SMS", |network| {
            let texts = network.phone(self.phone)?.texts();
            (texts.len() >= count).then(|| texts.iter().map(|text| text.text.clone()).collect())
        })
    }

    /// Waits until the box has read and deleted everything that was sent to it.
    pub fn until_empty(&self) {
        self.until("an empty storage", |network| {
            let waiting = network.centre().waiting_for(self.modem);
            (waiting == 0 && network.modem(self.modem)?.stored_messages() == 0).then_some(())
        });
    }

    /// The commands that the box has sent to the modem, in upper case.
    pub fn typed(&self) -> String {
        self.exchange.with(|network, _| network.journal().typed("box")).to_ascii_uppercase()
    }

    fn expect<T>(&self, outcome: Result<T>) -> T {
        outcome.unwrap_or_else(|error| panic!("{error}\n{}", self.account()))
    }

    fn account(&self) -> String {
        let transcript = self.exchange.with(|network, _| network.journal().tail(60));
        format!("the service said:\n  {}\n{transcript}", self.said().join("\n  "))
    }
}

impl Drop for HostBox {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Receives the services' log, as syslogd would.
fn listen(socket: &Path) -> Arc<Mutex<Vec<String>>> {
    let said = Arc::new(Mutex::new(Vec::new()));
    let socket = UnixDatagram::bind(socket).unwrap();
    std::thread::spawn({
        let said = Arc::clone(&said);
        move || {
            let mut datagram = [0; 4096];
            while let Ok(length) = socket.recv(&mut datagram) {
                let line = String::from_utf8_lossy(&datagram[..length]).into_owned();
                said.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        }
    });
    said
}
