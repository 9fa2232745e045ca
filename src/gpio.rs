//! Inputs of the processor's GPIO controller, by the kernel's character device (linux/gpio.h, version 2 of its ABI).
//! [`output`] has the outputs.
//!
//! Of that ABI three calls are needed. The crate gpiocdev-uapi has all of both versions, and would bring two more crates.

pub mod output;

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use rustix::ioctl::{Opcode, Updater, ioctl, opcode};

use crate::paths::Paths;
use crate::site::{Bias, GpioInput, Level};

/// The only controller on the board, and so the first: its driver is part of the kernel.
const CHIP: &str = "/dev/gpiochip0";
/// The name of that driver. Adapters on USB have controllers, too.
const DRIVER: &str = "pinctrl-bcm2835";
/// Who uses a line, for `gpioinfo`.
const CONSUMER: &[u8] = b"dialbox";

/// `GPIO_V2_LINE_FLAG_*`
const ACTIVE_LOW: u64 = 1 << 1;
const INPUT: u64 = 1 << 2;
const PULL_UP: u64 = 1 << 8;
const PULL_DOWN: u64 = 1 << 9;
const NO_BIAS: u64 = 1 << 10;

/// `struct gpio_v2_line_request`, by the offsets of its fields.
type Request = [u8; 592];
const REQUEST_CONSUMER: usize = 256;
const REQUEST_FLAGS: usize = 288;
const REQUEST_LINES: usize = 560;
/// `struct gpiochip_info`: name, label, and how many lines.
type ChipInfo = [u8; 68];
const CHIP_LABEL: usize = 32;
/// `struct gpio_v2_line_values`: the levels, and which lines are meant.
type Values = [u64; 2];

const GET_CHIP_INFO: Opcode = opcode::read::<ChipInfo>(0xb4, 0x01);
const GET_LINE: Opcode = opcode::read_write::<Request>(0xb4, 0x07);
const GET_VALUES: Opcode = opcode::read_write::<Values>(0xb4, 0x0e);

/// The controller of the header's lines.
#[derive(Debug)]
pub struct Chip(File);

/// A line of the header that this process holds.
#[derive(Debug)]
pub struct Line(OwnedFd);

impl Chip {
    /// Opens it.
    ///
    /// # Errors
    /// There is none, or the first one is another one.
    pub fn open(paths: &Paths) -> io::Result<Self> {
        let chip = File::open(paths.path(CHIP))?;
        let mut info: ChipInfo = [0; 68];
        // SAFETY: the kernel writes a `struct gpiochip_info`, of that many bytes.
        unsafe { ioctl(&chip, Updater::<GET_CHIP_INFO, ChipInfo>::new(&mut info)) }?;
        let label = info[CHIP_LABEL..].split(|byte| *byte == 0).next();
        if label != Some(DRIVER.as_bytes()) {
            return Err(io::Error::other(format!("{CHIP} is not the processor's")));
        }
        Ok(Self(chip))
    }

    /// Takes an input.
    ///
    /// # Errors
    /// Another program or driver has it.
    pub fn input(&self, input: &GpioInput) -> io::Result<Line> {
        let bias = match input.bias {
            Bias::None => NO_BIAS,
            Bias::PullUp => PULL_UP,
            Bias::PullDown => PULL_DOWN,
        };
        let flags = INPUT | bias | if input.active_low { ACTIVE_LOW } else { 0 };
        self.take(request(input.line.get(), flags))
    }

    fn take(&self, mut request: Request) -> io::Result<Line> {
        // SAFETY: the kernel reads and writes a `struct gpio_v2_line_request`, of that many bytes.
        unsafe { ioctl(&self.0, Updater::<GET_LINE, Request>::new(&mut request)) }?;
        // The last field.
        let [.., a, b, c, d] = request;
        // SAFETY: the call has succeeded, so this is a new descriptor that nothing else owns.
        Ok(Line(unsafe { OwnedFd::from_raw_fd(i32::from_ne_bytes([a, b, c, d])) }))
    }
}

/// One line with these flags.
fn request(line: u16, flags: u64) -> Request {
    let mut request: Request = [0; 592];
    let mut put = |at: usize, bytes: &[u8]| request[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &u32::from(line).to_ne_bytes());
    put(REQUEST_CONSUMER, CONSUMER);
    put(REQUEST_FLAGS, &flags.to_ne_bytes());
    put(REQUEST_LINES, &1_u32.to_ne_bytes());
    request
}

impl Line {
    /// The level at the pin.
    ///
    /// # Errors
    /// The kernel refuses to tell.
    pub fn level(&self) -> io::Result<Level> {
        let mut values: Values = [0, 1];
        // SAFETY: the kernel reads and writes a `struct gpio_v2_line_values`, which has these two fields.
        unsafe { ioctl(self.0.as_fd(), Updater::<GET_VALUES, Values>::new(&mut values)) }?;
        Ok(if values[0] & 1 == 1 { Level::On } else { Level::Off })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// linux/gpio.h: `_IOR(0xB4, 0x01, struct gpiochip_info)` and so on, as strace shows them.
    #[test]
    fn the_calls_are_those_of_the_kernel() {
        assert_eq!(GET_CHIP_INFO, 0x8044_b401);
        assert_eq!(GET_LINE, 0xc250_b407);
        assert_eq!(GET_VALUES, 0xc010_b40e);
    }

    #[test]
    fn an_input_is_requested_with_its_flags() {
        let request = request(27, INPUT | PULL_UP | ACTIVE_LOW);
        let numbers: Vec<u32> =
            request.chunks(4).map(|four| u32::from_ne_bytes(four.try_into().unwrap())).collect();
        let set: Vec<_> = numbers.iter().enumerate().filter(|(_, number)| **number != 0).collect();
        let text = |at| {
            u32::from_ne_bytes(
                CONSUMER[at..].iter().chain(&[0]).copied().take(4).collect::<Vec<_>>().try_into().unwrap(),
            )
        };
        assert_eq!(set, [(0, &27), (64, &text(0)), (65, &text(4)), (72, &0b1_0000_0110), (140, &1)]);
    }
}
