//! Writes an image onto a card and proves, by reading it back from the card, that it is there.
//!
//! ```text
//! image (+ bmap) --> Source ---.
//!                              +--> write::write --> card
//! /sys, /proc --> Disk --> judge --> confirmed --> Medium
//! ```

pub mod bmap;
pub mod check;
pub mod confirm;
pub mod disk;
pub mod interrupt;
pub mod listing;
pub mod medium;
pub mod mounts;
pub mod own_hashes;
mod owners;
pub mod probe;
pub mod provisioned;
pub mod release;
pub mod source;
pub mod suitability;
pub mod target;
mod twin;
pub mod write;

/// What is read, written and compared at a time: the block of a `.bmap`, a page, and a multiple of what `O_DIRECT` asks
/// for on any card.
pub const BLOCK: usize = 4096;
