//! The services' host build against the lab's modems, over pseudo-terminals, without a board. What needs the box's
//! kernel, pppd or WireGuard is a scenario in QEMU.

// clippy's allow-unwrap-in-tests covers only `#[test]` functions, but all of this is for tests.
#![allow(clippy::unwrap_used)]

mod binaries;
mod field;
mod grid;
mod host_box;
mod lines;
mod messages;
mod models;
mod orders;
mod pin;
mod sim;
mod terminals;
mod unasked;
