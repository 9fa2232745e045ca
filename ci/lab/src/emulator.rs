//! The emulator program, and the options that make it a Raspberry Pi.

mod running;
mod watch;

pub use running::Running;

use crate::card::Card;
use crate::clock::BoxClock;
use crate::error::{Error, Result};
use crate::initramfs;
use crate::lan::Lan;
use crate::leftovers;
use crate::scheduling::Core;
use crate::unpacked::{self, Unpacked};
use crate::writes::{Files, trace};
use rustix::process::Pid;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use watch::Watch;

const PROGRAM: &str = "qemu-system-arm";

/// The board that QEMU's `raspi1ap` is closest to: the device tree that the firmware would choose.
const BOARD: &str = "bcm2835-rpi-b-plus";

/// The options appended to the image's kernel command line, each with its reason. Nothing else differs from the image.
const APPENDED: &[&str] = &[
    // QEMU lacks the ASB registers of the power domains: the driver oopses (hw/arm/bcm2835_peripherals.c).
    "initcall_blacklist=bcm2835_power_driver_init",
    // QEMU does not model the countdown of the Pi's watchdog (hw/misc/bcm2835_powermgt.c): it resets as soon as
    // the device is opened. The kernel's software watchdog takes its place.
    "modules-load=softdog",
    "dialbox.watchdog=/dev/watchdog1",
];

/// The options appended, too, when the lab's own USB devices are attached.
const APPENDED_FOR_DEVICES: &[&str] = &[
    // hso suspends an idle stick. QEMU's model of the USB host has no suspend: the stick would not wake.
    "usbcore.autosuspend=-1",
];

/// How to start QEMU.
#[derive(Debug, Clone)]
pub struct Emulator {
    program: PathBuf,
    first: Vec<OsString>,
    /// The directory of its modules, if not the one it was built with.
    modules: Option<PathBuf>,
    pace: Pace,
    /// Whether its boxes are measured: they have the host to themselves.
    is_measured: bool,
}

/// The pace of the guest's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Pace {
    /// By instructions, 2 ns each, about as fast as a Pi 1; by the host's clock while the guest sleeps.
    ///
    /// The time of a boot then hardly depends on the host, and no program in the guest is late on a busy one. It costs
    /// twice the processor time: QEMU translates each instruction that accesses a device a second time, so that it is the
    /// last one of its block (accel/tcg/translate-all.c, `cpu_io_recompile`).
    Instructions,
    /// By the host's clock: for measurements on an idle host.
    Host,
}

/// The devices at the USB ports of a box.
#[derive(Debug, Clone)]
pub enum Usb<'a> {
    /// QEMU's own serial adapters, each with a socket for plain bytes.
    SerialAdapters(Vec<&'a Path>),
    /// Devices with the usbredir protocol, each at its socket.
    Devices(Vec<&'a Path>),
    /// The same, and empty ports up to this number.
    Ports(Vec<&'a Path>, usize),
}

/// How a box is started.
#[derive(Debug)]
pub struct Board<'a> {
    /// Its card; nothing else may write to it.
    pub card: &'a Card,
    /// What is wrong with that, and with what the kernel starts.
    pub fault: Option<Fault>,
    /// The directory for its boot files.
    pub dir: &'a Path,
    /// The devices at its USB ports.
    pub usb: Usb<'a>,
    /// The network of its Ethernet adapter, if it has one.
    pub lan: Option<&'a Lan>,
    /// Its console.
    pub serial: Serial<'a>,
    /// Added to the kernel's command line.
    pub append: &'a [String],
    /// Resumes from a snapshot with this memory instead of booting, once the [debugger](stub) lets it.
    pub resume: Option<&'a Path>,
    /// Where all writes to the card are recorded, if they are.
    pub record: Option<Files>,
}

/// What is wrong with a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing that is written reaches the card: a worn-out one acknowledges writes and keeps what it has. QEMU's card
    /// cannot report an error of a write (hw/sd/sd.c, `sd_blk_write`).
    LosesWrites,
    /// The first program of the boot waits for ever for one of its files.
    HangsInInit,
}

/// The connections of a box's console.
#[derive(Debug, Clone, Copy)]
pub enum Serial<'a> {
    /// The console connects to a local socket, and the monitor listens at another one; a reset ends the
    /// emulator.
    Socket {
        /// The console's socket.
        console: &'a Path,
        /// The monitor's socket.
        monitor: &'a Path,
    },
    /// The console is this terminal, and a reset does not end the emulator.
    Terminal,
}

impl Emulator {
    /// A program, by path or by its name in `PATH`.
    pub fn program(program: PathBuf) -> Self {
        Self { program, first: Vec::new(), modules: None, pace: Pace::Instructions, is_measured: false }
    }

    /// The same for a measurement, which has the host to itself, at this pace.
    pub fn measured(self, pace: Pace) -> Self {
        Self { pace, is_measured: true, ..self }
    }

    /// `qemu-system-arm` from `PATH`.
    pub fn installed() -> Self {
        Self::program(PROGRAM.into())
    }

    /// Debian packages unpacked below `dir`, started by their own dynamic loader: nothing of this machine is used.
    pub fn unpacked(dir: &Path) -> Result<Self> {
        let found = unpacked::find(dir, &format!("usr/bin/{PROGRAM}")).map_err(Error::NoEmulator)?;
        let Unpacked { loader, first, libraries } = found;
        let modules = libraries.iter().map(|libraries| libraries.join("qemu")).find(|it| it.is_dir());
        Ok(Self { first, modules, ..Self::program(loader) })
    }

    /// Starts a box.
    pub fn start(&self, board: Board) -> Result<Running> {
        let Board { card, fault, dir, usb, lan, serial, append, resume, record } = board;
        let mut boot = card.boot_files(BOARD)?;
        if fault == Some(Fault::HangsInInit) {
            initramfs::add_fifo(&mut boot.initramfs, "modules/order");
        }
        let put = |name: &str, content: &[u8]| {
            let path = dir.join(name);
            std::fs::write(&path, content).map_err(|e| Error::io("write", &path, e)).map(|()| path)
        };
        let for_usb = match &usb {
            Usb::SerialAdapters(_) => &[],
            Usb::Devices(_) | Usb::Ports(..) => APPENDED_FOR_DEVICES,
        };
        let own = APPENDED.iter().chain(for_usb).map(|option| (*option).to_owned());
        let options: Vec<String> =
            std::iter::once(boot.command_line).chain(own).chain(append.to_vec()).collect();
        let mut command = Command::new(&self.program);
        command.args(&self.first);
        if let Some(modules) = &self.modules {
            command.env("QEMU_MODULE_DIR", modules);
        }
        command.args(["-M", "raspi1ap", "-nodefaults", "-display", "none"]);
        if self.pace == Pace::Instructions {
            command.args(["-icount", "shift=1"]);
        }
        command.arg("-kernel").arg(put("kernel", &boot.kernel)?);
        command.arg("-initrd").arg(put("initramfs", &boot.initramfs)?);
        command.arg("-dtb").arg(put("board.dtb", &boot.device_tree)?);
        command.arg("-append").arg(options.join(" "));
        // The page cache outlives the emulator: syncing to the host's disk would prove nothing.
        let drive = match fault {
            Some(Fault::LosesWrites) => {
                "if=sd,driver=raw,cache.no-flush=on,file.driver=blkdebug,file.inject-error.0.event=none,\
                 file.inject-error.0.iotype=write,file.inject-error.0.errno=5,file.image.driver=file,\
                 file.image.filename="
            }
            Some(Fault::HangsInInit) | None => "if=sd,format=raw,cache=unsafe,file=",
        };
        match &record {
            None => command.arg("-drive").arg(option(drive, card.path())),
            Some(Files { writes, trace: commands }) => {
                // QEMU opens the log, but does not make it.
                File::create(writes).map_err(|e| Error::io("make", writes, e))?;
                for event in trace::EVENTS {
                    command.args(["-trace", event]);
                }
                let card = option(
                    "if=sd,cache=unsafe,driver=blklogwrites,log-sector-size=512,file.driver=raw,\
                     file.file.driver=file,file.file.filename=",
                    card.path(),
                );
                let log = option(",log.driver=raw,log.file.driver=file,log.file.filename=", writes);
                command.arg("-D").arg(commands).arg("-drive").arg(concat(card, &log))
            }
        };
        if fault == Some(Fault::LosesWrites) {
            // It would say so of every write.
            command.stderr(Stdio::null());
        }
        let (sockets, device, ports) = match usb {
            Usb::SerialAdapters(sockets) => (sockets, "usb-serial,always-plugged=on", 0),
            Usb::Devices(sockets) => (sockets, "usb-redir", 0),
            Usb::Ports(sockets, ports) => (sockets, "usb-redir", ports),
        };
        let used = sockets.len();
        for (number, socket) in sockets.into_iter().enumerate() {
            let chardev = format!("socket,id=usb{number},reconnect=1,path=");
            command.arg("-chardev").arg(option(&chardev, socket));
            command.args(["-device", &format!("{device},chardev=usb{number}")]);
        }
        for number in used..ports {
            command.args(["-chardev", &format!("null,id=usb{number}")]);
            command.args(["-device", &format!("usb-redir,chardev=usb{number}")]);
        }
        if let Some(lan) = lan {
            command
                .arg("-netdev")
                .arg(option("stream,id=lan,server=off,addr.type=unix,addr.path=", lan.socket()));
            // An address that was given out by the IEEE, and not locally, makes the interface `eth0` as on the board
            // (linux/drivers/net/usb/usbnet.c, usbnet_probe).
            command.args(["-device", "usb-net,netdev=lan,mac=40:54:00:12:34:57"]);
        }
        let watch = dir.join("watch");
        let listener = listen(&watch)?;
        command.arg("-chardev").arg(option("socket,id=watch,path=", &watch)).args(["-mon", "chardev=watch"]);
        match serial {
            Serial::Terminal => command.args(["-serial", "mon:stdio"]),
            Serial::Socket { console, monitor } => command
                .arg("-chardev")
                .arg(option("socket,id=console,path=", console))
                .args(["-serial", "chardev:console", "-no-reboot"])
                .arg("-chardev")
                .arg(option("socket,id=monitor,server=on,wait=off,path=", monitor))
                .args(["-mon", "chardev=monitor"])
                .stdin(Stdio::null()),
        };
        if let Some(memory) = resume {
            let memory = File::open(memory).map_err(|e| Error::io("open", memory, e))?;
            command.args(["-S", "-incoming", "fd:0"]).stdin(memory);
        }
        // After the monitor: once this socket is there, so is that.
        let stub = stub(dir);
        command.arg("-chardev").arg(option("socket,id=stub,server=on,wait=off,path=", &stub));
        command.args(["-gdb", "chardev:stub"]);
        match command.spawn() {
            Ok(child) => {
                let (clock, others) = (BoxClock::default(), Arc::new(OnceLock::new()));
                // A measured box is not stopped for others: its time is what is measured.
                let (pace, of_watch) = (self.pace, (!self.is_measured).then(|| Arc::clone(&others)));
                let watch = Watch { pace, clock: clock.clone(), others: of_watch, stub };
                std::thread::spawn(move || watch.run(&listener));
                let program = Pid::from_child(&child);
                // A measurement by the host's clock uses the whole host and the default scheduling.
                let shares = !self.is_measured || self.pace == Pace::Instructions;
                let core = shares.then(|| Core::with_fewest(program)).flatten();
                Ok(Running {
                    _note: leftovers::process(program),
                    _core: core,
                    child,
                    clock,
                    others,
                    charged: None,
                })
            }
            Err(e) => Err(Error::NoEmulator(format!("{}: {e}", self.program.display()))),
        }
    }
}

fn concat(mut first: OsString, second: &OsString) -> OsString {
    first.push(second);
    first
}

/// In QEMU's option syntax commas are doubled.
fn option(before: &str, path: &Path) -> OsString {
    let path = path.to_string_lossy().replace(',', ",,");
    format!("{before}{path}").into()
}

/// The socket of the debugger's stub of a box with this directory.
pub fn stub(dir: &Path) -> PathBuf {
    dir.join("stub")
}

/// A socket that the emulator will connect to.
pub fn listen(path: &Path) -> Result<UnixListener> {
    drop(std::fs::remove_file(path));
    UnixListener::bind(path).map_err(|e| Error::io("listen at", path, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unpacked_emulator_is_started_by_its_own_loader() {
        let dir = tempfile::tempdir().unwrap();
        for made in ["lib64", "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/pulseaudio", "usr/bin"] {
            std::fs::create_dir_all(dir.path().join(made)).unwrap();
        }
        assert!(Emulator::unpacked(dir.path()).is_err());
        std::fs::write(dir.path().join("usr/bin/qemu-system-arm"), "").unwrap();
        assert!(Emulator::unpacked(dir.path()).is_err());
        std::os::unix::fs::symlink(
            "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
            dir.path().join("lib64/ld-linux-x86-64.so.2"),
        )
        .unwrap();
        assert!(Emulator::unpacked(dir.path()).is_err());
        std::fs::write(dir.path().join("lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"), "").unwrap();
        std::fs::create_dir(dir.path().join("usr/lib/x86_64-linux-gnu/qemu")).unwrap();

        let emulator = Emulator::unpacked(dir.path()).unwrap();
        let at = |path: &str| dir.path().join(path);
        assert_eq!(emulator.modules, Some(at("usr/lib/x86_64-linux-gnu/qemu")));
        assert_eq!(emulator.program, at("lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"));
        let libraries =
            ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/pulseaudio"]
                .map(at);
        let path = std::env::join_paths(libraries).unwrap();
        assert_eq!(
            emulator.first,
            ["--library-path".into(), path, at("usr/bin/qemu-system-arm").into_os_string()]
        );
    }
}
