//! One box: its card, its modems, and the emulator while it is on.

use crate::bench::Bench;
use crate::booted::Booted;
use crate::card::Card;
use crate::card::SITE;
use crate::console::Console;
use crate::emulator::{self, Board, Emulator, Fault, Running, Serial, Usb};
use crate::error::{Error, Result};
use crate::exchange::Exchange;
use crate::lan::Lan;
use crate::monitor::Monitor;
use crate::network::Subscriber;
use crate::snapshot::{self, Snapshot, USB_PORTS};
use crate::usb::ch341::Ch341;
use crate::usb::device::Device;
use crate::usb::line::Wires;
use crate::usb::port::UsbPort;
use crate::writes::Files;
use std::fs::File;
use std::marker::PhantomData;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// The size of a card, with room for the state partition to grow; the file is sparse.
const CARD_BYTES: u64 = 256 << 20;
/// Between two polls of an emulator that loads a box's memory.
const LOOK_FOR_STUB: Duration = Duration::from_millis(20);

/// How a box starts.
#[derive(Debug, Clone)]
pub enum Beginning {
    /// Boots for the first time, with a fresh copy of the image on its card.
    FreshCard,
    /// From the snapshot of a box that has booted with the image's own site; its modems are plugged in afterwards.
    Booted(Arc<Snapshot>),
    /// With a fresh card, and the devices that a snapshot allows.
    ToBeKept,
}

/// A box, switched off or on.
pub struct Machine<'a> {
    emulator: Emulator,
    exchange: &'a Exchange,
    card: Card,
    modems: Vec<Subscriber>,
    /// The sockets of the modems' ports.
    ports: Vec<PathBuf>,
    usb: Vec<UsbPort>,
    /// How many serial ports the devices there have.
    ttys: usize,
    /// Whether those are the default adapters for its modems, which other devices replace.
    usb_is_usual: bool,
    beginning: Beginning,
    /// The snapshot from which the box resumes when it is switched on next.
    resumes: AtomicBool,
    image: PathBuf,
    lan: Option<Lan>,
    append: Vec<String>,
    /// Where the writes of all boots are recorded, and how many there were.
    record: Option<PathBuf>,
    recorded: AtomicUsize,
    fault: Option<Fault>,
    dir: PathBuf,
}

impl<'a> Machine<'a> {
    /// A box with the ports of these modems at its USB. Its files go into `dir`.
    pub fn new(
        bench: &Bench,
        exchange: &'a Exchange,
        dir: PathBuf,
        modems: &[Subscriber],
        beginning: Beginning,
    ) -> Result<Self> {
        let from = match &beginning {
            Beginning::Booted(snapshot) => snapshot.card(),
            Beginning::FreshCard | Beginning::ToBeKept => bench.image.clone(),
        };
        let card = Card::copy_of(&from, dir.join("card"), CARD_BYTES)?;
        let mut ports = Vec::new();
        for &modem in modems {
            let count =
                exchange.with(|network, _| network.modem(modem).map_or(0, crate::modem::Modem::ports));
            for port in 0..count {
                let path = dir.join(format!("port{}", ports.len()));
                exchange.socket(modem, port, &path)?;
                ports.push(path);
            }
        }
        let resumes = matches!(beginning, Beginning::Booted(_));
        let mut machine = Self {
            emulator: bench.emulator.clone(),
            exchange,
            card,
            modems: modems.to_vec(),
            ports,
            usb: Vec::new(),
            ttys: 0,
            usb_is_usual: false,
            beginning,
            resumes: AtomicBool::new(resumes),
            image: bench.image.clone(),
            lan: None,
            append: Vec::new(),
            record: None,
            recorded: AtomicUsize::new(0),
            fault: None,
            dir,
        };
        // QEMU's own serial adapter can be neither migrated nor plugged in later (hw/usb/dev-serial.c, `unmigratable`).
        if resumes {
            for socket in machine.ports.clone() {
                machine.attach(Box::new(Ch341::default()), vec![Some(Wires { socket, dcd: None })])?;
            }
            machine.usb_is_usual = true;
        }
        Ok(machine)
    }

    /// Attaches a USB device; the first one replaces the serial adapters. Its ports are connected to `lines`.
    pub fn attach(&mut self, device: Box<dyn Device>, lines: Vec<Option<Wires>>) -> Result<()> {
        if std::mem::take(&mut self.usb_is_usual) {
            self.usb.clear();
            self.ttys = 0;
        }
        self.ttys += lines.len();
        let number = self.usb.len();
        let socket = self.dir.join(format!("usb{number}"));
        // In the place of a default adapter.
        drop(std::fs::remove_file(&socket));
        self.usb.push(UsbPort::open(socket, device, lines)?);
        Ok(())
    }

    /// Puts an RS-232 adapter with all control signals between the box and each of its modems, which have one port each.
    pub fn attach_adapters(&mut self) -> Result<()> {
        for (modem, socket) in self.modems.clone().into_iter().zip(self.ports.clone()) {
            let dcd = Some(self.exchange.dcd(modem, 0));
            self.attach(Box::new(Ch341::default()), vec![Some(Wires { socket, dcd })])?;
        }
        Ok(())
    }

    /// The same, of a device that gets no driver before the test gives it one.
    pub fn attach_without_driver(
        &mut self,
        device: Box<dyn Device>,
        lines: Vec<Option<Wires>>,
    ) -> Result<()> {
        let waiting = lines.len();
        self.attach(device, lines)?;
        self.ttys -= waiting;
        Ok(())
    }

    /// The ports where devices were [attached](Self::attach), to pull them out and plug them in.
    pub fn usb(&self) -> &[UsbPort] {
        &self.usb
    }

    /// Puts an Ethernet adapter at its USB, in a [local network](Lan) whose host has this page. With it, the box boots
    /// from a fresh card: QEMU's adapter cannot be migrated (hw/usb/dev-network.c, `unmigratable`).
    pub fn plug_into_lan(&mut self, page: &str) -> Result<()> {
        self.beginning = Beginning::FreshCard;
        self.resumes = AtomicBool::new(false);
        if std::mem::take(&mut self.usb_is_usual) {
            self.usb.clear();
        }
        self.card = Card::copy_of(&self.image, self.dir.join("card"), CARD_BYTES)?;
        self.lan = Some(Lan::open(self.dir.join("lan"), page)?);
        Ok(())
    }

    /// The network it was [plugged into](Self::plug_into_lan).
    pub fn lan(&self) -> Option<&Lan> {
        self.lan.as_ref()
    }

    /// Adds an option to the kernel's command line.
    pub fn append(&mut self, option: &str) {
        self.append.push(option.to_owned());
    }

    /// Records the writes of all boots from the next one on, in this directory.
    pub fn record(&mut self, dir: PathBuf) {
        self.record = Some(dir);
    }

    /// From its next boot on the box has this fault, or none.
    pub fn set_fault(&mut self, fault: Option<Fault>) {
        self.fault = fault;
    }

    /// The card, which may be changed while the box is off.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// The box's first modem.
    pub fn modem(&self) -> Result<Subscriber> {
        let none = || Error::Unexpected("this box has no modem".to_owned());
        self.modems.first().copied().ok_or_else(none)
    }

    /// The image that its card was made from.
    pub fn image(&self) -> &Path {
        &self.image
    }

    /// All of its modems.
    pub fn modems(&self) -> &[Subscriber] {
        &self.modems
    }

    /// The commands that the box has sent to its first modem so far, in upper case.
    pub fn typed(&self) -> Result<String> {
        let modem = self.modem()?;
        let typed = self.exchange.with(|network, _| network.journal().typed(network.name(modem)));
        Ok(typed.to_ascii_uppercase())
    }

    /// The telephone network of the box.
    pub fn exchange(&self) -> &'a Exchange {
        self.exchange
    }

    /// The file with the console's output of all boots.
    pub fn log(&self) -> PathBuf {
        self.dir.join("console.log")
    }

    /// Switches the box on and waits for the shell on its console.
    pub fn boot(&self) -> Result<Booted<'_>> {
        let kept = match &self.beginning {
            Beginning::Booted(kept) if self.resumes.swap(false, Ordering::Relaxed) => Some(kept.memory()),
            _ => None,
        };
        let mut booted = self.switch_on(kept.as_deref())?;
        if kept.is_some() {
            self.go_on(&mut booted, &emulator::stub(&self.dir))?;
        } else {
            booted.running.keep_in_step(booted.clocks.clone());
            booted.console.take_shell()?;
        }
        Ok(booted)
    }

    /// Switches on a box that does not come up, and waits for it to reset itself.
    pub fn boot_in_vain(&self, within: Duration) -> Result<()> {
        self.switch_on(None)?.reboots(within)
    }

    fn switch_on(&self, resume: Option<&Path>) -> Result<Booted<'_>> {
        let socket = self.dir.join("console");
        let listener = emulator::listen(&socket)?;
        let serial = Serial::Socket { console: &socket, monitor: &self.monitor_path() };
        let mut running = self.start(serial, resume)?;
        let line = accept(&listener, &mut running, &socket)?;
        let log = File::options().create(true).append(true).open(self.log());
        let log = log.map_err(|e| Error::io("open", &self.log(), e))?;
        let clocks = self.exchange.clocks().clone();
        clocks.add(running.clock());
        running.charge_to(clocks.clone());
        let console = Console::new(line, log, clocks.clone())?;
        let (monitor, log) = (self.monitor_path(), self.log());
        Ok(Booted { machine: PhantomData, clocks, console, running, monitor, log })
    }

    /// After the memory is loaded: sets the clock, mounts the FAT partition, and applies the site on it.
    fn go_on(&self, booted: &mut Booted, stub: &Path) -> Result<()> {
        while !stub.exists() || self.monitor()?.command("info status")?.contains("inmigrate") {
            if let Some(status) = booted.running.ended() {
                return Err(Error::NoEmulator(format!(
                    "it does not take a kept box, and ended with {status}"
                )));
            }
            std::thread::sleep(LOOK_FOR_STUB);
        }
        snapshot::restore_registers(stub)?;
        booted.running.keep_in_step(booted.clocks.clone());
        let edited = self.card.read(SITE)? != Card::at(self.image.clone()).read(SITE)?;
        for command in snapshot::commands(self.ttys, edited) {
            booted.must(&command)?;
        }
        Ok(())
    }

    /// The monitor of this box's emulator; fails while the box is off.
    pub fn monitor(&self) -> Result<Monitor> {
        Monitor::connect(&self.monitor_path())
    }

    fn monitor_path(&self) -> PathBuf {
        self.dir.join("monitor")
    }

    /// Switches the box on with its console on this terminal, until the user quits.
    pub fn boot_interactively(&self) -> Result<()> {
        self.start(Serial::Terminal, None)?.wait().map(drop)
    }

    fn start(&self, serial: Serial, resume: Option<&Path>) -> Result<Running> {
        let devices = || self.usb.iter().map(UsbPort::path).collect();
        let usb = match (&self.beginning, &self.usb[..]) {
            (Beginning::Booted(_) | Beginning::ToBeKept, _) => Usb::Ports(devices(), USB_PORTS),
            (Beginning::FreshCard, []) => {
                Usb::SerialAdapters(self.ports.iter().map(PathBuf::as_path).collect())
            }
            (Beginning::FreshCard, _) => Usb::Devices(devices()),
        };
        let (card, fault, dir) = (&self.card, self.fault, &self.dir);
        let (lan, append) = (self.lan.as_ref(), &self.append[..]);
        let record = self.record.as_ref();
        let record = record.map(|dir| Files::of_boot(dir, self.recorded.fetch_add(1, Ordering::Relaxed)));
        self.emulator.start(Board { card, fault, dir, usb, lan, serial, append, resume, record })
    }
}

/// Waits for the emulator to connect the console, or to end with an error.
fn accept(listener: &UnixListener, running: &mut Running, socket: &Path) -> Result<UnixStream> {
    listener.set_nonblocking(true).map_err(|e| Error::io("listen at", socket, e))?;
    loop {
        match listener.accept() {
            Ok((line, _)) => {
                line.set_nonblocking(false).map_err(|e| Error::io("listen at", socket, e))?;
                return Ok(line);
            }
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(Error::io("listen at", socket, e)),
        }
        if let Some(status) = running.ended() {
            return Err(Error::NoEmulator(format!("it ended at once with {status}")));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The end of a long text.
pub fn last_lines(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
