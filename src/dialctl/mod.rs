//! The subcommands of `dialctl` that are longer than a few lines.

pub mod codes;
pub mod exchange;
pub mod hook;
pub mod line;
pub mod link;
pub mod modem;
pub mod scrub;
