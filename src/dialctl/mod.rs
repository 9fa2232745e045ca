//! The verbs of `dialctl` that are more than a few lines.

pub mod modem;
