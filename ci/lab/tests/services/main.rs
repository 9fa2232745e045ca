//! The services' host build against the lab's modems, over pseudo-terminals: dialogues by the hundred, without a board.
//! What needs the real kernel, pppd or WireGuard is a scenario in QEMU.

// clippy's allow-unwrap-in-tests sees only `#[test]`, and all of this is for tests.
#![allow(clippy::unwrap_used)]

mod field;
mod host_box;
mod orders;
