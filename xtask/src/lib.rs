//! The builder of the dialbox image, started by `cargo xtask`. See `docs/architecture.md`.
//!
//! A library so that its parsers can be fuzzed (`fuzz/`); public is what these targets and the program use.

mod bench;
pub mod cli;
mod context;
mod cross;
pub mod debian;
pub mod elf;
pub mod error;
mod flash;
mod image;
mod invocation;
mod lab;
mod manifest;
mod parallel;
mod private;
mod progress;
pub mod shared_library;
mod site;
mod task;
mod tidy;
mod unpack;
mod usr_merge;
pub mod verb;
