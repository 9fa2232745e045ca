//! Checks the signature of a Debian archive's InRelease file. A library so that this can be fuzzed (`fuzz/`).

pub mod keyring;
pub mod verify;
