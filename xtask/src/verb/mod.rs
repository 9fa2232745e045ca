//! One verb, one file.

pub mod bench;
pub mod build_image;
pub mod bundle;
pub mod demo;
pub mod diff;
pub mod flash;
pub mod lock;
pub mod provision;
pub mod qemu;
pub mod report;
pub mod site;
pub mod sources;
pub mod test;
pub mod tidy;
