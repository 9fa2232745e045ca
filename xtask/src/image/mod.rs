//! The image: from locked packages and programs to the file for a card.

pub mod access;
pub mod block_cache;
pub mod boot;
pub mod boot_files;
pub mod built;
pub mod caller;
pub mod disk;
pub mod finished;
mod firmware;
mod gates;
pub mod gzip;
pub mod imager;
pub mod initramfs;
pub mod inventory;
pub mod modems;
pub mod modules;
pub mod outline;
pub mod overlay;
mod packages;
pub mod pipeline;
pub mod report;
pub mod root;
pub mod squashfs;
pub mod summed;
pub mod tree;
pub mod verity;
