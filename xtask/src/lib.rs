//! The builder of the dialbox image, started by `cargo xtask`. See `docs/architecture.md`.
//!
//! A library so that its parsers can be fuzzed (`fuzz/`); public is what these targets and the program use.

mod bench;
mod bundle;
mod calendar;
pub mod cli;
mod context;
mod cross;
pub mod debian;
mod directory_lock;
pub mod elf;
pub mod error;
mod flash;
mod http;
mod image;
mod input_file;
mod inspect;
mod invocation;
mod lab;
mod manifest;
mod otpauth;
mod parallel;
mod password;
pub mod print;
mod private;
mod progress;
mod provision;
pub mod shared_library;
mod shell;
mod site;
mod task;
mod text_file;
mod tidy;
mod unpack;
mod usr_merge;
pub mod verb;
pub mod version;
