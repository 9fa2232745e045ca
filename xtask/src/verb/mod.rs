//! One verb, one file.

pub mod bench;
pub mod build_image;
pub mod demo;
pub mod flash;
pub mod lock;
pub mod provision;
pub mod qemu;
pub mod site;
pub mod test;
pub mod tidy;
