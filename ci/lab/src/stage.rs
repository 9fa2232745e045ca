//! A telephone network and the boxes on it, for one scenario.

use crate::bench::Bench;
use crate::booted::Booted;
use crate::card::SITE;
use crate::error::{Error, Result};
use crate::exchange::{Exchange, Patience};
use crate::leftovers::{self, Note};
use crate::machine::{Beginning, Machine, last_lines};
use crate::modem::profile::ANALOGUE;
use crate::modem::sim::SimCard;
use crate::modem::stick::{Stick, icon_225_one_port};
use crate::modem::{Modem, TimeOfDay};
use crate::network::{Line, Network, Subscriber};
use crate::operator::Operator;
use crate::usb::device::Device;
use crate::usb::line::Wires;
use crate::usb::stick::{UsbModel, UsbStick};
use std::cell::RefCell;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// The time limits of the network; a boot takes less.
const PATIENCE: Patience = Patience { silence: Duration::from_secs(90), total: Duration::from_secs(240) };
/// How often an operator looks for what has come.
const OPERATOR_LOOKS: Duration = Duration::from_millis(20);
/// The site of a dialer.
const DIALER: &str = include_str!("../../../image/sites/dialer.toml");
/// Quarters of an hour between the network's local time and UTC.
const ZONE: i8 = 4;

/// The dialer's number, on a stage with one dialer.
pub const DIALER_NUMBER: &str = "+33600000001";
/// A caller's number.
const CALLER_NUMBER: &str = "+33612345678";
/// The dial-in box's number; packet data leads there too.
pub const LINE_NUMBER: &str = "+33102030405";

/// The number of a box's line, counted from 1, if it has several.
pub fn line_number(line: usize) -> String {
    format!("+3310203050{line}")
}

/// A USB device, the lines of its serial ports, and the modem that they lead to.
pub type Plugged = (Box<dyn Device>, Vec<Option<Wires>>, Subscriber);

/// A separate network for each scenario.
pub struct Stage {
    bench: Bench,
    exchange: Exchange,
    beginning: Beginning,
    /// The site on the boxes' cards instead of the image's own.
    site: Option<&'static str>,
    dir: TempDir,
    _note: Note,
    /// The boxes' names and the files with their consoles' output.
    consoles: RefCell<Vec<(String, PathBuf)>>,
}

/// A USB stick for the mobile network, with a SIM without a PIN request.
pub fn stick() -> Modem {
    Modem::new(icon_225_one_port(), SimCard::open())
}

/// A modem for a telephone line.
pub fn analogue() -> Modem {
    Modem::new(ANALOGUE, SimCard::absent())
}

impl Stage {
    /// A network without subscribers that uses this machine's time. Its boxes boot from fresh cards.
    pub fn new(bench: &Bench) -> Result<Self> {
        let dir = leftovers::private_dir()?;
        // A clock before 1970 is an error; the network's time need not be right.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = TimeOfDay { origin: i64::try_from(now.as_secs()).unwrap_or(0), quarters: ZONE };
        let exchange = Exchange::new(Network::new(time), PATIENCE)?;
        let note = leftovers::directory(dir.path());
        let beginning = Beginning::FreshCard;
        Ok(Self {
            bench: bench.clone(),
            exchange,
            beginning,
            site: None,
            dir,
            _note: note,
            consoles: RefCell::default(),
        })
    }

    /// A stage for a scenario. Its boxes have a dialer's site, whatever site the image has.
    pub fn for_scenario(bench: &Bench, beginning: Beginning) -> Result<Self> {
        Ok(Self { beginning, site: Some(DIALER), ..Self::new(bench)? })
    }

    /// The image and emulator of its boxes.
    pub fn bench(&self) -> &Bench {
        &self.bench
    }

    /// A box with the image's own site, and this modem.
    pub fn with_own_site(&self, name: &str, modem: Modem) -> Result<Machine<'_>> {
        let modem = self.exchange.with(|network, _| network.connect_modem(name, DIALER_NUMBER, modem));
        self.machine_that_begins(name, &[modem], self.beginning.clone())
    }

    /// The running network.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// An operator that answers every data call and sends nothing.
    pub fn silent_operator(&self) {
        self.operator();
    }

    fn operator(&self) -> Subscriber {
        self.exchange.with(|network, _| {
            let operator = network.connect_peer("operator", "+33999");
            network.serve_packets(operator);
            operator
        })
    }

    /// Does this work while an operator answers every data call.
    pub fn with_operator<T>(&self, mut operator: Operator, work: impl FnOnce() -> T) -> T {
        let line = self.operator();
        let working = Arc::new(());
        let until = Arc::downgrade(&working);
        let exchange = &self.exchange;
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut read = 0;
                while until.strong_count() > 0 {
                    exchange.with(|network, now| {
                        let came = network.heard_by_peer(line)[read..].to_vec();
                        read += came.len();
                        network.say(line, &operator.receive(&came), now);
                    });
                    std::thread::sleep(OPERATOR_LOOKS);
                }
            });
            // Dropped also by a panic.
            let _working = working;
            work()
        })
    }

    /// A box with the image as it is, and this modem.
    pub fn dialer(&self, modem: Modem) -> Result<Machine<'_>> {
        let modem = self.exchange.with(|network, _| network.connect_modem("dialer", DIALER_NUMBER, modem));
        self.machine("dialer", &[modem])
    }

    /// A box with a modem on a telephone line. Packet data leads to that line as well, so the box can act as the
    /// operator.
    pub fn answerer(&self, name: &str) -> Result<Machine<'_>> {
        let modem = self.exchange.with(|network, _| {
            let modem = network.connect_modem(name, LINE_NUMBER, analogue());
            network.serve_packets(modem);
            modem
        });
        self.machine(name, &[modem])
    }

    /// A box with this many telephone lines, and a modem on each; they have [numbers](line_number) and the names
    /// `line1`, `line2`, and so on.
    pub fn with_lines(&self, name: &str, lines: usize) -> Result<Machine<'_>> {
        let modems: Vec<Subscriber> = self.exchange.with(|network, _| {
            let connect =
                |line| network.connect_modem(&format!("line{line}"), &line_number(line), analogue());
            (1..=lines).map(connect).collect()
        });
        self.machine(name, &modems)
    }

    /// A box with this many modems on such telephone lines, to call from; their names are `caller1`, and so on.
    pub fn with_callers(&self, name: &str, modems: usize, line: Line) -> Result<Machine<'_>> {
        let modems: Vec<Subscriber> = self.exchange.with(|network, _| {
            let connect = |number| {
                let name = format!("caller{number}");
                let modem = network.connect_modem(&name, &format!("+3369876540{number}"), analogue());
                network.set_line(modem, line);
                modem
            };
            (1..=modems).map(connect).collect()
        });
        self.machine(name, &modems)
    }

    /// A box without modems, for a snapshot after its boot.
    pub fn keepable(&self) -> Result<Machine<'_>> {
        self.machine_that_begins("box", &[], Beginning::ToBeKept)
    }

    /// A box with all ports of these modems at its USB.
    pub fn machine(&self, name: &str, modems: &[Subscriber]) -> Result<Machine<'_>> {
        let machine = self.machine_that_begins(name, modems, self.beginning.clone())?;
        if let Some(site) = self.site
            && machine.card().read_text(SITE)? != site
        {
            machine.card().write(SITE, site.as_bytes())?;
        }
        Ok(machine)
    }

    fn machine_that_begins(
        &self,
        name: &str,
        modems: &[Subscriber],
        beginning: Beginning,
    ) -> Result<Machine<'_>> {
        let dir = self.dir.path().join(name);
        std::fs::create_dir(&dir).map_err(|e| Error::io("make", &dir, e))?;
        let machine = Machine::new(&self.bench, &self.exchange, dir, modems, beginning)?;
        self.consoles.borrow_mut().push((name.to_owned(), machine.log()));
        Ok(machine)
    }

    /// The tools of calling boxes that the image does not have: a squashfs.
    pub fn caller_tools(&self) -> Result<Vec<u8>> {
        let file = self.bench.caller_tools.as_ref().ok_or(Error::NoCallerTools)?;
        std::fs::read(file).map_err(|e| Error::io("read", file, e))
    }

    /// Calls the telephone line, and hangs up after this many rings.
    pub fn ring_line(&self, times: usize) -> Result<()> {
        self.let_line_ring(times)?;
        self.let_caller_hang_up();
        Ok(())
    }

    /// The caller hangs up.
    pub fn let_caller_hang_up(&self) {
        self.exchange.with(|network, now| {
            if let Some(caller) = network.find(CALLER_NUMBER) {
                network.hang_up(caller, now);
            }
        });
    }

    /// Calls the telephone line and does not hang up; returns after this many rings.
    pub fn let_line_ring(&self, times: usize) -> Result<()> {
        let rings = |network: &Network| {
            let line = network.find(LINE_NUMBER).map_or("", |line| network.name(line));
            network.journal().said(line).matches("RING").count()
        };
        let before = self.exchange.with(|network, now| {
            let caller = network.find(CALLER_NUMBER);
            let caller = caller.unwrap_or_else(|| network.connect_peer("caller", CALLER_NUMBER));
            let before = rings(network);
            network.call(caller, LINE_NUMBER, now);
            before
        });
        self.exchange.until("RING", |network| (rings(network) >= before + times).then_some(()))
    }

    /// Lines to the first ports of a modem, for a USB device's serial ports; without DCD.
    pub fn wires<const N: usize>(&self, modem: Subscriber) -> Result<[Option<Wires>; N]> {
        let name = self.exchange.with(|network, _| network.name(modem).to_owned());
        let sockets = std::array::from_fn(|port| self.dir.path().join(format!("{name}.{port}")));
        for (port, socket) in sockets.iter().enumerate() {
            self.exchange.socket(modem, port, socket)?;
        }
        Ok(sockets.map(|socket| Some(Wires { socket, dcd: None })))
    }

    /// A stick in its USB device, its lines and its modem, which has this name and number.
    pub fn stick(&self, stick: &Stick, name: &str, number: &str) -> Result<Plugged> {
        let usb =
            UsbModel::of(stick).ok_or_else(|| Error::Unexpected(format!("no descriptors of {name}")))?;
        let modem = Modem::new(stick.profile, SimCard::open());
        let modem = self.exchange.with(|network, _| network.connect_modem(name, number, modem));
        let mut lines = Vec::new();
        for port in usb.modem_ports() {
            lines.push(match port {
                Some(port) => Some(self.wire(modem, port)?),
                None => None,
            });
        }
        Ok((Box::new(UsbStick::new(usb)), lines, modem))
    }

    /// A line to a port of a modem, with DCD.
    fn wire(&self, modem: Subscriber, port: usize) -> Result<Wires> {
        let name = self.exchange.with(|network, _| network.name(modem).to_owned());
        let socket = self.dir.path().join(format!("{name}.{port}"));
        self.exchange.socket(modem, port, &socket)?;
        Ok(Wires { socket, dcd: Some(self.exchange.dcd(modem, port)) })
    }

    /// The last lines of the transcript, and of every console.
    pub fn account(&self, lines: usize) -> String {
        let transcript = self.exchange.with(|network, _| network.journal().tail(lines));
        let mut account = format!("what passed the modems' ports:\n{transcript}");
        for (name, log) in self.consoles.borrow().iter() {
            let log = std::fs::read(log).unwrap_or_default();
            // The shell's cursor movements would disturb the terminal.
            let printable = |c: char| c == '\n' || !c.is_control();
            let text: String = String::from_utf8_lossy(&log).chars().filter(|c| printable(*c)).collect();
            account += &format!("the console of {name}:\n{}\n", last_lines(&text, lines));
        }
        account
    }
}

/// Switches two boxes on at the same time.
pub fn boot_both<'a>(one: &'a Machine, other: &'a Machine) -> Result<(Booted<'a>, Booted<'a>)> {
    std::thread::scope(|scope| {
        let first = scope.spawn(|| one.boot());
        let second = other.boot();
        let first = first.join().unwrap_or_else(|panic| resume_unwind(panic));
        Ok((first?, second?))
    })
}
