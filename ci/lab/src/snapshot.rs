//! A snapshot of a booted box: its memory and its card. A scenario whose subject is not the boot starts from it in half
//! a second.
//!
//! It is QEMU's migration stream. Two devices of QEMU's board do not restore their whole state (7.2);
//! [`restore_registers`] writes the missing registers. [`lengthen_frames`] makes such a box cheaper than a booted one.

use crate::debugger::Debugger;
use crate::error::{Error, Result};
use crate::leftovers::{self, Note};
use crate::monitor::Monitor;
use crate::system_timer;
use std::io::Read;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// USB ports of a box for or from a snapshot: the guest's memory contains them, so their number is fixed.
pub const USB_PORTS: usize = 5;

/// The commands before a snapshot. They stop the role's service, which later finds its modems as it does after a boot,
/// and unmount the FAT partition, whose `site.toml` may change until the box resumes. The boot's background work is
/// complete.
pub const BEFORE: [&str; 4] = [
    "mv /etc/dialbox/role /run/role && kill $(pidof sms-dialer dial-in)",
    "cd /run/dialbox && rm -rf heartbeat/sms-dialer heartbeat/dial-in $(ls | grep -vx -e boot -e card-layout -e scrub -e ledger -e site -e heartbeat); \
     cd /",
    "while ! lsmod | grep -q ^ppp_generic; do sleep 0.1; done",
    "umount /boot && sync && echo 3 >/proc/sys/vm/drop_caches",
];

/// The commands after a box has resumed, with this many serial ports at its USB. They start what init starts at a boot.
pub fn commands(ttys: usize, site_is_edited: bool) -> Vec<String> {
    let mut commands = vec![
        // A process that had the partition open has kept old blocks of it in the kernel's cache.
        "blockdev --flushbufs /dev/mmcblk0p1".to_owned(),
        "mount -t vfat -o ro,nosuid,nodev,noexec,umask=077 /dev/mmcblk0p1 /boot".to_owned(),
        format!(
            "while [ $(ls /dev | grep -c -e ^ttyUSB -e ^ttyHS -e ^ttyACM) -lt {ttys} ]; do sleep 0.1; done"
        ),
    ];
    if site_is_edited {
        commands.push(
            "dialctl site apply && hostname -F /etc/hostname && kill $(pidof watchdogd scrubd)".to_owned(),
        );
    }
    // Only now: init's script, whose sleep may end at any moment, must not find the role of the site before. It may find
    // that of the new site before `site apply` has written the rest: a service that has started so is started again.
    // Without a service or an ssh key, init's scripts sleep.
    commands.push(
        "{ [ -e /etc/dialbox/role ] || mv /run/role /etc/dialbox/role; } && \
         { kill $(pidof sleep sms-dialer dial-in); true; }"
            .to_owned(),
    );
    commands
}

/// A snapshot.
#[derive(Debug)]
pub struct Snapshot {
    dir: TempDir,
    _note: Note,
}

impl Snapshot {
    /// An empty one.
    pub fn new() -> Result<Self> {
        let dir = leftovers::private_dir()?;
        let note = leftovers::directory(dir.path());
        Ok(Self { dir, _note: note })
    }

    /// Saves the memory of a stopped box.
    pub fn take_memory(&self, monitor: &mut Monitor) -> Result<()> {
        let socket = self.dir.path().join("socket");
        let listener = UnixListener::bind(&socket).map_err(|e| Error::io("listen at", &socket, e))?;
        let path = self.memory();
        let kept = std::thread::spawn(move || {
            let (mut line, _) = listener.accept()?;
            let mut memory = Vec::new();
            line.read_to_end(&mut memory)?;
            lengthen_frames(&mut memory);
            std::fs::write(path, memory)
        });
        monitor.command(&format!("migrate unix:{}", socket.display()))?;
        let outcome = monitor.command("info migrate")?;
        if !outcome.contains("completed") {
            return Err(Error::Unexpected(format!("QEMU does not save the memory: {outcome}")));
        }
        let kept = kept.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        kept.map_err(|e| Error::io("write", &self.memory(), e))
    }

    /// Its card.
    pub fn card(&self) -> PathBuf {
        self.dir.path().join("card")
    }

    /// QEMU's option to load its memory from a file.
    pub fn memory(&self) -> PathBuf {
        self.dir.path().join("memory")
    }
}

/// `usb_frame_time` and `usb_bit_time` of QEMU's USB host at full speed, in ns, and its `usb_version`, as they stand in
/// the stream (hw/usb/hcd-dwc2.c, `vmstate_dwc2_state`). The frame's number follows, and [`FRAME_INTERVAL`].
const FULL_SPEED: [u8; 20] = *b"\0\0\0\0\0\x0f\x42\x40\0\0\0\0\0\0\0\x53\0\0\0\x02";
/// `fi`, the length of a frame in bit times.
const FRAME_INTERVAL: [u8; 2] = 11_999_u16.to_be_bytes();
/// The end of the stream, with the devices, is shorter than this; the guest's memory comes before it.
const DEVICES: usize = 8 << 20;
/// The length of a USB frame, in ns.
const FRAME: u64 = 8_000_000;

/// Makes the frames of the USB bus eight times as long as USB 2.0 §8.4.3 requires.
///
/// In each frame the guest handles an interrupt, and polls every open adapter. In return, transfers wait longer for their
/// frame: a CH341 adapter delivers 4 kB a second at most, about as much as a modem of 33600 bit/s.
///
/// QEMU counts frames too fast: it divides the nanoseconds since the last one by `fi` (`dwc2_frame_boundary`;
/// findings/qemu-dwc2-frame-number.sh). Linux, which asks the hub for changes every 255 frames, would then ask in each of
/// these. With the largest `fi` there is, it asks in every third one.
///
/// A stream of another QEMU, in which these fields look different, stays as it is.
fn lengthen_frames(stream: &mut [u8]) {
    let devices = stream.len().saturating_sub(DEVICES);
    let is_host = |fields: &[u8]| fields.starts_with(&FULL_SPEED) && fields.ends_with(&FRAME_INTERVAL);
    let at = stream[devices..].windows(FULL_SPEED.len() + 4).rposition(is_host);
    let Some(at) = at.map(|at| devices + at) else { return };
    stream[at..at + 8].copy_from_slice(&FRAME.to_be_bytes());
    stream[at + FULL_SPEED.len() + 2..][..2].copy_from_slice(&u16::MAX.to_be_bytes());
}

/// Function selection of the pins 40 to 49, and 50 to 53 (§6.1); the SD card has 48 to 53.
const PINS_40: u32 = 0x2020_0010;
const PINS_50: u32 = 0x2020_0014;

/// Writes the state that QEMU has not restored, and lets the guest continue.
///
/// - The timer's comparators are restored, but not their pending interrupts (hw/timer/bcm2835_systmr.c, vmstate): the
///   guest's next tick would never come.
/// - The SD card is at the controller of a reset board (hw/gpio/bcm2835_gpio.c moves it when a pin's function is
///   written, and has no `post_load`): the guest would wait for it indefinitely.
pub fn restore_registers(stub: &Path) -> Result<()> {
    let mut board = Debugger::connect(stub)?;
    let (low, high) = (board.read(PINS_40)?, board.read(PINS_50)?);
    board.write(PINS_40, low & !(0o77 << 24))?;
    board.write(PINS_50, high & !0o7777)?;
    board.write(PINS_40, low)?;
    board.write(PINS_50, high)?;
    system_timer::rearm(&mut board)?;
    board.resume()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_usb_hosts_frames_are_lengthened() {
        let host = [&FULL_SPEED[..], b"\x12\x34", &FRAME_INTERVAL].concat();
        let before = [&[0; 100][..], &host, &[0; DEVICES - 44], &host, &[7; 20]].concat();
        let mut after = before.clone();
        lengthen_frames(&mut after);
        let at = before.len() - 44;
        assert_eq!(after[at..at + 8], 8_000_000_u64.to_be_bytes());
        assert_eq!(after[at + 8..at + 22], before[at + 8..at + 22]);
        assert_eq!(after[at + 22..at + 24], [0xff, 0xff]);
        assert_eq!((&after[..at], &after[at + 24..]), (&before[..at], &before[at + 24..]));
    }

    #[test]
    fn a_stream_without_these_fields_is_left_alone() {
        for mut stream in [Vec::new(), vec![0; 10], vec![1; 1000], FULL_SPEED.to_vec()] {
            let before = stream.clone();
            lengthen_frames(&mut stream);
            assert_eq!(stream, before);
        }
    }
}
