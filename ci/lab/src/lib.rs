//! A telephone network in one process, and the boxes on it, for the end-to-end tests.
//!
//! `modem` and `network` are pure: bytes and time go in, bytes and calls come out. `exchange` gives them sockets,
//! pseudo-terminals and a clock. `usb` has the devices for the kernel's own drivers, `lan` a host in a box's local
//! network. `writes` is the record of a box's writes to its card, `power` cuts the power by replaying it, and `rot` changes
//! what the card holds. `machine` is a box under QEMU, `stage` a network with such boxes, and `scenario` the tests on it.

pub mod baresip;
pub mod bench;
pub mod booted;
pub mod card;
pub mod cli;
pub mod clock;
pub mod console;
pub mod debugger;
pub mod demo;
pub mod emulator;
mod equipment;
pub mod error;
pub mod exchange;
mod initramfs;
mod ip;
pub mod kept;
pub mod lan;
pub mod leftovers;
pub mod lines;
pub mod machine;
pub mod measure;
pub mod modem;
pub mod monitor;
pub mod network;
pub mod offer;
pub mod operator;
pub mod own;
pub mod owner;
pub mod pair;
pub mod power;
pub mod random;
pub mod rot;
pub mod scenario;
mod scheduling;
pub mod sipp;
pub mod snapshot;
pub mod stage;
mod system_timer;
mod unpacked;
pub mod usb;
pub mod windows;
pub mod writes;
